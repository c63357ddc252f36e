import * as PlatformError from "@effect/platform/Error"
import * as HttpClient from "@effect/platform/HttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { parsed, route, wireOf } from "./upload/wire.js"

/** The content of a file as it is uploaded. */
const uploadedContentOf = (file: FileUpload.FileUpload) =>
  wireOf({}, [file]).pipe(
    Effect.flatMap(parsed),
    Effect.map(({ files }) => files[0]?.bytes.toString()),
  )

describe("a file from memory", () => {
  it.effect("has the name, size and bytes that were given", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode("größer")
      const file = FileUpload.fromBytes("a.bin", bytes)
      expect(file).toMatchObject({ name: "a.bin", size: 8 })
      expect(yield* uploadedContentOf(file)).toBe("größer")
      expect(yield* uploadedContentOf(FileUpload.fromText("a.txt", "größer"))).toBe("größer")
      expect(yield* uploadedContentOf(FileUpload.fromBlob("a.txt", new Blob(["größer"])))).toBe(
        "größer",
      )
    }),
  )

  it("prints as one line, without its bytes", () => {
    expect(String(FileUpload.fromText("a.txt", "hello"))).toBe("FileUpload(a.txt, 5 bytes)")
  })

  it("from a part of a buffer is only that part", () => {
    const view = new Uint8Array(new ArrayBuffer(100), 10, 5)
    expect(FileUpload.fromBytes("a.bin", view).size).toBe(5)
  })
})

describe("the media type of a file", () => {
  it.each([
    ["chart.png", "image/png"],
    ["CLIP.MP4", "video/mp4"],
    ["data.json", "application/json"],
    ["archive.tar.gz", "application/gzip"],
    ["Makefile", "application/octet-stream"],
    ["what.ever", "application/octet-stream"],
  ])("%s is %s", (name, type) => {
    expect(FileUpload.fromBytes(name, new Uint8Array()).contentType).toBe(type)
  })

  it.each([
    ["build.log", "text/plain; charset=utf-8"],
    ["table.csv", "text/csv; charset=utf-8"],
    ["data.json", "application/json"],
    ["README", "text/plain; charset=utf-8"],
  ])("as text, %s is %s", (name, type) => {
    expect(FileUpload.fromText(name, "").contentType).toBe(type)
  })

  it("uses the given media type rather than that of the name or the Blob", () => {
    const contentType = "application/x-own"
    const blob = new Blob([], { type: "text/css" })
    expect(FileUpload.fromText("a.txt", "", { contentType }).contentType).toBe(contentType)
    expect(FileUpload.fromBlob("a.txt", blob, { contentType }).contentType).toBe(contentType)
    expect(FileUpload.fromBlob("a.txt", blob).contentType).toBe("text/css")
    expect(FileUpload.fromBlob("a.png", new Blob([])).contentType).toBe("image/png")
  })
})

describe("a reference", () => {
  it("names the file as it is uploaded", () => {
    const file = FileUpload.fromText("load of today (new).png", "")
    expect(FileUpload.attachmentUrl(file)).toBe("attachment://load_of_today_new.png")
  })
})

describe("a file from a path", () => {
  const temporary = Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const folder = yield* files.makeTempDirectoryScoped()
    const path = `${folder}/build log.txt`
    yield* files.writeFileString(path, "first\nsecond\n")
    return { files, folder, path }
  })
  const withTempFile = <E>(
    name: string,
    test: (
      given: Effect.Effect.Success<typeof temporary>,
    ) => Effect.Effect<void, E, FileSystem.FileSystem>,
  ) =>
    it.scopedLive(name, () =>
      Effect.flatMap(temporary, test).pipe(Effect.provide(NodeFileSystem.layer)),
    )

  withTempFile("is named like the end of its path, or as given", ({ path }) =>
    Effect.gen(function* () {
      const file = yield* FileUpload.fromPath(path, { description: "The log" })
      expect(file).toMatchObject({ name: "build_log.txt", size: 13, contentType: "text/plain" })
      expect(file.description).toBe("The log")
      expect(yield* uploadedContentOf(file)).toBe("first\nsecond\n")
      const renamed = yield* FileUpload.fromPath(path, { name: "other.md" })
      expect(renamed).toMatchObject({ name: "other.md", contentType: "text/markdown" })
    }),
  )

  withTempFile(
    "can be read again and again, also if it is larger than one chunk",
    ({ files, folder }) =>
      Effect.gen(function* () {
        const text = "0123456789".repeat(30_000)
        yield* files.writeFileString(`${folder}/large.txt`, text)
        const file = yield* FileUpload.fromPath(`${folder}/large.txt`)
        expect(yield* uploadedContentOf(file)).toBe(text)
        expect(yield* uploadedContentOf(file)).toBe(text)
      }),
  )

  withTempFile("that does not exist fails as missing", ({ folder }) =>
    Effect.gen(function* () {
      const path = `${folder}/nothing.txt`
      const error = yield* Effect.flip(FileUpload.fromPath(path))
      expect(error).toMatchObject({ _tag: "WebhookFileError", reason: "missing", file: path })
      expect(error.route).toBeUndefined()
      expect(error.message).toBe(`${path}: there is no such file; check the path`)
    }),
  )

  withTempFile("of a directory fails as notAFile", ({ folder }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(FileUpload.fromPath(folder))
      expect(error).toMatchObject({ _tag: "WebhookFileError", reason: "notAFile", file: folder })
    }),
  )

  withTempFile("that is gone when it is read is missing, too", ({ files, path }) =>
    Effect.gen(function* () {
      const file = yield* FileUpload.fromPath(path)
      yield* files.remove(path)
      const error = yield* Effect.flip(uploadedContentOf(file))
      expect(error).toMatchObject({ reason: "missing", file: path, route: route.name })
    }),
  )

  withTempFile("that has grown or shrunk when it is read has changed", ({ files, path }) =>
    Effect.gen(function* () {
      const file = yield* FileUpload.fromPath(path)
      yield* files.writeFileString(path, "third\n", { flag: "a" })
      const grown = yield* Effect.flip(uploadedContentOf(file))
      expect(grown).toMatchObject({ reason: "changed", file: path, size: 19, limit: 13 })
      yield* files.truncate(path, 6)
      const shrunk = yield* Effect.flip(uploadedContentOf(file))
      expect(shrunk).toMatchObject({ reason: "changed", size: 6, limit: 13 })
      expect(shrunk.message).toContain("6 bytes instead of 13 bytes")
    }),
  )

  it.effect("that blocks when it is read ends with the timeout", () =>
    Effect.gen(function* () {
      // As `/proc/kmsg`: a regular file of 0 bytes whose read waits for the kernel.
      const files = FileSystem.layerNoop({
        stat: () =>
          Effect.succeed({ type: "File", size: FileSystem.Size(0) } as FileSystem.File.Info),
        stream: () => Stream.never,
      })
      const file = yield* Effect.provide(FileUpload.fromPath("/proc/kmsg"), files)
      const reading = yield* Deferred.make<void>()
      const client = HttpClient.make(({ body }) =>
        body._tag === "Stream"
          ? Effect.zipRight(
              Deferred.succeed(reading, undefined),
              // @effect-diagnostics-next-line anyUnknownInErrorContext:off
              Effect.orDie(Effect.zipRight(Stream.runDrain(body.stream), Effect.never)),
            )
          : Effect.never,
      )
      const hook = yield* Webhook.make({ id: "1", token: "token" })
      const sending = yield* Webhook.send(hook, { files: [file] }).pipe(
        RestConfig.withOptions({ timeout: "5 seconds" }),
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.provide([RateLimiter.layerMemory, Strategy.layerReactive]),
        Effect.flip,
        Effect.fork,
      )
      yield* Deferred.await(reading)
      // The time limit of an upload grows with its size, so it is more than 5 seconds here.
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(sending)).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "timeout",
        attempts: 1,
      })
    }),
  )

  it.effect("that cannot be read reports the reason", () =>
    Effect.gen(function* () {
      const denied = new PlatformError.SystemError({
        module: "FileSystem",
        method: "stat",
        reason: "PermissionDenied",
        pathOrDescriptor: "/secret",
      })
      const files = FileSystem.layerNoop({ stat: () => Effect.fail(denied) })
      const error = yield* Effect.flip(Effect.provide(FileUpload.fromPath("/secret"), files))
      expect(error).toMatchObject({ reason: "unreadable", detail: "PermissionDenied" })
    }),
  )
})

/** Files in the pipeline: sources that can be read again, only once, or not at all. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { readFileSync } from "node:fs"
import { describe, expect } from "vitest"
import { FileUpload, RestConfig, Strategy, UploadLimits, Webhook } from "../../../src/index.js"
import { recordingLimiter } from "../network.js"
import { bytesOf, route } from "./wire.js"

const message = readFileSync(
  new URL("../../golden/responses/message.json", import.meta.url),
  "utf8",
)

/** What the network does with one request: a status, a connection that fails, or nothing. */
type Event = number | "ECONNREFUSED" | "silence"

/** Reads each body as an HttpClient does, then responds by the script; the last event repeats. */
function network(...script: ReadonlyArray<Event>) {
  const bodies: Array<string> = []
  let count = 0
  const client = HttpClient.make((request) => {
    const event = script[Math.min(count, script.length - 1)] ?? 200
    count += 1
    if (event === "ECONNREFUSED") {
      const cause = Object.assign(new Error(event), { code: event })
      return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
    }
    return Effect.flatMap(bytesOf(request.body), (bytes) => {
      bodies.push(Buffer.from(bytes).toString())
      if (event === "silence") return Effect.never
      const answer = new Response(event === 200 ? message : "", {
        status: event,
        headers: event === 429 ? { "retry-after": "1", "x-ratelimit-scope": "user" } : {},
      })
      return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
    })
  })
  const limiter = recordingLimiter()
  const layer = Layer.mergeAll(
    Layer.succeed(HttpClient.HttpClient, client),
    limiter.layer,
    Strategy.layerReactive,
  )
  return { bodies, limiter, layer, requests: () => count }
}

const hook = Effect.orDie(Webhook.make({ id: "42", token: "token" }))

/** Runs an effect to its end, for up to an hour of test time. */
const run = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

const send = ({ layer }: ReturnType<typeof network>, files: ReadonlyArray<FileUpload.FileUpload>) =>
  run(
    Effect.flatMap(hook, (to) => Webhook.send(to, { content: "hi", files })).pipe(
      Effect.provide(layer),
    ),
  )

const edit = ({ layer }: ReturnType<typeof network>, files: ReadonlyArray<FileUpload.FileUpload>) =>
  run(
    Effect.flatMap(hook, (to) => Webhook.editMessage(to, "7", { files })).pipe(
      Effect.provide(layer),
    ),
  )

/** A stream that counts how often it was opened and closed. */
function counted(...texts: ReadonlyArray<string>) {
  const times = { opened: 0, closed: 0 }
  const bytes = texts.map((text) => new TextEncoder().encode(text))
  const stream = Stream.acquireRelease(
    Effect.sync(() => times.opened++),
    () => Effect.sync(() => times.closed++),
  ).pipe(Stream.flatMap(() => Stream.rechunk(Stream.fromIterable(bytes), 1)))
  return { times, stream, size: bytes.reduce((sum, { length }) => sum + length, 0) }
}

describe("a repetition", () => {
  it.effect("reads the source again, from the beginning", () =>
    Effect.gen(function* () {
      const net = network(503, 429, 200)
      const { times, ...source } = counted("first ", "second")
      yield* edit(net, [FileUpload.fromStream("a.txt", source)])
      expect(times).toEqual({ opened: 3, closed: 3 })
      expect(net.bodies).toHaveLength(3)
      expect(new Set(net.bodies).size).toBe(1)
      expect(net.bodies[0]).toContain("\r\n\r\nfirst second\r\n")
      expect(net.limiter.outcomes.map(({ how }) => how)).toEqual(["again", "again", "settle"])
    }),
  )

  it.effect("happens not at all where a message may have arrived, files or not", () =>
    Effect.gen(function* () {
      const net = network(503)
      const error = yield* Effect.flip(send(net, [FileUpload.fromText("a.txt", "x")]))
      expect(error).toMatchObject({ _tag: "DiscordServerError", delivered: "unknown" })
      expect(net.requests()).toBe(1)
    }),
  )
})

describe("a source that can be read only once", () => {
  const once = () => {
    const { times, ...source } = counted("all there is")
    return { times, file: FileUpload.fromStream("once.txt", { ...source, readOnce: true }) }
  }

  it.effect("is sent like any other", () =>
    Effect.gen(function* () {
      const net = network(200)
      yield* send(net, [once().file])
      expect(net.bodies[0]).toContain("all there is")
    }),
  )

  it.effect.each([
    [429, "no", "it was not sent again after a rate limit"],
    [503, "unknown", "it was not sent again after 503"],
  ] as const)("is not sent again after %d", ([status, delivered, detail]) =>
    Effect.gen(function* () {
      const net = network(status, 200)
      const { file, times } = once()
      const error = yield* Effect.flip(edit(net, [file]))
      const expected = { reason: "readOnce", file: "once.txt", detail, delivered }
      expect(error).toMatchObject({ _tag: "WebhookFileError", ...expected })
      expect(error.message).toMatch(/once\.txt: can be read only once \(it was not sent again/)
      expect(times).toEqual({ opened: 1, closed: 1 })
      expect(net.requests()).toBe(1)
      expect(net.limiter.outcomes.map(({ how, outcome }) => [how, outcome._tag])).toEqual([
        ["settle", "Responded"],
      ])
    }),
  )

  it.effect("is sent again if nothing was read", () =>
    Effect.gen(function* () {
      const net = network("ECONNREFUSED", "ECONNREFUSED", 200)
      const { file, times } = once()
      yield* send(net, [file])
      expect(times.opened).toBe(1)
      expect(net.requests()).toBe(3)
    }),
  )

  it.effect("cannot go with a second message, and that message is not begun", () =>
    Effect.gen(function* () {
      const net = network(200)
      const { file } = once()
      yield* send(net, [file])
      const error = yield* Effect.flip(send(net, [file]))
      expect(error).toMatchObject({ _tag: "WebhookFileError", reason: "readOnce", delivered: "no" })
      expect(error.message).toContain("it has already been read")
      expect(net.requests()).toBe(1)
    }),
  )

  it.effect("goes with one of two messages that want it at the same time", () =>
    Effect.gen(function* () {
      const net = network(200)
      const { file, times } = once()
      const both = Effect.all([send(net, [file]), Effect.flip(send(net, [file]))], {
        concurrency: "unbounded",
      })
      const [, error] = yield* both
      expect(error).toMatchObject({ _tag: "WebhookFileError", reason: "readOnce" })
      expect(times.opened).toBe(1)
    }),
  )

  it.effect("leaves the error of what would not have been repeated anyway", () =>
    Effect.gen(function* () {
      const net = network(503)
      const error = yield* Effect.flip(send(net, [once().file]))
      expect(error._tag).toBe("DiscordServerError")
    }),
  )
})

describe("a source of another size than declared", () => {
  const halves = counted("12345", "67890").stream
  const sources = {
    "ends too early": [
      { size: 11, stream: halves },
      { reason: "changed", size: 10, limit: 11 },
    ],
    "goes on too long": [
      { size: 6, stream: halves },
      { reason: "changed", size: 10, limit: 6 },
    ],
    "has bytes where none should be": [
      { size: 0, stream: halves },
      { reason: "changed", size: 5, limit: 0 },
    ],
    "fails in the middle": [
      { size: 20, stream: Stream.concat(halves, Stream.fail({ _tag: "TapeTorn" })) },
      { reason: "unreadable", detail: "TapeTorn" },
    ],
    "throws in the middle": [
      { size: 20, stream: Stream.concat(halves, Stream.die(new RangeError("secret text"))) },
      { reason: "unreadable", detail: "RangeError" },
    ],
  } as const

  for (const [what, [source, expected]] of Object.entries(sources)) {
    it.effect(`${what}: one error, no repetition, and the permit is back`, () =>
      Effect.gen(function* () {
        const net = network(200)
        const file = FileUpload.fromStream("a.bin", source)
        const error = yield* Effect.flip(edit(net, [file]))
        expect(error).toMatchObject({ _tag: "WebhookFileError", file: "a.bin", ...expected })
        expect(error).toMatchObject({ delivered: "no" })
        expect(error.message).toMatch(
          /^Webhook\.editMessage \(webhook \d+\): a\.bin: .*; Discord did not act on it$/,
        )
        expect(error.message).not.toContain("secret text")
        expect(net.bodies).toEqual([])
        expect(net.limiter.outcomes).toMatchObject([
          { how: "settle", outcome: { _tag: "Unknown" } },
        ])
        expect(net.limiter.unsettled.count).toBe(0)
        yield* send(net, [FileUpload.fromText("b.txt", "fine")])
        expect(net.bodies).toHaveLength(1)
      }),
    )
  }

  it.effect("at the second attempt: the first one may have arrived", () =>
    Effect.gen(function* () {
      const net = network(503, 200)
      let opened = 0
      const stream = Stream.suspend(() => {
        opened += 1
        return Stream.make(new Uint8Array(opened === 1 ? 5 : 4))
      })
      const file = FileUpload.fromStream("a.bin", { size: 5, stream })
      const error = yield* Effect.flip(edit(net, [file]))
      expect(error).toMatchObject({
        _tag: "WebhookFileError",
        reason: "changed",
        delivered: "unknown",
      })
    }),
  )

  it.effect("is closed when the caller is interrupted", () =>
    Effect.gen(function* () {
      const net = network(200)
      const { times, ...source } = counted("abc")
      const stream = Stream.flatMap(source.stream, (bytes) =>
        Stream.concat(Stream.make(bytes), Stream.never),
      )
      const file = FileUpload.fromStream("a.txt", { size: 9, stream })
      const sending = Effect.flatMap(hook, (to) => Webhook.send(to, { files: [file] }))
      const fiber = yield* Effect.fork(Effect.provide(sending, net.layer))
      yield* TestClock.adjust("1 second")
      expect(times).toEqual({ opened: 1, closed: 0 })
      yield* Fiber.interrupt(fiber)
      expect(times).toEqual({ opened: 1, closed: 1 })
      expect(net.limiter.outcomes).toMatchObject([{ how: "settle", outcome: { _tag: "Unknown" } }])
    }),
  )
})

describe("a message with files", () => {
  it.effect("over a limit fails before anything is sent or waited for", () =>
    Effect.gen(function* () {
      const net = network(200)
      const files = Array.from({ length: 11 }, (_, n) => FileUpload.fromText(`${n}.txt`, "x"))
      const error = yield* Effect.flip(send(net, files))
      expect(error).toMatchObject({
        _tag: "WebhookFileError",
        reason: "tooMany",
        file: "10.txt",
        operation: route.operation,
        webhookId: route.webhookId,
        route: route.name,
      })
      expect(net.requests()).toBe(0)
      expect(net.limiter.outcomes).toEqual([])
    }),
  )

  it.effect("follows the limits that are in force where it is sent", () =>
    Effect.gen(function* () {
      const net = network(200)
      const file = FileUpload.fromBytes("a.bin", new Uint8Array(9 * 1024 * 1024))
      const error = yield* Effect.flip(send(net, [file]))
      expect(error).toMatchObject({ reason: "totalTooLarge", preset: "discord" })
      const { presets } = UploadLimits
      yield* RestConfig.withOptions({ uploads: presets.discord })(send(net, [file]))
      expect(net.requests()).toBe(1)
    }),
  )

  it.effect("has one second more for each 128 KiB", () =>
    Effect.gen(function* () {
      const net = network("silence")
      const file = FileUpload.fromBytes("a.bin", new Uint8Array(4 * 128 * 1024))
      const sending = Effect.flatMap(hook, (to) => Webhook.send(to, { files: [file] }))
      const fiber = yield* Effect.fork(Effect.flip(Effect.provide(sending, net.layer)))
      yield* TestClock.adjust("34 seconds")
      expect(fiber.unsafePoll()).toBeNull()
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "timeout",
      })
    }),
  )
})

describe("progress", () => {
  class Screen extends Context.Tag("test/Screen")<Screen, Array<FileUpload.Progress>>() {}

  const watched = (net: ReturnType<typeof network>, files: ReadonlyArray<FileUpload.FileUpload>) =>
    Effect.gen(function* () {
      const shown: Array<FileUpload.Progress> = []
      const listener = (progress: FileUpload.Progress) =>
        Effect.map(Screen, (screen) => void screen.push(progress))
      yield* edit(net, files).pipe(
        FileUpload.withProgress(listener),
        Effect.provideService(Screen, shown),
      )
      return shown
    })

  it.effect("is reported for each chunk of each file", () =>
    Effect.gen(function* () {
      const { stream, size } = counted("12345", "678")
      const files = [
        FileUpload.fromStream("a.txt", { stream, size }),
        FileUpload.fromText("empty.txt", ""),
        FileUpload.fromBytes("b.bin", new Uint8Array(100_000)),
      ]
      const total = 100_008
      const progress = (file: string, sent: number) => ({ attempt: 1, file, sent, total })
      expect(yield* watched(network(200), files)).toEqual([
        progress("a.txt", 0),
        progress("a.txt", 5),
        progress("a.txt", 8),
        progress("empty.txt", 8),
        progress("b.bin", 8),
        progress("b.bin", 65_544),
        progress("b.bin", 100_008),
      ])
    }),
  )

  it.effect("restarts with each attempt", () =>
    Effect.gen(function* () {
      const shown = yield* watched(network(503, 200), [FileUpload.fromText("a.txt", "abc")])
      expect(shown.map(({ attempt, sent }) => [attempt, sent])).toEqual([
        [1, 0],
        [1, 3],
        [2, 0],
        [2, 3],
      ])
    }),
  )

  it.effect("changes nothing of what is sent", () =>
    Effect.gen(function* () {
      const files = [FileUpload.fromText("a.txt", "abc"), FileUpload.fromText("b.txt", "def")]
      const [quiet, loud] = [network(200), network(200)]
      yield* edit(quiet, files)
      yield* watched(loud, files)
      const withoutBoundary = (body = "") => body.replaceAll(/effect-discord-\w+/g, "")
      expect(withoutBoundary(loud.bodies[0])).toBe(withoutBoundary(quiet.bodies[0]))
    }),
  )
})

it.effect("what comes in large chunks goes in chunks of two pieces", () =>
  Effect.gen(function* () {
    const chunks: Array<number> = []
    const client = HttpClient.make((request) => {
      if (request.body._tag !== "Stream") return Effect.die("not a stream")
      const all = Stream.runForEachChunk(Stream.orDie(request.body.stream), (chunk) =>
        Effect.sync(() => chunks.push(Chunk.size(chunk))),
      )
      const answer = HttpClientResponse.fromWeb(request, new Response(message))
      return Effect.as(all, answer)
    })
    const layer = Layer.mergeAll(
      Layer.succeed(HttpClient.HttpClient, client),
      recordingLimiter().layer,
      Strategy.layerReactive,
    )
    const { stream, size } = counted("a long text", "and another")
    const file = FileUpload.fromStream("a.txt", { stream, size })
    yield* Effect.flatMap(hook, (to) => Webhook.send(to, { files: [file] })).pipe(
      Effect.provide(layer),
    )
    expect(new Set(chunks)).toEqual(new Set([2]))
  }),
)

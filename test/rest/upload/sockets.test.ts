/** Uploads over real connections, on every client, to a server that reads them with another parser. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { createHash, randomBytes } from "node:crypto"
import { describe, expect } from "vitest"
import {
  FileUpload,
  RateLimiter,
  RestConfig,
  Strategy,
  UploadLimits,
  Webhook,
} from "../../../src/index.js"
import { NodeDiscord } from "../../../src/node/index.js"
import { formServer } from "../../support/FormServer.js"
import type { Behaviour, FormServer } from "../../support/FormServer.js"

interface Client {
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  /** `fetch` cannot declare the length of a stream. */
  readonly hasLength: boolean
  /** Whether a response before the end of the upload is received. */
  readonly hearsEarly: boolean
}

const clients: Readonly<Record<string, Client>> = {
  "NodeHttpClient.layerUndici": {
    layer: NodeHttpClient.layerUndici,
    hasLength: true,
    hearsEarly: true,
  },
  "NodeHttpClient.layer": { layer: NodeHttpClient.layer, hasLength: true, hearsEarly: false },
  "NodeDiscord.layerHttpClient": {
    layer: Layer.orDie(NodeDiscord.layerHttpClient),
    hasLength: true,
    hearsEarly: true,
  },
  "FetchHttpClient.layer": { layer: FetchHttpClient.layer, hasLength: false, hearsEarly: true },
}

const megabyte = 1_000_000

/** Random bytes, whose hash changes if a part is lost or repeated. */
const large = randomBytes(5 * megabyte)

/** The smallest message. */
const answer = {
  id: "1",
  channel_id: "1",
  content: "",
  author: { id: "1", username: "Captain Hook" },
  timestamp: "2026-01-01T00:00:00.000000+00:00",
}

interface Harness {
  readonly server: FormServer
  readonly hook: Webhook.Webhook
}

type Services =
  | HttpClient.HttpClient
  | RateLimiter.RateLimiter
  | Strategy.Strategy
  | FileSystem.FileSystem
  | Scope.Scope

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Waits for what happens on the other side of a connection. */
const eventually = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), {
    until: (held) => held,
    schedule: Schedule.spaced("10 millis"),
  })

describe.each(Object.entries(clients))("with %s", (_, client) => {
  const story = <E>(
    name: string,
    test: (harness: Harness) => Effect.Effect<void, E, Services>,
    behaviour?: Behaviour,
  ): void =>
    it.scopedLive(name, () =>
      Effect.gen(function* () {
        const server = yield* formServer(behaviour)
        const hook = yield* Webhook.make({ id: "42", token: "token" })
        yield* test({ server, hook }).pipe(
          RestConfig.withOptions({
            baseUrl: server.baseUrl,
            maxRetries: 1,
            backoffBase: "1 millis",
            timeout: "1 day",
            connectionTimeout: "1 day",
            uploads: UploadLimits.presets.unlimited,
          }),
        )
      }).pipe(
        Effect.provide([
          client.layer,
          RateLimiter.layerMemory,
          Strategy.layerReactive,
          NodeFileSystem.layer,
          Logger.remove(Logger.defaultLogger),
        ]),
      ),
    )

  story("files of every kind arrive as they are", ({ hook, server }) =>
    Effect.gen(function* () {
      const disk = yield* FileSystem.FileSystem
      const path = `${yield* disk.makeTempDirectoryScoped()}/large.bin`
      yield* disk.writeFile(path, large)
      const files = [
        yield* FileUpload.fromPath(path),
        FileUpload.fromText("größe 🎉.txt", "größer"),
        FileUpload.fromBlob("blob.css", new Blob(["a{}"])),
        FileUpload.fromStream("stream", { size: 3, stream: Stream.make(Uint8Array.of(1, 2, 3)) }),
      ]
      const message = yield* Webhook.send(hook, { content: "größer", files })
      expect(message.id).toBeDefined()
      const [request] = server.received
      expect(request?.payload).toMatchObject({
        content: "größer",
        attachments: files.map(({ name }, id) => ({ id: String(id), filename: name })),
      })
      const arrived = request?.files.map(({ filename, mimeType }) => [filename, mimeType])
      expect(arrived).toEqual([
        ["large.bin", "application/octet-stream"],
        ["größe_🎉.txt", "text/plain"],
        ["blob.css", "text/css"],
        ["stream", "application/octet-stream"],
      ])
      const digests = request?.files.map((file) => digest(file.bytes))
      expect(digests).toEqual([
        digest(large),
        ...["größer", "a{}", "\u0001\u0002\u0003"].map((text) => digest(Buffer.from(text))),
      ])
      expect(request?.headers["content-length"] !== undefined).toBe(client.hasLength)
    }),
  )

  story("small files go in one piece, with their length", ({ hook, server }) =>
    Effect.gen(function* () {
      yield* Webhook.send(hook, { files: [FileUpload.fromText("a.txt", "hello")] })
      const [request] = server.received
      expect(Number(request?.headers["content-length"])).toBeGreaterThan(300)
      expect(request?.headers["transfer-encoding"]).toBeUndefined()
    }),
  )

  story(
    "a repetition reads the path again",
    ({ hook, server }) =>
      Effect.gen(function* () {
        const disk = yield* FileSystem.FileSystem
        const path = yield* disk.makeTempFileScoped()
        yield* disk.writeFileString(path, "x".repeat(megabyte))
        const file = yield* FileUpload.fromPath(path, { name: "x.txt" })
        yield* Webhook.editMessage(hook, "7", { files: [file] })
        const sizes = server.received.map(({ files }) => files[0]?.bytes.length)
        expect(sizes).toEqual([megabyte, megabyte])
      }),
    {
      answer: ({ method }, response, index) => {
        if (index === 0) response.writeHead(503).end("try again")
        else response.end(JSON.stringify({ ...answer, method }))
      },
    },
  )

  /** The first megabytes are on their way, and then it goes wrong. */
  const wrong = {
    "ends too early": [Stream.empty, "changed"],
    "fails in the middle": [Stream.fail("torn"), "unreadable"],
    "goes on too long": [Stream.forever(Stream.make(new Uint8Array(megabyte))), "changed"],
  } as const
  for (const [what, [rest, reason]] of Object.entries(wrong)) {
    story(`a stream that ${what}: the connection is closed, the next message goes`, (harness) =>
      Effect.gen(function* () {
        const { hook, server } = harness
        const begun = yield* Deferred.make<void>()
        const pieces = Stream.rechunk(
          Stream.repeatValue(new Uint8Array(megabyte)).pipe(Stream.take(3)),
          1,
        )
        const stream = Stream.concat(
          pieces,
          Stream.unwrap(
            Deferred.succeed(begun, undefined).pipe(
              // The server is to see the beginning.
              Effect.zipRight(eventually(() => server.sockets() > 0)),
              Effect.as(Stream.rechunk(rest, 1)),
            ),
          ),
        )
        const size = 4 * megabyte
        const file = FileUpload.fromStream("a.bin", { size, stream })
        const error = yield* Effect.flip(Webhook.send(hook, { files: [file] }))
        expect(error).toMatchObject({
          _tag: "WebhookFileError",
          reason,
          file: "a.bin",
          delivered: "no",
        })
        yield* eventually(() => server.sockets() === 0)
        expect(server.received).toEqual([])
        yield* Webhook.send(hook, { content: "the next" })
        expect(server.received).toMatchObject([{ payload: { content: "the next" } }])
      }),
    )
  }

  story("an interrupted upload closes its connection and its file", ({ hook, server }) =>
    Effect.gen(function* () {
      let isClosed = false
      const endless = Stream.repeatValue(new Uint8Array(megabyte)).pipe(
        Stream.rechunk(1),
        Stream.ensuring(
          Effect.sync(() => {
            isClosed = true
          }),
        ),
      )
      const file = FileUpload.fromStream("a.bin", { size: 1000 * megabyte, stream: endless })
      const fiber = yield* Effect.fork(Webhook.send(hook, { files: [file] }))
      yield* eventually(() => server.sockets() === 1)
      yield* Fiber.interrupt(fiber)
      yield* eventually(() => isClosed && server.sockets() === 0)
      yield* Webhook.send(hook, { content: "the next" })
    }),
  )

  story(
    "a redirect is not followed with the file",
    ({ hook, server }) =>
      Effect.gen(function* () {
        const stream = Stream.make(new Uint8Array(megabyte))
        const file = FileUpload.fromStream("a.bin", { size: megabyte, stream })
        const error = yield* Effect.flip(Webhook.send(hook, { files: [file] }))
        expect(error._tag).toBe(client.hasLength ? "DiscordApiError" : "DiscordTransportError")
        expect(server.received).toHaveLength(1)
      }),
    { answer: (__, response) => response.writeHead(307, { location: "/elsewhere" }).end() },
  )

  story(
    "a response before the end of the upload ends it",
    ({ hook, server }) =>
      Effect.gen(function* () {
        let isClosed = false
        const slow = Stream.repeatValue(new Uint8Array(megabyte)).pipe(
          Stream.rechunk(1),
          Stream.ensuring(
            Effect.sync(() => {
              isClosed = true
            }),
          ),
        )
        const file = FileUpload.fromStream("a.bin", { size: 1000 * megabyte, stream: slow })
        const error = yield* Effect.flip(Webhook.send(hook, { files: [file] }))
        expect(error._tag).toBe(
          client.hearsEarly ? "WebhookPayloadTooLarge" : "DiscordTransportError",
        )
        yield* eventually(() => isClosed && server.sockets() === 0)
      }),
    {
      early: (_incoming, response) => {
        response.writeHead(413, { connection: "close", "content-type": "application/json" })
        response.end('{"code":40005,"message":"Request entity too large"}')
        return true
      },
    },
  )
})

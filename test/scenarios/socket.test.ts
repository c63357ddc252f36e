/** Bad input that only a real socket can bring: each is a tagged error, sent once, and the next goes. */
import { it } from "@effect/vitest"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { createServer, type AddressInfo, type Socket } from "node:net"
import { describe, expect } from "vitest"
import { RestConfig, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { fields, stack } from "./harness.js"

const clients: Record<string, Layer.Layer<HttpClient.HttpClient>> = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layer,
  fetch: FetchHttpClient.layer,
  NodeDiscord: Layer.orDie(NodeDiscord.layerHttpClient),
}

type Reply = (socket: Socket) => void

const write =
  (text: string): Reply =>
  (socket) =>
    void socket.write(text)

/** Writes, and hangs up without ceremony. */
const writeAndCut =
  (text: string): Reply =>
  (socket) =>
    void socket.write(text, () => socket.destroy())

const noContent = write("HTTP/1.1 204 No Content\r\n\r\n")

/** Fails the first request and accepts the others; counts requests. */
const server = (first: Reply) =>
  Effect.acquireRelease(
    Effect.async<{ readonly origin: string; readonly bodies: Array<string>; close: () => void }>(
      (resume) => {
        const bodies: Array<string> = []
        const sockets = new Set<Socket>()
        const listener = createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => undefined)
          let read = ""
          socket.on("data", (chunk) => {
            read += chunk.toString()
            const body = /\r\n\r\n(\{.*\})$/s.exec(read)?.[1]
            if (body === undefined) return
            read = ""
            bodies.push(body)
            ;(bodies.length === 1 ? first : noContent)(socket)
          })
        })
        const close = () => {
          for (const socket of sockets) socket.destroy()
          listener.close()
        }
        listener.listen(0, "127.0.0.1", () => {
          const { port } = listener.address() as AddressInfo
          resume(Effect.succeed({ origin: `http://127.0.0.1:${port}`, bodies, close }))
        })
      },
    ),
    ({ close }) => Effect.sync(close),
  )

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

interface Mishap {
  readonly reply: Reply
  readonly error: Readonly<Record<string, unknown>>
  /** What comes before a silence; the client's time, which is the test clock's, is up after that. */
  readonly silentAfter?: "the request" | "the head"
}

const mishaps: Readonly<Record<string, Mishap>> = {
  "cut in the middle of the body": {
    reply: writeAndCut(`${head}content-length: 400\r\n\r\n{"id":"1",`),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  "cut in the middle of a chunk": {
    reply: writeAndCut(`${head}transfer-encoding: chunked\r\n\r\n40\r\n{"id":"1",`),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  "cut in the middle of the headers": {
    reply: writeAndCut("HTTP/1.1 200 OK\r\ncontent-ty"),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  "cut before any answer": {
    reply: (socket) => void socket.destroy(),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  "reset before any answer": {
    reply: (socket) => void socket.resetAndDestroy(),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  "no HTTP at all": {
    reply: writeAndCut("SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    error: { _tag: "DiscordTransportError", reason: "broken", delivered: "unknown", attempts: 1 },
  },
  silence: {
    reply: () => undefined,
    error: { _tag: "DiscordTransportError", reason: "timeout", delivered: "unknown", attempts: 1 },
    silentAfter: "the request",
  },
  "silence in the middle of the body": {
    reply: write(`${head}content-length: 400\r\n\r\n{"id":"1",`),
    error: { _tag: "DiscordTransportError", reason: "timeout", delivered: "unknown", attempts: 1 },
    silentAfter: "the head",
  },
  "an empty object": {
    reply: write(`${head}content-length: 2\r\n\r\n{}`),
    error: { _tag: "DiscordDecodeError", status: 200, delivered: "unknown" },
  },
}

for (const [client, layer] of Object.entries(clients)) {
  describe(`over a socket with ${client}`, () => {
    for (const [name, { reply, error, silentAfter }] of Object.entries(mishaps)) {
      it.scoped(name, () =>
        Effect.gen(function* () {
          const asked = yield* Deferred.make<void>()
          const heard = yield* Deferred.make<void>()
          const { origin, bodies } = yield* server((socket) => {
            reply(socket)
            Deferred.unsafeDone(asked, Effect.void)
          })
          const hook = yield* Webhook.make({ id: "1234", token: "a-token" })
          const telling = HttpClient.tap(yield* HttpClient.HttpClient, () =>
            Deferred.succeed(heard, undefined),
          )
          const sending = yield* Effect.all(
            [
              Effect.flip(Webhook.send(hook, { content: "first" })),
              Webhook.send(hook, { content: "second" }, { wait: false }),
            ],
            { concurrency: "unbounded" },
          ).pipe(
            RestConfig.withOptions({ baseUrl: `${origin}/api/v10`, timeout: "1 second" }),
            Effect.provideService(HttpClient.HttpClient, telling),
            Effect.fork,
          )
          if (silentAfter !== undefined) {
            yield* Deferred.await(silentAfter === "the request" ? asked : heard)
            yield* TestClock.adjust("1 second")
          }
          const [failed] = yield* Fiber.join(sending)
          expect(fields(failed)).toMatchObject(error)
          expect(failed.message).toMatch(/^Webhook\.send \(webhook \d+\): /)
          expect(bodies.filter((body) => body.includes("first"))).toHaveLength(1)
          expect(bodies.filter((body) => body.includes("second"))).toHaveLength(1)
        }).pipe(
          Effect.provide(Layer.merge(layer, stack({ strategy: "proactive", delivery: "ordered" }))),
        ),
      )
    }
  })
}

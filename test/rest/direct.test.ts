/** When the direct transport is used, and that it sends the same requests as `HttpClient`. */
// A test fails with whatever its client fails with.
// @effect-diagnostics anyUnknownInErrorContext:off
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  FileUpload,
  GitHubEvent,
  RateLimiter,
  RestConfig,
  Strategy,
  Webhook,
} from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import {
  addDirectTransport,
  executeRequest,
  network,
  recordingLimiter,
  withHook,
} from "./network.js"
import type { ResponseListener } from "./network.js"

/** A client with a way of its own, and which ways were taken. */
const watched = () => {
  const taken: Array<string> = []
  const { client } = network({ answer: 204 })
  const long = HttpClient.tapRequest(client, () => Effect.sync(() => taken.push("long")))
  const both = addDirectTransport(long, (_, listener) => {
    taken.push("direct")
    listener.onStart()
    listener.onHead(204, {})
    listener.onComplete("")
    return { abort: () => undefined }
  })
  return { client: both, taken }
}

/** Runs an operation, by default a request without a body. */
const run = (
  client: HttpClient.HttpClient,
  operation: Webhook.Operation<void> = executeRequest(),
) =>
  Effect.provide(
    operation,
    Layer.mergeAll(
      Layer.succeed(HttpClient.HttpClient, client),
      recordingLimiter().layer,
      Strategy.layerReactive,
    ),
  )

const send = (message: Webhook.MessageInput) =>
  withHook((hook) => Webhook.send(hook, message, { wait: false }))

describe("a client's own way", () => {
  it.effect("is taken for what is in memory", () =>
    Effect.gen(function* () {
      const { client, taken } = watched()
      yield* run(client)
      yield* run(client, send({ content: "hello" }))
      expect(taken).toEqual(["direct", "direct"])
    }),
  )

  it.effect("is not taken for files", () =>
    Effect.gen(function* () {
      const { client, taken } = watched()
      const file = { size: 1, stream: Stream.make(new Uint8Array(1)) }
      yield* run(client, send({ files: [FileUpload.fromText("a.txt", "x")] }))
      yield* run(client, send({ files: [FileUpload.fromStream("b.bin", file)] }))
      expect(taken).toEqual(["long", "long"])
    }),
  )

  it.effect("is not used when the client was wrapped", () =>
    Effect.gen(function* () {
      const { client, taken } = watched()
      const seen: Array<string> = []
      const made = HttpClient.tapRequest(client, ({ method }) =>
        Effect.sync(() => seen.push(method)),
      )
      yield* run(made)
      expect([taken, seen]).toEqual([["long"], ["POST"]])
    }),
  )

  it.effect("is not taken where the base URL is more than a place", () =>
    Effect.gen(function* () {
      for (const baseUrl of ["https://proxy.example/?to=", "https://proxy.example/#", "data:x"]) {
        const { client, taken } = watched()
        yield* run(client).pipe(RestConfig.withOptions({ baseUrl }))
        expect(taken).toEqual(["long"])
      }
    }),
  )

  it.scopedLive("sends exactly the same request as HttpClient", () =>
    Effect.gen(function* () {
      const requests: Array<unknown> = []
      const server = yield* Effect.acquireRelease(
        Effect.async<ReturnType<typeof createServer>>((resume) => {
          const made = createServer((incoming, response) => {
            let body = ""
            incoming.setEncoding("utf8").on("data", (text: string) => (body += text))
            incoming.on("end", () => {
              const {
                "accept-encoding": _,
                connection: __,
                host: ___,
                ...headers
              } = incoming.headers
              requests.push({ method: incoming.method, url: incoming.url, headers, body })
              response.writeHead(204).end()
            })
          })
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) =>
          Effect.sync(() => {
            made.closeAllConnections()
            made.close()
          }),
      )
      const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a%20proxy/api/`
      const hook = yield* Webhook.make({ id: "1100000000000000001", token: "abc-DEF_5" })
      const all = Effect.gen(function* () {
        yield* Webhook.send(hook, { content: "Grüße" }, { wait: false, threadId: "11" })
        yield* Webhook.deleteMessage(hook, "1100000000000000002")
        const event = yield* GitHubEvent.decode({
          sender: {
            id: 1,
            login: "ada",
            html_url: "https://x.test/",
            avatar_url: "https://x.test/",
          },
        })
        yield* Webhook.sendGitHub(hook, "ping", event)
      }).pipe(RestConfig.withOptions({ baseUrl }))
      const services = Layer.merge(RateLimiter.layerMemory, Strategy.layerReactive)
      for (const client of [NodeDiscord.layerHttpClient, NodeHttpClient.layerUndici]) {
        yield* all.pipe(Effect.provide(Layer.merge(client, services)))
      }
      expect(requests).toHaveLength(6)
      expect(requests.slice(0, 3)).toEqual(requests.slice(3))
    }),
  )
})

describe("a request that starts late", () => {
  /** Seconds: the time limits, when the request starts, and when it is aborted. */
  const rows = [
    { connection: 2, timeout: 2, start: 1, end: 3, delivered: "unknown" },
    { connection: 2, timeout: 5, start: 1, end: 6, delivered: "unknown" },
    { connection: 5, timeout: 1, start: 2, end: 3, delivered: "unknown" },
    { connection: 2, timeout: 5, start: 9, end: 2, delivered: "no" },
  ] as const

  it.effect.each(rows)(
    "is aborted after $end s, with $connection s for the connection, $timeout s, start at $start s",
    ({ connection, delivered, end, start, timeout }) =>
      Effect.gen(function* () {
        const { client: long } = network({ answer: 204 })
        const aborted = { count: 0 }
        let listener: ResponseListener | undefined
        const client = addDirectTransport(long, (_, given) => {
          listener = given
          return { abort: () => void aborted.count++ }
        })
        const options = {
          connectionTimeout: `${connection} seconds`,
          timeout: `${timeout} seconds`,
          maxRetries: 0,
        } as const
        const sent = RestConfig.withOptions(run(client), options)
        const fiber = yield* Effect.fork(Effect.flip(sent))
        if (start < end) {
          yield* TestClock.adjust(Duration.seconds(start))
          listener?.onStart()
        }
        const now = yield* Clock.currentTimeMillis
        yield* TestClock.adjust(Duration.millis(end * 1000 - now - 1))
        expect(aborted.count).toBe(0)
        yield* TestClock.adjust("1 millis")
        expect(aborted.count).toBe(1)
        expect(yield* Fiber.join(fiber)).toMatchObject({ delivered })
      }),
  )
})

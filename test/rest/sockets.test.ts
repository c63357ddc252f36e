/**
 * What real connections fail with, on each of the four clients. The time of requests is the test
 * clock's: it is up when a test says so, and not when the machine is slow.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { anyJson, executeRequest, recordingLimiter, token } from "./network.js"
import type { RequestChanges } from "./network.js"

const clients: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layer],
  ["fetch", FetchHttpClient.layer],
  ["NodeDiscord", Layer.orDie(NodeDiscord.layerHttpClient)],
]

/** `FetchHttpClient` of platform 0.96: all headers of the request go to `fetch`. */
const fetchOf096 = HttpClient.layerMergedContext(
  Effect.succeed(
    HttpClient.make((outgoing, url, signal, fiber) => {
      const context = fiber.getFiberRef(
        FiberRef.currentContext,
      ) as Context.Context<FetchHttpClient.Fetch>
      const { headers, method } = outgoing
      const body = outgoing.body._tag === "Uint8Array" ? outgoing.body.body.slice() : null
      const send = Context.get(context, FetchHttpClient.Fetch)
      return Effect.map(
        Effect.promise(() => send(url, { body, headers, method, signal })),
        (response) => HttpClientResponse.fromWeb(outgoing, response),
      )
    }),
  ),
)

/** The host is not Discord's, so the headers show it. */
const fromDiscord = { "content-type": "application/json", "x-ratelimit-bucket": "b" }

interface Server {
  readonly origin: string
  readonly seen: Array<string>
}

const serve = (listener: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<readonly [ReturnType<typeof createServer>, Server]>((resume) => {
        const seen: Array<string> = []
        const server = createServer((incoming, response) => {
          seen.push(`${incoming.method} ${incoming.url}`)
          listener(incoming, response)
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          resume(Effect.succeed([server, { origin: `http://127.0.0.1:${port}`, seen }]))
        })
      }),
      ([server]) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
    ),
    ([, server]) => server,
  )

const go = (
  client: Layer.Layer<HttpClient.HttpClient>,
  baseUrl: string,
  options: Partial<RestConfig.RestOptions> = {},
  changes: RequestChanges<unknown> = {},
) => {
  const limiter = recordingLimiter()
  return executeRequest({ suffix: "?wait=true", success: anyJson, ...changes }).pipe(
    Effect.provide(Layer.mergeAll(client, limiter.layer, Strategy.layerReactive)),
    RestConfig.withOptions({ baseUrl, maxRetries: 0, ...options }),
    Effect.either,
    Effect.map((result) => ({
      result: Either.merge(result),
      outcomes: limiter.outcomes.map(({ outcome }) => outcome._tag),
    })),
  )
}

/** The client, which signals when the head of a response has arrived. */
const signalling = (
  client: Layer.Layer<HttpClient.HttpClient>,
  responded: Deferred.Deferred<void>,
) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tap(() => Deferred.succeed(responded, undefined)),
    ),
  ).pipe(Layer.provide(client))

/** Waits for the whole request, and then does something to the connection. */
const after =
  (act: (response: ServerResponse, incoming: IncomingMessage) => void): RequestListener =>
  (incoming, response) => {
    incoming.resume().on("end", () => act(response, incoming))
  }

describe.each(clients)("with %s", (name, client) => {
  it.scoped("a complete response is read, and its headers reach the limiter", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.setHeader("x-ratelimit-limit", "5").end('{"id":"1"}')
        }),
      )
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toEqual({ id: "1" })
      expect(outcomes).toEqual(["Responded"])
      expect(server.seen).toEqual([`POST /webhooks/42/${token}?wait=true`])
    }),
  )

  it.scoped("a response without a body is read", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((response) => response.writeHead(204, fromDiscord).end()))
      const { result } = yield* go(client, server.origin)
      expect(result).toMatchObject({ _tag: "DiscordDecodeError", status: 204, delivered: "yes" })
    }),
  )

  it.scoped("a closed port is a refused connection", () =>
    Effect.gen(function* () {
      const { origin } = yield* Effect.scoped(serve(() => undefined))
      const { outcomes, result } = yield* go(client, origin)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "refused",
        delivered: "no",
      })
      expect(outcomes).toEqual(["NeverSent"])
    }),
  )

  it.scoped("a host that does not exist is a failure of DNS", () =>
    Effect.gen(function* () {
      const { outcomes, result } = yield* go(client, "http://nowhere.invalid")
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "dns",
        delivered: "no",
      })
      expect(outcomes).toEqual(["NeverSent"])
    }),
  )

  it.scoped("a server that speaks no TLS is a failure of TLS", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const { result } = yield* go(client, server.origin.replace("http:", "https:"))
      expect(result).toMatchObject({ _tag: "DiscordTransportError", reason: "tls" })
      expect(server.seen).toEqual([])
    }),
  )

  it.scoped("a connection that is reset may have delivered", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((_, incoming) => incoming.socket.resetAndDestroy()))
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "unknown",
      })
      expect(outcomes).toEqual(["Unknown"])
      expect(server.seen).toHaveLength(1)
    }),
  )

  it.scoped("a server that never responds times out, and the connection is closed", () =>
    Effect.gen(function* () {
      const requested = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const server = yield* serve((incoming) => {
        incoming.resume().socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
        Deferred.unsafeDone(requested, Effect.void)
      })
      const fiber = yield* Effect.fork(go(client, server.origin, { timeout: "2 seconds" }))
      yield* Deferred.await(requested)
      yield* TestClock.adjust("2 seconds")
      const { outcomes, result } = yield* Fiber.join(fiber)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "timeout",
        delivered: "unknown",
      })
      expect(outcomes).toEqual(["Unknown"])
      yield* Deferred.await(closed)
    }),
  )

  it.scoped("a truncated response was delivered, and its headers are used", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.writeHead(200, { ...fromDiscord, "content-length": "100" })
          response.write('{"id":', () => response.socket?.destroy())
        }),
      )
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "yes",
      })
      expect(outcomes).toEqual(["Responded"])
    }),
  )

  it.scoped("a response that stalls times out, and was delivered", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.writeHead(200, { ...fromDiscord, "content-length": "100" })
          response.write('{"id":')
        }),
      )
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        go(signalling(client, begun), server.origin, { timeout: "2 seconds" }),
      )
      yield* Deferred.await(begun)
      yield* TestClock.adjust("2 seconds")
      const { outcomes, result } = yield* Fiber.join(fiber)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "timeout",
        delivered: "yes",
      })
      expect(outcomes).toEqual(["Responded"])
    }),
  )

  it.scoped("a redirect is not followed", () =>
    Effect.gen(function* () {
      const elsewhere = yield* serve(after((response) => response.end("{}")))
      const server = yield* serve(
        after((response, incoming) => {
          response.writeHead(307, { location: elsewhere.origin + incoming.url }).end()
        }),
      )
      const { result } = yield* go(client, server.origin)
      expect(result).toMatchObject({ _tag: "DiscordApiError", status: 307 })
      expect(elsewhere.seen).toEqual([])
    }),
  )

  it.scoped("what is not HTTP breaks the connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((response) => response.socket?.end("SSH-2.0-OpenSSH\r\n")))
      const { result } = yield* go(client, server.origin)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "unknown",
      })
    }),
  )

  it.scoped(`contains no token when ${name} fails`, () =>
    Effect.gen(function* () {
      const { result } = yield* go(client, "http://127.0.0.1:1")
      expect(JSON.stringify(result) + String(result)).not.toContain(token)
    }),
  )
})

describe("fetch", () => {
  it.scoped("keeps the options that the user gave to its layer", () =>
    Effect.gen(function* () {
      const given: Array<RequestInit> = []
      const recording: typeof globalThis.fetch = (url, init) => {
        given.push(init ?? {})
        return globalThis.fetch(url, init)
      }
      const client = FetchHttpClient.layer.pipe(
        Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { credentials: "omit" })),
        Layer.provide(Layer.succeed(FetchHttpClient.Fetch, recording)),
      )
      const server = yield* serve(after((response) => response.end("{}")))
      yield* go(client, server.origin)
      expect(given[0]).toMatchObject({ credentials: "omit", redirect: "manual" })
    }),
  )

  it.scoped("gets no Content-Length from a platform that passes it on", () =>
    Effect.gen(function* () {
      const given: Array<RequestInit> = []
      const recording: typeof globalThis.fetch = (url, init) => {
        given.push(init ?? {})
        return globalThis.fetch(url, init)
      }
      const server = yield* serve(after((response) => response.end("{}")))
      const client = Layer.provide(fetchOf096, Layer.succeed(FetchHttpClient.Fetch, recording))
      yield* go(client, server.origin, {}, { body: { _tag: "Json", text: "{}" } })
      expect(server.seen).toHaveLength(1)
      expect(new Headers(given[0]?.headers).has("content-length")).toBe(false)
      expect(new Headers(given[0]?.headers).get("content-type")).toBe("application/json")
    }),
  )

  it.scoped("is as it was for requests that are not ours", () =>
    Effect.gen(function* () {
      const elsewhere = yield* serve(after((response) => response.end("there")))
      const server = yield* serve(
        after((response) => response.writeHead(307, { location: elsewhere.origin }).end()),
      )
      const both = Effect.gen(function* () {
        const limiter = recordingLimiter()
        yield* executeRequest().pipe(
          Effect.provide(Layer.merge(limiter.layer, Strategy.layerReactive)),
          RestConfig.withOptions({ baseUrl: server.origin }),
          Effect.ignore,
        )
        const response = yield* HttpClient.get(server.origin)
        return yield* response.text
      })
      expect(yield* both.pipe(Effect.provide(FetchHttpClient.layer))).toBe("there")
    }),
  )
})

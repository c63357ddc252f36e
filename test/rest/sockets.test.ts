/** What real connections fail with, on each of the four clients. */
import { FetchHttpClient, HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { it } from "@effect/vitest"
import { Deferred, Effect, Either, Layer } from "effect"
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import type { RestOptions } from "../../src/rest/RestConfig.js"
import { execute } from "../../src/rest/rest.js"
import { decoded } from "../../src/rest/restRequest.js"
import { ear, request, token } from "./network.js"

const clients: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layer],
  ["fetch", FetchHttpClient.layer],
  ["NodeDiscord", NodeDiscord.layerHttpClient],
]

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
  options: Partial<RestOptions> = {},
) => {
  const limiter = ear()
  return execute(
    request({
      suffix: "?wait=true",
      success: decoded((json) => Either.right(json)),
    }),
  ).pipe(
    Effect.provide(Layer.mergeAll(client, limiter.layer, Strategy.layerReactive)),
    RestConfig.withOptions({ baseUrl, maxRetries: 0, timeout: "2 seconds", ...options }),
    Effect.either,
    Effect.map((result) => ({
      result: Either.merge(result),
      outcomes: limiter.heard.map(({ outcome }) => outcome._tag),
    })),
  )
}

/** Waits for the whole request, and then does something to the connection. */
const after =
  (act: (response: ServerResponse, incoming: IncomingMessage) => void): RequestListener =>
  (incoming, response) => {
    incoming.resume().on("end", () => act(response, incoming))
  }

describe.each(clients)("with %s", (name, client) => {
  it.scopedLive("a whole answer is read, and its headers reach the limiter", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.setHeader("x-ratelimit-limit", "5").end('{"id":"1"}')
        }),
      )
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toEqual({ id: "1" })
      expect(outcomes).toEqual(["Answered"])
      expect(server.seen).toEqual([`POST /webhooks/42/${token}?wait=true`])
    }),
  )

  it.scopedLive("an answer without a body is read, too", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((response) => response.writeHead(204).end()))
      const { result } = yield* go(client, server.origin)
      expect(result).toMatchObject({ _tag: "DecodeError", status: 204, delivered: "yes" })
    }),
  )

  it.scopedLive("nobody who listens is a refused connection", () =>
    Effect.gen(function* () {
      const { origin } = yield* Effect.scoped(serve(() => undefined))
      const { outcomes, result } = yield* go(client, origin)
      expect(result).toMatchObject({ _tag: "TransportError", reason: "refused", delivered: "no" })
      expect(outcomes).toEqual(["NeverSent"])
    }),
  )

  it.scopedLive("a host that does not exist is a failure of DNS", () =>
    Effect.gen(function* () {
      const { outcomes, result } = yield* go(client, "http://nowhere.invalid")
      expect(result).toMatchObject({ _tag: "TransportError", reason: "dns", delivered: "no" })
      expect(outcomes).toEqual(["NeverSent"])
    }),
  )

  it.scopedLive("a server that speaks no TLS is a failure of TLS", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const { result } = yield* go(client, server.origin.replace("http:", "https:"))
      expect(result).toMatchObject({ _tag: "TransportError", reason: "tls" })
      expect(server.seen).toEqual([])
    }),
  )

  it.scopedLive("a connection that is reset may have delivered", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((_, incoming) => incoming.socket.resetAndDestroy()))
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toMatchObject({
        _tag: "TransportError",
        reason: "broken",
        delivered: "unknown",
      })
      expect(outcomes).toEqual(["Unknown"])
      expect(server.seen).toHaveLength(1)
    }),
  )

  it.scopedLive("a server that never answers is timed out, and the connection closed", () =>
    Effect.gen(function* () {
      const closed = yield* Deferred.make<void>()
      const server = yield* serve((incoming) => {
        incoming.resume().socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
      })
      const { outcomes, result } = yield* go(client, server.origin, { timeout: "200 millis" })
      expect(result).toMatchObject({
        _tag: "TransportError",
        reason: "timeout",
        delivered: "unknown",
      })
      expect(outcomes).toEqual(["Unknown"])
      yield* Deferred.await(closed)
    }),
  )

  it.scopedLive("an answer that is cut in the middle was delivered, and gives its headers", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.writeHead(200, { "content-length": "100" })
          response.write('{"id":', () => response.socket?.destroy())
        }),
      )
      const { outcomes, result } = yield* go(client, server.origin)
      expect(result).toMatchObject({ _tag: "TransportError", reason: "broken", delivered: "yes" })
      expect(outcomes).toEqual(["Answered"])
    }),
  )

  it.scopedLive("an answer that stops in the middle is timed out, and was delivered", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        after((response) => {
          response.writeHead(200, { "content-length": "100" })
          response.write('{"id":')
        }),
      )
      const { outcomes, result } = yield* go(client, server.origin, { timeout: "1 second" })
      expect(result).toMatchObject({ _tag: "TransportError", reason: "timeout", delivered: "yes" })
      expect(outcomes).toEqual(["Answered"])
    }),
  )

  it.scopedLive("a redirect is not followed", () =>
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

  it.scopedLive("what is not HTTP breaks the connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(after((response) => response.socket?.end("SSH-2.0-OpenSSH\r\n")))
      const { result } = yield* go(client, server.origin)
      expect(result).toMatchObject({
        _tag: "TransportError",
        reason: "broken",
        delivered: "unknown",
      })
    }),
  )

  it.scopedLive(`tells nobody the token when ${name} fails`, () =>
    Effect.gen(function* () {
      const { result } = yield* go(client, "http://127.0.0.1:1")
      expect(JSON.stringify(result) + String(result)).not.toContain(token)
    }),
  )
})

describe("fetch", () => {
  it.scopedLive("keeps the options that the user gave to its layer", () =>
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

  it.scopedLive("is as it was for requests that are not ours", () =>
    Effect.gen(function* () {
      const elsewhere = yield* serve(after((response) => response.end("there")))
      const server = yield* serve(
        after((response) => response.writeHead(307, { location: elsewhere.origin }).end()),
      )
      const both = Effect.gen(function* () {
        const limiter = ear()
        yield* execute(request()).pipe(
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

/**
 * Whether a failed request can have arrived: every fault of a connection that a server can cause, on
 * every client. The servers count the requests that reach them, so that `"no"` is proven and a
 * message that has arrived is not sent again.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as net from "node:net"
import * as tls from "node:tls"
import { afterAll, beforeAll, describe, expect } from "vitest"
import { FileUpload, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { certificate, privateKey } from "../support/certificate.js"
import { runs } from "../support/laws.js"
import { executeRequest, recordingLimiter, withHook } from "./network.js"

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layer,
  fetch: FetchHttpClient.layer,
  NodeDiscord: Layer.orDie(NodeDiscord.layerHttpClient),
}

interface Server {
  readonly port: number
  /** Requests that have arrived, at least in part. */
  readonly requests: () => number
  readonly connections: () => number
}

/** Listens until the scope ends. `onRequest` is called for each request on each connection. */
const listen = (
  make: (onRequest: () => void) => net.Server,
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{
        readonly server: net.Server
        readonly seen: Server
        readonly end: () => void
      }>((resume) => {
        let requests = 0
        let connections = 0
        const sockets = new Set<net.Socket>()
        const server = make(() => requests++)
        server.on("connection", (socket: net.Socket) => {
          connections++
          sockets.add(socket.on("error", () => undefined))
        })
        server.on("tlsClientError", () => undefined)
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as net.AddressInfo
          const seen = { port, requests: () => requests, connections: () => connections }
          const end = () => sockets.forEach((socket) => socket.destroy())
          resume(Effect.succeed({ server, seen, end }))
        })
      }),
      ({ end, server }) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          end()
        }),
    ),
    ({ seen }) => seen,
  )

const isRequest = (chunk: Buffer) => chunk.toString("latin1").startsWith("POST /webhooks/")

const httpServer = (respond: (socket: net.Socket) => void) => (onRequest: () => void) =>
  net.createServer((socket) => {
    socket.on("data", (chunk) => {
      if (!isRequest(chunk)) return
      onRequest()
      respond(socket)
    })
  })

const tlsServer =
  (respond: (socket: tls.TLSSocket) => void, options: tls.TlsOptions = {}) =>
  (onRequest: () => void) =>
    tls.createServer({ cert: certificate, key: privateKey, ...options }, (socket) => {
      socket.on("error", () => undefined)
      socket.on("data", (chunk) => {
        if (!isRequest(chunk)) return
        onRequest()
        respond(socket)
      })
    })

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

/** Sends one message, by default without a body, which may be repeated three times; how it ended. */
const send = (
  client: Layer.Layer<HttpClient.HttpClient>,
  baseUrl: string,
  options: Partial<RestConfig.RestOptions> = {},
  message: Webhook.Operation<void> = executeRequest(),
) => {
  const limiter = recordingLimiter()
  return message.pipe(
    Effect.provide(Layer.mergeAll(client, limiter.layer, Strategy.layerReactive)),
    RestConfig.withOptions({ baseUrl, backoffBase: 0, maxRetries: 3, ...options }),
    Effect.either,
    Effect.map(Either.merge),
  )
}

describe.each(Object.entries(clients))("with %s", (name, client) => {
  /** Only a client that reports the start of a request distinguishes the handshake from what follows. */
  const noWhereKnown = name === "NodeDiscord" ? "no" : "unknown"

  it.scoped("a certificate that no authority signed stops the request", () =>
    Effect.gen(function* () {
      const server = yield* listen(tlsServer((socket) => socket.write(noContent)))
      const result = yield* send(client, `https://localhost:${server.port}`)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "tls",
        delivered: "no",
      })
      expect(server.requests()).toBe(0)
      expect(server.connections()).toBe(4)
    }),
  )

  it.scoped("a connection that ends in the handshake has sent nothing", () =>
    Effect.gen(function* () {
      const server = yield* listen(() =>
        net.createServer((socket) => socket.once("data", () => socket.end())),
      )
      const result = yield* send(client, `https://localhost:${server.port}`)
      expect(result).toMatchObject({ _tag: "DiscordTransportError", delivered: "no" })
      expect(server.connections()).toBe(4)
    }),
  )

  it.scoped("a server without TLS may have received something, as far as most clients report", () =>
    Effect.gen(function* () {
      const server = yield* listen(() =>
        net.createServer((socket) =>
          socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
        ),
      )
      const result = yield* send(client, `https://localhost:${server.port}`)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "tls",
        delivered: noWhereKnown,
      })
      expect(server.connections()).toBe(name === "NodeDiscord" ? 4 : 1)
    }),
  )

  it.scoped("no cipher in common", () =>
    Effect.gen(function* () {
      const server = yield* listen(
        tlsServer((socket) => socket.write(noContent), {
          maxVersion: "TLSv1.2",
          ciphers: "PSK-AES128-CBC-SHA256",
        }),
      )
      const result = yield* send(client, `https://localhost:${server.port}`)
      expect(result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "tls",
        delivered: noWhereKnown,
      })
      expect(server.requests()).toBe(0)
    }),
  )

  describe("of a server that it trusts", () => {
    const trust = process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
    beforeAll(() => {
      process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    })
    afterAll(() => {
      if (trust === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = trust
    })

    it.scoped(
      "bytes that are not TLS after the request leave it in doubt, and it is sent once",
      () =>
        Effect.gen(function* () {
          const behind: Array<net.Socket> = []
          const server = yield* listen(
            tlsServer(() =>
              behind.forEach((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
            ),
          )
          const proxy = yield* listen(() =>
            net.createServer((socket) => {
              behind.push(socket)
              const upstream = net.connect(server.port, "127.0.0.1")
              upstream.on("error", () => undefined)
              socket.on("close", () => upstream.destroy())
              socket.pipe(upstream)
              upstream.pipe(socket)
            }),
          )
          const result = yield* send(client, `https://localhost:${proxy.port}`)
          expect(result).toMatchObject({
            _tag: "DiscordTransportError",
            delivered: "unknown",
          })
          expect(server.requests()).toBe(1)
        }),
    )

    it.scoped(
      "a certificate of ours that is missed only after the request leaves it in doubt",
      () =>
        Effect.gen(function* () {
          const server = yield* listen(
            tlsServer((socket) => socket.write(noContent), {
              requestCert: true,
              rejectUnauthorized: true,
              minVersion: "TLSv1.3",
            }),
          )
          const result = yield* send(client, `https://localhost:${server.port}`)
          expect(result).toMatchObject({ _tag: "DiscordTransportError", delivered: "unknown" })
          expect(server.connections()).toBe(1)
        }),
    )
  })

  it.scoped("a connection that ends, or is reset, after the request leaves it in doubt", () =>
    Effect.gen(function* () {
      for (const hangUp of [
        (socket: net.Socket) => socket.end(),
        (socket: net.Socket) => socket.resetAndDestroy(),
        (socket: net.Socket) => socket.end("HTTP/1.1 2"),
      ]) {
        const server = yield* listen(httpServer(hangUp))
        const result = yield* send(client, `http://localhost:${server.port}`)
        expect(result).toMatchObject({ _tag: "DiscordTransportError", delivered: "unknown" })
        expect(server.requests()).toBe(1)
      }
    }),
  )
})

describe("with fewer connections than messages", () => {
  const options = { timeout: "2 seconds", connectionTimeout: "1 second", maxRetries: 0 } as const

  /** How many messages wait for a connection. */
  const queued = runs(1000)

  const file = { size: 9, stream: Stream.make(new Uint8Array(9)) }
  const withFile = (one: FileUpload.FileUpload): Webhook.Operation<void> =>
    withHook((hook) => Webhook.send(hook, { files: [one] }, { wait: false }))
  const messages: Readonly<Record<string, Webhook.Operation<void>>> = {
    "without a body": executeRequest(),
    "with a file": withFile(FileUpload.fromText("a.txt", "text")),
    "with a streamed file": withFile(FileUpload.fromStream("a.bin", file)),
  }

  it.scoped.each(Object.entries(messages))(
    "what waits for a connection in vain has not been sent, %s",
    ([, message]) =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const server = yield* listen(
          httpServer(() => {
            if (server.requests() === 8) Deferred.unsafeDone(arrived, Effect.void)
          }),
        )
        const client = yield* Layer.build(NodeDiscord.layerHttpClientWith({ connections: 8 }))
        const baseUrl = `http://127.0.0.1:${server.port}`
        const limits = { ...options, timeout: "1 hour" } as const
        const ended = yield* Ref.make(0)
        const sends = yield* Effect.forkAll(
          Array.from({ length: 8 + queued }, () =>
            send(Layer.succeedContext(client), baseUrl, limits, message).pipe(
              Effect.tap(() => Ref.update(ended, (count) => count + 1)),
            ),
          ),
        )
        yield* Deferred.await(arrived)
        // As often as it takes until all of them have begun to wait, and waited in vain.
        while ((yield* Ref.get(ended)) < queued) yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 hour")
        const results = yield* Fiber.join(sends)
        const delivered = results.map((error) => (error as { delivered?: string }).delivered)
        expect(delivered.filter((_) => _ === "unknown")).toHaveLength(8)
        expect(delivered.filter((_) => _ === "no")).toHaveLength(queued)
        expect(server.requests()).toBe(8)
      }),
  )

  it.scoped(
    "the time of a request begins with its start, and giving up a waiting one keeps the connection",
    () =>
      Effect.gen(function* () {
        const waiting: Array<net.Socket> = []
        const arrivals = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
        const server = yield* listen(
          httpServer((socket) => {
            waiting.push(socket)
            const arrival = arrivals[waiting.length - 1]
            if (arrival !== undefined) Deferred.unsafeDone(arrival, Effect.void)
          }),
        )
        const client = Layer.succeedContext(
          yield* Layer.build(NodeDiscord.layerHttpClientWith({ connections: 1 })),
        )
        const baseUrl = `http://127.0.0.1:${server.port}`
        const first = yield* Effect.fork(send(client, baseUrl, options))
        yield* Deferred.await(arrivals[0])
        const second = yield* Effect.fork(send(client, baseUrl, options))
        const third = yield* Effect.fork(
          send(client, baseUrl, { ...options, connectionTimeout: "1 minute" }),
        )
        yield* TestClock.adjust("1500 millis")
        expect(yield* Fiber.join(second)).toMatchObject({ reason: "timeout", delivered: "no" })
        waiting[0]!.write(noContent)
        yield* Deferred.await(arrivals[1])
        expect(yield* Fiber.join(first)).toBeUndefined()
        yield* TestClock.adjust("1500 millis")
        waiting[1]!.write(noContent)
        expect(yield* Fiber.join(third)).toBeUndefined()
        expect(server.requests()).toBe(2)
        expect(server.connections()).toBe(1)
      }),
  )
})

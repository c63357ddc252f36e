/** What the client on undici's `dispatch` does, and that the platform's own does the same. */
import { createServer } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { NodeDiscord } from "../../src/node/index.js"

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** A server for one test; its address. */
const serve = (handle: Handle) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Server>((resume) => {
        const server = createServer(handle)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  )

const large = "abcdefghij".repeat(50_000)

const failed = <A>(
  effect: Effect.Effect<A, HttpClientError.HttpClientError, HttpClient.HttpClient>,
) =>
  Effect.flip(effect).pipe(
    Effect.map((error) => {
      const code: unknown = Reflect.get(Object(error.cause), "code")
      return { tag: error._tag, reason: error.reason, code }
    }),
  )

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  "NodeDiscord.layerHttpClient": Layer.orDie(NodeDiscord.layerHttpClient),
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
}

describe.each(Object.entries(clients))("%s", (_name, client) => {
  it.scopedLive("reads a response's status, headers and body in every form", () =>
    Effect.gen(function* () {
      const url = yield* serve((_request, response) => {
        response.writeHead(201, { "X-One": "1", "set-cookie": ["a=1", "b=2"] }).end('{"ü":[1]}')
      })
      const get = HttpClient.get(url)
      const response = yield* get
      expect(response.status).toBe(201)
      expect(response.headers["x-one"]).toBe("1")
      expect(Object.keys(response.cookies.cookies)).toEqual(["a", "b"])
      expect(yield* response.json).toEqual({ ü: [1] })
      expect(yield* Effect.flatMap(get, (again) => again.text)).toBe('{"ü":[1]}')
      expect((yield* Effect.flatMap(get, (again) => again.arrayBuffer)).byteLength).toBe(10)
    }).pipe(Effect.provide(client)),
  )

  it.scopedLive(
    "reads a large response completely, at once or as a stream with a slow reader",
    () =>
      Effect.gen(function* () {
        const url = yield* serve((_request, response) => void response.end(large))
        const text = yield* Effect.flatMap(HttpClient.get(url), (response) => response.text)
        expect(text === large).toBe(true)
        const response = yield* HttpClient.get(url)
        yield* Effect.sleep("20 millis")
        const chunks = yield* response.stream.pipe(
          Stream.tap(() => Effect.sleep("1 millis")),
          Stream.decodeText(),
          Stream.runCollect,
        )
        expect(Chunk.join(chunks, "") === large).toBe(true)
      }).pipe(Effect.provide(client)),
  )

  it.scopedLive("sends bytes and streams with their exact length", () =>
    Effect.gen(function* () {
      const url = yield* serve((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const { "content-length": length, "transfer-encoding": coding } = request.headers
          const body = Buffer.concat(parts).toString()
          response.end(JSON.stringify({ method: request.method, length, coding, body }))
        })
      })
      const post = (body: HttpBody.HttpBody) =>
        Effect.flatMap(
          HttpClient.execute(HttpClientRequest.post(url, { body })),
          (response) => response.json,
        )
      const bytes = new TextEncoder().encode("hello")
      const wanted = { method: "POST", length: "5", body: "hello" }
      expect(yield* post(HttpBody.uint8Array(bytes))).toEqual(wanted)
      const stream = HttpBody.stream(
        Stream.make(bytes.slice(0, 2), bytes.slice(2)),
        "text/plain",
        5,
      )
      expect(yield* post(stream)).toEqual(wanted)
      expect(yield* Effect.flatMap(HttpClient.del(url), (response) => response.json)).toMatchObject(
        { body: "" },
      )
    }).pipe(Effect.provide(client)),
  )

  it.scopedLive("ignores an informational response before the final one", () =>
    Effect.gen(function* () {
      const url = yield* serve((_request, response) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" }, () => response.end("late"))
      })
      const response = yield* HttpClient.get(url)
      expect([response.status, yield* response.text]).toEqual([200, "late"])
    }).pipe(Effect.provide(client)),
  )

  it.scopedLive("reports whether the connection or the body failed", () =>
    Effect.gen(function* () {
      expect(yield* failed(HttpClient.get("http://127.0.0.1:1"))).toEqual({
        tag: "RequestError",
        reason: "Transport",
        code: "ECONNREFUSED",
      })
      const silent = yield* serve((request) => void request.socket.destroy())
      expect(yield* failed(HttpClient.get(silent))).toMatchObject({ tag: "RequestError" })
      const broken = yield* serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" }).write("some", () => response.destroy())
      })
      const text = Effect.flatMap(HttpClient.get(broken), (response) => response.text)
      expect(yield* failed(text)).toMatchObject({ tag: "ResponseError" })
      const stream = Effect.flatMap(HttpClient.get(broken), (response) =>
        Stream.runDrain(response.stream),
      )
      expect(yield* failed(stream)).toMatchObject({ tag: "ResponseError" })
    }).pipe(Effect.provide(client)),
  )

  it.scopedLive("fails what can be no request", () =>
    Effect.gen(function* () {
      const request = HttpClientRequest.get("http://127.0.0.1:1", { headers: { "x-a": "a\nb" } })
      expect(yield* failed(HttpClient.execute(request))).toMatchObject({ tag: "RequestError" })
    }).pipe(Effect.provide(client)),
  )

  it.scopedLive.each([["the head"], ["the body"]])(
    "hangs up when it is interrupted while %s is awaited",
    ([what]) =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const closed = yield* Deferred.make<void>()
        const url = yield* serve((request, response) => {
          if (what === "the body") response.writeHead(200).write("some")
          request.socket.on("close", () => Deferred.unsafeDone(closed, Exit.void))
          Deferred.unsafeDone(arrived, Exit.void)
        })
        const text = Effect.flatMap(HttpClient.get(url), (response) => response.text)
        const fiber = yield* Effect.fork(text)
        yield* Deferred.await(arrived)
        yield* Effect.sleep("20 millis")
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        yield* Deferred.await(closed)
      }).pipe(Effect.provide(client)),
  )
})

import { createServer } from "node:http"
import type { Server } from "node:http"
import { connect, createServer as createNetServer } from "node:net"
import type { AddressInfo, Server as NetServer, Socket } from "node:net"
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { NodeDiscord } from "../../src/node/index.js"

/** A server that remembers its sockets, and redirects `/moved`. */
interface Host {
  readonly url: string
  readonly sockets: Set<Socket>
  readonly paths: Array<string>
}

const host = Effect.acquireRelease(
  Effect.async<{ readonly server: Server; readonly host: Host }>((resume) => {
    const sockets = new Set<Socket>()
    const paths: Array<string> = []
    const server = createServer((request, response) => {
      paths.push(request.url ?? "")
      response.writeHead(request.url === "/moved" ? 302 : 200, { location: "/elsewhere" })
      setTimeout(() => response.end("ok"), 20)
    })
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      const url = `http://127.0.0.1:${port}`
      resume(Effect.succeed({ server, host: { url, sockets, paths } }))
    })
  }),
  ({ server }) =>
    Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    }),
).pipe(Effect.map((_) => _.host))

const get = (url: string) =>
  HttpClient.get(url).pipe(
    Effect.tap((response) => response.text),
    Effect.map((response) => response.status),
  )

describe("NodeDiscord.layerHttpClient", () => {
  it.scopedLive("sends one message after another over the same socket", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* host
      yield* Effect.forEach([1, 2, 3], () => Effect.delay(get(url), "10 millis")).pipe(
        Effect.zipRight(Effect.sync(() => expect(sockets.size).toBe(1))),
        Effect.provide(NodeDiscord.layerHttpClient),
      )
    }),
  )

  it.scopedLive("opens no more sockets than it may", () =>
    Effect.gen(function* () {
      const { url, sockets, paths } = yield* host
      yield* Effect.forEach(Array.from({ length: 12 }), () => get(url), {
        concurrency: "unbounded",
      }).pipe(
        Effect.zipRight(Effect.sync(() => expect(sockets.size).toBe(3))),
        Effect.provide(NodeDiscord.layerHttpClientWith({ connections: 3 })),
      )
      expect(paths).toHaveLength(12)
    }),
  )

  it.scopedLive("does not take the credential along a redirect", () =>
    Effect.gen(function* () {
      const { url, paths } = yield* host
      const status = yield* Effect.provide(get(`${url}/moved`), NodeDiscord.layerHttpClient)
      expect(status).toBe(302)
      expect(paths).toEqual(["/moved"])
    }),
  )

  it.scopedLive("closes its sockets with its scope", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* host
      yield* Effect.provide(get(url), NodeDiscord.layerHttpClient)
      yield* Effect.iterate(0, {
        while: () => sockets.size > 0,
        body: () => Effect.succeed(0).pipe(Effect.delay("5 millis")),
      })
      expect(sockets.size).toBe(0)
    }),
  )
})

/** Accepts connections and sends nothing, so that a TLS handshake never ends. */
const silent = Effect.acquireRelease(
  Effect.async<{ readonly server: NetServer; readonly port: number; readonly open: Set<Socket> }>(
    (resume) => {
      const open = new Set<Socket>()
      const server = createNetServer((socket) => {
        open.add(socket)
        socket.on("error", () => undefined).on("close", () => open.delete(socket))
        socket.resume()
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ server, port: (server.address() as AddressInfo).port, open })),
      )
    },
  ),
  ({ open, server }) =>
    Effect.async<void>((resume) => {
      for (const socket of open) socket.destroy()
      server.close(() => resume(Effect.void))
    }),
)

it.scopedLive("a connection that is being established ends with the scope of its layer", () =>
  Effect.gen(function* () {
    const { open, port } = yield* silent
    const until = (holds: () => boolean) =>
      Effect.repeat(Effect.sync(holds), {
        until: (so) => so,
        schedule: Schedule.spaced("2 millis"),
      })
    yield* Effect.raceFirst(
      get(`https://127.0.0.1:${port}`),
      until(() => open.size === 1),
    ).pipe(
      Effect.provide(NodeDiscord.layerHttpClientWith({ connectTimeout: "1 hour", proxy: false })),
    )
    const [first] = open
    // The server hears of the end of the first before it hears of those that come later.
    for (let n = 0; n < 5; n += 1) {
      const probe = connect(port, "127.0.0.1")
      yield* until(() => [...open].some(({ remotePort }) => remotePort === probe.localPort))
      probe.destroy()
    }
    expect(first?.destroyed).toBe(true)
  }),
)

describe("NodeDiscord.layer", () => {
  it.scopedLive("needs nothing", () => Effect.asVoid(Layer.build(NodeDiscord.layer)))
})

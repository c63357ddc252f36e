/** How much of a response is read, and in which codings, by each client over a socket. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import { RestConfig, Strategy } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { inTurns } from "../support/laws.js"
import { anyJson, executeRequest, recordingLimiter } from "./network.js"

const limit = 8 * 1024 * 1024

/** As any client, on the way that wrapped clients take. */
const wrapped = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.mapRequest((outgoing) => outgoing),
  ),
).pipe(Layer.provide(Layer.orDie(NodeDiscord.layerHttpClient)))

const decompressing: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  NodeDiscord: Layer.orDie(NodeDiscord.layerHttpClient),
  "NodeDiscord, wrapped": wrapped,
}

const clients: typeof decompressing = {
  ...decompressing,
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layer,
}

interface Exchanged {
  readonly result: unknown
  readonly headers: IncomingHttpHeaders
  /** Bytes of the response that left the server. */
  readonly written: number
}

/** Sends one request to a server; it is over when the server's side of the connection is closed. */
const exchange = (
  client: Layer.Layer<HttpClient.HttpClient>,
  respond: (response: ServerResponse) => void,
): Effect.Effect<Exchanged> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<number>()
    let headers: IncomingHttpHeaders = {}
    const server = createServer((incoming, response) => {
      headers = incoming.headers
      const { socket } = incoming
      response.on("close", () => Deferred.unsafeDone(closed, Effect.succeed(socket.bytesWritten)))
      respond(response)
    })
    yield* Effect.addFinalizer(() =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
    )
    yield* Effect.async<void>(
      (resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)),
    )
    const { port } = server.address() as AddressInfo
    const result = yield* executeRequest({ success: anyJson }).pipe(
      Effect.map((body) => (body as { text: string }).text.length),
      Effect.either,
      Effect.map(Either.merge),
      Effect.provide(Layer.mergeAll(client, recordingLimiter().layer, Strategy.layerReactive)),
      RestConfig.withOptions({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 3 }),
    )
    return { result, headers, written: yield* Deferred.await(closed) }
  }).pipe(Effect.scoped)

const json = { "content-type": "application/json" }

/** JSON of exactly this number of bytes. */
const ofSize = (size: number): string => JSON.stringify({ text: "x".repeat(size - 11) })

/** At the default quality, 8 MiB take a second. */
const brotli = (body: string | Uint8Array): Buffer =>
  brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })

/** Writes until the connection is closed. */
const endless = (response: ServerResponse): void => {
  const chunk = Buffer.alloc(64 * 1024, "x")
  const write = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on("drain", write)
  write()
}

const tooLarge = { _tag: "DiscordTransportError", reason: "tooLarge", attempts: 1 }

for (const [name, client] of Object.entries(clients)) {
  describe(`a response to ${name}`, () => {
    it.live("is read to the end up to 8 MiB", () =>
      Effect.gen(function* () {
        const { result } = yield* exchange(client, (response) =>
          response.writeHead(200, json).end(ofSize(limit)),
        )
        expect(result).toBe(limit - 11)
      }),
    )

    it.live("of a byte more is too large; what Discord returned took effect", () =>
      Effect.gen(function* () {
        const { result } = yield* exchange(client, (response) =>
          response.writeHead(200, { ...json, "x-ratelimit-bucket": "hash" }).end(ofSize(limit + 1)),
        )
        expect(result).toMatchObject({ ...tooLarge, delivered: "yes" })
        expect(String(result)).toContain("8 MiB")
      }),
    )

    it.live("without an end is given up, and the connection closed", () =>
      Effect.gen(function* () {
        const { result, written } = yield* exchange(client, (response) => {
          response.writeHead(200, { "content-type": "text/html" })
          endless(response)
        })
        expect(result).toMatchObject({ ...tooLarge, delivered: "unknown" })
        // What waits in the buffers of both sides comes on top.
        expect(written).toBeLessThan(3 * limit)
      }),
    )

    it.live("that is an error goes by its status", () =>
      Effect.gen(function* () {
        const { result } = yield* exchange(client, (response) => {
          response.writeHead(403, { "content-type": "text/html" })
          endless(response)
        })
        expect(result).toMatchObject({ _tag: "WebhookForbidden", status: 403, reply: "" })
      }),
    )
  })
}

const codings: Readonly<Record<string, (body: string | Buffer) => Buffer>> = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  deflate: deflateSync,
  br: brotli,
}

const bombs = new Map<(body: Buffer) => Buffer, Buffer>()

/** 64 MiB in a few kilobytes, compressed once for all clients. */
const getBomb = (compress: (body: Buffer) => Buffer): Buffer => {
  const bomb = bombs.get(compress) ?? compress(Buffer.alloc(8 * limit, " "))
  bombs.set(compress, bomb)
  return bomb
}

for (const [turn, [name, client]] of Object.entries(decompressing).entries()) {
  const encoded = (coding: string, body: Buffer) =>
    exchange(client, (response) =>
      response
        .writeHead(200, { ...json, "content-encoding": coding, "x-ratelimit-bucket": "b" })
        .end(body),
    )

  describe(`a compressed response to ${name}`, () => {
    it.live.each([200, 204])("has no coding to remove if it is empty: %s", (status) =>
      Effect.gen(function* () {
        const { result } = yield* exchange(client, (response) =>
          response
            .writeHead(status, {
              ...json,
              "content-encoding": "br, gzip",
              "x-ratelimit-bucket": "b",
            })
            .end(),
        )
        expect(result).toMatchObject({ _tag: "DiscordDecodeError", delivered: "yes" })
      }),
    )

    for (const [coding, compress] of inTurns(Object.entries(codings), turn, 3)) {
      it.live(`is decompressed: ${coding}`, () =>
        Effect.gen(function* () {
          expect((yield* encoded(coding, compress(ofSize(5000)))).result).toBe(4989)
        }),
      )

      it.live(`is too large if what it holds is: ${coding}`, () =>
        Effect.gen(function* () {
          const { result } = yield* encoded(coding, getBomb(compress))
          expect(result).toMatchObject({ ...tooLarge, delivered: "yes" })
        }),
      )
    }
  })
}

describe("NodeDiscord", () => {
  const { NodeDiscord: direct } = decompressing
  const encoded = (coding: string, body: Buffer) =>
    exchange(direct!, (response) =>
      response
        .writeHead(200, { ...json, "content-encoding": coding, "x-ratelimit-bucket": "b" })
        .end(body),
    )

  it.live("wants responses as they are", () =>
    Effect.gen(function* () {
      for (const client of [direct!, wrapped]) {
        const { headers } = yield* exchange(client, (response) =>
          response.writeHead(200, json).end(ofSize(20)),
        )
        expect(headers["accept-encoding"]).toBe("identity")
      }
    }),
  )

  it.live.each<readonly [string, Buffer]>([
    ["identity", Buffer.from(ofSize(20))],
    ["deflate", deflateRawSync(ofSize(20))],
    ["gzip, br", brotli(gzipSync(ofSize(20)))],
    [" GZIP ,identity", gzipSync(ofSize(20))],
  ])("reads %s", ([coding, body]) =>
    Effect.gen(function* () {
      expect((yield* encoded(coding, body)).result).toBe(9)
    }),
  )

  it.live.each<readonly [string, Buffer]>([
    ["gzip", Buffer.from("no gzip")],
    ["gzip", gzipSync(ofSize(5000)).subarray(0, 20)],
    ["gzip, gzip, gzip, gzip, gzip", Buffer.from("x")],
  ])("fails on what is not %s, though it was delivered", ([coding, body]) =>
    Effect.gen(function* () {
      expect((yield* encoded(coding, body)).result).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "yes",
      })
    }),
  )

  it.live("takes an unknown coding for no JSON", () =>
    Effect.gen(function* () {
      expect((yield* encoded("zstd", Buffer.from("x"))).result).toMatchObject({
        _tag: "DiscordDecodeError",
      })
    }),
  )
})

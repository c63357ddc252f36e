/** What `fetch` rejects without sending, by the errors of the real `fetch`, and of workerd's. */
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { supportsRedirectError } from "../../src/rest/transports/viaClient.js"

const hook = Effect.runSync(Webhook.make({ id: "1", token: Redacted.make("token") }))

interface Options {
  readonly baseUrl?: string
  readonly userAgent?: string
  readonly init?: RequestInit
  readonly fetch?: typeof globalThis.fetch
}

const send = (
  { init = {}, fetch, ...rest }: Options,
  message: Parameters<typeof Webhook.send>[1],
) => {
  const client = FetchHttpClient.layer.pipe(
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, init)),
  )
  return Webhook.send(hook, message).pipe(
    Effect.provide([
      fetch === undefined
        ? client
        : Layer.provide(client, Layer.succeed(FetchHttpClient.Fetch, fetch)),
      RateLimiter.layerMemory,
      Strategy.layerAdaptive,
      RestConfig.layerWith({ baseUrl: "http://127.0.0.1:9/api", maxRetries: 0, ...rest }),
    ]),
  )
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe("what fetch rejects before it sends", () => {
  const cases: ReadonlyArray<readonly [string, Options, string]> = [
    ["an option with an unknown value", { init: { mode: "nonsense" as never } }, "encode"],
    ["a header that no request can have", { userAgent: "line\nbreak" }, "encode"],
    ["a URL that is none", { baseUrl: "http://[" }, "invalidUrl"],
    ["another scheme", { baseUrl: "foo://discord.test" }, "invalidUrl"],
    ["a port that is never used for HTTP", { baseUrl: "http://127.0.0.1:25/api" }, "invalidUrl"],
  ]
  for (const [name, options, reason] of cases) {
    it.live(`${name}: nothing was delivered, and nothing is repeated`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(send(options, { content: "hello" }))
        expect(error).toMatchObject({ _tag: "DiscordTransportError", reason, delivered: "no" })
      }),
    )
  }

  it.live("a body that was read before", () =>
    Effect.gen(function* () {
      const fetch: typeof globalThis.fetch = async (url, init) => {
        const request = new Request(String(url), init)
        await request.text()
        return globalThis.fetch(request)
      }
      const error = yield* Effect.flip(send({ fetch }, { content: "hello" }))
      expect(error).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "encode",
        delivered: "no",
      })
    }),
  )

  it.live("a TypeError of the network may come from a request that was sent", () =>
    Effect.gen(function* () {
      const fetch = () => Promise.reject(new TypeError("Failed to fetch"))
      const error = yield* Effect.flip(send({ fetch }, { content: "hello" }))
      expect(error).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "unknown",
      })
    }),
  )
})

describe("a runtime whose fetch rejects the redirect mode `error`", () => {
  const rejectRedirect = (init: RequestInit | undefined) => {
    if (init?.redirect === "error") throw new TypeError("Invalid redirect value")
  }
  const stubRequest = () => {
    const Original = globalThis.Request
    vi.stubGlobal(
      "Request",
      class extends Original {
        constructor(input: RequestInfo | URL, init?: RequestInit) {
          rejectRedirect(init)
          super(input, init)
        }
      },
    )
  }
  /** Reads the whole upload, then responds. */
  const workerdFetch =
    (status: number, received: Array<string>): typeof globalThis.fetch =>
    async (_, init) => {
      rejectRedirect(init)
      received.push(await new Response(init?.body ?? null).text())
      const body = JSON.stringify({
        id: "1",
        channel_id: "2",
        author: { id: "1", username: "hook" },
        timestamp: "2026-01-01T00:00:00.000Z",
        content: "",
      })
      return new Response(body, { status, headers: { "content-type": "application/json" } })
    }
  const files = () => [
    FileUpload.fromStream("a.txt", {
      size: 5,
      stream: Stream.make(new TextEncoder().encode("hello")),
    }),
  ]

  it.live("gets streamed uploads with the mode `manual`", () =>
    Effect.gen(function* () {
      expect(supportsRedirectError()).toBe(true)
      stubRequest()
      expect(supportsRedirectError()).toBe(false)
      const received: Array<string> = []
      yield* send({ fetch: workerdFetch(200, received) }, { files: files() })
      expect(received).toHaveLength(1)
      expect(received[0]).toContain("hello")
    }),
  )

  it.live("does not follow a redirect with the file", () =>
    Effect.gen(function* () {
      stubRequest()
      const received: Array<string> = []
      const error = yield* Effect.flip(
        send({ fetch: workerdFetch(307, received) }, { files: files() }),
      )
      expect(error).toMatchObject({ _tag: "DiscordApiError", status: 307 })
      expect(received).toHaveLength(1)
    }),
  )
})

import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { DiscordSimulator } from "../../src/testing/index.js"

const live = Layer.mergeAll(
  DiscordSimulator.layer,
  NodeHttpServer.layer(() => createServer(), { port: 0 }),
)

const origin = "https://page.example"
const agent = "Mozilla/5.0 (X11; Linux x86_64)"

async function fetchResponse(url: string, init: RequestInit) {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const served = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.DiscordSimulator
  const { baseUrl } = yield* DiscordSimulator.serve
  const { id, token } = yield* simulator.createWebhook()
  const url = `${baseUrl}/webhooks/${id}/${token}`
  const sendRequest = (
    method: string,
    headers: Record<string, string>,
    body: string | null = null,
  ) => Effect.promise(() => fetchResponse(url, { method, headers, body }))
  return { simulator, sendRequest }
})

it.scopedLive("a CORS preflight takes no slot", () =>
  Effect.gen(function* () {
    const { simulator, sendRequest } = yield* served
    const preflight = yield* sendRequest("OPTIONS", {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    })
    expect([preflight.status, preflight.text]).toEqual([204, ""])
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin)
    expect(preflight.headers.get("access-control-allow-methods")?.split(", ")).toEqual(
      expect.arrayContaining(["POST", "PATCH", "DELETE"]),
    )
    expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain(
      "content-type",
    )
    expect(yield* simulator.traffic).toEqual([])
  }).pipe(Effect.provide(live)),
)

it.scopedLive("exposes the rate limit headers to pages", () =>
  Effect.gen(function* () {
    const { sendRequest } = yield* served
    const headers = { origin, "user-agent": agent, "content-type": "application/json" }
    const send = () => sendRequest("POST", headers, '{"content":"a"}')
    const sent = yield* send()
    expect(sent.status).toBe(204)
    for (let i = 0; i < 4; i++) yield* send()
    const limited = yield* send()
    expect(limited.status).toBe(429)
    for (const response of [sent, limited]) {
      expect(response.headers.get("access-control-allow-origin")).toBe(origin)
      expect(response.headers.get("vary")).toBe("Origin")
      const exposed = response.headers
        .get("access-control-expose-headers")
        ?.toLowerCase()
        .split(",")
      const received = [...response.headers.keys()].filter((name) =>
        /^x-ratelimit|^retry/.test(name),
      )
      expect(received.length).toBeGreaterThanOrEqual(5)
      expect(exposed).toEqual(expect.arrayContaining(received))
    }
  }).pipe(Effect.provide(live)),
)

it.scopedLive("rejects the User-Agent of a browser without an origin", () =>
  Effect.gen(function* () {
    const { sendRequest } = yield* served
    const forged = yield* sendRequest("GET", { "user-agent": agent })
    expect([forged.status, JSON.parse(forged.text)]).toMatchObject([403, { code: 40333 }])
    expect(forged.headers.get("access-control-allow-origin")).toBeNull()
    expect((yield* sendRequest("GET", { "user-agent": agent, origin })).status).toBe(200)
  }).pipe(Effect.provide(live)),
)

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

async function answered(url: string, init: RequestInit) {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const served = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.DiscordSimulator
  const { baseUrl } = yield* DiscordSimulator.serve
  const { id, token } = yield* simulator.createWebhook()
  const url = `${baseUrl}/webhooks/${id}/${token}`
  const ask = (method: string, headers: Record<string, string>, body: string | null = null) =>
    Effect.promise(() => answered(url, { method, headers, body }))
  return { simulator, ask }
})

it.scopedLive("a page is asked in before it sends, without taking a slot", () =>
  Effect.gen(function* () {
    const { simulator, ask } = yield* served
    const preflight = yield* ask("OPTIONS", {
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

it.scopedLive("a page may read what it is told of rate limits", () =>
  Effect.gen(function* () {
    const { ask } = yield* served
    const headers = { origin, "user-agent": agent, "content-type": "application/json" }
    const send = () => ask("POST", headers, '{"content":"a"}')
    const sent = yield* send()
    expect(sent.status).toBe(204)
    for (let i = 0; i < 4; i++) yield* send()
    const limited = yield* send()
    expect(limited.status).toBe(429)
    for (const answer of [sent, limited]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin)
      expect(answer.headers.get("vary")).toBe("Origin")
      const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase().split(",")
      const told = [...answer.headers.keys()].filter((name) => /^x-ratelimit|^retry/.test(name))
      expect(told.length).toBeGreaterThanOrEqual(5)
      expect(exposed).toEqual(expect.arrayContaining(told))
    }
  }).pipe(Effect.provide(live)),
)

it.scopedLive("a program that poses as a browser is shut out, a page is not", () =>
  Effect.gen(function* () {
    const { ask } = yield* served
    const posing = yield* ask("GET", { "user-agent": agent })
    expect([posing.status, JSON.parse(posing.text)]).toMatchObject([403, { code: 40333 }])
    expect(posing.headers.get("access-control-allow-origin")).toBeNull()
    expect((yield* ask("GET", { "user-agent": agent, origin })).status).toBe(200)
  }).pipe(Effect.provide(live)),
)

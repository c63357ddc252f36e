import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { Fault } from "../../src/testing/index.js"
import { getMessage, raw, send } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

/** The network error code of a failed request. */
const networkCode = <A, R>(request: Effect.Effect<A, HttpClientError.HttpClientError, R>) =>
  Effect.map(Effect.flip(request), ({ reason, cause }) => [
    reason,
    (cause as { readonly code?: string }).code,
  ])

simulatorTest("connection faults fail with undici's error codes", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const count = Effect.map(simulator.messages(hook), (messages) => messages.length)
    yield* simulator.inject(Fault.refuseConnection)
    expect(yield* networkCode(send(hook))).toEqual(["Transport", "ECONNREFUSED"])
    yield* simulator.inject(Fault.resetBefore)
    expect(yield* networkCode(send(hook))).toEqual(["Transport", "ECONNRESET"])
    expect(yield* count).toBe(0)
    yield* simulator.inject(Fault.resetAfter)
    expect(yield* networkCode(send(hook))).toEqual(["Transport", "ECONNRESET"])
    expect(yield* count).toBe(1)
    yield* simulator.inject(Fault.truncateBody)
    expect(yield* networkCode(send(hook))).toEqual(["Decode", "ECONNRESET"])
    expect(yield* count).toBe(2)
    expect((yield* send(hook)).headers["x-ratelimit-remaining"]).toBe("2")
    const outcomes = (yield* simulator.traffic).map(({ outcome }) => outcome)
    expect(outcomes).toEqual(["refused", "reset", "dropped", "truncated", "completed"])
  }),
)

simulatorTest("Fault.respond replaces the response, before or after processing", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const body = { message: "500: Internal Server Error", code: 0 }
    yield* simulator.inject(Fault.respond({ status: 500, body, headers: { "X-Cause": "test" } }))
    const failed = yield* send(hook)
    expect([failed.status, failed.body]).toEqual([500, body])
    expect(failed.headers["x-cause"]).toBe("test")
    expect(failed.headers["via"]).toBeUndefined()
    expect(yield* simulator.messages(hook)).toHaveLength(0)
    yield* simulator.inject(Fault.respond({ status: 504, processed: true }))
    const late = yield* send(hook)
    expect([late.status, late.text]).toEqual([504, ""])
    expect(yield* simulator.messages(hook)).toHaveLength(1)
  }),
)

simulatorTest("Fault.alter, emptyBody and truncatedJson change the response", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.truncatedJson)
    const half = yield* send(hook)
    expect([half.status, half.text.length > 100, half.text.endsWith("}")]).toEqual([
      200,
      true,
      false,
    ])
    yield* simulator.inject(Fault.emptyBody)
    const empty = yield* send(hook)
    expect([empty.status, empty.text]).toEqual([200, ""])
    yield* simulator.inject(
      Fault.alter((response) => ({
        ...response,
        headers: { ...response.headers, "x-ratelimit-remaining": "many" },
      })),
    )
    expect((yield* send(hook)).headers["x-ratelimit-remaining"]).toBe("many")
  }),
)

simulatorTest("Fault.html, text and cloudflareLimit respond as the edge does", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.html(502))
    expect(yield* send(hook)).toMatchObject({
      status: 502,
      headers: { "content-type": "text/html; charset=UTF-8" },
    })
    yield* simulator.inject(Fault.text(503, "upstream connect error"))
    expect(yield* send(hook)).toMatchObject({ status: 503, text: "upstream connect error" })
    yield* simulator.inject(Fault.cloudflareLimit())
    const limited = yield* send(hook)
    expect([limited.status, limited.text]).toEqual([429, "error code: 1015"])
    expect(limited.headers["retry-after"]).toBeUndefined()
    yield* simulator.inject(Fault.cloudflareLimit({ retryAfter: 3600 }))
    expect((yield* send(hook)).headers["retry-after"]).toBe("3600")
    expect((yield* simulator.statistics).invalid).toBe(2)
  }),
)

simulatorTest("a fault applies to matching requests, `times` times", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const other = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.html(502), { match: "getMessage" })
    yield* simulator.inject(Fault.html(503), {
      match: ({ webhookId }) => webhookId === other.id,
      times: 2,
    })
    const status = (
      request: Effect.Effect<
        { readonly status: number },
        HttpClientError.HttpClientError,
        HttpClient.HttpClient
      >,
    ) => Effect.map(request, (response) => response.status)
    expect(yield* status(send(hook))).toBe(200)
    expect(yield* status(getMessage(hook, "1"))).toBe(502)
    expect(yield* status(getMessage(hook, "1"))).toBe(404)
    expect(yield* status(send(other))).toBe(503)
    expect(yield* status(send(other))).toBe(503)
    expect(yield* status(send(other))).toBe(200)
    yield* simulator.inject(Fault.html(503), { times: Infinity })
    for (let i = 0; i < 9; i++) expect(yield* status(send(hook))).toBe(503)
    yield* simulator.clearFaults
    expect(yield* status(send(hook))).toBe(200)
  }),
)

simulatorTest(
  "the server processes a request after the request latency",
  { latency: { request: "100 millis", response: "50 millis" } },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const fiber = yield* Effect.fork(send(hook))
      yield* TestClock.adjust("99 millis")
      expect(yield* simulator.messages(hook)).toHaveLength(0)
      yield* TestClock.adjust("1 millis")
      expect(yield* simulator.messages(hook)).toHaveLength(1)
      expect((yield* simulator.traffic)[0]).toMatchObject({
        arrivedAt: 100,
        respondedAt: undefined,
      })
      yield* TestClock.adjust("49 millis")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 millis")
      const { headers } = yield* Fiber.join(fiber)
      expect(headers["x-ratelimit-reset-after"]).toBe("2.000")
      expect((yield* simulator.traffic)[0]).toMatchObject({ arrivedAt: 100, respondedAt: 150 })
    }),
)

simulatorTest(
  "an interruption prevents processing only during the request latency",
  { latency: "100 millis" },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const early = yield* Effect.fork(send(hook))
      yield* TestClock.adjust("49 millis")
      yield* Fiber.interrupt(early)
      yield* TestClock.adjust("1 second")
      expect(yield* simulator.traffic).toHaveLength(0)
      const late = yield* Effect.fork(send(hook))
      yield* TestClock.adjust("51 millis")
      yield* Fiber.interrupt(late)
      expect(yield* simulator.messages(hook)).toHaveLength(1)
      expect((yield* simulator.traffic)[0]?.respondedAt).toBeUndefined()
    }),
)

simulatorTest("latency from the seed is deterministic", {}, (simulator) =>
  Effect.gen(function* () {
    const drawn: Array<number> = []
    yield* simulator.configure({
      latency: (random) => {
        drawn.push(random())
        return 0
      },
    })
    yield* Effect.replicateEffect(send(yield* simulator.createWebhook()), 3)
    expect(drawn).toHaveLength(6)
    expect(new Set(drawn).size).toBe(6)
  }),
)

simulatorTest("Fault.neverRespond blocks the request until it is interrupted", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.neverRespond)
    const silent = yield* Effect.fork(send(hook))
    yield* simulator.inject(Fault.delay(Duration.infinity))
    yield* TestClock.adjust("1 hour")
    const accepted = yield* Effect.fork(send(hook))
    yield* TestClock.adjust("1 hour")
    expect(yield* Fiber.poll(silent)).toMatchObject({ _tag: "None" })
    expect(Exit.isInterrupted(yield* Fiber.interrupt(silent))).toBe(true)
    expect(Exit.isInterrupted(yield* Fiber.interrupt(accepted))).toBe(true)
    expect(yield* simulator.messages(hook)).toHaveLength(1)
  }),
)

simulatorTest("Fault.delay delays the response", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.delay("30 seconds"))
    const late = yield* Effect.fork(send(hook))
    yield* TestClock.adjust("30 seconds")
    expect((yield* Fiber.join(late)).status).toBe(200)
    expect((yield* simulator.traffic)[0]).toMatchObject({ arrivedAt: 0, respondedAt: 30_000 })
  }),
)

simulatorTest(
  "hosts other than Discord's are not found",
  { origin: "http://proxy.test:8080" },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      expect(hook.url).toMatch(/^http:\/\/proxy\.test:8080\/api\/webhooks\/\d+\/[\w-]{68}$/)
      const status = (url: string) => Effect.map(HttpClient.get(url), (response) => response.status)
      const tail = `/api/v10/webhooks/${hook.id}/${hook.token}`
      expect(yield* status(`http://proxy.test:8080${tail}`)).toBe(200)
      expect(yield* status(`https://canary.discord.com${tail}`)).toBe(200)
      expect(yield* status(`https://discordapp.com${tail}`)).toBe(200)
      expect(yield* networkCode(status(`https://discord.com.evil.test${tail}`))).toEqual([
        "Transport",
        "ENOTFOUND",
      ])
    }),
)

simulatorTest("records traffic in order, without secrets", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { body } = yield* send(hook, { content: "a" }, { thread_id: "1" })
    expect(body.code).toBe(10003)
    yield* raw("GET", `/api/v10/webhooks/${hook.id}/${hook.token}/elsewhere`, {
      headers: { authorization: "Bot secret" },
    })
    const traffic = yield* simulator.traffic
    expect(traffic).toMatchObject([
      {
        sequence: 1,
        operation: "execute",
        method: "POST",
        path: "/webhooks/:webhookId/:token",
        version: 10,
        webhookId: hook.id,
        query: { wait: "true", thread_id: "1" },
        body: { content: "a" },
        status: 404,
        code: 10003,
        remaining: 4,
        outcome: "completed",
      },
      { operation: "unknown", path: "/webhooks/:webhookId/:token/elsewhere", status: 404 },
    ])
    const written = JSON.stringify(traffic)
    expect(written).not.toContain(hook.token)
    expect(written).not.toContain("Bot secret")
    expect(yield* simulator.statistics).toMatchObject({ requests: 2, byStatus: { 404: 2 } })
    yield* simulator.clearTraffic
    expect(yield* simulator.traffic).toEqual([])
    yield* simulator.configure({ maxTrafficRecords: 2 })
    for (const content of ["a", "b", "c", "d", "e"]) yield* send(hook, { content })
    expect(yield* simulator.traffic).toMatchObject([
      { sequence: 6, body: { content: "d" } },
      { sequence: 7, body: { content: "e" } },
    ])
    yield* simulator.configure({ maxTrafficRecords: 0 })
    expect(yield* simulator.traffic).toEqual([])
  }),
)

simulatorTest("truncateBody drops a response without a body", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(Fault.truncateBody)
    expect(yield* networkCode(send(hook, { content: "a" }, { wait: false }))).toEqual([
      "Transport",
      "ECONNRESET",
    ])
    expect(yield* simulator.messages(hook)).toHaveLength(1)
    yield* simulator.inject(Fault.respond({ status: 204, body: "ignored" }))
    expect(yield* send(hook)).toMatchObject({ status: 204, text: "" })
  }),
)

simulatorTest("the edge rejects the User-Agent of a browser", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const response = yield* raw("GET", `/api/v10/webhooks/${hook.id}/${hook.token}`, {
      headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" },
    })
    expect([response.status, response.body]).toEqual([
      403,
      { message: "internal network error", code: 40333 },
    ])
    expect((yield* simulator.statistics).invalid).toBe(1)
  }),
)

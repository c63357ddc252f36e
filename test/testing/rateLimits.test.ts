import { expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { deleteMessage, editMessage, getMessage, getWebhook, send } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const limitHeaders = (headers: Readonly<Record<string, string>>) =>
  ["limit", "remaining", "reset", "reset-after"].map((name) => headers[`x-ratelimit-${name}`])

const leaking = {
  limits: { execute: { limit: 5, period: "2 seconds", model: "leaking" } },
} as const

simulatorTest("a fixed window opens with its first request and closes 2 s later", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* TestClock.adjust("300 millis")
    const first = yield* send(hook)
    expect(limitHeaders(first.headers)).toEqual(["5", "4", "2.300", "2.000"])
    yield* TestClock.adjust("1500 millis")
    for (const remaining of ["3", "2", "1", "0"]) {
      const next = yield* send(hook)
      expect(limitHeaders(next.headers)).toEqual(["5", remaining, "2.300", "0.500"])
    }
    yield* TestClock.adjust("499 millis")
    const limited = yield* send(hook)
    expect(limited.status).toBe(429)
    expect(limited.body).toEqual({
      message: "You are being rate limited.",
      retry_after: 0.001,
      global: false,
    })
    expect(limited.headers["retry-after"]).toBe("1")
    expect(limited.headers["x-ratelimit-scope"]).toBe("user")
    expect(limitHeaders(limited.headers)).toEqual(["5", "0", "2.300", "0.001"])
    yield* TestClock.adjust("1 millis")
    const reopened = yield* send(hook)
    expect(limitHeaders(reopened.headers)).toEqual(["5", "4", "4.300", "2.000"])
  }),
)

const penalty = {
  limits: { execute: { limit: 2, period: "5 seconds", model: "penalty" } },
} as const

simulatorTest(
  "a penalty bucket describes its state before the request, in its units",
  penalty,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      yield* TestClock.adjust("1 seconds")
      expect(limitHeaders((yield* send(hook)).headers)).toEqual(["2", "2", "1005", "5"])
      yield* TestClock.adjust("700 millis")
      expect(limitHeaders((yield* send(hook)).headers)).toEqual(["2", "1", "6000", "5"])
      yield* TestClock.adjust("800 millis")
      const limited = yield* send(hook)
      expect(limited.status).toBe(429)
      expect(limited.body).toMatchObject({ retry_after: 9, global: false })
      expect(limited.headers["retry-after"]).toBe("9")
      expect(limited.headers["x-ratelimit-scope"]).toBe(undefined)
      expect(limitHeaders(limited.headers)).toEqual(["2", "0", "6000", "4"])
      yield* TestClock.adjust("8499 millis")
      expect((yield* send(hook)).status).toBe(429)
      yield* TestClock.adjust("5001 millis")
      const reopened = yield* send(hook)
      expect(reopened.status).toBe(200)
      expect(limitHeaders(reopened.headers)).toEqual(["2", "0", "16000", "0"])
      expect(limitHeaders((yield* send(hook)).headers)).toEqual(["2", "1", "21000", "5"])
    }),
)

simulatorTest("a leaking bucket restores one slot each 400 ms", leaking, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const first = yield* send(hook)
    expect(limitHeaders(first.headers)).toEqual(["5", "4", "0.400", "0.400"])
    for (const [remaining, full] of [
      ["3", "0.800"],
      ["2", "1.200"],
      ["1", "1.600"],
      ["0", "2.000"],
    ]) {
      const next = yield* send(hook)
      expect(limitHeaders(next.headers)).toEqual(["5", remaining, full, full])
    }
    yield* TestClock.adjust("100 millis")
    const limited = yield* send(hook)
    expect(limited.status).toBe(429)
    expect(limited.body.retry_after).toBe(0.3)
    expect(limitHeaders(limited.headers)).toEqual(["5", "0", "2.000", "1.900"])
    yield* TestClock.adjust("300 millis")
    expect((yield* send(hook)).status).toBe(200)
    expect((yield* send(hook)).status).toBe(429)
    yield* TestClock.adjust("10 seconds")
    expect((yield* send(hook)).headers["x-ratelimit-remaining"]).toBe("4")
  }),
)

simulatorTest("webhooks share a bucket hash but not its slots", {}, (simulator) =>
  Effect.gen(function* () {
    const one = yield* simulator.createWebhook()
    const two = yield* simulator.createWebhook()
    for (let i = 0; i < 5; i++) yield* send(one)
    expect((yield* send(one)).status).toBe(429)
    const other = yield* send(two)
    expect(other.headers["x-ratelimit-remaining"]).toBe("4")
    const [record] = yield* simulator.traffic
    expect(other.headers["x-ratelimit-bucket"]).toBe(record?.bucket)
  }),
)

simulatorTest("edit and delete share the slots of execute; get has its own", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { body, headers } = yield* send(hook)
    const edit = yield* editMessage(hook, body.id, { content: "b" })
    expect(edit.headers["x-ratelimit-remaining"]).toBe("3")
    expect(edit.headers["x-ratelimit-bucket"]).toBe(headers["x-ratelimit-bucket"])
    const get = yield* getMessage(hook, body.id)
    expect(get.headers["x-ratelimit-remaining"]).toBe("4")
    expect(get.headers["x-ratelimit-bucket"]).not.toBe(headers["x-ratelimit-bucket"])
    expect((yield* deleteMessage(hook, body.id)).headers["x-ratelimit-remaining"]).toBe("2")
  }),
)

simulatorTest(
  "routes can have separate buckets with one hash, or none",
  {
    limits: {
      execute: { limit: 1, period: "1 second", hash: "same" },
      editMessage: { limit: 3, period: "1 second", hash: "same" },
      getMessage: "none",
    },
  },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const sent = yield* send(hook)
      const edit = yield* editMessage(hook, sent.body.id, { content: "b" })
      expect(sent.headers["x-ratelimit-bucket"]).toBe("same")
      expect(edit.headers["x-ratelimit-bucket"]).toBe("same")
      expect(edit.headers["x-ratelimit-remaining"]).toBe("2")
      const get = yield* getMessage(hook, sent.body.id)
      expect(limitHeaders(get.headers)).toEqual([undefined, undefined, undefined, undefined])
    }),
)

simulatorTest("rejected requests take slots", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const invalid = yield* send(hook, { content: "" })
    expect([invalid.status, invalid.headers["x-ratelimit-remaining"]]).toEqual([400, "4"])
    const gone = yield* getWebhook({ ...hook, token: "wrong" })
    expect([gone.status, gone.headers["x-ratelimit-remaining"]]).toEqual([401, "4"])
  }),
)

simulatorTest(
  "a hidden limit rejects while the visible bucket has slots",
  {
    limits: { execute: { limit: 5, period: "2 seconds" } },
    hiddenLimit: { limit: 30, period: "60 seconds" },
  },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      for (let i = 0; i < 30; i++) {
        expect((yield* send(hook)).status).toBe(200)
        yield* TestClock.adjust("500 millis")
      }
      const limited = yield* send(hook)
      expect(limited.status).toBe(429)
      expect(limited.headers["x-ratelimit-remaining"]).toBe("2")
      expect(limited.headers["x-ratelimit-scope"]).toBe("shared")
      expect(limited.body.retry_after).toBe(45)
      const sibling = yield* simulator.createWebhook({ channelId: hook.channelId })
      expect((yield* send(sibling)).body.retry_after).toBe(45)
      yield* TestClock.adjust("45 seconds")
      expect((yield* send(hook)).status).toBe(200)
      expect((yield* simulator.statistics).limitedByHidden).toBe(2)
    }),
)

simulatorTest(
  "a shared 429 applies to one webhook and is not an invalid request",
  {},
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const other = yield* simulator.createWebhook()
      yield* simulator.applySharedLimit(hook, { retryAfter: "1500 millis", code: 20028 })
      const limited = yield* send(hook)
      expect(limited.status).toBe(429)
      expect(limited.headers["x-ratelimit-scope"]).toBe("shared")
      expect(limited.headers["retry-after"]).toBe("2")
      expect(limited.body).toEqual({
        message: "The resource is being rate limited.",
        retry_after: 1.5,
        global: false,
        code: 20028,
      })
      expect((yield* send(other)).status).toBe(200)
      yield* TestClock.adjust("1500 millis")
      expect((yield* send(hook)).status).toBe(200)
      expect((yield* simulator.statistics).invalid).toBe(0)
    }),
)

simulatorTest(
  "the global limit is per second of the server's clock",
  { globalLimit: 3, clockSkew: 400 },
  (simulator) =>
    Effect.gen(function* () {
      const hooks = yield* Effect.replicateEffect(simulator.createWebhook(), 5)
      for (const hook of hooks.slice(0, 3)) expect((yield* send(hook)).status).toBe(200)
      const limited = yield* send(hooks[3]!)
      expect(limited.status).toBe(429)
      expect(limited.body).toEqual({
        message: "You are being rate limited.",
        retry_after: 0.6,
        global: true,
      })
      expect(limited.headers["x-ratelimit-global"]).toBe("true")
      expect(limited.headers["x-ratelimit-scope"]).toBe("global")
      expect(limited.headers["x-ratelimit-bucket"]).toBeUndefined()
      yield* TestClock.adjust("600 millis")
      expect((yield* send(hooks[3]!)).headers["x-ratelimit-remaining"]).toBe("4")
    }),
)

simulatorTest("clock skew changes Reset only", { clockSkew: 60_000 }, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const { headers, body } = yield* send(hook)
    expect(limitHeaders(headers)).toEqual(["5", "4", "62.000", "2.000"])
    expect(body.timestamp).toBe("2025-01-01T00:01:00.000000+00:00")
  }),
)

simulatorTest("consume takes slots of the same bucket", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* send(hook)
    expect(yield* simulator.consume(hook, 3)).toBe(3)
    expect((yield* send(hook)).headers["x-ratelimit-remaining"]).toBe("0")
    expect(yield* simulator.consume(hook, 3)).toBe(0)
    expect((yield* send(hook)).status).toBe(429)
  }),
)

simulatorTest("configure changes limits within a window", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    for (let i = 0; i < 4; i++) yield* send(hook)
    yield* simulator.configure({ limits: { execute: { limit: 3, period: "2 seconds" } } })
    expect(limitHeaders((yield* send(hook)).headers)).toEqual(["3", "0", "2.000", "2.000"])
    yield* simulator.configure({ limits: { execute: { limit: 10, period: "2 seconds" } } })
    expect(limitHeaders((yield* send(hook)).headers)).toEqual(["10", "5", "2.000", "2.000"])
  }),
)

simulatorTest("bucket hashes can change once or in every response", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const name = Effect.map(send(hook), ({ headers }) => headers["x-ratelimit-bucket"])
    const before = yield* name
    expect(yield* name).toBe(before)
    yield* simulator.rotateBuckets
    const after = yield* send(hook)
    expect(after.headers["x-ratelimit-bucket"]).not.toBe(before)
    expect(after.headers["x-ratelimit-remaining"]).toBe("2")
    yield* simulator.configure({ bucketHash: "changing" })
    expect(yield* name).not.toBe(yield* name)
  }),
)

simulatorTest("rate limit headers can be disabled", { rateLimitHeaders: false }, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    for (let i = 0; i < 5; i++) {
      const { headers } = yield* send(hook)
      expect(Object.keys(headers).filter((name) => name.startsWith("x-ratelimit"))).toEqual([])
    }
    const limited = yield* send(hook)
    expect([limited.status, limited.headers["retry-after"]]).toEqual([429, "2"])
    expect((yield* simulator.traffic).at(-1)).toMatchObject({ scope: "user", remaining: 0 })
  }),
)

simulatorTest(
  "blocks the client after too many invalid requests",
  {
    block: { maxInvalidRequests: 3, period: "10 minutes", duration: "1 hour" },
    globalLimit: "none",
  },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const stranger = { id: hook.id, token: "wrong" }
      yield* send(stranger)
      yield* TestClock.adjust("11 minutes")
      for (let i = 0; i < 3; i++) expect((yield* send(stranger)).status).toBe(401)
      const page = yield* send(hook)
      expect(page.status).toBe(429)
      expect(page.body).toMatchObject({ code: 0 })
      expect(page.body.retry_after).toBeUndefined()
      expect(page.headers["retry-after"]).toBeUndefined()
      expect(page.headers["via"]).toBeUndefined()
      yield* TestClock.adjust("1 hour")
      expect((yield* send(hook)).status).toBe(200)
      expect(yield* simulator.statistics).toMatchObject({ blocked: 1, accepted: 1 })
    }),
)

simulatorTest(
  "counts an invalid request whose response is lost",
  {
    block: { maxInvalidRequests: 1, period: "10 minutes", duration: "1 hour" },
    globalLimit: "none",
  },
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      yield* simulator.inject(Fault.resetAfter)
      yield* Effect.flip(send({ id: hook.id, token: "wrong" }))
      expect((yield* send(hook)).status).toBe(429)
    }),
)

it.effect.each([
  [{ limits: { execute: { limit: 0, period: "1 second" } } }, "limits.execute.limit"],
  [{ limits: { execute: { limit: 5, period: 0 } } }, "limits.execute.period"],
  [{ limits: { execute: "editMessage" } }, "limits.execute"],
  [{ globalLimit: Number.NaN }, "globalLimit"],
  [{ hiddenLimit: { limit: 1.5, period: "1 second" } }, "hiddenLimit.limit"],
] as const)("an option that makes no sense is named: %o", ([options, name]) =>
  Effect.gen(function* () {
    const cause = yield* Effect.flip(Effect.sandbox(DiscordSimulator.make(options)))
    expect(Cause.pretty(cause)).toContain(name)
  }),
)

/** Faults that broke other clients, row by row; the table of figures is in `rows.ts`. */
import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { RateLimiter, Webhook } from "../../src/index.js"
import { Fault } from "../../src/testing/index.js"
import { emptyBody429, withHeaders } from "./responses.js"
import { type RowName, rows } from "./rows.js"
import {
  contents,
  fields,
  inEveryWay,
  newHook,
  sendAll,
  type Setting,
  type Story,
  texts,
  timed,
  within,
} from "./harness.js"
import { occurrences, captureFailures } from "./captureFailures.js"

const worst = new Map<RowName, number>()

const note = (name: RowName, figure: number): void => {
  expect(figure, rows[name].unit).toBeLessThanOrEqual(rows[name].bound)
  worst.set(name, Math.max(worst.get(name) ?? 0, figure))
}

/** A row for every strategy and delivery; the story returns our figure. */
const row = <E>(name: RowName, setting: Setting, story: Story<number, E>): void => {
  const { scenario, bound, unit } = rows[name]
  inEveryWay(`${scenario}: at most ${bound} ${unit}`, setting, (simulator, way) =>
    Effect.map(story(simulator, way), (figure) => note(name, figure)),
  )
}

const hello = { content: "hello" }
const slow = { limit: 1, period: "1500 millis" } as const

describe("429 responses", () => {
  row("headerless429", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(Fault.respond({ status: 429 }), { times: Infinity })
      const sending = yield* Effect.fork(Webhook.send(hook, hello))
      yield* TestClock.adjust("3 seconds")
      yield* simulator.clearFaults
      yield* within("2 minutes", Fiber.join(sending))
      expect(contents(yield* simulator.messages(made))).toEqual(["hello"])
      return (yield* simulator.traffic).length
    }),
  )

  row("retryAfterBeyondReset", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(emptyBody429({ retryAfter: "3", resetAfter: "0.3" }), {
        times: Infinity,
      })
      const sending = yield* Effect.fork(sendAll(hook, texts(5)))
      yield* TestClock.adjust("2999 millis")
      yield* simulator.clearFaults
      const before = (yield* simulator.traffic).length
      yield* within("1 minute", Fiber.join(sending))
      expect(contents(yield* simulator.messages(made))).toEqual(texts(5))
      return before
    }),
  )

  row("global429", {}, (simulator) =>
    Effect.gen(function* () {
      const hooks = yield* Effect.replicateEffect(newHook(simulator), 10)
      const global = { message: "You are being rate limited.", retry_after: 3, global: true }
      yield* simulator.inject(
        Fault.respond({
          status: 429,
          headers: { "retry-after": "3", "x-ratelimit-global": "true" },
          body: global,
        }),
        { times: Infinity },
      )
      const sending = yield* Effect.fork(
        Effect.forEach(
          hooks,
          ({ hook }, index) => Effect.delay(Webhook.send(hook, hello), index * 100),
          { concurrency: "unbounded" },
        ),
      )
      yield* TestClock.adjust("2999 millis")
      yield* simulator.clearFaults
      yield* within("1 minute", Fiber.join(sending))
      expect((yield* simulator.statistics).messages).toBe(10)
      return (yield* simulator.traffic).length
    }),
  )

  row("fractionalDelays", { simulator: { limits: { execute: slow } } }, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      yield* within("10 seconds", sendAll(hook, texts(2)))
      yield* TestClock.adjust("10 seconds")
      yield* simulator.inject(emptyBody429({ retryAfter: "1.25", resetAfter: "1.25" }))
      yield* within("10 seconds", Webhook.send(hook, hello))
      const [first, second, refused, again] = (yield* simulator.traffic).map((one) => one.arrivedAt)
      const waits = [second! - first! - 1500, again! - refused! - 1250]
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
      return Math.max(...waits)
    }),
  )

  row("hashAtZero", { simulator: { limits: { execute: slow } } }, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* within("1 minute", sendAll(hook, texts(2)))
      expect(contents(yield* simulator.messages(made))).toEqual(texts(2))
      return (yield* simulator.statistics).limited.user
    }),
  )
})

describe("nothing to wait for", () => {
  row("idleWebhooks", {}, (simulator) =>
    Effect.gen(function* () {
      const hooks = yield* Effect.replicateEffect(newHook(simulator), 40)
      const send = Effect.forEach(hooks, ({ hook }) => Webhook.send(hook, hello), {
        concurrency: "unbounded",
      })
      const { took } = yield* within(0, timed(send))
      expect((yield* simulator.statistics).accepted).toBe(40)
      return took
    }),
  )

  row("noRateLimitHeaders", { simulator: { limits: { execute: "none" } } }, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      const { took } = yield* within("1 minute", timed(sendAll(hook, texts(40))))
      expect(new Set(contents(yield* simulator.messages(made))).size).toBe(40)
      return took
    }),
  )
})

describe("webhooks that are gone, and those that are not", () => {
  row("unknownWebhook", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.deleteWebhook(made)
      const send = Effect.either(Webhook.send(hook, hello))
      const results = yield* within(
        "1 minute",
        Effect.zip(
          Effect.all(
            Array.from({ length: 10 }, () => send),
            { concurrency: "unbounded" },
          ),
          Effect.replicateEffect(send, 10),
        ),
      )
      const tags = results.flat().map(Either.match({ onLeft: (e) => e._tag, onRight: () => "" }))
      expect(tags).toEqual(Array.from({ length: 20 }, () => "WebhookNotFound"))
      return (yield* simulator.traffic).length
    }),
  )

  row("unknownMessage", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      const gone = yield* Effect.flip(Webhook.getMessage(hook, "1"))
      expect(gone._tag).toBe("WebhookMessageNotFound")
      yield* Webhook.send(hook, hello)
      return 1 - (yield* simulator.messages(made)).length
    }),
  )
})

describe("a server that fails", () => {
  row("lateAnswer", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(Fault.delay("5 minutes"), { times: Infinity })
      const error = yield* within("10 minutes", Effect.flip(Webhook.send(hook, hello)))
      expect(fields(error)).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "timeout",
        delivered: "unknown",
      })
      return (yield* simulator.messages(made)).length
    }),
  )

  row("badGatewayForEver", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      yield* simulator.inject(Fault.html(502), { times: Infinity })
      const sent = yield* within("10 minutes", Effect.flip(Webhook.send(hook, hello)))
      const read = yield* within("10 minutes", Effect.flip(Webhook.get(hook)))
      expect(fields(sent)).toMatchObject({ _tag: "DiscordServerError", status: 502, attempts: 1 })
      expect(fields(read)).toMatchObject({ _tag: "DiscordServerError", status: 502, attempts: 4 })
      return (yield* simulator.traffic).length
    }),
  )

  row("connectionReset", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(Fault.resetAfter)
      const { took, value } = yield* within(
        "10 minutes",
        timed(Effect.flip(Webhook.send(hook, hello))),
      )
      expect(fields(value)).toMatchObject({
        _tag: "DiscordTransportError",
        reason: "broken",
        delivered: "unknown",
      })
      expect(yield* simulator.messages(made)).toHaveLength(1)
      return took
    }),
  )

  row("unansweredSlots", { rest: { timeout: "1 second" } }, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      // Two answers show a window of fixed length.
      yield* Effect.replicateEffect(Webhook.send(hook, hello), 2)
      yield* simulator.inject(Fault.neverRespond, { times: 3 })
      const silent = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 3 }, () => Effect.flip(Webhook.send(hook, hello))),
          { concurrency: "unbounded" },
        ),
      )
      const { took } = yield* within(
        "1 minute",
        Effect.zipRight(Fiber.join(silent), timed(Webhook.send(hook, hello))),
      )
      expect((yield* simulator.statistics).limited.user).toBe(0)
      return took
    }),
  )

  row("oddAdvisoryHeader", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      for (const value of ["many", "-1", "NaN", "1e999", "", "0x10", "null"]) {
        yield* simulator.inject(withHeaders(value))
        yield* within("1 minute", Webhook.send(hook, hello))
      }
      return 7 - (yield* simulator.messages(made)).length
    }),
  )
})

describe("waiting", () => {
  row("interruptedWaiter", { simulator: { limits: { execute: slow } } }, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* Webhook.send(hook, { content: "first" })
      const waiter = yield* Effect.fork(Webhook.send(hook, { content: "interrupted" }))
      const next = yield* Effect.fork(Webhook.send(hook, { content: "next" }))
      yield* TestClock.adjust("500 millis")
      const { took, value } = yield* timed(Fiber.interrupt(waiter))
      expect(value._tag === "Failure" && Cause.isInterruptedOnly(value.cause)).toBe(true)
      yield* within("1 second", Fiber.join(next))
      expect(contents(yield* simulator.messages(made))).toEqual(["first", "next"])
      return took
    }),
  )

  row("sweepUnderWaiter", {}, (simulator) =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter.RateLimiter
      const { hook, made } = yield* newHook(simulator)
      const { hook: other } = yield* newHook(simulator)
      yield* simulator.applySharedLimit(made, { retryAfter: "10 minutes" })
      const waiting = yield* Effect.fork(sendAll(hook, texts(2)))
      yield* Webhook.send(other, hello)
      yield* TestClock.adjust("9 minutes")
      // The other webhook has been swept, so the sweeper was here.
      expect((yield* limiter.snapshot).buckets).toBe(1)
      yield* within("2 minutes", Fiber.join(waiting))
      return 2 - (yield* simulator.messages(made)).length
    }),
  )
})

describe("secrets", () => {
  row("tokenNowhere", {}, (simulator, way) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      const seen = yield* captureFailures(simulator, hook, made.url, way)
      return occurrences(seen, made.token)
    }),
  )
})

it("the table contains the measured figures", () => {
  // Memory is measured in a process of its own, by test/bench/memory.test.ts.
  const { heapBack: _, ...measured } = rows
  const ours = Object.entries(measured).map(([name, { ours: figure }]) => [name, figure])
  const found = Object.keys(measured).map((name) => [name, worst.get(name as RowName)])
  expect(found).toEqual(ours)
})

/** What an adversary would try: each test began as a doubt about the code. */
import { it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { inTurns, runs } from "../support/laws.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { limited429, emptyBody429 } from "./responses.js"
import {
  contents,
  fields,
  inEveryWay,
  nameOf,
  newHook,
  sendAll,
  stack,
  texts,
  timed,
  ways,
  waysOf,
  within,
} from "./harness.js"
import { isLowestPeers } from "../support/peers.js"

const hello = { content: "hello" }
const limitedBy = (simulator: DiscordSimulator.Service) =>
  Effect.map(simulator.statistics, ({ limited }) => limited.user)

describe("sent twice?", () => {
  inEveryWay(
    "at least once, and the answer is cut: Discord has it, so it is not sent again",
    { rest: { retry: "atLeastOnce" } },
    (simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.inject(Fault.truncateBody)
        const failed = yield* within("5 minutes", Effect.flip(Webhook.send(hook, hello)))
        expect(fields(failed)).toMatchObject({ _tag: "DiscordTransportError", delivered: "yes" })
        expect(yield* simulator.messages(made)).toHaveLength(1)
      }),
  )

  inEveryWay("a read whose answer is cut is read again", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      const { id } = yield* Webhook.send(hook, hello)
      yield* simulator.inject(Fault.truncateBody)
      const read = yield* within("1 minute", Webhook.getMessage(hook, id))
      expect(read.id).toBe(id)
    }),
  )

  inEveryWay(
    "a deletion that was lost on the way back has succeeded",
    { skip: isLowestPeers },
    (simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        const { id } = yield* Webhook.send(hook, hello)
        yield* simulator.inject(Fault.resetAfter)
        yield* within("1 minute", Webhook.deleteMessage(hook, id))
        const failed = yield* within("1 minute", Effect.flip(Webhook.deleteMessage(hook, id)))
        expect(failed._tag).toBe("WebhookMessageNotFound")
      }),
  )
})

describe("hangs?", () => {
  inEveryWay("time is up even where nothing can be interrupted", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      yield* simulator.inject(Fault.neverRespond)
      const failed = yield* within(
        "1 minute",
        Effect.uninterruptible(Effect.flip(Webhook.send(hook, hello))),
      )
      expect(fields(failed)).toMatchObject({ _tag: "DiscordTransportError", reason: "timeout" })
    }),
  )

  inEveryWay("the last words of an interrupted program are sent", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      const program = Effect.ensuring(
        Effect.never,
        Effect.ignore(Webhook.send(hook, { content: "shutting down" })),
      )
      const running = yield* Effect.fork(program)
      yield* TestClock.adjust(0)
      yield* within("1 minute", Fiber.interrupt(running))
      expect(contents(yield* simulator.messages(made))).toEqual(["shutting down"])
    }),
  )

  inEveryWay("whose patience ends in the middle of the queue, fails then", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook } = yield* newHook(simulator)
      yield* simulator.inject(Fault.neverRespond, { times: 2 })
      const others = yield* Effect.fork(
        Effect.all([Webhook.send(hook, hello), Webhook.send(hook, hello)].map(Effect.flip), {
          concurrency: "unbounded",
        }),
      )
      yield* TestClock.adjust(0)
      const impatient = Webhook.send(hook, hello).pipe(
        RestConfig.withOptions({ maxWait: "1 second" }),
        Effect.flip,
        timed,
      )
      const { took, value } = yield* within("2 seconds", impatient)
      expect(took).toBe(1000)
      expect(value._tag).toBe("WebhookRateLimited")
      yield* within("5 minutes", Fiber.join(others))
    }),
  )

  inEveryWay(
    "no time to repeat what failed: the failure is told, not a rate limit",
    {},
    (simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        yield* simulator.inject(Fault.resetBefore, { times: Infinity })
        const failed = yield* within(
          "1 minute",
          Webhook.editMessage(hook, "1", hello).pipe(
            RestConfig.withOptions({ maxWait: "100 millis" }),
            Effect.flip,
          ),
        )
        expect(fields(failed)).toMatchObject({
          _tag: "DiscordTransportError",
          reason: "broken",
          delivered: "unknown",
          attempts: 1,
        })
      }),
  )

  inEveryWay("interrupted between two attempts, it lets the next go", {}, (simulator) =>
    Effect.gen(function* () {
      const { hook, made } = yield* newHook(simulator)
      yield* simulator.inject(limited429({ retryAfter: 3 }))
      const first = yield* Effect.fork(Webhook.send(hook, { content: "first" }))
      const next = yield* Effect.fork(Webhook.send(hook, { content: "next" }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(first)
      yield* within("2 seconds", Fiber.join(next))
      expect(contents(yield* simulator.messages(made))).toEqual(["next"])
    }),
  )

  it.scoped("a 429 after the scope is closed ends in DiscordRateLimiterClosed", () =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.make({ latency: "1 second" })
      const { hook } = yield* newHook(simulator)
      yield* simulator.inject(limited429({ retryAfter: 3 }))
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        Layer.merge(
          Layer.succeed(HttpClient.HttpClient, simulator.httpClient),
          stack({ strategy: "proactive", delivery: "ordered" }),
        ),
        scope,
      )
      const sending = yield* Effect.fork(
        Effect.provide(Effect.flip(Webhook.send(hook, hello)), context),
      )
      yield* TestClock.adjust("500 millis")
      yield* Scope.close(scope, Exit.void)
      const failed = yield* within("10 seconds", Fiber.join(sending))
      expect(failed._tag).toBe("DiscordRateLimiterClosed")
    }),
  )
})

describe("lost?", () => {
  inEveryWay(
    "a full queue does not turn away who was in it before",
    { limiter: { queueCapacity: 2 } },
    (simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.inject(limited429({ retryAfter: 1 }))
        yield* within("1 minute", sendAll(hook, texts(3)))
        expect(new Set(contents(yield* simulator.messages(made)))).toEqual(new Set(texts(3)))
      }),
  )

  inEveryWay(
    "a full queue says so, and what it held arrives",
    { limiter: { queueCapacity: 2 } },
    (simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.applySharedLimit(made, { retryAfter: "1 minute" })
        const all = yield* within(
          "2 minutes",
          Effect.all(
            texts(5).map((content) => Effect.exit(Webhook.send(hook, { content }))),
            { concurrency: "unbounded" },
          ),
        )
        const accepted = all.filter(Exit.isSuccess).length
        expect(all.length - accepted).toBeGreaterThan(0)
        expect(yield* simulator.messages(made)).toHaveLength(accepted)
      }),
  )
})

describe("429s caused by our own requests", () => {
  const careful = ways.filter(({ strategy }) => strategy !== "reactive")
  const openings = {
    "a 502 as the first answer": Fault.html(502),
    "a global 429 as the first answer": limited429({ retryAfter: 1, global: true }),
    "a 429 of the edge as the first answer": Fault.cloudflareLimit(),
    "a 401 without headers as the first answer": Fault.text(401, "no"),
    "silence as the first answer": Fault.neverRespond,
    "a 429 that promises one slot": emptyBody429({ retryAfter: "1", resetAfter: "0.2" }),
  }
  const models = ["fixed", "leaking"] as const
  const buckets = models.flatMap((model) => careful.map((way) => ({ model, way })))

  for (const [turn, [name, fault]] of Object.entries(openings).entries()) {
    for (const { model, way } of inTurns(buckets, turn, 4)) {
      it.effect(`after ${name}: none more [${nameOf(way)}, ${model}]`, () =>
        Effect.gen(function* () {
          const simulator = yield* DiscordSimulator.DiscordSimulator
          const { hook, made } = yield* newHook(simulator)
          yield* simulator.inject(fault)
          yield* Effect.all(
            texts(25).map((content) => Effect.exit(Webhook.send(hook, { content }))),
            { concurrency: "unbounded" },
          )
          expect((yield* simulator.messages(made)).length).toBeGreaterThanOrEqual(24)
          const { byStatus, limited } = yield* simulator.statistics
          expect({ ...limited, user: Math.max(0, limited.user - 1) }).toMatchObject({ user: 0 })
          expect(byStatus[429] ?? 0).toBeLessThanOrEqual(1)
        }).pipe(
          Effect.provide(
            Layer.merge(
              DiscordSimulator.layerTestWith({
                limits: { execute: { limit: 5, period: "2 seconds", model } },
                latency: { request: (random) => 20 * random() + 20, response: "30 millis" },
              }),
              stack(way),
            ),
          ),
          VirtualClock.run,
        ),
      )
    }
  }

  for (const model of models) {
    it.effect(`two strategies and both deliveries at once on one webhook [${model}]`, () =>
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        yield* Effect.forEach(
          texts(40),
          (content, index) =>
            Webhook.send(hook, { content }).pipe(
              RestConfig.withOptions({ delivery: index % 3 === 0 ? "concurrent" : "ordered" }),
              Effect.provide(index % 2 === 0 ? Strategy.layerProactive : Strategy.layerAdaptive),
            ),
          { concurrency: "unbounded" },
        )
        expect(yield* simulator.messages(made)).toHaveLength(40)
        expect(yield* limitedBy(simulator)).toBe(0)
      }).pipe(
        Effect.provide([
          RateLimiter.layerMemory,
          DiscordSimulator.layerTestWith({
            limits: { execute: { limit: 5, period: "2 seconds", model } },
            latency: { request: (random) => 20 * random() + 20, response: "30 millis" },
          }),
        ]),
        VirtualClock.run,
      ),
    )
  }
})

describe("starved?", () => {
  const seconds = Math.min(10, Math.max(2, runs(10)))
  /** More than the global limit grants in this time. */
  const queueLength = 50 * seconds + Math.max(200, runs(500))

  const name = "a long queue elsewhere does not delay a first message"
  for (const way of waysOf(name)) {
    it.effect(`${name} [${nameOf(way)}]`, () =>
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const busy = yield* newHook(simulator)
        const calm = yield* newHook(simulator)
        const sending = yield* Effect.fork(sendAll(busy.hook, texts(queueLength)))
        yield* Effect.sleep(Duration.seconds(seconds))
        const { took } = yield* timed(Webhook.send(calm.hook, hello))
        expect(took).toBeLessThanOrEqual(1000)
        yield* Fiber.interrupt(sending)
        expect((yield* simulator.statistics).limited.global).toBe(0)
      }).pipe(
        Effect.provide(
          Layer.merge(
            DiscordSimulator.layerTestWith({ limits: { execute: "none" }, latency: "20 millis" }),
            stack(way),
          ),
        ),
        VirtualClock.run,
      ),
    )
  }
})

describe("invalid responses", () => {
  /** A server that responds to everything with this body. */
  const saying = (status: number, body: string) =>
    HttpClient.make((request) =>
      Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(body, { status }))),
    )
  const nested = `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`
  const bodies = {
    "an error tree 5000 deep": `{"code":50035,"message":"Invalid Form Body","errors":${nested}}`,
    "2 MB of HTML": `<html>${"<b>x</b>".repeat(250_000)}</html>`,
    "a JSON string": '"oops"',
    "a JSON null": "null",
    "an array": "[]",
    "numbers where texts should be": '{"code":"x","message":7,"errors":"many"}',
    "a prototype": '{"__proto__":{"code":10015},"errors":{"__proto__":{"_errors":[{}]}}}',
  }
  for (const [name, body] of Object.entries(bodies)) {
    for (const status of [200, 400, 404, 429, 500]) {
      it.effect(`${name} with ${status} is a tagged error of a readable length`, () =>
        Effect.gen(function* () {
          const hook = yield* Webhook.make({ id: "1234", token: "a-token" })
          const failed = yield* Webhook.send(hook, hello).pipe(
            RestConfig.withOptions({ maxWait: Duration.millis(500) }),
            Effect.flip,
            Effect.provideService(HttpClient.HttpClient, saying(status, body)),
            Effect.provide(stack({ strategy: "proactive", delivery: "ordered" })),
          )
          expect(failed.message).toMatch(/^Webhook\.\w+ \(webhook \d+\): /)
          expect(failed.message.length).toBeLessThan(2000)
        }),
      )
    }
  }
})

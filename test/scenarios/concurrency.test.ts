/** Many at once, with latency, interruptions and faults: exactly once, in order, without a 429. */
import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { describe, expect } from "vitest"
import { RateLimiter, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { inTurns, runs } from "../support/laws.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { contents, nameOf, newHook, stack, strategies, type Way, waysOf } from "./harness.js"

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
const dice = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Random = ReturnType<typeof dice>

const seeds = Array.from({ length: runs(3) }, (_, index) => index + 1)

interface Sent {
  readonly text: string
  readonly exit: Exit.Exit<unknown, { readonly _tag: string }>
}

const latency = {
  request: (random: () => number) => 10 + 90 * random(),
  response: (random: () => number) => 10 + 90 * random(),
}

const model = (way: Way, options: DiscordSimulator.Options) =>
  Layer.merge(DiscordSimulator.layerTestWith(options), stack(way))

const stop = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, patience: number) =>
  Effect.zipRight(Effect.sleep(patience), Fiber.interrupt(fiber))

/** Sends one after the other at random instants; some are interrupted after a random time. */
const sendMany = (hook: Webhook.Webhook, count: number, interrupted: number, random: Random) =>
  Effect.gen(function* () {
    const running: Array<Effect.Effect<Sent>> = []
    for (let index = 0; index < count; index += 1) {
      if (random() < 0.5) yield* Effect.sleep(300 * random())
      const text = String(index)
      const sending = yield* Effect.fork(Webhook.send(hook, { content: text }))
      const patience = random() < interrupted ? 4000 * random() : undefined
      const ending = patience === undefined ? Fiber.await(sending) : stop(sending, patience)
      const watching = yield* Effect.fork(Effect.map(ending, (exit) => ({ text, exit })))
      running.push(Fiber.join(watching))
    }
    return yield* Effect.all(running)
  })

const isInOrder = (texts: ReadonlyArray<unknown>): boolean =>
  texts.every((text, index) => index === 0 || Number(texts[index - 1]) < Number(text))

const deliveredIn = (cause: Cause.Cause<object>): Option.Option<unknown> =>
  Option.flatMap(Cause.failureOption(cause), (error) =>
    "delivered" in error ? Option.some(error.delivered) : Option.none(),
  )

/** The number of copies of each message agrees with the result of its send. */
const expectTruth = (sent: ReadonlyArray<Sent>, arrived: ReadonlyArray<unknown>): void => {
  for (const { text, exit } of sent) {
    const copies = arrived.filter((one) => one === text).length
    expect(copies, text).toBeLessThanOrEqual(1)
    if (Exit.isSuccess(exit)) expect(copies, text).toBe(1)
    const delivered = Option.getOrUndefined(Option.flatMap(Exit.causeOption(exit), deliveredIn))
    if (delivered === "yes") expect(copies, text).toBe(1)
    if (delivered === "no") expect(copies, text).toBe(0)
  }
}

describe("200 sends on 10 webhooks, 40 of them interrupted", () => {
  const name = "once each, in order, without a 429"
  const ways = waysOf(name)
  for (const [turn, way] of ways.entries()) {
    for (const seed of inTurns([...seeds, 75, 122], turn, ways.length)) {
      it.effect(`${name} [${nameOf(way)}, seed ${seed}]`, () =>
        Effect.gen(function* () {
          const simulator = yield* DiscordSimulator.DiscordSimulator
          const limiter = yield* RateLimiter.RateLimiter
          const random = dice(seed)
          const hooks = yield* Effect.replicateEffect(newHook(simulator), 10)
          const all = yield* Effect.forEach(hooks, ({ hook }) => sendMany(hook, 20, 0.2, random), {
            concurrency: "unbounded",
          })
          for (const [index, sent] of all.entries()) {
            const arrived = contents(yield* simulator.messages(hooks[index]!.made))
            expectTruth(sent, arrived)
            if (way.delivery === "ordered") expect(isInOrder(arrived), String(arrived)).toBe(true)
            for (const { exit } of sent) {
              expect(Exit.isSuccess(exit) || Exit.isInterrupted(exit)).toBe(true)
            }
          }
          const { limited } = yield* simulator.statistics
          const refused = way.strategy === "reactive" && way.delivery === "concurrent" ? 200 : 0
          expect(limited.user + limited.global + limited.shared).toBeLessThanOrEqual(refused)
          expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
        }).pipe(Effect.provide(model(way, { latency, seed })), VirtualClock.run),
      )
    }
  }
})

describe("faults of every kind strike one request in five", () => {
  const faults: ReadonlyArray<Fault.Fault> = [
    Fault.html(502),
    Fault.text(503, "upstream connect error"),
    Fault.respond({ status: 500, processed: true }),
    Fault.respond({ status: 400, body: { message: "no", code: 50035 } }),
    Fault.truncatedJson,
    Fault.emptyBody,
    Fault.truncateBody,
    Fault.refuseConnection,
    Fault.resetBefore,
    Fault.resetAfter,
    Fault.neverRespond,
    Fault.delay("45 seconds"),
    Fault.respond({
      status: 429,
      headers: { "retry-after": "2", "x-ratelimit-scope": "user" },
      body: { message: "You are being rate limited.", retry_after: 1.2, global: false },
    }),
  ]
  const name = "every call ends, and errors are accurate"
  for (const way of waysOf(name)) {
    for (const seed of seeds) {
      it.effect(`${name} [${nameOf(way)}, seed ${seed}]`, () =>
        Effect.gen(function* () {
          const simulator = yield* DiscordSimulator.DiscordSimulator
          const limiter = yield* RateLimiter.RateLimiter
          const random = dice(seed)
          for (const fault of faults) {
            const share = 0.2 / faults.length
            yield* simulator.inject(fault, { match: () => random() < share, times: Infinity })
          }
          const hooks = yield* Effect.replicateEffect(newHook(simulator), 10)
          const all = yield* Effect.forEach(hooks, ({ hook }) => sendMany(hook, 20, 0.1, random), {
            concurrency: "unbounded",
          })
          for (const [index, sent] of all.entries()) {
            const arrived = contents(yield* simulator.messages(hooks[index]!.made))
            expectTruth(sent, arrived)
            if (way.delivery === "ordered") expect(isInOrder(arrived), String(arrived)).toBe(true)
          }
          expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
        }).pipe(Effect.provide(model(way, { latency, seed })), VirtualClock.run),
      )
    }
  }
})

describe("layers around every single call", () => {
  for (const [strategy, layer] of Object.entries(strategies)) {
    for (const concurrency of [1, 20]) {
      it.effect(`share what was learned: no 429 [${strategy}, ${concurrency} at a time]`, () =>
        Effect.gen(function* () {
          const simulator = yield* DiscordSimulator.DiscordSimulator
          const hooks = yield* Effect.replicateEffect(newHook(simulator), 2)
          const started = yield* Clock.currentTimeMillis
          yield* Effect.forEach(
            Array.from({ length: 40 }, (_, index) => hooks[index % 2]!.hook),
            (hook, index) =>
              Webhook.send(hook, { content: String(index) }).pipe(
                Effect.provide(Layer.merge(RateLimiter.layer, layer)),
              ),
            { concurrency },
          )
          for (const { made } of hooks) {
            const arrived = contents(yield* simulator.messages(made))
            expect(arrived).toHaveLength(20)
            expect(isInOrder(arrived)).toBe(true)
          }
          const { limited } = yield* simulator.statistics
          expect(limited).toEqual({ user: 0, shared: 0, global: 0 })
          // 20 messages at 5 in 2 s: the fourth window opens after 6 s.
          expect((yield* Clock.currentTimeMillis) - started).toBeGreaterThanOrEqual(6000)
        }).pipe(Effect.provide(DiscordSimulator.layerTestWith({ latency })), VirtualClock.run),
      )
    }
  }
})

import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { RateLimiter, RateLimitMetrics } from "../../src/index.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { makeMachine } from "./machine.js"
import { limited, ok, route } from "./responses.js"
import { proactive } from "./model/policies.js"

/** A name of its own for each test: metrics are the process's. */
const named = (name: string): Policy => ({ ...proactive, name })

const granted = () => {}

/** Five start, two wait, one of them gets a 429 and is repeated, two slots are left at the next reset. */
const play = (policy: Policy) => {
  const { machine: limiter, submit } = makeMachine()
  const arrive = (now: number) => submit(now, { policy, ordered: false, resume: granted })
  limiter.settle(arrive(0), ok({ remaining: 4, resetAfter: 2000 }), 10)
  const four = [arrive(20), arrive(20), arrive(20), arrive(20)]
  const late = [arrive(100), arrive(100)]
  const depth = limiter.snapshot(100).waiting
  four.forEach((ticket, index) =>
    limiter.settle(ticket, ok({ remaining: 3 - index, resetAfter: 1900 }), 120),
  )
  const [first, second] = late
  if (first === undefined || second === undefined) throw new Error("two arrived")
  limiter.wake(first.bucket, 2020)
  limiter.retry(
    first,
    limited(500, "shared", { remaining: 3, resetAfter: 1900 }),
    2030,
    2030,
    granted,
  )
  limiter.settle(second, ok({ remaining: 3, resetAfter: 1900 }), 2040)
  limiter.wake(first.bucket, 2600)
  return { limiter, depth }
}

const labelled = <Type, In, Out>(metric: Metric.Metric<Type, In, Out>, policy: Policy) =>
  metric.pipe(
    Metric.tagged(RateLimitMetrics.labels.route, route().name),
    Metric.tagged(RateLimitMetrics.labels.strategy, policy.name),
  )

describe("the tally of a limiter", () => {
  it("counts requests, waits, 429s by scope and retries for each strategy", () => {
    const policy = named("tallied")
    const { limiter } = play(policy)
    const { strategies } = limiter.snapshot(2600)
    expect(Object.keys(strategies)).toEqual(["tallied"])
    expect(strategies["tallied"]).toEqual({
      requests: 8,
      waits: 3,
      waitedMillis: 1920 + 1920 + 570,
      limited: { user: 0, shared: 1, global: 0, edge: 0, proxy: 0 },
      retries: 1,
      unusedSlots: 0,
    })
    expect(JSON.parse(JSON.stringify(limiter.snapshot(2600)))).toEqual(limiter.snapshot(2600))
  })

  it("counts slots that a reset found unused while someone waited", () => {
    const policy: Policy = {
      ...named("timid"),
      shouldWait: (bucket) => bucket.resetAt !== undefined,
      calculateWait: (bucket, now) => Duration.millis((bucket.resetAt ?? now) - now),
    }
    const { machine: limiter, submit } = makeMachine()
    const arrive = (now: number) => submit(now, { policy, ordered: false, resume: granted })
    limiter.settle(arrive(0), ok({ remaining: 4, resetAfter: 2000 }), 10)
    const waiting = arrive(20)
    limiter.wake(waiting.bucket, 2010)
    expect(limiter.snapshot(2010).strategies["timid"]).toMatchObject({ unusedSlots: 1, waits: 1 })
  })

  it("stays bounded however many strategies come", () => {
    const { machine: limiter, submit } = makeMachine()
    for (let index = 0; index < 100; index += 1) {
      const one = { ...route(), name: `POST /${index}` }
      const request = submit(index * 100, {
        route: one,
        policy: named(`s${index}`),
        ordered: false,
        resume: granted,
      })
      limiter.settle(request, ok(), index * 100 + 1)
    }
    const { strategies } = limiter.snapshot(1)
    expect(Object.keys(strategies).length).toBeLessThanOrEqual(17)
    expect(strategies["other"]?.requests).toBe(100 - 16)
  })
})

describe("the process's metrics", () => {
  it.effect("report the same by route template and strategy", () =>
    Effect.gen(function* () {
      const policy = named("metered")
      const { depth } = play(policy)
      const count = (metric: Metric.Metric.Counter<number>) =>
        Effect.map(Metric.value(labelled(metric, policy)), (state) => state.count)
      expect(depth).toBe(2)
      expect(yield* count(RateLimitMetrics.requests)).toBe(8)
      expect(yield* count(RateLimitMetrics.waits)).toBe(3)
      expect(yield* count(RateLimitMetrics.retries)).toBe(1)
      expect(
        (yield* Metric.value(
          Metric.tagged(
            labelled(RateLimitMetrics.limited, policy),
            RateLimitMetrics.labels.scope,
            "shared",
          ),
        )).count,
      ).toBe(1)
      const waited = yield* Metric.value(labelled(RateLimitMetrics.waitDuration, policy))
      expect(waited).toMatchObject({ count: 3, min: 0.57, max: 1.92 })
      const queue = yield* Metric.value(labelled(RateLimitMetrics.queueDepth, policy))
      expect(queue.value).toBe(0)
    }),
  )

  it.effect("hold neither webhook nor token", () =>
    Effect.gen(function* () {
      const policy = named("silent")
      const secret = route({ webhookId: "987654321", token: "very-secret-token" })
      const { machine: limiter, submit } = makeMachine()
      limiter.settle(submit(0, { route: secret, policy, resume: granted }), ok(), 1)
      const text = JSON.stringify(yield* Metric.snapshot)
      expect(text).toContain("silent")
      expect(text).not.toContain("987654321")
      expect(text).not.toContain(secret.major)
    }),
  )
})

describe("getBucket", () => {
  it.effect("shows what the strategy has learned in its own words", () =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter.RateLimiter
      const policy: Policy = {
        ...named("wordy"),
        initial: 0,
        observe: (memory) => (typeof memory === "number" ? memory + 1 : 0),
        explain: (memory) => ({ heard: memory }),
      }
      yield* limiter.withPermit(route(), { policy }, (permit) => permit.settle(ok()))
      const bucket = yield* limiter.getBucket(route())
      expect(Option.getOrThrow(bucket)).toMatchObject({
        strategy: "wordy",
        memory: 2,
        beliefs: { heard: 2 },
      })
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )
})

import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { RateLimitMetrics } from "../../src/index.js"
import type { Findings, Policy } from "../../src/ratelimit/Strategy.js"
import { makeMachine } from "./machine.js"
import { ok, route } from "./responses.js"
import { proactive } from "./model/policies.js"

/** A name of its own for each test: metrics are the process's. */
const finding = (name: string, findings: () => Findings): Policy => ({
  ...proactive,
  name,
  findings,
})

/** Sends on a webhook, and receives a limit. */
const play = (
  { machine, submit }: ReturnType<typeof makeMachine>,
  policy: Policy,
  now: number,
  limit = 5,
): void => {
  const request = submit(now, { policy, webhookId: String(now) })
  machine.settle(request, ok({ limit, remaining: limit - 1 }), now + 1)
}

const shown = (gauge: Metric.Metric.Gauge<number>, policy: Policy) =>
  Metric.value(
    gauge.pipe(
      Metric.tagged(RateLimitMetrics.labels.route, route().name),
      Metric.tagged(RateLimitMetrics.labels.strategy, policy.name),
    ),
  ).pipe(Effect.map((state) => state.value))

const isExported = (gauge: string, strategy: string) =>
  Effect.map(Metric.snapshot, (pairs) =>
    pairs.some(
      ({ metricKey }) =>
        metricKey.name === gauge && metricKey.tags.some(({ value }) => value === strategy),
    ),
  )

describe("gauges of what is learned", () => {
  it.effect("have the values of the bucket of the last response", () =>
    Effect.gen(function* () {
      const policy = finding("gauged", () => ({
        hiddenLimit: 30,
        hiddenPeriod: 60_000,
        othersPerSecond: 1.25,
        caution: 20,
      }))
      const machine = makeMachine()
      play(machine, policy, 0, 5)
      play(machine, policy, 1000, 7)
      expect(yield* shown(RateLimitMetrics.limit, policy)).toBe(7)
      expect(yield* shown(RateLimitMetrics.period, policy)).toBe(2)
      expect(yield* shown(RateLimitMetrics.hiddenLimit, policy)).toBe(30)
      expect(yield* shown(RateLimitMetrics.hiddenPeriod, policy)).toBe(60)
      expect(yield* shown(RateLimitMetrics.othersRate, policy)).toBe(1.25)
      expect(yield* shown(RateLimitMetrics.caution, policy)).toBe(0.02)
    }),
  )

  it.effect("are absent before the first response, and 0 after the bucket was evicted", () =>
    Effect.gen(function* () {
      let hiddenLimit: number | undefined
      const policy = finding("doubtful", () => ({ hiddenLimit }))
      const machine = makeMachine()
      play(machine, policy, 0)
      expect(yield* isExported("discord.rate_limit.hidden.limit", "doubtful")).toBe(false)
      hiddenLimit = 30
      play(machine, policy, 1000)
      expect(yield* isExported("discord.rate_limit.hidden.limit", "doubtful")).toBe(true)
      expect(yield* shown(RateLimitMetrics.hiddenLimit, policy)).toBe(30)
      hiddenLimit = undefined
      play(machine, policy, 2000)
      expect(yield* shown(RateLimitMetrics.hiddenLimit, policy)).toBe(0)
    }),
  )

  it.effect("are as many for a thousand webhooks as for one", () =>
    Effect.gen(function* () {
      const policy = finding("bounded", () => ({ caution: 10 }))
      const machine = makeMachine({ globalLimits: [{ limit: 10_000, window: 1000 }] })
      const count = Effect.map(
        Metric.snapshot,
        (pairs) =>
          pairs.filter(({ metricKey }) => metricKey.tags.some(({ value }) => value === "bounded"))
            .length,
      )
      play(machine, policy, 0)
      const one = yield* count
      for (let index = 1; index < 1000; index += 1) play(machine, policy, index)
      expect(yield* count).toBe(one)
    }),
  )
})

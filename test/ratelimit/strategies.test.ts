/** The strategies as what they are: pure decisions about a bucket. */
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import type { Bucket } from "../../src/ratelimit/Bucket.js"
import type { Policy } from "../../src/ratelimit/strategy/Policy.js"
import { proactive } from "../../src/ratelimit/strategy/proactive.js"
import { reactive } from "../../src/ratelimit/strategy/reactive.js"
import * as Strategy from "../../src/ratelimit/Strategy.js"

const bucket = (values: Partial<Bucket> = {}): Bucket => ({
  id: "hash",
  limit: 5,
  remaining: 5,
  inFlight: 0,
  waiting: 0,
  resetAt: undefined,
  resetEarliest: undefined,
  blockedUntil: 0,
  model: "unknown",
  period: undefined,
  slot: undefined,
  roundTrip: undefined,
  memory: undefined,
  ...values,
})

const trips = (milliseconds: number, count = 100) => ({
  last: milliseconds,
  shortest: milliseconds,
  longest: milliseconds,
  count,
  uncertainty: undefined,
})

/** Milliseconds it wants to wait; `undefined` for none. */
const wait = (policy: Policy, values: Partial<Bucket>, now = 0) =>
  policy.shouldWait(bucket(values), now)
    ? Duration.toMillis(policy.calculateWait(bucket(values), now))
    : undefined

describe("reactive", () => {
  it("sends while the server has not said stop, whatever is in flight", () => {
    expect(wait(reactive, { remaining: 1, inFlight: 5, resetAt: 2000 })).toBe(undefined)
  })
  it("waits for the reset when nothing is left", () => {
    expect(wait(reactive, { remaining: 0, resetAt: 2000 }, 500)).toBe(1500)
    expect(wait(reactive, { remaining: 0, resetAt: 2000 }, 2000)).toBe(undefined)
    expect(wait(reactive, { remaining: 0 })).toBe(undefined)
    expect(Duration.toMillis(reactive.calculateWait(bucket(), 5))).toBe(0)
  })
  it("learns nothing", () => {
    expect(reactive.observe(1, { _tag: "Sent", at: 0, waited: 0 }, bucket())).toBe(1)
  })
})

describe("proactive", () => {
  const policy = proactive(1)

  it("counts what is in flight", () => {
    expect(wait(policy, { remaining: 2, inFlight: 1, resetAt: 2000 })).toBe(undefined)
    expect(wait(policy, { remaining: 2, inFlight: 2, resetAt: 2000 })).toBe(2000)
  })
  it("waits for an answer where it knows no reset", () => {
    expect(wait(policy, { remaining: 2, inFlight: 2 })).toBe(0)
  })
  it("knows no limit where there is none", () => {
    expect(wait(policy, { limit: undefined, remaining: Infinity, inFlight: 100 })).toBe(undefined)
  })
  it("sends early by the round trip, the more of them it has seen and the less they differ", () => {
    const full = { remaining: 0, resetAt: 2000 }
    expect(wait(policy, { ...full, roundTrip: trips(100, 1000) })).toBeCloseTo(1902.2, 6)
    expect(wait(policy, { ...full, roundTrip: trips(100, 5) })).toBe(1942)
    expect(wait(policy, { ...full, roundTrip: trips(100, 2) })).toBe(2000)
    expect(wait(policy, { ...full, roundTrip: { ...trips(100, 4), longest: 110 } })).toBe(1962)
    expect(wait(policy, { ...full, roundTrip: { ...trips(100), longest: 900 } })).toBe(2000)
  })
  it("trusts the least uncertainty of a reset, the more the nearer the others came to it", () => {
    const full = { remaining: 0, resetAt: 2000, resetEarliest: 1905 }
    const roundTrip = { ...trips(92, 50), longest: 152 }
    const seen = (least: number, mean: number, count = 9) =>
      wait(policy, { ...full, roundTrip: { ...roundTrip, uncertainty: { least, mean, count } } })
    // Of 90: twice 5 to the mean, 60 / 10 for the spread, 2 x 92 / 50, and 2 for rounding.
    expect(seen(90, 95)).toBeCloseTo(2000 - (90 - 10 - 6 - 3.68 - 2), 6)
    expect(seen(90, 95, 99)).toBeCloseTo(2000 - (90 - 10 - 0.6 - 3.68 - 2), 6)
    expect(seen(90, 145)).toBe(2000)
    // The coming reset counts, too.
    expect(seen(98, 98)).toBeCloseTo(2000 - (95 - 2 * 2.7 - 6 - 3.68 - 2), 6)
    expect(wait(policy, { ...full, roundTrip })).toBeCloseTo(2000 - (95 - 60 - 3.68 - 2), 6)
  })
  it("does not take every answer of a leaking bucket for a reset of its own", () => {
    const leaking = { model: "leaking", slot: 400, resetAt: 2000, remaining: 0 } as const
    const roundTrip = { ...trips(92, 50), longest: 152 }
    const seen = (count: number) => {
      const uncertainty = { least: 92, mean: 92, count }
      return wait(policy, { ...leaking, roundTrip: { ...roundTrip, uncertainty } })
    }
    expect(seen(50)).toBeCloseTo(400 - (92 - 60 / 10 - 3.68 - 2), 6)
    expect(seen(4)).toBeCloseTo(400 - (92 - 60 - 3.68 - 2), 6)
  })
  it("does not race the machine's own jitter for a few milliseconds", () => {
    const full = { remaining: 0, resetAt: 2000 }
    expect(wait(policy, { ...full, roundTrip: trips(19, 1000) })).toBe(2000)
  })
  it("takes the slots of a leaking bucket one by one", () => {
    const leaking = { model: "leaking", slot: 400, resetAt: 2000, remaining: 0 } as const
    expect(wait(policy, leaking)).toBe(400)
    expect(wait(policy, { ...leaking, inFlight: 1 }, 400)).toBe(400)
    expect(wait(policy, leaking, 400)).toBe(undefined)
    expect(wait(policy, { ...leaking, inFlight: 5 })).toBe(0)
  })
  it("spreads the slots above its threshold when more wait than fit", () => {
    const window = { remaining: 1, resetAt: 2000, period: 2000 }
    const paced = proactive(0.8)
    expect(wait(paced, { ...window, waiting: 3 })).toBe(1600)
    expect(wait(paced, { ...window, waiting: 3, roundTrip: trips(600, 1) })).toBe(1400)
    expect(wait(paced, { ...window, waiting: 1 })).toBe(undefined)
    expect(wait(paced, { ...window, waiting: 3, remaining: 2 })).toBe(undefined)
    expect(wait(paced, { ...window, waiting: 3, model: "leaking" })).toBe(undefined)
    expect(wait(policy, { ...window, waiting: 3 })).toBe(undefined)
  })
  it("learns nothing", () => {
    expect(policy.observe(1, { _tag: "Sent", at: 0, waited: 0 }, bucket())).toBe(1)
  })
})

describe("layers", () => {
  const named = Effect.map(Strategy.Strategy, ({ name }) => name)

  it.effect("each provides its strategy", () =>
    Effect.gen(function* () {
      expect(yield* Effect.provide(named, Strategy.layerReactive)).toBe("reactive")
      expect(yield* Effect.provide(named, Strategy.layerProactive)).toBe("proactive")
      expect(yield* Effect.provide(named, Strategy.layerAdaptive)).toBe("adaptive")
      expect(yield* Effect.provide(named, Strategy.layerProactiveWith({}))).toBe("proactive")
      expect(yield* Effect.provide(named, Strategy.layerAdaptiveWith({}))).toBe("adaptive")
      const own = Strategy.make({ ...reactive, name: "own" })
      expect(yield* Effect.provide(named, own)).toBe("own")
    }),
  )

  for (const value of [0, -1, 1.01, Number.NaN]) {
    it.effect(`refuses ${value} as a share, naming the option`, () =>
      Effect.gen(function* () {
        const threshold = Strategy.layerProactiveWith({ threshold: value })
        expect(yield* Effect.flip(Effect.provide(named, threshold))).toMatchObject({
          _tag: "InvalidOption",
          option: "Strategy.threshold",
        })
        const confidence = Strategy.layerAdaptiveWith({ confidence: value })
        expect(yield* Effect.flip(Effect.provide(named, confidence))).toMatchObject({
          _tag: "InvalidOption",
          option: "Strategy.confidence",
        })
      }),
    )
  }
})

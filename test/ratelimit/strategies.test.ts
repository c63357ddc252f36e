/** The strategies as pure decisions about a bucket. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Strategy } from "../../src/index.js"
import type { Bucket } from "../../src/ratelimit/Bucket.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { proactive, reactive, pacedProactive } from "./model/policies.js"

const bucket = (values: Partial<Bucket> = {}): Bucket => ({
  id: "hash",
  limit: 5,
  remaining: 5,
  inFlight: 0,
  channelInFlight: 0,
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
  it("sends until a response shows an empty bucket", () => {
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
  const policy = proactive

  it("counts what is in flight", () => {
    expect(wait(policy, { remaining: 2, inFlight: 1, resetAt: 2000 })).toBe(undefined)
    expect(wait(policy, { remaining: 2, inFlight: 2, resetAt: 2000 })).toBe(2000)
  })
  it("waits for a response when no reset is known", () => {
    expect(wait(policy, { remaining: 2, inFlight: 2 })).toBe(0)
  })
  it("has no limit before one was observed", () => {
    expect(wait(policy, { limit: undefined, remaining: Infinity, inFlight: 100 })).toBe(undefined)
  })
  it("sends early by the round trip, the more of them it has seen and the less they differ", () => {
    const full = { remaining: 0, resetAt: 2000 }
    // 4 spreads / answers, 3 x 100 / answers squared, and 2 for rounding.
    expect(wait(policy, { ...full, roundTrip: trips(100, 1000) })).toBeCloseTo(1902.0003, 6)
    expect(wait(policy, { ...full, roundTrip: trips(100, 5) })).toBeCloseTo(1914, 6)
    expect(wait(policy, { ...full, roundTrip: trips(100, 2) })).toBe(2000)
    expect(wait(policy, { ...full, roundTrip: { ...trips(100, 4), longest: 110 } })).toBe(1930.75)
    expect(wait(policy, { ...full, roundTrip: { ...trips(100, 20), longest: 900 } })).toBe(2000)
  })
  it("trusts the least uncertainty of a reset, the coming one's with them", () => {
    const full = { remaining: 0, resetAt: 2000, resetEarliest: 1905 }
    const roundTrip = { ...trips(92, 50), longest: 152 }
    const seen = (least: number) =>
      wait(policy, {
        ...full,
        roundTrip: { ...roundTrip, uncertainty: least },
      })
    const kept = (4 * 60) / 50 + (3 * 92) / 2500 + 2
    expect(seen(90)).toBeCloseTo(2000 - (90 - kept), 6)
    expect(seen(98)).toBeCloseTo(2000 - (95 - kept), 6)
    expect(wait(policy, { ...full, roundTrip })).toBeCloseTo(2000 - (95 - kept), 6)
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
    expect(wait(pacedProactive, { ...window, waiting: 3 })).toBe(1600)
    expect(wait(pacedProactive, { ...window, waiting: 3, roundTrip: trips(600, 1) })).toBe(1400)
    expect(wait(pacedProactive, { ...window, waiting: 1 })).toBe(undefined)
    expect(wait(pacedProactive, { ...window, waiting: 3, remaining: 2 })).toBe(undefined)
    expect(wait(pacedProactive, { ...window, waiting: 3, model: "leaking" })).toBe(undefined)
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
      expect(yield* Effect.provide(named, Strategy.layer(own))).toBe("own")
    }),
  )

  for (const value of [0, -1, 1.01, Number.NaN]) {
    it.effect(`rejects ${value} as a share, naming the option`, () =>
      Effect.gen(function* () {
        const threshold = Strategy.layerProactiveWith({ threshold: value })
        expect(yield* Effect.flip(Effect.provide(named, threshold))).toMatchObject({
          _tag: "DiscordInvalidOption",
          option: "Strategy.threshold",
        })
        const confidence = Strategy.layerAdaptiveWith({ confidence: value })
        expect(yield* Effect.flip(Effect.provide(named, confidence))).toMatchObject({
          _tag: "DiscordInvalidOption",
          option: "Strategy.confidence",
        })
      }),
    )
  }
})

import { describe, expect, it } from "vitest"
import type { Bucket } from "../../../src/ratelimit/Bucket.js"
import { lead } from "../../../src/ratelimit/strategy/proactive.js"

const bucket = (model: Bucket["model"], count = 40): Bucket => ({
  id: "hash",
  limit: 5,
  remaining: 0,
  inFlight: 0,
  channelInFlight: 0,
  waiting: 1,
  resetAt: 2000,
  resetEarliest: 1905,
  blockedUntil: 0,
  model,
  period: 2000,
  slot: 400,
  roundTrip: {
    last: 120,
    shortest: 90,
    longest: 150,
    count,
    uncertainty: 92,
  },
  memory: undefined,
})

/** Slots a millisecond. */
const others = 1.25 / 1000

describe("the lead", () => {
  it("is the least uncertainty less four spreads, without other clients", () => {
    const kept = (4 * 60) / 40 + (3 * 90) / 40 ** 2 + 2
    expect(lead(bucket("leaking"))).toBeCloseTo(92 - kept)
    expect(lead(bucket("fixed"))).toBeCloseTo(92 - kept)
  })

  it("is longer on a leaking bucket where others come, and the more of them the longer", () => {
    // 1/2 ln(1 / (1.25 / 1000 x 30)) = 1.64 spreads by the answers.
    expect(lead(bucket("leaking"), others)).toBeCloseTo(lead(bucket("leaking")) + 2.36 * 1.5, 1)
    expect(lead(bucket("leaking"), 2 * others)).toBeGreaterThan(lead(bucket("leaking"), others))
    expect(lead(bucket("fixed"), others)).toBe(lead(bucket("fixed")))
  })

  it("is never shorter for few others, nor longer than the least uncertainty for many", () => {
    expect(lead(bucket("leaking"), 1e-9)).toBe(lead(bucket("leaking")))
    expect(lead(bucket("leaking", 1000), 1000)).toBeCloseTo(90, 2)
  })

  it("is absent before three responses", () => {
    expect(lead(bucket("leaking", 2), others)).toBe(0)
  })
})

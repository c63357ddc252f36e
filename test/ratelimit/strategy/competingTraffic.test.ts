import { describe, expect, it } from "@effect/vitest"
import {
  chance,
  chanceAmong,
  initial,
} from "../../../src/ratelimit/strategy/adaptive/competingTraffic.js"

describe("others on the same webhook", () => {
  it("a single client keeps every slot, at once even when a header names quadrillions", () => {
    expect(chance(initial, 1, 1000)).toBe(1)
    expect(chance(initial, Number.MAX_SAFE_INTEGER, 1000)).toBe(1)
  })

  it("of slots that were restored one by one, none counts as taken before it was restored", () => {
    // One a second.
    const others = { ...initial, taken: 10, watched: 8000 }
    expect(chanceAmong(others, [])).toBe(0)
    expect(chanceAmong(others, [300])).toBeCloseTo(Math.exp(-0.3), 12)
    // Two that were there from the start are as good as ever; a second one that came late is better.
    expect(chanceAmong(others, [300, 300])).toBeCloseTo(chance(others, 2, 300), 12)
    expect(chanceAmong(others, [300, 0])).toBe(1)
    const bothGone =
      (1 - Math.exp(-0.2)) * (1 - Math.exp(-0.1)) + Math.exp(-0.2) * (1 - Math.exp(-0.1) * 1.1)
    expect(chanceAmong(others, [300, 100])).toBeCloseTo(1 - bothGone, 12)
    expect(chanceAmong(initial, [300])).toBe(1)
  })

  it("the more slots are free, the likelier one stays so", () => {
    const others = { ...initial, taken: 10, watched: 2000 }
    const few = chance(others, 1, 1000)
    const many = chance(others, 10, 1000)
    expect(few).toBeGreaterThan(0)
    expect(few).toBeLessThan(many)
    expect(many).toBeLessThanOrEqual(1)
    expect(chance(others, Number.MAX_SAFE_INTEGER, 1000)).toBeCloseTo(1, 12)
  })

  it("of a million slots, others who take a thousand a second leave many", () => {
    const others = { ...initial, taken: 5000, watched: 3000 }
    for (const sight of [600, 699, 700, 701, 1000, 60_000]) {
      expect(chance(others, 1_000_000, sight)).toBeCloseTo(1, 12)
      expect(chance(others, Math.floor(sight / 2), sight)).toBeCloseTo(0, 12)
    }
  })
})

import { describe, expect, it } from "@effect/vitest"
import { chance, initial } from "../../../src/ratelimit/strategy/adaptive/foreign.js"

describe("others on the same webhook", () => {
  it("whoever is alone keeps every slot, at once even where a header names quadrillions", () => {
    expect(chance(initial, 1, 1000)).toBe(1)
    expect(chance(initial, Number.MAX_SAFE_INTEGER, 1000)).toBe(1)
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
})

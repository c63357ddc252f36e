import { describe, expect, it } from "vitest"
import * as hidden from "../../../src/ratelimit/strategy/adaptive/hidden.js"

/** As many requests from an instant on, so many milliseconds apart. */
const sends = (state: hidden.Hidden, count: number, from: number, apart = 400) =>
  Array.from({ length: count }, (_, index) => from + index * apart).reduce(hidden.sent, state)

/** A request at that instant that gets a 429 ending at `until`. */
const refusedAt = (state: hidden.Hidden, at: number, until: number) =>
  hidden.refused(hidden.sent(state, at), at, until - at)

const minute = 60_000

/** What a burst against 30 a minute teaches. */
const learned = () => refusedAt(sends(hidden.initial, 30, 1000), 13_000, 1000 + minute)

describe("a hidden limit", () => {
  it("of a minute is believed at once: the 429 names its end, our first request its start", () => {
    expect(learned().belief).toMatchObject({ limit: 30, period: minute, evidence: 1 })
  })

  it("is found although Retry-After comes in whole seconds", () => {
    const state = refusedAt(sends(hidden.initial, 30, 1000), 13_000, 1900 + minute)
    expect(state.belief).toMatchObject({ limit: 30, period: minute })
  })

  it("lets nothing through once its window is full, until that is over", () => {
    const full = sends(learned(), 30, 61_000)
    expect(hidden.opensAt(sends(learned(), 29, 61_000), 5)).toBe(0)
    expect(hidden.opensAt(full, 5)).toBe(61_000 + minute + 5)
    expect(hidden.opensAt(hidden.sent(full, 61_000 + minute), 5)).toBe(0)
  })

  it("of another length is believed when it is seen a second time", () => {
    const once = refusedAt(sends(hidden.initial, 8, 0), 4000, 10_000)
    expect(once.belief).toBeUndefined()
    expect(hidden.opensAt(sends(once, 8, 10_000), 0)).toBe(0)
    const twice = refusedAt(sends(once, 8, 10_000), 14_000, 20_000)
    expect(twice.belief).toMatchObject({ limit: 8, period: 10_000, evidence: 2 })
    expect(hidden.opensAt(sends(twice, 8, 20_000), 0)).toBe(30_000)
  })

  it("is not believed when two sightings differ", () => {
    const once = refusedAt(sends(hidden.initial, 8, 0), 4000, 10_000)
    const fewer = refusedAt(sends(once, 3, 10_000), 12_000, 20_000)
    const longer = refusedAt(sends(once, 8, 10_000), 14_000, 35_000)
    expect(fewer.belief).toBeUndefined()
    expect(longer.belief).toBeUndefined()
  })

  it("that leaks is one slot every so often, measured from slot to slot", () => {
    // Slots come back at 20 s, 22 s and 24 s; each takes a round trip to be used.
    const burst = refusedAt(sends(hidden.initial, 37, 0), 18_000, 20_000)
    const second = refusedAt(hidden.sent(burst, 20_120), 20_240, 22_000)
    const third = refusedAt(hidden.sent(second, 22_120), 22_240, 24_000)
    expect(second.belief).toBeUndefined()
    expect(third.belief).toMatchObject({ limit: 1, period: 2000 })
    expect(hidden.opensAt(hidden.sent(third, 24_100), 3)).toBe(26_103)
  })

  it("teaches nothing from a 429 to the first request of a window", () => {
    expect(refusedAt(hidden.initial, 0, minute)).toMatchObject({
      belief: undefined,
      suspicion: undefined,
    })
  })

  it("is lowered by a 429 in spite of it, and raised by every window without one", () => {
    const lowered = refusedAt(sends(learned(), 12, 61_000), 70_000, 61_000 + minute + 9000)
    expect(lowered.belief).toMatchObject({ limit: 12, most: 30 })
    const limits = [130_000, 190_000, 250_000, 310_000, 370_000, 430_000, 490_000, 550_000].map(
      (_, index, all) => all.slice(0, index + 1).reduce(hidden.sent, lowered).belief?.limit,
    )
    // The first one opens the window that the 429 had closed.
    expect(limits).toEqual([12, 15, 18, 21, 24, 27, 30, 30])
  })

  it("that has changed is believed anew when the other one is seen twice", () => {
    // 10 in 30 s from now on, instead of 30 in 60 s.
    const first = refusedAt(sends(learned(), 10, 61_000), 65_000, 91_000)
    expect(first.belief).toMatchObject({ limit: 10, period: minute })
    const second = refusedAt(sends(first, 10, 91_000), 95_000, 121_000)
    expect(second.belief).toMatchObject({ limit: 10, period: 30_000 })
  })

  it("is given up after an hour without a 429", () => {
    const at = 13_000
    const state = learned()
    expect(hidden.sent(state, at + 3_599_000).belief).toBeDefined()
    expect(hidden.sent(state, at + 3_600_000).belief).toBeUndefined()
  })

  it("does not count what the server did not count", () => {
    const state = sends(learned(), 30, 61_000)
    expect(hidden.opensAt(hidden.uncounted(state), 0)).toBe(0)
    expect(hidden.uncounted(hidden.initial).count).toBe(0)
  })

  it("passes to another webhook as a limit of which nothing is used yet", () => {
    const state = hidden.inherited(sends(learned(), 30, 61_000))
    expect(state.belief).toMatchObject({ limit: 30, period: minute })
    expect(hidden.opensAt(state, 0)).toBe(0)
    expect(hidden.opensAt(sends(state, 30, 70_000), 0)).toBe(70_000 + minute)
  })
})

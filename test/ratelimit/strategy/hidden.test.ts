import { describe, expect, it } from "vitest"
import * as hidden from "../../../src/ratelimit/strategy/adaptive/hiddenLimit.js"

/** A number of requests from an instant on, at a fixed interval in milliseconds. */
const sends = (state: hidden.Hidden, count: number, from: number, apart = 400) =>
  Array.from({ length: count }, (_, index) => from + index * apart).reduce(hidden.sent, state)

/** The visible limit of Discord: 5 per 2 s. */
const visible = { channelInFlight: 0, inFlight: 0, limit: 5, period: 2000 }

/** A request at that instant that gets a 429 ending at `until`. */
const refusedAt = (state: hidden.Hidden, at: number, until: number) =>
  hidden.limited(hidden.sent(state, at), at, until - at, visible)

/** A request at that instant that the server takes. */
const acceptedAt = (state: hidden.Hidden, at: number) => hidden.accepted(hidden.sent(state, at), at)

const opensAt = (state: hidden.Hidden, margin = 0, inFlight = 0) =>
  hidden.opensAt(state, { ...visible, channelInFlight: inFlight, inFlight }, margin)

/** As many accepted requests, one after the other, in the window that opens at that instant. */
const window = (state: hidden.Hidden, count: number, from: number) =>
  Array.from({ length: count }, (_, index) => from + index * 100).reduce(acceptedAt, state)

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
    expect(opensAt(sends(learned(), 29, 61_000), 5)).toBe(0)
    expect(opensAt(full, 5)).toBe(61_000 + minute + 5)
    expect(opensAt(hidden.sent(full, 61_000 + minute), 5)).toBe(0)
  })

  it("of another length is believed when it is seen a second time", () => {
    const once = refusedAt(sends(hidden.initial, 8, 0), 4000, 10_000)
    expect(once.belief).toBeUndefined()
    expect(opensAt(sends(once, 8, 10_000), 0)).toBe(0)
    const twice = refusedAt(sends(once, 8, 10_000), 14_000, 20_000)
    expect(twice.belief).toMatchObject({ limit: 8, period: 10_000, evidence: 2 })
    expect(opensAt(sends(twice, 8, 20_000), 0)).toBe(30_000)
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
    expect(third.belief).toMatchObject({ limit: 1, period: 2000, evidence: 2 })
    expect(opensAt(hidden.sent(third, 24_100), 3)).toBe(26_103)
  })

  it("teaches nothing from a 429 to the first request of a window", () => {
    expect(refusedAt(hidden.initial, 0, minute)).toMatchObject({
      belief: undefined,
      suspicion: undefined,
    })
  })

  it("is lowered by a 429 in spite of it, and back after one clean window", () => {
    const lowered = refusedAt(sends(learned(), 12, 61_000), 70_000, 61_000 + minute)
    expect(lowered.belief).toMatchObject({ limit: 12, most: 30 })
    const clean = window(lowered, 12, 121_000)
    expect(opensAt(clean)).toBe(181_000)
    const restored = window(clean, 30, 181_000)
    expect(restored.belief).toMatchObject({ limit: 30, most: 30 })
    expect(opensAt(restored)).toBe(241_000)
  })

  it("that changed is replaced when the new one is observed twice", () => {
    // 10 in 30 s from now on, instead of 30 in 60 s.
    const first = refusedAt(sends(learned(), 10, 61_000), 65_000, 91_000)
    expect(first.belief).toMatchObject({ limit: 10, period: minute })
    const second = refusedAt(sends(first, 10, 91_000), 95_000, 121_000)
    expect(second.belief).toMatchObject({ limit: 10, period: 30_000 })
  })

  it("is tested after an hour without a 429: what exceeds it goes alone", () => {
    const at = 13_000
    const before = sends(learned(), 30, at + 3_590_000, 1)
    expect(opensAt(before)).toBe(at + 3_590_000 + minute)
    const after = sends(learned(), 30, at + 3_600_000, 1)
    expect(opensAt(after)).toBe(0)
    expect(opensAt(after, 0, 1)).toBe(Infinity)
    const probing = hidden.sent(after, at + 3_600_500)
    expect(opensAt(probing)).toBe(Infinity)
    const grown = hidden.accepted(probing, at + 3_600_500)
    expect(grown.belief).toMatchObject({ limit: 31, most: 31 })
    expect(opensAt(grown)).toBe(0)
  })

  it("that leaks is given up after an hour without a 429", () => {
    const burst = refusedAt(sends(hidden.initial, 37, 0), 18_000, 20_000)
    const second = refusedAt(hidden.sent(burst, 20_120), 20_240, 22_000)
    const third = refusedAt(hidden.sent(second, 22_120), 22_240, 24_000)
    expect(hidden.sent(third, 22_240 + 3_599_000).belief).toBeDefined()
    expect(hidden.sent(third, 22_240 + 3_600_000).belief).toBeUndefined()
  })

  it("does not count what the server did not count", () => {
    const state = sends(learned(), 30, 61_000)
    expect(opensAt(hidden.uncounted(state, 72_600))).toBe(0)
    expect(hidden.uncounted(hidden.initial, 0).count).toBe(0)
  })

  it("passes to another webhook as a limit of which nothing is used yet", () => {
    const state = hidden.inherited(sends(learned(), 30, 61_000))
    expect(state.belief).toMatchObject({ limit: 30, period: minute })
    expect(opensAt(state, 0)).toBe(0)
    expect(opensAt(sends(state, 30, 70_000), 0)).toBe(70_000 + minute)
  })
})

describe("probes of a hidden limit", () => {
  /** 10 per 10 s by two 429 responses, the last at 11 s that ends at 20 s. */
  const twice = () =>
    refusedAt(
      window(refusedAt(window(hidden.initial, 10, 0), 1000, 10_000), 10, 10_000),
      11_000,
      20_000,
    )

  it("end a window half-way to the shortest possible one after a clean window", () => {
    const first = window(twice(), 10, 20_000)
    expect(opensAt(first)).toBe(30_000)
    const second = window(first, 10, 30_000)
    expect(opensAt(second)).toBe(36_000)
    const probing = hidden.sent(second, 36_000)
    expect(probing.probe).toMatchObject({ kind: "shorter" })
    expect(opensAt(probing)).toBe(Infinity)
    const shorter = hidden.accepted(probing, 36_000)
    expect(shorter.belief).toMatchObject({ limit: 10, period: 6000 })
    expect(opensAt(window(shorter, 9, 36_100))).toBe(36_000 + 4000)
  })

  it("keep the period when punished, and wait for twice as many windows", () => {
    const probing = hidden.sent(window(window(twice(), 10, 20_000), 10, 30_000), 36_000)
    const punished = hidden.limited(probing, 36_000, 14_000, visible)
    expect(punished.belief).toMatchObject({ limit: 10, period: 10_000, shortest: 6000 })
    const first = window(punished, 10, 50_000)
    expect(opensAt(first)).toBe(60_000)
    const second = window(first, 10, 60_000)
    expect(opensAt(second)).toBe(70_000)
    expect(opensAt(window(second, 10, 70_000))).toBe(78_000)
  })

  it("are not judged by a response that was lost or failed", () => {
    const probing = hidden.sent(window(window(twice(), 10, 20_000), 10, 30_000), 36_000)
    const lost = hidden.unproven(probing, 36_000)
    expect(lost.belief).toMatchObject({ period: 10_000, shortest: 2000 })
    expect(opensAt(lost)).toBe(0)
  })

  it("take a longer delay of a later 429 for a penalty, once a shorter period is proven", () => {
    const shorter = acceptedAt(window(window(twice(), 10, 20_000), 10, 30_000), 36_000)
    const next = window(window(shorter, 9, 36_100), 10, 42_000)
    const again = refusedAt(next, 43_500, 54_000)
    expect(again.belief).toMatchObject({ limit: 10, period: 6000, evidence: 3 })
  })

  it("of a shorter period are undone by a 429 in the window that they opened", () => {
    const shorter = acceptedAt(window(window(twice(), 10, 20_000), 10, 30_000), 36_000)
    const undone = refusedAt(acceptedAt(shorter, 36_100), 36_200, 50_000)
    expect(undone.belief).toMatchObject({ limit: 10, period: 10_000, shortest: 6000 })
  })

  it("count what was taken beside the 429 that reveals the limit", () => {
    const burst = sends(hidden.initial, 15, 0, 0)
    const first = hidden.limited(burst, 0, 10_000, { ...visible, channelInFlight: 4, inFlight: 4 })
    const late = hidden.accepted(hidden.limited(first, 0, 20_000, visible), 0)
    expect(late.suspicion).toMatchObject({ limit: 11, period: 10_000 })
  })

  it("follow a period that is slightly longer than the estimated one", () => {
    const early = refusedAt(window(learned(), 30, 100_000), 100_000 + minute, 100_300 + minute)
    expect(early.belief).toMatchObject({ limit: 30, period: minute + 300, refusedStarts: 0 })
  })

  it("are dropped after 429s at the beginning of two windows in a row", () => {
    const known = learned()
    const refusedStart = (state: hidden.Hidden, from: number) =>
      refusedAt(window(state, 30, from), from + minute, from + 2 * minute)
    const once = refusedStart(known, 100_000)
    expect(hidden.sent(once, 220_000).belief).toBeDefined()
    const twiceRunning = refusedStart(once, 220_000)
    expect(hidden.sent(twiceRunning, 340_000).belief).toBeUndefined()
    const between = window(window(once, 30, 220_000), 30, 280_000)
    expect(hidden.sent(refusedStart(between, 340_000), 460_000).belief).toBeDefined()
  })

  it("exclude requests in flight when a 429 shows how many fit", () => {
    const burst = sends(hidden.initial, 15, 0, 0)
    const first = hidden.limited(burst, 0, 10_000, { ...visible, channelInFlight: 4, inFlight: 4 })
    expect(first.suspicion).toMatchObject({ limit: 10, period: 10_000 })
  })

  it("are shown with the estimate", () => {
    expect(hidden.explain(hidden.sent(twice(), 20_000))).toEqual({
      limit: 10,
      periodMillis: 10_000,
      evidence: 2,
      confirmedAt: 11_000,
      mostSeen: 10,
      shortestMillis: 2000,
      probing: null,
      cleanWindowsToProbe: { shorter: 1, restore: null, more: 32 },
    })
  })
})

describe("what two webhooks of one channel have learned", () => {
  const merged = (a: hidden.Hidden, b: hidden.Hidden) => [hidden.merged(a, b), hidden.merged(b, a)]

  it("adds up the requests of a window, which began with the first", () => {
    const one = sends(hidden.initial, 10, 1000)
    const other = sends(hidden.initial, 5, 3000)
    for (const both of merged(one, other)) expect(both).toMatchObject({ openedAt: 1000, count: 15 })
    for (const both of merged(one, hidden.initial))
      expect(both).toMatchObject({ openedAt: 1000, count: 10 })
  })

  it("ignores a window that is over, and waits for the end of a block", () => {
    const known = window(learned(), 20, 100_000)
    for (const both of merged(known, sends(hidden.initial, 5, 100_000 + minute)))
      expect(both).toMatchObject({ openedAt: 100_000 + minute, count: 5 })
    const blocked = refusedAt(known, 110_000, 200_000)
    for (const both of merged(blocked, sends(hidden.initial, 5, 120_000)))
      expect(both).toMatchObject({ openedAt: undefined, freedAt: 200_000 })
  })

  it("keeps the estimate with more evidence; the limit is between the larger and the sum", () => {
    const { belief } = learned()
    const twice = { ...learned(), belief: { ...belief!, evidence: 2, period: 59_000 } }
    for (const both of merged(learned(), twice))
      expect(both.belief).toMatchObject({ limit: 30, evidence: 2, period: 59_000 })
    for (const both of merged(learned(), hidden.initial)) expect(both.belief).toEqual(belief)
    const part = { ...twice, belief: { ...twice.belief, limit: 12, most: 12 } }
    for (const both of merged(learned(), part)) {
      expect(both.belief).toMatchObject({ limit: 30, most: 42, evidence: 2 })
      expect(both.belief?.schedules.restore).toEqual({ interval: 1, clean: 0 })
    }
  })
})

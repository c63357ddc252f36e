import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { RateLimitHeaders } from "../../../src/index.js"
import { Window } from "../../../src/ratelimit/internal/window.js"
import { headers } from "../responses.js"
import { runs } from "../../support/laws.js"

const fc = FastCheck

/** 4 of 5 left, sent at 0, response at 100: the window ends between 2000 and 2100. */
const opened = (values: Partial<RateLimitHeaders.RateLimitHeaders> = {}) => {
  const window = new Window()
  window.onResponse(headers({ reset: 1_000_000, ...values }), 0, 100, false)
  return window
}

const again = (
  window: Window,
  values: Partial<RateLimitHeaders.RateLimitHeaders>,
  sentAt: number,
  now: number,
  refused = false,
) => window.onResponse(headers({ reset: 1_000_000, ...values }), sentAt, now, refused)

describe("Window", () => {
  it("has no limit before the first response", () => {
    expect(new Window()).toMatchObject({ remaining: Infinity, limit: undefined, model: "unknown" })
  })

  it("ends at the latest instant that the response allows", () => {
    const window = opened()
    expect(window).toMatchObject({ remaining: 4, limit: 5, resetEarliest: 2000, resetAt: 2100 })
    expect(window.roll(2099)).toBe(undefined)
    expect(window.roll(2100)).toBe(4)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined, period: 2000 })
    expect(window.roll(5000)).toBe(undefined)
  })

  it("may be rolled by a lead", () => {
    const window = opened()
    expect(window.roll(2049, 50)).toBe(undefined)
    expect(window.roll(2050, 50)).toBe(4)
  })

  it("narrows the reset with every response of the same window", () => {
    const window = opened()
    again(window, { remaining: 3, resetAfter: 1850 }, 180, 220)
    expect(window).toMatchObject({ resetEarliest: 2030, resetAt: 2070, model: "fixed" })
  })

  it("counts a request whose response describes a window that was over in the next one", () => {
    const window = opened()
    window.roll(2100)
    again(window, { remaining: 0, resetAfter: 0 }, 2200, 2300)
    expect(window).toMatchObject({ remaining: 4, resetEarliest: 4200, resetAt: 4300 })
    again(window, { remaining: 4, reset: 1_002_300, resetAfter: 1900 }, 2300, 2400)
    expect(window).toMatchObject({ remaining: 3, resetAt: 4300 })
  })

  it("does not count it in later windows", () => {
    const window = opened()
    again(window, { remaining: 3, resetAfter: 0 }, 200, 2200)
    window.roll(4200)
    window.consume(4300, 4400)
    again(window, { remaining: 4, reset: 1_004_300, resetAfter: 2000 }, 4500, 4600)
    expect(window).toMatchObject({ remaining: 4, used: 1 })
  })

  it("counts no request of unknown fate beside it that was abandoned before", () => {
    const window = opened()
    window.consume(150, 300)
    window.roll(4100)
    again(window, { remaining: 0, resetAfter: 0 }, 5000, 5100)
    expect(window.remaining).toBe(4)
  })

  it("counts it in the window that a later response has described already", () => {
    const window = opened()
    window.roll(2100)
    again(window, { remaining: 4, reset: 1_002_200, resetAfter: 2000 }, 2150, 2250)
    again(window, { remaining: 0, resetAfter: 0 }, 2150, 2300)
    expect(window).toMatchObject({ remaining: 3, resetAt: 4250 })
  })

  it("is not taken for leaking because the server's clock has jumped", () => {
    const window = opened()
    again(window, { remaining: 3, reset: 1_005_000, resetAfter: 2000 }, 100, 200)
    expect(window.model).toBe("unknown")
    const moving = opened()
    again(moving, { remaining: 3, reset: 1_000_400, resetAfter: 2250 }, 100, 200)
    expect(moving.model).toBe("leaking")
  })

  it("never raises the remaining count with a late response", () => {
    const window = opened({ remaining: 1 })
    again(window, { remaining: 3, resetAfter: 1950 }, 0, 150)
    expect(window.remaining).toBe(1)
  })

  it("ignores a late response of the previous window", () => {
    const window = opened()
    window.roll(2100)
    again(window, { remaining: 0, resetAfter: 100 }, 1900, 2150)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined })
    again(window, { remaining: 4, reset: 1_002_100 }, 2100, 2200)
    again(window, { remaining: 0, resetAfter: 50 }, 1950, 2250)
    expect(window).toMatchObject({ remaining: 4, resetAt: 4200 })
  })

  it("ignores it without a Reset header, too", () => {
    const window = opened({ reset: undefined })
    window.roll(2100)
    again(window, { remaining: 0, resetAfter: 100, reset: undefined }, 1900, 2150)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined })
    // As long under way as a window lasts: it may be of a new one.
    again(window, { remaining: 3, resetAfter: 100, reset: undefined }, 50, 2150)
    expect(window).toMatchObject({ remaining: 3, resetAt: 2250 })
  })

  it("opens again when a response shows a new window", () => {
    const window = opened({ remaining: 0 })
    again(window, { remaining: 4, reset: 1_002_000 }, 2010, 2050)
    expect(window).toMatchObject({ remaining: 4, resetAt: 4050 })
  })

  it("detects new windows by Reset-After alone", () => {
    const window = opened({ reset: undefined, remaining: 0 })
    again(window, { remaining: 4, reset: undefined }, 2010, 2050)
    expect(window).toMatchObject({ remaining: 4, resetAt: 4050 })
    again(window, { remaining: 3, resetAfter: 1900, reset: undefined }, 2110, 2150)
    expect(window).toMatchObject({ remaining: 3, resetAt: 4050 })
    again(window, { remaining: 0, resetAfter: 10, reset: undefined }, 1950, 2150)
    expect(window).toMatchObject({ remaining: 3 })
  })

  it("follows a server whose clock was set back", () => {
    const window = opened({ remaining: 0 })
    again(window, { remaining: 4, reset: 500_000 }, 2050, 2090)
    expect(window).toMatchObject({ remaining: 4, resetAt: 4090 })
  })

  it("detects slots that leak back one by one, and how fast", () => {
    const window = opened({ resetAfter: 400, reset: 1_000_000 })
    again(window, { remaining: 3, resetAfter: 700, reset: 1_000_400 }, 110, 210)
    // 400 ms at the most, rounded up: a slot is never taken for quicker to come back than it is.
    expect(window).toMatchObject({
      model: "leaking",
      slot: 399,
      remaining: 3,
      resetAt: expect.closeTo(901, 0),
    })
    // Answered late, counted before: the later word stands, be it sent in the same instant.
    again(window, { remaining: 4, resetAfter: 500, reset: 1_000_200 }, 105, 250)
    again(window, { remaining: 4, resetAfter: 500, reset: 1_000_200 }, 210, 250)
    expect(window).toMatchObject({ remaining: 3, resetAt: expect.closeTo(901, 0) })
  })

  it("computes the time of a slot for any order of responses", () => {
    const window = opened({ resetAfter: 400, reset: 1_000_000 })
    again(window, { remaining: 0, resetAfter: 1999, reset: 1_001_600 }, 10, 110)
    again(window, { remaining: 2, resetAfter: 1199, reset: 1_000_800 }, 10, 120)
    expect(window).toMatchObject({ model: "leaking", remaining: 0 })
    expect(window.slot).toBeGreaterThanOrEqual(399)
    expect(window.slot).toBeLessThanOrEqual(400)
  })

  it("learns no model from a 429, which moves no reset", () => {
    const window = opened({ resetAfter: 400, reset: 1_000_000 })
    again(window, { remaining: 3, resetAfter: 700, reset: 1_000_400 }, 110, 210)
    again(window, { remaining: 0, resetAfter: 690, reset: 1_000_400 }, 120, 220, true)
    expect(window.model).toBe("leaking")
  })

  it("takes a changed limit, and no late word of the old one", () => {
    const window = opened()
    again(window, { limit: 3, remaining: 1 }, 200, 300)
    expect(window).toMatchObject({ limit: 3, remaining: 1, model: "unknown" })
    again(window, { limit: 5, remaining: 3 }, 100, 350)
    expect(window).toMatchObject({ limit: 3 })
    expect(window.remaining).toBeLessThanOrEqual(1)
  })

  it("does not count a 429 as a used slot", () => {
    const window = opened({ remaining: 1 })
    again(window, { remaining: 0, resetAfter: 1500 }, 500, 600, true)
    expect(window.remaining).toBe(0)
    window.roll(2100)
    expect(window.remaining).toBe(5)
  })

  it("uses the last response when no window can be identified", () => {
    const window = new Window()
    const bare = { resetAfter: undefined, reset: undefined }
    again(window, { remaining: 0, ...bare }, 0, 10)
    expect(window.remaining).toBe(0)
    again(window, { remaining: 3, ...bare }, 20, 30)
    expect(window.remaining).toBe(3)
    again(window, { remaining: undefined, ...bare }, 40, 50)
    expect(window.remaining).toBe(2)
    expect(window.resetAt).toBe(undefined)
  })

  it("counts locally when the server sends no remaining count", () => {
    const window = opened({ remaining: undefined })
    expect(window.remaining).toBe(4)
    again(window, { remaining: undefined, resetAfter: 1800 }, 150, 250)
    expect(window.remaining).toBe(3)
  })

  it("counts a response without headers once there is a limit", () => {
    const window = new Window()
    window.onResponse(RateLimitHeaders.empty, 0, 10, false)
    expect(window.remaining).toBe(Infinity)
    window.onResponse(headers(), 0, 100, false)
    window.onResponse(RateLimitHeaders.empty, 110, 120, false)
    window.onResponse(RateLimitHeaders.empty, 110, 120, true)
    expect(window.remaining).toBe(3)
  })

  it("keeps a slot of unknown fate until its window is over for certain", () => {
    const window = opened()
    again(window, { remaining: 3, resetAfter: 1800 }, 150, 250)
    window.consume(300, 2040)
    expect(window.remaining).toBe(2)
    window.roll(2050)
    // It may have opened the next window, at 2040 at the latest.
    expect(window).toMatchObject({ remaining: 4, resetAt: 4040 })
    window.roll(4040)
    expect(window.remaining).toBe(5)
  })

  it("opens a window of its own for a slot of unknown fate, and gives way to the server's", () => {
    const window = opened()
    window.roll(2100)
    window.consume(3000, 3100)
    expect(window).toMatchObject({ remaining: 4, resetEarliest: 5000, resetAt: 5100 })
    again(window, { remaining: 2, reset: 1_003_000, resetAfter: 1900 }, 3100, 3150)
    // Nothing was seen of how slots come back.
    expect(window).toMatchObject({ remaining: 1, resetAt: 7050, model: "unknown" })
    again(window, { remaining: 1, reset: 1_003_000, resetAfter: 1800 }, 3200, 3250)
    expect(window.remaining).toBe(1)
  })

  it("fills more slowly by a slot of unknown fate, where slots leak", () => {
    const window = opened({ resetAfter: 400, reset: 1_000_000 })
    again(window, { remaining: 3, resetAfter: 700, reset: 1_000_400 }, 110, 210)
    window.consume(220, 300)
    expect(window).toMatchObject({ remaining: 2, resetAt: expect.closeTo(1301, 0) })
  })

  it("keeps a slot of unknown fate beside responses that may not include it", () => {
    const window = opened({ remaining: 2 })
    window.consume(150, 300)
    again(window, { remaining: 1, resetAfter: 1800 }, 200, 400)
    expect(window.remaining).toBe(0)
  })

  it("keeps it no longer than until a response that includes it", () => {
    const window = opened()
    again(window, { remaining: 3, resetAfter: 1800 }, 150, 250)
    window.consume(300, 400)
    again(window, { remaining: 1, resetAfter: 1500 }, 500, 600)
    expect(window.remaining).toBe(1)
    window.roll(2050)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined })
  })

  it("keeps it in the next window beside a response that may not include it", () => {
    const window = opened()
    again(window, { remaining: 3, resetAfter: 1800 }, 150, 250)
    window.consume(300, 2040)
    window.roll(2050)
    again(window, { remaining: 4, reset: 1_002_030, resetAfter: 2000 }, 2035, 2060)
    expect(window.remaining).toBe(3)
  })

  it("keeps it where slots may leak and a response to an earlier request is later than the window", () => {
    const window = opened()
    window.consume(2010, 2050)
    window.roll(4100)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined })
    again(window, { remaining: 3, reset: 1_002_000, resetAfter: 2050 }, 2000, 4110)
    expect(window).toMatchObject({ remaining: 2, resetAt: expect.closeTo(6103, 0) })
  })

  it("may fill from the time on at which the request was abandoned, where slots may leak", () => {
    const window = opened()
    window.roll(2100)
    window.consume(2200, 6000)
    again(window, { remaining: 4, reset: 1_002_300, resetAfter: 2000 }, 2300, 6100)
    expect(window.resetAt).toBe(8000)
  })

  it("adds the slots of others in flight to a response without headers, where slots may leak", () => {
    const window = opened()
    window.roll(2100)
    window.onResponse(RateLimitHeaders.empty, 2200, 2300, false, 1)
    expect(window).toMatchObject({ remaining: 4, resetAt: 6300 })
  })

  it("waits for as many slots of unknown fate as the limit has", () => {
    const window = opened()
    for (let index = 0; index < 100; index += 1) window.consume(150, 1000)
    again(window, { reset: 1_000_900 }, 900, 1010)
    expect(window.resetAt).toBeCloseTo(3001 + 5 * 2000, -1)
  })

  it("ignores a late response of the previous window in a window of its own", () => {
    const window = opened()
    window.roll(2100)
    window.consume(2200, 2300)
    again(window, { remaining: 3, resetAfter: 1900 }, 50, 2400)
    expect(window).toMatchObject({ remaining: 4, resetAt: 4300 })
    window.roll(4300)
    again(window, { remaining: 3, resetAfter: 1900 }, 50, 4400)
    expect(window).toMatchObject({ remaining: 5, resetAt: undefined })
  })

  it("does not wait for a slot with unknown outcome while the period is unknown", () => {
    const window = new Window()
    window.consume(0, 100)
    expect(window).toMatchObject({ remaining: Infinity, resetAt: undefined })
  })

  it("estimates a reset from all earlier responses, also of other windows, since resets are linked", () => {
    // 10 ms there and 190 back, then 150 there and 20 back: of each window one bound is close.
    const window = new Window()
    window.onResponse(headers({ resetAfter: 2000, reset: 1_000_000 }), 0, 200, false)
    expect(window).toMatchObject({ resetEarliest: 2000, resetAt: 2200 })
    window.roll(2200)
    window.onResponse(headers({ resetAfter: 2000, reset: 1_002_440 }), 2300, 2470, false)
    expect(window.resetAt).toBe(4470)
    expect(window.resetEarliest).toBeCloseTo(4440 - 1 - 2270 / 2000, 6)
  })

  it("guesses from another", () => {
    const window = new Window()
    window.guess(opened())
    expect(window).toMatchObject({ limit: 5, remaining: 5, period: 2000, resetAt: undefined })
  })

  it("law 4: within a fixed window the remaining count only falls, for any order of responses", () => {
    const answers = fc.array(
      fc.record({ up: fc.integer({ min: 0, max: 300 }), down: fc.integer({ min: 0, max: 3000 }) }),
      { minLength: 1, maxLength: 12 },
    )
    fc.assert(
      fc.property(answers, (all) => {
        const limit = 12
        const counted = all
          .map(({ up, down }) => ({ arrives: up, back: up + down }))
          .sort((a, b) => a.arrives - b.arrives)
          .map((one, index) => ({ ...one, remaining: limit - 1 - index }))
        const end = counted[0]!.arrives + 2000
        const window = new Window()
        let least = limit
        for (const { arrives, back, remaining } of counted.sort((a, b) => a.back - b.back)) {
          window.roll(back)
          const isOver = back >= end
          window.onResponse(
            headers({ limit, remaining, resetAfter: end - arrives, reset: 1_000_000 + end }),
            0,
            back,
            false,
          )
          if (isOver) continue
          expect(window.remaining).toBeLessThanOrEqual(Math.min(least, remaining))
          expect(window.resetAt).toBeGreaterThanOrEqual(end)
          expect(window.resetEarliest).toBeLessThanOrEqual(end)
          least = window.remaining
        }
      }),
      { numRuns: runs(2000) },
    )
  })
})

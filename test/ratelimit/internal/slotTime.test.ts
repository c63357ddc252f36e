import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { RateLimitHeaders } from "../../../src/index.js"
import { SlotTime } from "../../../src/ratelimit/internal/window.js"
import { runs } from "../../support/laws.js"

const fc = FastCheck

/** A request to a leaking bucket: whose it is, and how long after the one before (milliseconds). */
interface Request {
  readonly pause: number
  readonly isOurs: boolean
}

const requests = (longest: number): FastCheck.Arbitrary<ReadonlyArray<Request>> =>
  fc.array(fc.record({ pause: fc.integer({ min: 0, max: longest }), isOurs: fc.boolean() }), {
    minLength: 1,
    maxLength: 60,
  })

interface Rule {
  readonly limit: number
  readonly slot: number
}

const rules: FastCheck.Arbitrary<Rule> = fc.record({
  limit: fc.integer({ min: 1, max: 10 }),
  slot: fc.double({ min: 20, max: 2000, noNaN: true }),
})

/** The server's headers for our requests, on its own clock. */
const told = ({ limit, slot }: Rule, all: ReadonlyArray<Request>, epoch = 1_790_000_000_000.3) => {
  let now = epoch
  let fullAt = 0
  return all.flatMap(({ pause, isOurs }) => {
    now += pause
    const level = Math.max(0, fullAt - now)
    if (level / slot + 1 <= limit + 1e-6) fullAt = now + level + slot
    const remaining = Math.max(0, Math.floor(limit - (fullAt - now) / slot + 1e-6))
    const resetAfter = Math.ceil(fullAt - now)
    const headers = { ...RateLimitHeaders.empty, remaining, resetAfter, reset: Math.ceil(fullAt) }
    return isOurs ? [headers] : []
  })
}

const learned = (limit: number, all: ReturnType<typeof told>, of = new SlotTime()): SlotTime => {
  for (const headers of all) of.add(headers, limit)
  return of
}

describe("the time of a slot", () => {
  it("is never overestimated, for any senders and any order of responses", () => {
    const ordered = fc.tuple(rules, requests(3000)).chain(([rule, all]) => {
      const words = told(rule, all)
      return fc.record({
        rule: fc.constant(rule),
        words: fc.constant(words),
        shuffled: fc.shuffledSubarray(words),
      })
    })
    fc.assert(
      fc.property(ordered, ({ rule, words, shuffled }) => {
        // The server's clock counts in floating-point milliseconds since 1970.
        const dust = 0.01
        expect(learned(rule.limit, words).min).toBeLessThanOrEqual(rule.slot + dust)
        expect(learned(rule.limit, shuffled).min).toBeLessThanOrEqual(rule.slot + dust)
      }),
      { numRuns: runs(500) },
    )
  })

  it("is more precise the further apart resets are, also if other clients moved them", () => {
    const all = Array.from({ length: 60 }, (_, index) => ({ pause: 410, isOurs: index % 3 !== 1 }))
    const slot = learned(5, told({ limit: 5, slot: 430.7 }, all))
    expect(slot.min).toBeGreaterThan(430.6)
    expect(slot.min).toBeLessThanOrEqual(430.7)
  })

  it("is taken from single responses when the server's clock jumps", () => {
    const all = Array.from({ length: 20 }, () => ({ pause: 200, isOurs: true }))
    const slot = learned(5, told({ limit: 5, slot: 400 }, all))
    const jumped = told({ limit: 5, slot: 400 }, all, 1_790_000_009_130)
    expect(learned(5, jumped, slot).min).toBeLessThanOrEqual(400)
  })

  it("is taken from single responses when resets are whole seconds", () => {
    const all = Array.from({ length: 40 }, () => ({ pause: 350, isOurs: true }))
    const whole = told({ limit: 5, slot: 600 }, all).map((headers) => ({
      ...headers,
      reset: Math.ceil(headers.reset / 1000) * 1000,
    }))
    expect(learned(5, whole).min).toBeLessThanOrEqual(600)
  })

  it("is unknown before a response, and after one that leaves all slots", () => {
    expect(new SlotTime().min).toBe(0)
    expect(new SlotTime(300).min).toBe(300)
    const full = { ...RateLimitHeaders.empty, remaining: 5, resetAfter: 0, reset: 1000 }
    expect(learned(5, [full, full]).min).toBe(0)
  })
})

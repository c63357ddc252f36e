import { it as effect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { RateLimiter } from "../../../src/index.js"
import { BucketState, WebhookState } from "../../../src/ratelimit/internal/bucketState.js"
import { RoundTrips } from "../../../src/ratelimit/internal/window.js"
import { headers, ok, route } from "../responses.js"
import { proactive } from "../model/policies.js"
import { runs } from "../../support/laws.js"

const fc = FastCheck

describe("round trips", () => {
  it("return the smallest uncertainty of the last 64 to 128 resets", () => {
    const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(values, (all) => {
        const seen = new RoundTrips({ last: 100 })
        for (const [index, value] of all.entries()) {
          seen.addResetUncertainty(value)
          // A generation of 64, and what there is of the next.
          const kept = all.slice(0, index + 1).slice(-(index < 64 ? 64 : 64 + (index % 64) + 1))
          expect(seen.uncertainty).toBe(Math.min(...kept))
        }
      }),
      { numRuns: runs(100) },
    )
  })
})

describe("a bucket", () => {
  const bucketState = () => {
    const bucket = new BucketState("hash", new WebhookState("1:digest"))
    bucket.roundTrip = new RoundTrips({ last: 100 })
    return bucket
  }

  it("returns the uncertainty of a past reset, which is below each of its round trips", () => {
    const bucket = bucketState()
    // 70 there and 30 back, then 40 there and 60 back: the server resets at 2070.
    bucket.window.onResponse(headers({ remaining: 4, reset: 1, resetAfter: 2000 }), 0, 100, false)
    bucket.window.onResponse(headers({ remaining: 3, reset: 1, resetAfter: 1930 }), 100, 200, false)
    bucket.roll(2099)
    expect(bucket.roundTrip?.uncertainty).toBe(undefined)
    bucket.roll(2100)
    expect(bucket.roundTrip?.uncertainty).toBe(70)
  })

  it("lets another start from it, and go its own way", () => {
    const bucket = bucketState()
    bucket.roundTrip?.addResetUncertainty(70)
    const other = bucketState()
    other.guessFrom(bucket)
    other.roundTrip?.addResetUncertainty(50)
    expect(other.roundTrip?.uncertainty).toBe(50)
    expect(bucket.roundTrip?.uncertainty).toBe(70)
  })

  effect.effect("shows it as plain JSON", () =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter.RateLimiter
      const send = limiter.withPermit(route(), { policy: proactive }, (permit) =>
        Effect.zipRight(TestClock.adjust(100), permit.settle(ok())),
      )
      yield* send
      yield* TestClock.adjust("10 seconds")
      yield* send
      const { roundTrip } = Option.getOrThrow(yield* limiter.getBucket(route()))
      expect(JSON.parse(JSON.stringify(roundTrip))).toEqual({
        last: 100,
        shortest: 100,
        longest: 100,
        count: 2,
        uncertainty: 100,
      })
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )
})

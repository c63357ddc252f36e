import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Random from "effect/Random"
import { describe, expect } from "vitest"
import { sampleBackoff, maxBackoff, canRetry } from "../../src/rest/retryPolicy.js"

const delivered = FastCheck.constantFrom("no", "unknown", "yes" as const)
const failed = FastCheck.record({
  idempotent: FastCheck.boolean(),
  delivered,
  permanent: FastCheck.boolean(),
  retries: FastCheck.nat({ max: 8 }),
}) as FastCheck.Arbitrary<Parameters<typeof canRetry>[0]>
const settings = FastCheck.record({
  maxRetries: FastCheck.nat({ max: 8 }),
  retry: FastCheck.constantFrom("safe", "atLeastOnce"),
}) as FastCheck.Arbitrary<Parameters<typeof canRetry>[1]>

describe("mayRetry", () => {
  it("never repeats, in safe mode, what is not idempotent and may have arrived", () => {
    FastCheck.assert(
      FastCheck.property(failed, settings, (attempt, given) => {
        const mayArriveTwice = !attempt.idempotent && attempt.delivered !== "no"
        const forbidden = given.retry === "safe" && mayArriveTwice
        return !(forbidden && canRetry(attempt, given))
      }),
    )
  })

  it("never goes beyond maxRetries, nor repeats what cannot work", () => {
    FastCheck.assert(
      FastCheck.property(failed, settings, (attempt, given) => {
        const hopeless = attempt.retries >= given.maxRetries || attempt.permanent
        return !(hopeless && canRetry(attempt, given))
      }),
    )
  })

  it("repeats everything else", () => {
    FastCheck.assert(
      FastCheck.property(failed, settings, (attempt, given) => {
        const optedIn = given.retry === "atLeastOnce" && attempt.delivered === "unknown"
        const safe = attempt.idempotent || attempt.delivered === "no" || optedIn
        const possible = attempt.retries < given.maxRetries && !attempt.permanent
        return canRetry(attempt, given) === (safe && possible)
      }),
    )
  })
})

const limits = { backoffBase: Duration.seconds(1), backoffMax: Duration.seconds(60) }

describe("backoff", () => {
  it("doubles from the base to the ceiling", () => {
    const seconds = [0, 1, 2, 3, 4, 5, 6, 7, 60].map((n) => maxBackoff(n, limits) / 1000)
    expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it.effect.prop(
    "is between half the ceiling and the ceiling, for any random value",
    { retries: FastCheck.nat({ max: 20 }), seed: FastCheck.nat() },
    ({ retries, seed }) =>
      Effect.gen(function* () {
        const pause = Duration.toMillis(yield* sampleBackoff(retries, undefined, limits))
        const longest = maxBackoff(retries, limits)
        expect(pause).toBeGreaterThanOrEqual(longest / 2)
        expect(pause).toBeLessThanOrEqual(longest)
      }).pipe(Effect.withRandom(Random.make(seed))),
  )

  it.effect("is spread by the dice", () =>
    Effect.gen(function* () {
      const pauses = yield* Effect.all(
        Array.from({ length: 20 }, () => sampleBackoff(3, undefined, limits)),
      )
      expect(new Set(pauses.map(Duration.toMillis)).size).toBeGreaterThan(15)
    }).pipe(Effect.withRandom(Random.make("spread"))),
  )

  it.effect("waits for the server's Retry-After, up to backoffMax", () =>
    Effect.gen(function* () {
      expect(Duration.toMillis(yield* sampleBackoff(0, 30_000, limits))).toBe(30_000)
      expect(Duration.toMillis(yield* sampleBackoff(0, 3_600_000, limits))).toBe(60_000)
      expect(Duration.toMillis(yield* sampleBackoff(0, 0, limits))).toBeGreaterThanOrEqual(500)
    }),
  )
})

/** The heap after the use of many webhooks; the row `heapBack` of the table in `test/scenarios`. */
import { it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { RateLimiter } from "../../src/index.js"
import { rows } from "../scenarios/rows.js"
import { nameOf, stack, ways } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { forgetful, keptOfEach } from "./heap.js"

const { bound, ours, scenario, unit } = rows.heapBack
/** Bytes of each webhook. */
const noise = 100

describe("memory", () => {
  for (const way of ways.filter(({ delivery }) => delivery === "ordered")) {
    it.effect(`${scenario}: at most ${bound} ${unit} [${nameOf(way)}]`, () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter.RateLimiter
        // What else is on the heap only adds to a reading; what we keep is in each of them.
        const kept = Math.min(...(yield* Effect.replicateEffect(keptOfEach, 4)))
        expect((yield* limiter.snapshot).buckets).toBe(0)
        expect(kept < noise ? 0 : kept, unit).toBe(ours)
      }).pipe(
        Effect.provideService(HttpClient.HttpClient, forgetful),
        Effect.provide(stack(way, {}, { globalLimit: 5000 })),
        VirtualClock.run,
      ),
    )
  }
})

import * as FastCheck from "effect/FastCheck"
import * as Duration from "effect/Duration"
import { adaptive } from "../../../src/ratelimit/strategy/adaptive.js"
import type { Policy } from "../../../src/ratelimit/strategy/Policy.js"
import { proactive } from "../../../src/ratelimit/strategy/proactive.js"
import { reactive } from "../../../src/ratelimit/strategy/reactive.js"

/**
 * Takes the bookkeeping at its word: no guess at how long the network takes, no pacing. What it is
 * refused is a mistake of the limiter.
 */
export const literal: Policy = named({
  name: "literal",
  shouldWait: (bucket) => bucket.remaining - bucket.inFlight <= 0,
  calculateWait: (bucket, now) => Duration.millis(Math.max(0, (bucket.resetAt ?? now) - now)),
  initial: undefined,
  observe: (memory) => memory,
})

export const careful = named(proactive(1))
export const paced = named(proactive(0.8))
export const learning = named(adaptive({ confidence: 0.925 }))
export const eager = named(reactive)

/** In a counterexample a policy is its name. */
function named(policy: Policy): Policy {
  return Object.assign(policy, { [FastCheck.toStringMethod]: () => policy.name })
}

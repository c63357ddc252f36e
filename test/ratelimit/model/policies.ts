import * as FastCheck from "effect/FastCheck"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { Strategy } from "../../../src/index.js"

/**
 * Takes the bookkeeping at its word: no guess at how long the network takes, no pacing. What it is
 * refused is a mistake of the limiter.
 */
export const literal: Strategy.Policy = named({
  name: "literal",
  shouldWait: (bucket) => bucket.remaining - bucket.inFlight <= 0,
  calculateWait: (bucket, now) => Duration.millis(Math.max(0, (bucket.resetAt ?? now) - now)),
  initial: undefined,
  observe: (memory) => memory,
})

export const proactive = policyOf(Strategy.layerProactive)
export const pacedProactive = policyOf(Strategy.layerProactiveWith({ threshold: 0.8 }))
export const adaptive = policyOf(Strategy.layerAdaptive)
export const reactive = policyOf(Strategy.layerReactive)

function policyOf<E>(layer: Layer.Layer<Strategy.Strategy, E>): Strategy.Policy {
  return named(Effect.runSync(Effect.provide(Strategy.Strategy, layer)))
}

/** In a counterexample a policy is its name. */
function named(policy: Strategy.Policy): Strategy.Policy {
  return Object.assign(policy, { [FastCheck.toStringMethod]: () => policy.name })
}

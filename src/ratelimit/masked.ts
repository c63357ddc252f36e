/**
 * Lets the limiter in memory and the pipeline share a mask: each change of a fiber's runtime flags is
 * undone by another step, and a message would need four of them instead of two.
 */
import type * as Effect from "effect/Effect"
import type { Permit } from "./Permit.js"

/** Restores the interruptibility of the caller of a mask. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Runs uninterruptibly, except for what `restore` wraps. */
export type MaskedUse<A, E, R = never> = (
  permit: Permit,
  restore: Restore,
) => Effect.Effect<A, E, R>

/** A `use` of `RateLimiter.withPermit`. A limiter with a mask of its own may call `masked` instead. */
export interface Use<A, E, R = never> {
  (permit: Permit): Effect.Effect<A, E, R>
  readonly masked?: MaskedUse<A, E, R>
}

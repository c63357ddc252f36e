/**
 * The right to send one request, and the duty to say what became of it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { WaitError } from "../error/WebhookError.js"
import type { RateLimitHeaders } from "./RateLimitHeaders.js"
import type { Route } from "./Route.js"

/**
 * Whom a 429 limits.
 *
 * - `user`: this bucket. `shared`: this webhook's channel, counted over all its users.
 * - `global`: every request of this process.
 * - `edge`: a block in front of the API, without Discord's headers or JSON (Cloudflare).
 *
 * @since 0.1.0
 * @category models
 */
export type LimitScope = "user" | "shared" | "global" | "edge"

/**
 * What a 429 says. `retryAfter` is milliseconds, the larger of body and header; `undefined` when
 * neither has a usable delay.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limited {
  readonly scope: LimitScope
  readonly retryAfter: number | undefined
}

/**
 * An answer as the limiter sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer {
  readonly status: number
  readonly headers: RateLimitHeaders
  /** Discord's JSON error code; 0 when there is none. */
  readonly code: number
  /** Discord's sentence to an error, without secrets; repeated when a dead webhook is refused. */
  readonly reply: string
  /** Set exactly when the status is 429. */
  readonly limited: Limited | undefined
}

/**
 * What became of a request. `NeverSent` gives its slot back; `Unknown` (interrupted, timed out,
 * connection lost) keeps the slot used until the window is over, since the server may have counted it.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome =
  | { readonly _tag: "Answered"; readonly answer: Answer }
  | { readonly _tag: "NeverSent" }
  | { readonly _tag: "Unknown" }

/**
 * @since 0.1.0
 * @category constructors
 */
export const answered = (answer: Answer): Outcome => ({ _tag: "Answered", answer })

/**
 * @since 0.1.0
 * @category constructors
 */
export const neverSent: Outcome = { _tag: "NeverSent" }

/**
 * @since 0.1.0
 * @category constructors
 */
export const unknown: Outcome = { _tag: "Unknown" }

/**
 * A permit is settled exactly once for each time it was granted; settling it again does nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Permit {
  readonly route: Route
  /** Milliseconds waited for it until now, over all its turns. */
  readonly waited: () => number
  /** Says what became of the request, and ends the permit. */
  readonly settle: (outcome: Outcome) => Effect.Effect<void>
  /**
   * Says what became of the attempt and waits for another turn, at the head of the queue so that
   * order is kept, not before `after` has passed. Nobody overtakes in between. Interrupted or
   * failed, the permit is over.
   */
  readonly again: (outcome: Outcome, after?: Duration.Duration) => Effect.Effect<void, WaitError>
}

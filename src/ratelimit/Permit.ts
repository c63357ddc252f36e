/**
 * Permits to send one request, and the outcomes that settle them.
 *
 * @since 0.1.0
 * @module
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { WaitError } from "../error/WebhookError.js"
import type { ResponseInfo } from "./ResponseInfo.js"
import type { Route } from "./Route.js"
import type { Policy } from "./strategy/Policy.js"

/**
 * The outcome of a request. `NeverSent` releases its slot; `Unknown` (interrupted, timed out, connection
 * lost) keeps the slot used until the window ends, since the server may have counted it.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome =
  | { readonly _tag: "Responded"; readonly response: ResponseInfo }
  | { readonly _tag: "NeverSent" }
  | { readonly _tag: "Unknown" }

/**
 * The request has a response with any status. The limiter reads the bucket, its slots and a 429 from it.
 *
 * @example
 * ```ts
 * import { Permit, RateLimitHeaders } from "effect-discord"
 *
 * const outcome = Permit.responded({
 *   status: 204,
 *   headers: RateLimitHeaders.parse({ "x-ratelimit-limit": "5", "x-ratelimit-remaining": "4" }),
 *   code: 0,
 *   message: "",
 *   limited: undefined,
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const responded = (response: ResponseInfo): Outcome => ({
  _tag: "Responded",
  response: response,
})

/**
 * No byte of the request was sent, for example because the connection was refused: the slot is released
 * at once.
 *
 * @example
 * ```ts
 * import { Permit, RateLimiter, Route, Strategy } from "effect-discord"
 * import { Effect } from "effect"
 *
 * // Waits for a permit and returns it unused.
 * const waitOnly = (route: Route.Route) =>
 *   Effect.gen(function* () {
 *     const limiter = yield* RateLimiter.RateLimiter
 *     const policy = yield* Strategy.Strategy
 *     return yield* limiter.withPermit(route, { policy }, (permit) =>
 *       permit.settle(Permit.neverSent),
 *     )
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const neverSent: Outcome = { _tag: "NeverSent" }

/**
 * The request may have arrived, but there is no response. Also the outcome of a permit that is left
 * unsettled.
 *
 * @example
 * ```ts
 * import { Permit } from "effect-discord"
 *
 * const lost = (permit: Permit.Permit) => permit.settle(Permit.unknown)
 * ```
 *
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
  /** Total milliseconds that the request has waited for permits. */
  readonly waited: () => number
  /** Reports the outcome of the request and ends the permit. */
  readonly settle: (outcome: Outcome) => Effect.Effect<void>
  /**
   * Reports the outcome of an attempt and waits for another permit at the head of the queue, at least
   * for `after`. No other request overtakes. After an interruption or a failure the permit has ended.
   */
  readonly retry: (
    outcome: Outcome,
    after?: Duration.DurationInput,
  ) => Effect.Effect<void, WaitError>
}

/**
 * Options of a wait.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitOptions {
  /** The policy that schedules the request; usually the current `Strategy`. */
  readonly policy: Policy
  /**
   * `ordered` (default): one request of a webhook is in flight at a time, so messages arrive in the
   * order in which they were sent. `concurrent`: as many as there are free slots.
   */
  readonly delivery?: "ordered" | "concurrent" | undefined
  /** Maximum wait; fails with `WebhookRateLimited` as soon as a longer one is known. Default: none. */
  readonly maxWait?: Duration.DurationInput | undefined
  /**
   * Maximum time that a granted request takes. A permit that is not settled by then, because the
   * runtime dropped its fiber without running finalisers, counts as `unknown`. If it is settled
   * later, the limiter still records the response. Default: no limit, or 1 minute where requests
   * are isolated (`RateLimiter.Options`).
   */
  readonly lease?: Duration.DurationInput | undefined
}

/**
 * The right to send one request, and the duty to say what became of it.
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
 * What became of a request. `NeverSent` gives its slot back; `Unknown` (interrupted, timed out,
 * connection lost) keeps the slot used until the window is over, since the server may have counted it.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome =
  | { readonly _tag: "Responded"; readonly response: ResponseInfo }
  | { readonly _tag: "NeverSent" }
  | { readonly _tag: "Unknown" }

/**
 * The request was answered, with whatever status: the limiter takes the bucket, its slots and a
 * possible 429 from the answer.
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
export const responded = (answer: ResponseInfo): Outcome => ({
  _tag: "Responded",
  response: answer,
})

/**
 * Not a byte of the request left (the host was not found, the connection was refused): the slot is
 * free again at once, for the next in the queue.
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
 * The request may have arrived, and no answer tells. Also what a permit ends with that its holder
 * has left unsettled.
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
  /** Milliseconds waited for it until now, over all its turns. */
  readonly waited: () => number
  /** Says what became of the request, and ends the permit. */
  readonly settle: (outcome: Outcome) => Effect.Effect<void>
  /**
   * Says what became of the attempt and waits for another turn, at the head of the queue so that
   * order is kept, not before `after` has passed. Nobody overtakes in between. Interrupted or
   * failed, the permit is over.
   */
  readonly retry: (
    outcome: Outcome,
    after?: Duration.DurationInput,
  ) => Effect.Effect<void, WaitError>
}

/**
 * How to wait.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitOptions {
  /** Decides how cautious to be; usually the `Strategy` in the context. */
  readonly policy: Policy
  /**
   * `ordered` (default): one request of a webhook is in flight at a time, so messages arrive in the
   * order in which they were sent. `concurrent`: as many as there are free slots.
   */
  readonly delivery?: "ordered" | "concurrent" | undefined
  /** Fail with `WebhookRateLimited` as soon as the known wait is longer. Default: wait for ever. */
  readonly maxWait?: Duration.DurationInput | undefined
  /**
   * The longest time that a granted request can take. A permit that is not settled by then, because
   * the runtime dropped its fiber without running finalisers, counts as `unknown`. If it is settled
   * later, the limiter still learns from the response. Default: no limit, or 1 minute where requests
   * are isolated (`RateLimiter.Options`).
   */
  readonly lease?: Duration.DurationInput | undefined
}

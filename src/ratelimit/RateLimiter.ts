/**
 * When a request may go: one queue for each bucket, fed by what Discord's answers say.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { WaitError } from "../error/WebhookError.js"
import type { Bucket } from "./Bucket.js"
import type { Answer, Permit } from "./Permit.js"
import type { Route } from "./Route.js"
import type { Policy } from "./strategy/Policy.js"

export type { Bucket, Model, RoundTrip } from "./Bucket.js"
export type { Answer, Limited, LimitScope, Outcome, Permit } from "./Permit.js"
export { answered, neverSent, unknown } from "./Permit.js"

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
  /** Fail with `RateLimitError` as soon as the known wait is longer. Default: wait for ever. */
  readonly maxWait?: Duration.Duration | undefined
}

/**
 * Makes an effect as interruptible as the caller of `withPermit` is.
 *
 * @since 0.1.0
 * @category models
 */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * The rate limiter: grants permits first come, first served within a bucket, and learns from every
 * answer. It remembers dead webhooks and counts invalid requests, too.
 *
 * @since 0.1.0
 * @category tags
 */
export class RateLimiter extends Context.Tag("effect-discord/RateLimiter")<
  RateLimiter,
  {
    /**
     * Waits for a turn. The scope settles the permit as `unknown` if nobody has settled it before.
     */
    readonly wait: (
      route: Route,
      options: WaitOptions,
    ) => Effect.Effect<Permit, WaitError, Scope.Scope>
    /**
     * The same for hot paths, without a scope: waits, then runs `use` uninterruptibly, but for what
     * it wraps in `restore` (sending, `permit.again`). So a granted permit is never lost between
     * two steps, at any interleaving. What `use` leaves unsettled is settled as `unknown`.
     */
    readonly withPermit: <A, E, R>(
      route: Route,
      options: WaitOptions,
      use: (permit: Permit, restore: Restore) => Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, E | WaitError, R>
    /** Learns from an answer to a request that took no permit here. */
    readonly update: (route: Route, answer: Answer) => Effect.Effect<void>
    /** What is known of the bucket this route counts against. */
    readonly getBucket: (route: Route) => Effect.Effect<Option.Option<Bucket>>
    /** How long a request made now would wait, as far as is known; takes no permit. */
    readonly estimate: (route: Route, options: WaitOptions) => Effect.Effect<Duration.Duration>
    /**
     * Forgets what was learned: of one route's bucket, or everything, dead webhooks included.
     * Whoever waits goes on waiting, by the new knowledge.
     */
    readonly clear: (route?: Route) => Effect.Effect<void>
    /** Counts, for a status page. */
    readonly snapshot: Effect.Effect<Snapshot>
  }
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly buckets: number
  readonly waiting: number
  readonly inFlight: number
  readonly deadWebhooks: number
  /** 401, 403 and unshared 429 answers in the last 10 minutes. */
  readonly invalidRequests: number
}

/**
 * The state of one bucket: Discord's bucket id on one webhook or, until a response has named it, one
 * route on one webhook.
 *
 * @since 0.1.0
 * @module
 */

/**
 * How the slots of a bucket return. Discord does not document it; it is detected.
 *
 * - `fixed`: a window opens with its first request, and all slots return when it ends.
 * - `leaking`: slots return one by one, `period / limit` apart.
 *
 * @since 0.1.0
 * @category models
 */
export type Model = "unknown" | "fixed" | "leaking"

/**
 * The state that strategies decide on and `RateLimiter.getBucket` returns. Times and durations are
 * milliseconds on the limiter's own monotonic clock, independent of the server's clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bucket<Memory = unknown> {
  /** Discord's bucket id, or the route's name until a response has named it. */
  readonly id: string
  /** Requests in a window; `undefined` if no response has a limit. */
  readonly limit: number | undefined
  /**
   * Slots left in this window according to the server and our own count, without subtracting requests
   * in flight. It only falls until the window ends. `Infinity` if there is no limit.
   */
  readonly remaining: number
  /** Requests without a response yet. */
  readonly inFlight: number
  /**
   * Requests without a response yet on all webhooks of the channel; `inFlight` while the channel is
   * unknown.
   */
  readonly channelInFlight: number
  /** Waiting requests. */
  readonly waiting: number
  /** The latest possible end of the window; `undefined` if none is open. */
  readonly resetAt: number | undefined
  /** The earliest possible end of the window: time of sending + Reset-After. */
  readonly resetEarliest: number | undefined
  /** The end of the block after a 429; 0 if there was none. */
  readonly blockedUntil: number
  readonly model: Model
  /** The longest observed time to a reset under this limit: about the window's length. */
  readonly period: number | undefined
  /** On a leaking bucket: the observed time between the return of two slots. */
  readonly slot: number | undefined
  readonly roundTrip: RoundTrip | undefined
  /**
   * The memory of the deciding strategy; in `RateLimiter.getBucket`, of the strategy that was last
   * used.
   */
  readonly memory: Memory
}

/**
 * Milliseconds from sending to the response head: the last, and the extremes of about the last hundred,
 * on this bucket or, while it is new, on the bucket it was initialized from.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoundTrip {
  readonly last: number
  readonly shortest: number
  readonly longest: number
  /** Total number of round trips. */
  readonly count: number
  /**
   * Minimum uncertainty of about the last hundred resets, where the uncertainty is the distance between
   * the latest and the earliest possible time; `undefined` before the first reset. It is about the sum
   * of the shortest ways to the server and back, which is less than any round trip.
   */
  readonly uncertainty: number | undefined
}

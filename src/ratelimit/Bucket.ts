/**
 * What the limiter knows of one bucket: Discord's bucket id on one webhook or, until an answer has
 * named it, one route on one webhook.
 *
 * @since 0.1.0
 * @module
 */

/**
 * How the slots of a bucket come back. Discord does not say which it uses; it is detected.
 *
 * - `fixed`: a window opens with its first request, and all slots come back when it is over.
 * - `leaking`: each slot comes back by itself, `period / limit` apart.
 *
 * @since 0.1.0
 * @category models
 */
export type Model = "unknown" | "fixed" | "leaking"

/**
 * The view that strategies decide on and `RateLimiter.getBucket` answers with. Instants and
 * durations are milliseconds on the limiter's own clock, which only moves forward; the server's
 * clock never matters.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bucket<Memory = unknown> {
  /** Discord's bucket id, or the route's name until it is known. */
  readonly id: string
  /** Requests in a window; `undefined` while the server names no limit. */
  readonly limit: number | undefined
  /**
   * Slots left in this window by the server's word and our own count, requests in flight not yet
   * taken off; falls only, until the window is over. `Infinity` when there is no limit.
   */
  readonly remaining: number
  /** Requests sent and not yet answered. */
  readonly inFlight: number
  /** Requests that wait for their turn. */
  readonly waiting: number
  /** The instant from which the window is over for certain; `undefined` when none is open. */
  readonly resetAt: number | undefined
  /** The earliest instant at which the window may be over: request sent + Reset-After. */
  readonly resetEarliest: number | undefined
  /** No request goes before this instant: a 429 said so. 0 if none did. */
  readonly blockedUntil: number
  readonly model: Model
  /** The longest time to a reset seen under this limit: the window's length, or nearly. */
  readonly period: number | undefined
  /** On a leaking bucket: the time from one slot's return to the next, once seen. */
  readonly slot: number | undefined
  readonly roundTrip: RoundTrip | undefined
  /**
   * What the deciding strategy has learned here; in `RateLimiter.getBucket`, the one that a request
   * last went by.
   */
  readonly memory: Memory
}

/**
 * Milliseconds from sending to the answer's head: the last, and the extremes of the last hundred or
 * so, on this bucket or, while it is new, on the one that it was guessed from.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoundTrip {
  readonly last: number
  readonly shortest: number
  readonly longest: number
  /** How many were seen, all told. */
  readonly count: number
  /**
   * How uncertain the instant of a reset was at its end: the least that the latest and the earliest
   * possible one were apart, of the last hundred or so; `undefined` before the first reset is over.
   * That is about the shortest way there and the shortest way back of all the answers before: less
   * than any of their round trips.
   */
  readonly uncertainty: number | undefined
}

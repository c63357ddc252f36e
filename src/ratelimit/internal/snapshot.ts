/** Plain JSON for status pages. */
import type { LimitScope } from "../ResponseInfo.js"
import type { Bucket } from "../Bucket.js"

/**
 * Counts of one strategy on this limiter, as plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface StrategyCounts {
  /** Attempts with a permit. */
  readonly requests: number
  /** Attempts that waited for a permit, and their total wait in milliseconds. */
  readonly waits: number
  readonly waitedMillis: number
  /** 429 responses by scope. */
  readonly limited: Readonly<Record<LimitScope, number>>
  /** Attempts after the first. */
  readonly retries: number
  /** Slots that were unused at a reset although requests waited. */
  readonly unusedSlots: number
}

/**
 * Counts of the whole limiter, as plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly buckets: number
  readonly waiting: number
  readonly inFlight: number
  readonly deadWebhooks: number
  /** Responses 401, 403 and 429 (unless shared) in the last 10 minutes. */
  readonly invalidRequests: number
  /** By the strategy's name. */
  readonly strategies: Readonly<Record<string, StrategyCounts>>
}

/**
 * The state of a bucket, with the beliefs of the strategy that was last used on it.
 *
 * @since 0.1.0
 * @category models
 */
export interface BucketSnapshot extends Bucket {
  /** The strategy's name; `undefined` before the first request. */
  readonly strategy: string | undefined
  /** The strategy's memory as plain JSON, from its `explain`. */
  readonly beliefs: unknown
}

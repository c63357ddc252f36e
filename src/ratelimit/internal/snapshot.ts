/** What a status page shows. */
import type { LimitScope } from "../ResponseInfo.js"
import type { Bucket } from "../Bucket.js"

/**
 * What a strategy did on this limiter, as plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface StrategyCounts {
  /** Attempts that got a permit. */
  readonly requests: number
  /** Of these, attempts that had to wait for it, and how long in all (milliseconds). */
  readonly waits: number
  readonly waitedMillis: number
  /** Answers 429. */
  readonly limited: Readonly<Record<LimitScope, number>>
  /** Attempts after the first. */
  readonly retries: number
  /** Slots that a reset found unused although requests waited. */
  readonly unusedSlots: number
}

/**
 * The whole limiter in figures, as plain JSON.
 *
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
  /** By the strategy's name. */
  readonly strategies: Readonly<Record<string, StrategyCounts>>
}

/**
 * A bucket at one moment, and what the strategy believes of it that a request last went by.
 *
 * @since 0.1.0
 * @category models
 */
export interface BucketSnapshot extends Bucket {
  /** The strategy's name; `undefined` before the first request. */
  readonly strategy: string | undefined
  /** What it has learned, explained by itself as plain JSON. */
  readonly beliefs: unknown
}

/**
 * The contract of a strategy: pure decisions about one bucket. A policy holds no state; what it
 * learns is a value that the limiter keeps beside the bucket, so that one policy can serve every
 * bucket, be swapped for one call, and be tested without a fiber.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Schema from "effect/Schema"
import type { Bucket } from "../Bucket.js"
import type { ResponseInfo } from "../ResponseInfo.js"

/**
 * An event of a bucket, passed to the policy in order. Times are milliseconds on the limiter's clock.
 *
 * - `Sent`: a permit was granted after `waited` milliseconds.
 * - `Responded`, `NeverSent`, `Unknown`: the outcome of the request sent at `sentAt`.
 * - `WindowOver`: the slots returned; `unused` of them were still free while `waiting` requests waited.
 *
 * @since 0.1.0
 * @category models
 */
export type Observation =
  | { readonly _tag: "Sent"; readonly at: number; readonly waited: number }
  | {
      readonly _tag: "Responded"
      readonly at: number
      readonly sentAt: number
      readonly response: ResponseInfo
    }
  | { readonly _tag: "NeverSent" | "Unknown"; readonly at: number; readonly sentAt: number }
  | {
      readonly _tag: "WindowOver"
      readonly at: number
      readonly unused: number
      readonly waiting: number
    }

/**
 * Values that a strategy has estimated, for metrics; a hidden limit is also logged. Each may be missing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Findings {
  /** Requests per `hiddenPeriod` under a limit that no header shows. */
  readonly hiddenLimit?: number | undefined
  /** Milliseconds. */
  readonly hiddenPeriod?: number | undefined
  /** Slots per second that other clients of this webhook use. */
  readonly othersPerSecond?: number | undefined
  /** Milliseconds added at resets, after requests that arrived too early. */
  readonly caution?: number | undefined
}

/**
 * How the memory of a policy is passed to another process, with the state of its bucket. A memory that
 * the Schema does not encode is not passed on.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 * import { Schema } from "effect"
 *
 * // The memory is the time of the last request.
 * const data: Strategy.PolicyData<number> = {
 *   schema: Schema.JsonNumber,
 *   shift: (sentAt, millis) => sentAt + millis,
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface PolicyData<Memory> {
  /** Its encoded form is JSON, which has no `Infinity`. */
  // oxlint-disable-next-line no-explicit-any -- the encoded type is invariant, and only this Schema knows it
  readonly schema: Schema.Schema<Memory, any>
  /**
   * Adds `millis` to every time in the memory, because the limiter's clock has another origin in each
   * process. The result may be wrong by `uncertainty` milliseconds. Default: the memory has no times.
   */
  readonly shift?: ((memory: Memory, millis: number, uncertainty: number) => Memory) | undefined
}

/**
 * The part of a memory that concerns the whole channel. Its webhooks share it from the moment at which
 * responses have shown that they belong together; until then it concerns one bucket.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelMemory<Memory = unknown> {
  /** Returns `memory` with that part of `from`, the memory of another webhook. */
  readonly copy: (memory: Memory, from: Memory) => Memory
  /** Returns `memory` with what both have learned before they shared that part. */
  readonly merge: (memory: Memory, other: Memory) => Memory
}

/**
 * A pure policy. The limiter itself keeps order, probes unknown buckets, and obeys every 429 and the
 * global limit; the policy decides how cautiously the visible slots are used.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy<Memory = unknown> {
  /** Lower case; identifies the memory stored with each bucket, and appears in metrics. */
  readonly name: string
  /** Whether the next request of this bucket must wait at `now`. */
  readonly shouldWait: (bucket: Bucket<Memory>, now: number) => boolean
  /**
   * How long to wait from `now`; called only when it must wait, and again whenever the state changes.
   * A number is milliseconds. Zero means until the next response of a request in flight.
   */
  readonly calculateWait: (bucket: Bucket<Memory>, now: number) => Duration.DurationInput
  /**
   * How long before `bucket.resetAt` a request may be sent to arrive after the reset; requests sent from
   * then on count against the next window. A number is milliseconds. Default: 0.
   */
  readonly lead?: ((bucket: Bucket<Memory>) => Duration.DurationInput) | undefined
  /** The initial memory of a bucket. */
  readonly initial: Memory
  /** Folds one observation into the memory. */
  readonly observe: (memory: Memory, observation: Observation, bucket: Bucket<Memory>) => Memory
  /**
   * Whether requests keep below the global limit that other clients of the same IP address leave, which
   * the limiter estimates from global 429s. Default: only below the configured one.
   */
  readonly learnsGlobalLimit?: boolean | undefined
  /** The part of the memory that webhooks of one channel share. Default: none. */
  readonly channel?: ChannelMemory<Memory> | undefined
  /** Derives another webhook's initial memory. Default: `initial`. */
  readonly inherit?: ((memory: Memory) => Memory) | undefined
  /** Returns the memory as plain JSON. Default: the memory itself. */
  readonly explain?: ((memory: Memory) => unknown) | undefined
  /** Returns the values for metrics and logs. Default: none. */
  readonly findings?: ((memory: Memory) => Findings) | undefined
  /**
   * Passes the memory on where several processes share a limiter. Default: the memory stays in its
   * process.
   */
  readonly data?: PolicyData<Memory> | undefined
}

/** Hides the memory type: the limiter passes a policy only memories that it has made. */
export function hideMemory<Memory>(policy: Policy<Memory>): Policy {
  // oxlint-disable-next-line no-unsafe-type-assertion
  return policy as unknown as Policy
}

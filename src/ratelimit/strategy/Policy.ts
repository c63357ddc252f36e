/**
 * The contract of a strategy: pure decisions about one bucket. A policy holds no state; what it
 * learns is a value that the limiter keeps beside the bucket, so that one policy can serve every
 * bucket, be swapped for one call, and be tested without a fiber.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Bucket } from "../Bucket.js"
import type { ResponseInfo } from "../ResponseInfo.js"

/**
 * What happened to a bucket, told to the policy in order. Instants are milliseconds on the
 * limiter's clock.
 *
 * - `Sent`: a permit was granted after `waited` milliseconds.
 * - `Answered`, `NeverSent`, `Unknown`: what became of the request sent at `sentAt`.
 * - `WindowOver`: the slots came back; `unused` of them were still free while `waiting` requests waited.
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
 * What a strategy has found out behind the headers, as figures: shown in metrics, and a hidden limit
 * in the log as well. Each may be missing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Findings {
  /** Requests that fit into each `hiddenPeriod`, by a limit that no header shows. */
  readonly hiddenLimit?: number | undefined
  /** Milliseconds. */
  readonly hiddenPeriod?: number | undefined
  /** Slots that other clients take on this webhook, for each second. */
  readonly othersPerSecond?: number | undefined
  /** Milliseconds kept back at resets, after requests that came too early. */
  readonly caution?: number | undefined
}

/**
 * A pure policy. The limiter itself already keeps order, probes a bucket it knows nothing of, obeys
 * every 429 and the global limit; the policy says how cautious to be with the slots it can see.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy<Memory = unknown> {
  /** Lower case; names the memory kept beside each bucket, and shows up in metrics. */
  readonly name: string
  /** Whether the next request of this bucket must wait at the instant `now`. */
  readonly shouldWait: (bucket: Bucket<Memory>, now: number) => boolean
  /**
   * How long to wait from `now`; called only when it must wait, and again whenever something changes.
   * A number is milliseconds. Zero means: until a request in flight is answered.
   */
  readonly calculateWait: (bucket: Bucket<Memory>, now: number) => Duration.DurationInput
  /**
   * How long before `bucket.resetAt` a request may be sent that is to arrive after the reset; what is
   * sent from then on counts against the next window. A number is milliseconds. Default: 0.
   */
  readonly lead?: ((bucket: Bucket<Memory>) => Duration.DurationInput) | undefined
  /** What a bucket's memory starts as. */
  readonly initial: Memory
  /** Folds one observation into the memory. */
  readonly observe: (memory: Memory, observation: Observation, bucket: Bucket<Memory>) => Memory
  /** What of one webhook's memory another may start from. Default: nothing. */
  readonly inherit?: ((memory: Memory) => Memory) | undefined
  /** What a memory says, as plain JSON. Default: the memory itself. */
  readonly explain?: ((memory: Memory) => unknown) | undefined
  /** What of a memory metrics and logs show. Default: nothing. */
  readonly findings?: ((memory: Memory) => Findings) | undefined
}

/** The limiter shows a policy only memories that this policy has made, so their type may be hidden. */
export function hideMemory<Memory>(policy: Policy<Memory>): Policy {
  // oxlint-disable-next-line no-unsafe-type-assertion
  return policy as unknown as Policy
}

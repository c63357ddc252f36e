/**
 * How the slots of a bucket come back.
 * - `fixed`: the first request opens a window; all slots come back together when it closes.
 * - `leaking`: every slot comes back by itself, one each `period / limit`.
 *
 * @since 0.1.0
 * @category models
 */
export type BucketModel = "fixed" | "leaking"

/** What a bucket allows; `periodMillis` is the time in which `limit` slots come back. */
export interface BucketRule {
  readonly limit: number
  readonly periodMillis: number
  readonly model: BucketModel
}

/** One bucket. `resetAt` is when it is full again, on the clock of the requests, in milliseconds. */
export interface Bucket {
  used: number
  resetAt: number
}

/** What a bucket says after a request; times in milliseconds from now. */
export interface Reading {
  readonly accepted: boolean
  readonly limit: number
  readonly remaining: number
  /** To a full bucket. */
  readonly resetAfter: number
  /** To the first free slot; 0 when there is one. */
  readonly retryAfter: number
}

/** Slots are counted in fractions while they leak; this absorbs floating-point dust. */
const dust = 1e-6

export const makeBucket = (): Bucket => ({ used: 0, resetAt: 0 })

/** Takes a slot if there is one, and reads the bucket as it is afterwards. */
export const takeSlot = (bucket: Bucket, rule: BucketRule, now: number): Reading => {
  if (rule.model === "leaking") return takeLeaking(bucket, rule, now)
  return takeFixed(bucket, rule, now)
}

/** A full bucket is the same as none: its state can be forgotten. */
export const isFull = (bucket: Bucket, now: number): boolean => bucket.resetAt <= now

function takeFixed(bucket: Bucket, rule: BucketRule, now: number): Reading {
  if (isFull(bucket, now)) {
    bucket.used = 0
    bucket.resetAt = now + rule.periodMillis
  }
  const accepted = bucket.used < rule.limit
  if (accepted) bucket.used++
  const resetAfter = bucket.resetAt - now
  return {
    accepted,
    limit: rule.limit,
    remaining: Math.max(0, rule.limit - bucket.used),
    resetAfter,
    retryAfter: accepted ? 0 : resetAfter,
  }
}

function takeLeaking(bucket: Bucket, rule: BucketRule, now: number): Reading {
  const slotMillis = rule.periodMillis / rule.limit
  const level = Math.max(0, bucket.resetAt - now) / slotMillis
  const accepted = level + 1 <= rule.limit + dust
  const used = accepted ? level + 1 : level
  bucket.used = used
  if (accepted) bucket.resetAt = now + used * slotMillis
  return {
    accepted,
    limit: rule.limit,
    remaining: Math.max(0, Math.floor(rule.limit - used + dust)),
    resetAfter: Math.max(0, bucket.resetAt - now),
    retryAfter: accepted ? 0 : (level + 1 - rule.limit) * slotMillis,
  }
}

/**
 * How the slots of a bucket are restored.
 * - `fixed`: the first request opens a window; all slots are restored when the window closes.
 * - `leaking`: slots are restored one at a time, one each `period / limit`.
 * - `penalty`: a `fixed` window, as some reimplementations of Discord implement it. Each request
 *   during a full window extends it by `period`. `Remaining` and `Reset-After` describe the bucket
 *   before the request is counted: `Remaining` is never 0 until a 429, and the first response of a
 *   window shows the rest of the previous window, with a `Reset-After` of 0. `Reset` is in
 *   milliseconds, `Reset-After` and the delay of a 429 are in whole seconds, and there is no scope
 *   header.
 *
 * @since 0.1.0
 * @category models
 */
export type BucketModel = "fixed" | "leaking" | "penalty"

/** The rule of a bucket: `limit` slots are restored in `periodMillis`. */
export interface BucketRule {
  readonly limit: number
  readonly periodMillis: number
  readonly model: BucketModel
}

/**
 * The state of a bucket. `resetAt` is when all slots are free again, in milliseconds of the
 * `Clock`.
 */
export interface Bucket {
  used: number
  resetAt: number
}

/** The state of a bucket after a request. Times are in milliseconds from now. */
export interface SlotResult {
  readonly accepted: boolean
  readonly limit: number
  readonly remaining: number
  /** Until all slots are free. */
  readonly resetAfter: number
  /** Until the time of the `Reset` header. */
  readonly reset: number
  /** Until the first free slot; 0 if there is one. */
  readonly retryAfter: number
}

/** Tolerance for floating-point errors: a leaking bucket counts fractions of slots. */
const epsilon = 1e-6

export const makeBucket = (): Bucket => ({ used: 0, resetAt: 0 })

/** Takes a slot if one is free, and returns the state of the bucket afterwards. */
export const takeSlot = (bucket: Bucket, rule: BucketRule, now: number): SlotResult => {
  if (rule.model === "leaking") return takeLeaking(bucket, rule, now)
  if (rule.model === "penalty") return takePenalty(bucket, rule, now)
  return takeFixed(bucket, rule, now)
}

/** Whether all slots are free. Such a bucket has no state to keep. */
export const isReset = (bucket: Bucket, now: number): boolean => bucket.resetAt <= now

function takeFixed(bucket: Bucket, rule: BucketRule, now: number): SlotResult {
  if (isReset(bucket, now)) {
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
    reset: resetAfter,
    retryAfter: accepted ? 0 : resetAfter,
  }
}

function takeLeaking(bucket: Bucket, rule: BucketRule, now: number): SlotResult {
  const slotMillis = rule.periodMillis / rule.limit
  const level = Math.max(0, bucket.resetAt - now) / slotMillis
  const accepted = level + 1 <= rule.limit + epsilon
  const used = accepted ? level + 1 : level
  bucket.used = used
  if (accepted) bucket.resetAt = now + used * slotMillis
  const resetAfter = Math.max(0, bucket.resetAt - now)
  return {
    accepted,
    limit: rule.limit,
    remaining: Math.max(0, Math.floor(rule.limit - used + epsilon)),
    resetAfter,
    reset: resetAfter,
    retryAfter: accepted ? 0 : (level + 1 - rule.limit) * slotMillis,
  }
}

/** Describes the bucket first, then counts the request. */
function takePenalty(bucket: Bucket, rule: BucketRule, now: number): SlotResult {
  const before = describePenalty(bucket, rule, now)
  if (isReset(bucket, now)) {
    bucket.used = 1
    bucket.resetAt = now + rule.periodMillis
  } else if (bucket.used < rule.limit) {
    bucket.used++
  } else {
    bucket.resetAt += rule.periodMillis
    const retryAfter = Math.ceil((bucket.resetAt - now) / 1000) * 1000
    return { ...before, accepted: false, remaining: 0, retryAfter }
  }
  return before
}

/**
 * The first response has a `Reset` of about now, because that server adds seconds to milliseconds.
 */
function describePenalty(
  { used, resetAt }: Bucket,
  { limit, periodMillis }: BucketRule,
  now: number,
) {
  const isNew = used === 0
  return {
    accepted: true,
    limit,
    remaining: limit - used,
    resetAfter: isNew ? periodMillis : Math.max(0, resetAt - now),
    reset: isNew ? periodMillis / 1000 : resetAt - now,
    retryAfter: 0,
  }
}

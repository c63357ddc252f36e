/**
 * How the slots of a bucket come back.
 * - `fixed`: the first request opens a window; all slots come back together when it closes.
 * - `leaking`: every slot comes back by itself, one each `period / limit`.
 * - `penalty`: a `fixed` window as some reimplementations of Discord do it. Each request that comes
 *   while the window is full adds another `period` to it. `Remaining` and `Reset-After` describe the
 *   bucket before the request is counted: `Remaining` is never 0 until a 429, and the first response
 *   of a window shows what was left of the window before, with a `Reset-After` of 0. `Reset` is in
 *   milliseconds, `Reset-After` and the delay of a 429 in whole seconds, and no scope is sent.
 *
 * @since 0.1.0
 * @category models
 */
export type BucketModel = "fixed" | "leaking" | "penalty"

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
export interface SlotResult {
  readonly accepted: boolean
  readonly limit: number
  readonly remaining: number
  /** To a full bucket. */
  readonly resetAfter: number
  /** To the instant that the header `Reset` names. */
  readonly reset: number
  /** To the first free slot; 0 when there is one. */
  readonly retryAfter: number
}

/** Slots are counted in fractions while they leak; this absorbs floating-point dust. */
const epsilon = 1e-6

export const makeBucket = (): Bucket => ({ used: 0, resetAt: 0 })

/** Takes a slot if there is one, and reads the bucket as it is afterwards. */
export const takeSlot = (bucket: Bucket, rule: BucketRule, now: number): SlotResult => {
  if (rule.model === "leaking") return takeLeaking(bucket, rule, now)
  if (rule.model === "penalty") return takePenalty(bucket, rule, now)
  return takeFixed(bucket, rule, now)
}

/** A full bucket is the same as none: its state can be forgotten. */
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

/** Reads the bucket first, then counts the request. */
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

/** The very first response names a `Reset` of about now: that server adds seconds to milliseconds. */
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

/**
 * Assumes that the limits of a webhook are used up, because its stored state may lack requests, for example the last
 * ones of a process that has died.
 */
import type { BucketState, WebhookState } from "../internal/bucketState.js"
import type { Policy } from "../strategy/Policy.js"
import { assumeMemoryUsed } from "./policyData.js"

/**
 * Blocks each limit of a webhook for one period. Then one request probes, because the period may be unknown, or longer
 * than the longest one observed.
 */
export function assumeUsed(webhook: WebhookState, now: number): void {
  for (const bucket of webhook.buckets) {
    const hiddenPeriod = assumeMemoriesUsed(bucket, now)
    const { limit, period, resetAt, window } = bucket
    if (limit === undefined && hiddenPeriod === 0) continue
    bucket.blockedUntil = Math.max(bucket.blockedUntil, now + Math.max(period ?? 0, hiddenPeriod))
    bucket.probing = true
    // The lowest `remaining` that the server has reported in this window.
    if (resetAt !== undefined) window.floor = 0
  }
}

/**
 * Applies `assumeUsed` to what each policy has learned about the bucket (its memory). Returns the longest period of a
 * hidden limit, which no header shows, in milliseconds; 0 without one.
 */
function assumeMemoriesUsed(bucket: BucketState, now: number): number {
  const { learned, learnedBy } = bucket
  let longest = 0
  const assume = (name: string, memory: unknown) => {
    const assumed = assumeMemoryUsed(name, memory)
    longest = Math.max(longest, assumed?.period ?? 0)
    return assumed
  }
  bucket.otherMemories = bucket.otherMemories.map((one) => {
    const assumed = assume(one.policy, one.value)
    return assumed === undefined ? one : { policy: one.policy, value: assumed.memory }
  })
  if (learnedBy === undefined) return longest
  const assumed = assume(learnedBy.name, learned)
  if (assumed === undefined) return Math.max(longest, observeUnknown(bucket, learnedBy, now))
  bucket.learned = assumed.memory
  return longest
}

/**
 * A policy that is not built in has no `assumeUsed`: it observes a request that got no response instead. Returns its
 * hidden period.
 */
function observeUnknown(bucket: BucketState, policy: Policy, now: number): number {
  bucket.observe(policy, { _tag: "Sent", at: now, waited: 0 })
  bucket.observe(policy, { _tag: "Unknown", at: now, sentAt: now })
  return bucket.findingsOf(policy).hiddenPeriod ?? 0
}

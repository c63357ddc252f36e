/** What is assumed about a webhook after a process has died that may have sent requests to it. */
import type { BucketState, WebhookState } from "../internal/bucketState.js"
import type { Policy } from "../strategy/Policy.js"
import { assumeMemoryUsed } from "./policyData.js"

/**
 * Treats all limits of a webhook as used up until one period from now, since the state does not include
 * the last requests of the dead process. Then one request probes, because the period may be longer than
 * the longest one observed, or unknown.
 */
export function assumeUsed(webhook: WebhookState, now: number): void {
  for (const bucket of webhook.buckets) {
    const hidden = assumeMemoriesUsed(bucket, now)
    const { limit, period, resetAt, window } = bucket
    if (limit === undefined && hidden === 0) continue
    bucket.blockedUntil = Math.max(bucket.blockedUntil, now + Math.max(period ?? 0, hidden))
    bucket.probing = true
    if (resetAt !== undefined) window.floor = 0
  }
}

/** Returns the longest period in milliseconds of a limit that no header shows; 0 if there is none. */
function assumeMemoriesUsed(bucket: BucketState, now: number): number {
  const { learned, learnedBy } = bucket
  let longest = 0
  const assume = (name: string, memory: unknown) => {
    const assumed = assumeMemoryUsed(name, memory)
    longest = Math.max(longest, assumed?.period ?? 0)
    return assumed
  }
  bucket.others = bucket.others.map((one) => {
    const assumed = assume(one.policy, one.value)
    return assumed === undefined ? one : { policy: one.policy, value: assumed.memory }
  })
  if (learnedBy === undefined) return longest
  const assumed = assume(learnedBy.name, learned)
  if (assumed === undefined) return Math.max(longest, observeUnknown(bucket, learnedBy, now))
  bucket.learned = assumed.memory
  return longest
}

/** Passes a request of the dead process to a policy of the user. */
function observeUnknown(bucket: BucketState, policy: Policy, now: number): number {
  bucket.observe(policy, { _tag: "Sent", at: now, waited: 0 })
  bucket.observe(policy, { _tag: "Unknown", at: now, sentAt: now })
  return bucket.findingsOf(policy).hiddenPeriod ?? 0
}

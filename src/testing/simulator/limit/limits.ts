import type { Operation } from "../http/route.js"
import type { Config, RouteRule } from "../options.js"
import { type Random, randomHash } from "../random.js"
import {
  type Bucket,
  type BucketRule,
  isFull,
  makeBucket,
  type Reading,
  takeSlot,
} from "./bucket.js"

/** Everything the server counts. Buckets that are full again are forgotten. */
export interface Limits {
  readonly buckets: BucketMap
  readonly hidden: BucketMap
  /** Until when a webhook's messages get a shared 429, by webhook id. */
  readonly shared: Map<string, SharedLimit>
  readonly hashes: Map<Operation, string>
  readonly random: Random
  second: { index: number; requests: number }
  invalid: { resetAt: number; requests: number }
  blockedUntil: number
}

export interface SharedLimit {
  readonly until: number
  readonly code: number | undefined
}

interface BucketMap {
  readonly entries: Map<string, Bucket>
  sweepAt: number
}

/** Below this many buckets there is nothing to win by looking for full ones. */
const sweepFloor = 1024

export const makeLimits = (random: Random): Limits => ({
  buckets: { entries: new Map(), sweepAt: sweepFloor },
  hidden: { entries: new Map(), sweepAt: sweepFloor },
  shared: new Map(),
  hashes: new Map(),
  random,
  second: { index: Number.NEGATIVE_INFINITY, requests: 0 },
  invalid: { resetAt: 0, requests: 0 },
  blockedUntil: 0,
})

/** Counts a request in its second of the server's clock; answers the wait in ms if it is over. */
export const takeGlobal = (limits: Limits, config: Config, now: number): number | undefined => {
  const serverNow = now + config.clockSkew
  const index = Math.floor(serverNow / 1000)
  if (limits.second.index !== index) limits.second = { index, requests: 0 }
  if (limits.second.requests >= config.globalLimit) return (index + 1) * 1000 - serverNow
  limits.second.requests++
  return undefined
}

/** Takes a slot of a route's bucket for one webhook, named by its id and token. */
export const takeRoute = (limits: Limits, rule: RouteRule, webhook: string, now: number): Reading =>
  take(limits.buckets, `${rule.bucket} ${webhook}`, rule, now)

/** Takes a slot of the limit behind the visible ones. */
export const takeHidden = (
  limits: Limits,
  rule: BucketRule,
  channelId: string,
  now: number,
): Reading => take(limits.hidden, channelId, rule, now)

export const sharedLimit = (
  limits: Limits,
  webhookId: string,
  now: number,
): SharedLimit | undefined => {
  const found = limits.shared.get(webhookId)
  if (found === undefined || found.until > now) return found
  limits.shared.delete(webhookId)
  return undefined
}

/** The bucket's name, without the webhook: the same for every webhook of a route. */
export const bucketHash = (limits: Limits, config: Config, rule: RouteRule): string => {
  if (config.changingHash) return randomHash(limits.random)
  if (rule.hash !== undefined) return rule.hash
  let hash = limits.hashes.get(rule.bucket)
  if (hash === undefined) {
    hash = randomHash(limits.random)
    limits.hashes.set(rule.bucket, hash)
  }
  return hash
}

/** Counts an invalid request, and blocks the client when there were too many. */
export const countInvalid = (limits: Limits, config: Config, now: number): void => {
  const block = config.block
  const windowMillis = block?.withinMillis ?? 600_000
  if (limits.invalid.resetAt <= now) limits.invalid = { resetAt: now + windowMillis, requests: 0 }
  limits.invalid.requests++
  if (block !== undefined && limits.invalid.requests >= block.requests) {
    limits.blockedUntil = now + block.lastsMillis
    limits.invalid = { resetAt: 0, requests: 0 }
  }
}

function take(map: BucketMap, key: string, rule: BucketRule, now: number): Reading {
  let bucket = map.entries.get(key)
  if (bucket === undefined) {
    if (map.entries.size >= map.sweepAt) sweep(map, now)
    bucket = makeBucket()
    map.entries.set(key, bucket)
  }
  return takeSlot(bucket, rule, now)
}

/** The next sweep waits until the map has doubled, so that the cost per request stays constant. */
function sweep(map: BucketMap, now: number): void {
  for (const [key, bucket] of map.entries) if (isFull(bucket, now)) map.entries.delete(key)
  map.sweepAt = Math.max(sweepFloor, 2 * map.entries.size)
}

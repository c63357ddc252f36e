import type { Operation } from "./http/route.js"
import type { Config, RouteRule } from "./options.js"
import { type Random, randomHash } from "./generate.js"
import {
  type Bucket,
  type BucketRule,
  isReset,
  makeBucket,
  type SlotResult,
  takeSlot,
  type BucketModel,
} from "./bucket.js"
import { jsonResponse, type RateLimitScope, type SimulatedResponse } from "./http/exchange.js"

/** All counters of the server. Buckets whose slots are all free are removed. */
export interface Limits {
  readonly buckets: BucketMap
  readonly hidden: BucketMap
  /** When the shared limit of a webhook ends, by webhook id. */
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

/** Minimum number of buckets before a sweep. */
const minSweepSize = 1024

export const makeLimits = (random: Random): Limits => ({
  buckets: { entries: new Map(), sweepAt: minSweepSize },
  hidden: { entries: new Map(), sweepAt: minSweepSize },
  shared: new Map(),
  hashes: new Map(),
  random,
  second: { index: Number.NEGATIVE_INFINITY, requests: 0 },
  invalid: { resetAt: 0, requests: 0 },
  blockedUntil: 0,
})

/**
 * Counts a request in its second of the server's clock. Returns the delay in milliseconds if the
 * global limit is exceeded.
 */
export const takeGlobalSlot = (limits: Limits, config: Config, now: number): number | undefined => {
  const serverNow = now + config.clockSkew
  const index = Math.floor(serverNow / 1000)
  if (limits.second.index !== index) limits.second = { index, requests: 0 }
  if (limits.second.requests >= config.globalLimit) return (index + 1) * 1000 - serverNow
  limits.second.requests++
  return undefined
}

/** Takes a slot of a route's bucket. `webhook` is its id and token. */
export const takeRouteSlot = (
  limits: Limits,
  rule: RouteRule,
  webhook: string,
  now: number,
): SlotResult => takeFromMap(limits.buckets, `${rule.bucket} ${webhook}`, rule, now)

/** Takes a slot of the hidden limit. */
export const takeHiddenSlot = (
  limits: Limits,
  rule: BucketRule,
  channelId: string,
  now: number,
): SlotResult => takeFromMap(limits.hidden, channelId, rule, now)

export const getSharedLimit = (
  limits: Limits,
  webhookId: string,
  now: number,
): SharedLimit | undefined => {
  const found = limits.shared.get(webhookId)
  if (found === undefined || found.until > now) return found
  limits.shared.delete(webhookId)
  return undefined
}

/** The value of `X-RateLimit-Bucket`, equal for all webhooks of a route. */
export const getBucketHash = (limits: Limits, config: Config, rule: RouteRule): string => {
  if (config.changingHash) return randomHash(limits.random)
  if (rule.hash !== undefined) return rule.hash
  let hash = limits.hashes.get(rule.bucket)
  if (hash === undefined) {
    hash = randomHash(limits.random)
    limits.hashes.set(rule.bucket, hash)
  }
  return hash
}

/** Counts an invalid request, and blocks the client above the maximum. */
export const countInvalidRequest = (limits: Limits, config: Config, now: number): void => {
  const block = config.block
  const windowMillis = block?.withinMillis ?? 600_000
  if (limits.invalid.resetAt <= now) limits.invalid = { resetAt: now + windowMillis, requests: 0 }
  limits.invalid.requests++
  if (block !== undefined && limits.invalid.requests >= block.requests) {
    limits.blockedUntil = now + block.lastsMillis
    limits.invalid = { resetAt: 0, requests: 0 }
  }
}

function takeFromMap(map: BucketMap, key: string, rule: BucketRule, now: number): SlotResult {
  let bucket = map.entries.get(key)
  if (bucket === undefined) {
    if (map.entries.size >= map.sweepAt) sweep(map, now)
    bucket = makeBucket()
    map.entries.set(key, bucket)
  }
  return takeSlot(bucket, rule, now)
}

/**
 * Removes unused buckets. The next sweep is due when the map has doubled, so the cost per request
 * is constant.
 */
function sweep(map: BucketMap, now: number): void {
  for (const [key, bucket] of map.entries) if (isReset(bucket, now)) map.entries.delete(key)
  map.sweepAt = Math.max(minSweepSize, 2 * map.entries.size)
}

/** Removes the scope header; `Retry-After` stays. */
export const removeScopeHeader = (
  headers: Readonly<Record<string, string>>,
): Record<string, string> => {
  const { "x-ratelimit-scope": _, ...others } = headers
  return others
}

/** Adds the `X-RateLimit-*` headers of this bucket model to a response, whatever its status. */
export const addRateLimitHeaders = (
  response: SimulatedResponse,
  model: BucketModel,
  reading: SlotResult,
  hash: string,
  serverNow: number,
): SimulatedResponse => {
  const headers = {
    "x-ratelimit-bucket": hash,
    "x-ratelimit-limit": String(reading.limit),
    "x-ratelimit-remaining": String(reading.remaining),
  }
  const reset = serverNow + reading.reset
  if (model !== "penalty") {
    // Seconds with three decimals.
    const times = {
      "x-ratelimit-reset": formatSeconds(reset),
      "x-ratelimit-reset-after": formatSeconds(reading.resetAfter),
    }
    return { ...response, headers: { ...headers, ...times, ...response.headers } }
  }
  const times = {
    "x-ratelimit-reset": String(Math.round(reset)),
    "x-ratelimit-reset-after": String(Math.ceil(reading.resetAfter / 1000)),
  }
  return { ...response, headers: { ...headers, ...times, ...removeScopeHeader(response.headers) } }
}

/** A 429. The header is rounded up to whole seconds, the body is exact. */
export const rateLimitedResponse = (
  scope: RateLimitScope,
  retryAfterMillis: number,
  code?: number,
  message = scope === "shared"
    ? "The resource is being rate limited."
    : "You are being rate limited.",
): SimulatedResponse => {
  const retryAfter = Math.ceil(retryAfterMillis) / 1000
  const isGlobal = scope === "global"
  const response = jsonResponse(429, {
    message,
    retry_after: retryAfter,
    global: isGlobal,
    ...(code === undefined ? {} : { code }),
  })
  const headers: Record<string, string> = {
    "retry-after": String(Math.ceil(retryAfter)),
    "x-ratelimit-scope": scope,
  }
  if (isGlobal) headers["x-ratelimit-global"] = "true"
  return { ...response, headers, scope }
}

/** The 429 of a channel's slowmode, independent of the bucket's headers. */
export const slowmodeResponse = (retryAfterMillis: number): SimulatedResponse =>
  rateLimitedResponse(
    "shared",
    retryAfterMillis,
    20016,
    "This action cannot be performed due to slowmode rate limit.",
  )

/** The response of the edge to a client with too many invalid requests. */
export const blockedResponse: SimulatedResponse = jsonResponse(429, {
  message:
    "You are being blocked from accessing our API temporarily due to exceeding our rate limits " +
    "frequently. Please read our docs at https://discord.com/developers/docs/topics/rate-limits " +
    "to prevent this moving forward.",
  code: 0,
})

/** Rounds up, so that a client which waits this long is never early. */
function formatSeconds(millis: number): string {
  return (Math.ceil(millis) / 1000).toFixed(3)
}

import { json, type RateLimitScope, type SimulatedResponse } from "../http/exchange.js"
import type { Reading } from "./bucket.js"

/** The `X-RateLimit-*` headers of an answer, 429 or not. Seconds, with milliseconds as decimals. */
export const rateLimitHeaders = (
  reading: Reading,
  hash: string,
  serverNow: number,
): Record<string, string> => ({
  "x-ratelimit-bucket": hash,
  "x-ratelimit-limit": String(reading.limit),
  "x-ratelimit-remaining": String(reading.remaining),
  "x-ratelimit-reset": seconds(serverNow + reading.resetAfter),
  "x-ratelimit-reset-after": seconds(reading.resetAfter),
})

/** A 429: the header is rounded up to whole seconds, the body is exact. */
export const limited = (
  scope: RateLimitScope,
  retryAfterMillis: number,
  code?: number,
  message = scope === "shared"
    ? "The resource is being rate limited."
    : "You are being rate limited.",
): SimulatedResponse => {
  const retryAfter = Math.ceil(retryAfterMillis) / 1000
  const isGlobal = scope === "global"
  const answer = json(429, {
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
  return { ...answer, headers, scope }
}

/** Slowmode: a limit of the channel, whatever the headers say of the bucket. */
export const slowedDown = (retryAfterMillis: number): SimulatedResponse =>
  limited(
    "shared",
    retryAfterMillis,
    20016,
    "This action cannot be performed due to slowmode rate limit.",
  )

/** The static page of the edge for a client that made too many invalid requests. */
export const blocked: SimulatedResponse = json(429, {
  message:
    "You are being blocked from accessing our API temporarily due to exceeding our rate limits " +
    "frequently. Please read our docs at https://discord.com/developers/docs/topics/rate-limits " +
    "to prevent this moving forward.",
  code: 0,
})

/** Rounded up: a client that waits as long as it was told is never early. */
function seconds(millis: number): string {
  return (Math.ceil(millis) / 1000).toFixed(3)
}

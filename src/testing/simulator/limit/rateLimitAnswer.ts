import { json, type RateLimitScope, type SimulatedResponse } from "../http/exchange.js"
import type { BucketModel, Reading } from "./bucket.js"

/** A 429 without it still says when to come back. */
export const withoutScope = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  const { "x-ratelimit-scope": _, ...others } = headers
  return others
}

/** Adds the `X-RateLimit-*` headers to a response, 429 or not, as servers of that model write them. */
export const withRateLimit = (
  response: SimulatedResponse,
  model: BucketModel,
  reading: Reading,
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
    // Seconds, with milliseconds as decimals.
    const times = {
      "x-ratelimit-reset": seconds(reset),
      "x-ratelimit-reset-after": seconds(reading.resetAfter),
    }
    return { ...response, headers: { ...headers, ...times, ...response.headers } }
  }
  const times = {
    "x-ratelimit-reset": String(Math.round(reset)),
    "x-ratelimit-reset-after": String(Math.ceil(reading.resetAfter / 1000)),
  }
  return { ...response, headers: { ...headers, ...times, ...withoutScope(response.headers) } }
}

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

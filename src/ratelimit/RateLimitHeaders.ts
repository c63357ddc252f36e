/**
 * The rate limit headers of a response. Each is optional and validated: a value that is not a number,
 * negative or absurd counts as missing.
 *
 * @see https://discord.com/developers/docs/topics/rate-limits#header-format
 * @since 0.1.0
 * @module
 */
import * as Duration from "effect/Duration"
import { secondsToMillis } from "./time.js"

/**
 * All times in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface RateLimitHeaders {
  /** Discord's opaque id of the limit, without the webhook. */
  readonly bucket: string | undefined
  /** Requests in the window; at least 1. */
  readonly limit: number | undefined
  /** Requests left; never above `limit`. */
  readonly remaining: number | undefined
  /** The reset on the server's clock. It identifies a window and is not compared with our clock. */
  readonly reset: number | undefined
  /** Time until the window ends or, on a leaking bucket, until all slots have returned. */
  readonly resetAfter: number | undefined
  /** On a 429: time until a request may be sent. */
  readonly retryAfter: number | undefined
  readonly scope: "user" | "global" | "shared" | undefined
  readonly global: boolean
}

/**
 * Longer delays count as missing: no limit or ban of Discord is known to last longer.
 *
 * @example
 * ```ts
 * import { RateLimitHeaders } from "effect-discord"
 * import { Duration } from "effect"
 *
 * Duration.format(RateLimitHeaders.longestDelay)
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const longestDelay: Duration.Duration = Duration.hours(24)

/**
 * The headers of a response without any, such as the error page of a proxy.
 *
 * @example
 * ```ts
 * import { RateLimitHeaders } from "effect-discord"
 *
 * RateLimitHeaders.empty.remaining // undefined
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: RateLimitHeaders = {
  bucket: undefined,
  limit: undefined,
  remaining: undefined,
  reset: undefined,
  resetAfter: undefined,
  retryAfter: undefined,
  scope: undefined,
  global: false,
}

/**
 * Parses the headers of a response; names are in lower case, as in `@effect/platform`.
 *
 * @example
 * ```ts
 * import { RateLimitHeaders } from "effect-discord"
 *
 * const { remaining, resetAfter } = RateLimitHeaders.parse({
 *   "x-ratelimit-limit": "5",
 *   "x-ratelimit-remaining": "4",
 *   "x-ratelimit-reset-after": "1.872",
 * })
 * // remaining is 4, resetAfter is 1872
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (headers: Readonly<Record<string, string | undefined>>): RateLimitHeaders => {
  const limit = count(headers["x-ratelimit-limit"])
  const remaining = count(headers["x-ratelimit-remaining"])
  const scope = headers["x-ratelimit-scope"]?.trim().toLowerCase()
  return {
    bucket: bucketId(headers["x-ratelimit-bucket"]),
    limit: limit === 0 ? undefined : limit,
    remaining:
      remaining !== undefined && limit !== undefined ? Math.min(remaining, limit) : remaining,
    reset: instant(headers["x-ratelimit-reset"]),
    resetAfter: delay(headers["x-ratelimit-reset-after"]),
    retryAfter: delay(headers["retry-after"]),
    scope: scope === "user" || scope === "global" || scope === "shared" ? scope : undefined,
    global: headers["x-ratelimit-global"]?.trim().toLowerCase() === "true",
  }
}

/** A bucket id longer than this is not Discord's (32 hexadecimal digits); it would only fill memory. */
const maxIdLength = 128

function bucketId(text: string | undefined): string | undefined {
  const id = text?.trim()
  return id === undefined || id === "" || id.length > maxIdLength ? undefined : id
}

function number(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}

function count(text: string | undefined): number | undefined {
  const value = number(text)
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

/** Seconds beyond the year 5000: some reimplementations of Discord send milliseconds. */
const latestSecond = 1e11

function instant(text: string | undefined): number | undefined {
  const value = number(text)
  if (value === undefined || value > Number.MAX_SAFE_INTEGER) return undefined
  return value > latestSecond ? value : value * 1000
}

function delay(text: string | undefined): number | undefined {
  const seconds = number(text)
  if (seconds === undefined) return undefined
  const millis = secondsToMillis(seconds)
  return millis <= Duration.toMillis(longestDelay) ? millis : undefined
}

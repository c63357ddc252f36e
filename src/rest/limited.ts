/** What a 429 limits, and for how long. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as DiscordApiBody from "../model/DiscordApiBody.js"
import type { Limited } from "../ratelimit/Answer.js"
import { inMilliseconds } from "../ratelimit/internal/seconds.js"
import { longestDelay } from "../ratelimit/RateLimitHeaders.js"
import type { RateLimitHeaders } from "../ratelimit/RateLimitHeaders.js"
import type { Settings } from "./settings.js"

/** Whom requests are sent to. */
export type Host = Pick<Settings, "isDiscordHost">

/** Discord's JSON codes have five digits or more; other servers repeat the status in `code`. */
const leastCode = 10_000

/**
 * The delay is the larger of what body and header say: they have disagreed by a factor of a
 * thousand (discord-api-docs#6109). Only a header that is the body rounded up to a whole second, as
 * Discord sends it, gives way to the exact figure. Discord's own 429 has its JSON or its headers;
 * one with neither was made by something in front of the API. A code without a delay (30046: too
 * many edits of old messages) is Discord's, too, and limits only its own route.
 */
export function limited(
  headers: RateLimitHeaders,
  { isDiscordHost }: Host,
  json: unknown,
  code: number,
): Limited {
  const body = Option.getOrUndefined(DiscordApiBody.rateLimitFromUnknown(json))
  const exact = body && inMilliseconds(body.retryAfter)
  const isRounded = body !== undefined && headers.retryAfter === Math.ceil(body.retryAfter) * 1000
  const delays = [exact, isRounded ? undefined : headers.retryAfter].filter(isDelay)
  const retryAfter = delays.length === 0 ? undefined : delays.reduce((a, b) => Math.max(a, b))
  const { global }: { readonly global?: unknown } = Predicate.isRecord(json) ? json : {}
  if (headers.global || global === true) return { scope: "global", retryAfter }
  if (headers.scope !== undefined) return { scope: headers.scope, retryAfter }
  const hasCode = code >= leastCode || body !== undefined || global === false
  const fromDiscord = hasCode || hasRateLimit(headers)
  if (fromDiscord) return { scope: "user", retryAfter }
  return { scope: isDiscordHost ? "edge" : "proxy", retryAfter }
}

function hasRateLimit(headers: RateLimitHeaders): boolean {
  const { bucket, limit, remaining, reset, resetAfter } = headers
  return [bucket, limit, remaining, reset, resetAfter].some((value) => value !== undefined)
}

function isDelay(milliseconds: number | undefined): milliseconds is number {
  return milliseconds !== undefined && milliseconds <= Duration.toMillis(longestDelay)
}

/**
 * Whether a 2xx response is Discord's own. A login page, a proxy's error page or a server behind a
 * mistyped `baseUrl` may answer 200 as well, and then nothing is known of the request. Proxies drop
 * headers, so one sign is enough.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { RateLimitHeaders } from "../ratelimit/RateLimitHeaders.js"

interface Head {
  readonly status: number
  readonly headers: RateLimitHeaders
  readonly contentType: string | undefined
}

/** `json` is the body, or not a success where the body is cut, empty or broken. */
export function isDiscords(head: Head, json: Either.Either<unknown, unknown>): boolean {
  if (isDiscordHead(head)) return true
  return Either.isRight(json)
    ? isDiscordObject(json.right)
    : head.contentType !== undefined && /^application\/json\b/i.test(head.contentType)
}

/** 204 has no body that could show it. Of the rate-limit headers, only Discord sends these two. */
function isDiscordHead({ headers, status }: Head): boolean {
  return status === 204 || headers.bucket !== undefined || headers.resetAfter !== undefined
}

/** Every object that Discord returns to a webhook request has a snowflake as its `id`. */
function isDiscordObject(json: unknown): boolean {
  if (!Predicate.isRecord(json)) return false
  const { id } = json
  return typeof id === "string" && /^\d+$/.test(id)
}

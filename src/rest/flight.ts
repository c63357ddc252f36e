/** What is known of an attempt while it runs. */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import type { RawAnswer } from "./interpret.js"
import { repeats } from "./scrub.js"
import type { TransportFailure } from "./transport.js"

/** Makes an effect as interruptible as the caller of `execute` is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * `begun` once it may arrive, `answer` once the answer's head has arrived, `failure` once the
 * connection has failed. It outlives an interruption, so that the limiter still learns from it.
 */
export interface Flight {
  begun: boolean
  answer: RawAnswer | undefined
  failure: TransportFailure | undefined
  /** For a flight without a fiber of its own: gives the request up when the caller is interrupted. */
  giveUp: (() => void) | undefined
}

/** Marks the responses that a dry run makes up. */
export const dryRunHeader = "x-effect-discord-dry-run"

/** The head of an answer; a 429 without its body is one all the same. */
export function headOf(
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  token: Redacted.Redacted,
): RawAnswer {
  const parsed = RateLimitHeaders.parse(headers)
  const contentType = headers["content-type"]
  const isDryRun = headers[dryRunHeader] !== undefined
  return { status, headers: withoutToken(parsed, token), contentType, isDryRun, body: undefined }
}

/** A proxy may name its buckets after the URL: without its name a bucket goes by its route. */
function withoutToken(
  headers: RateLimitHeaders.RateLimitHeaders,
  token: Redacted.Redacted,
): RateLimitHeaders.RateLimitHeaders {
  const { bucket } = headers
  return bucket === undefined || isBucketName(bucket, token)
    ? headers
    : { ...headers, bucket: undefined }
}

/** Discord's names are 32 hexadecimal digits; those of other servers are looked at more closely. */
function isBucketName(name: string, token: Redacted.Redacted): boolean {
  return /^[0-9a-f]{32}$/.test(name) || (/^[\w:.-]{1,64}$/.test(name) && !repeats(name, token))
}

/** What is known of an attempt while it runs. */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { Graveyard } from "../ratelimit/internal/graveyard.js"
import * as Permit from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import { interpret } from "./interpret.js"
import type { Interpretation, RawAnswer } from "./interpret.js"
import type { RestRequest } from "./request.js"
import type { Settings } from "./resolvedConfig.js"
import { repeats } from "./sanitize.js"
import { broken, notBegun } from "./transportErrors.js"
import type { TransportFailure } from "./transportErrors.js"

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

export type Ending<A> =
  | {
      readonly _tag: "Answered"
      readonly outcome: Permit.Outcome
      readonly raw: RawAnswer
      readonly said: Interpretation<A>
      /** Why the body is missing, where it is. */
      readonly failure: TransportFailure
      readonly spent: string | undefined
    }
  | {
      readonly _tag: "Unanswered"
      readonly outcome: Permit.Outcome
      readonly failure: TransportFailure
      /** The file that cannot be read a second time. */
      readonly spent: string | undefined
    }

/** Also right in the middle of a flight: an interrupted attempt may have its answer's head. */
export function endingOf<A>(
  request: RestRequest<A>,
  flight: Flight,
  settings: Settings,
): Ending<A> {
  const { answer: raw, begun, failure = begun ? broken : notBegun } = flight
  const spent = request.body._tag === "Upload" ? request.body.spent() : undefined
  if (raw === undefined) {
    const outcome = failure.delivered === "no" ? Permit.neverSent : Permit.unknown
    return { _tag: "Unanswered", outcome, failure, spent }
  }
  const said = interpret(request, raw, settings)
  const { meaning } = said
  // The limiter must not learn from what is not Discord's.
  if (meaning._tag === "Foreign") {
    return { _tag: "Answered", outcome: Permit.unknown, raw, said, failure, spent }
  }
  const outcome = Permit.answered({
    status: raw.status,
    headers: raw.headers,
    code: said.code,
    reply: said.reply,
    limited: meaning._tag === "Limited" ? meaning.limited : undefined,
    deleted: meaning._tag === "Done" && !raw.isDryRun && deletesWebhook(request),
  })
  return { _tag: "Answered", outcome, raw, said, failure, spent }
}

/** Its success means the same as the code by which Discord says that there is nothing to delete. */
function deletesWebhook({ absent, route }: RestRequest<unknown>): boolean {
  return absent !== undefined && Graveyard.isDeath(absent, route.kind)
}

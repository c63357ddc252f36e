/** What is known of an attempt while it runs. */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { DeadWebhooks } from "../ratelimit/internal/deadWebhooks.js"
import * as Permit from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import { interpret } from "./interpret.js"
import type { Interpretation, RawResponse } from "./interpret.js"
import type { RestRequest } from "./request.js"
import type { ResolvedConfig } from "./resolvedConfig.js"
import { containsToken } from "./sanitize.js"
import { broken, notStarted } from "./transportErrors.js"
import type { TransportFailure } from "./transportErrors.js"

/** Makes an effect as interruptible as the caller of `execute` is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * `begun` once it may arrive, `answer` once the answer's head has arrived, `failure` once the
 * connection has failed. It outlives an interruption, so that the limiter still learns from it.
 */
export interface AttemptState {
  started: boolean
  response: RawResponse | undefined
  failure: TransportFailure | undefined
  /** For a state without a fiber of its own: gives the request up when the caller is interrupted. */
  abort: (() => void) | undefined
}

/** Marks the responses that a dry run makes up. */
export const dryRunHeader = "x-effect-discord-dry-run"

/** The head of an answer; a 429 without its body is one all the same. */
export function parseHead(
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  token: Redacted.Redacted,
): RawResponse {
  const parsed = RateLimitHeaders.parse(headers)
  const contentType = headers["content-type"]
  const isDryRun = headers[dryRunHeader] !== undefined
  return {
    status,
    headers: removeTokenBucket(parsed, token),
    contentType,
    isDryRun,
    body: undefined,
  }
}

/** A proxy may name its buckets after the URL: without its name a bucket goes by its route. */
function removeTokenBucket(
  headers: RateLimitHeaders.RateLimitHeaders,
  token: Redacted.Redacted,
): RateLimitHeaders.RateLimitHeaders {
  const { bucket } = headers
  return bucket === undefined || isSafeBucketName(bucket, token)
    ? headers
    : { ...headers, bucket: undefined }
}

/** Discord's names are 32 hexadecimal digits; those of other servers are looked at more closely. */
function isSafeBucketName(name: string, token: Redacted.Redacted): boolean {
  return (
    /^[0-9a-f]{32}$/.test(name) || (/^[\w:.-]{1,64}$/.test(name) && !containsToken(name, token))
  )
}

export type AttemptResult<A> =
  | {
      readonly _tag: "Response"
      readonly outcome: Permit.Outcome
      readonly response: RawResponse
      readonly interpretation: Interpretation<A>
      /** Why the body is missing, where it is. */
      readonly failure: TransportFailure
      readonly consumedFile: string | undefined
    }
  | {
      readonly _tag: "NoResponse"
      readonly outcome: Permit.Outcome
      readonly failure: TransportFailure
      /** The file that cannot be read a second time. */
      readonly consumedFile: string | undefined
    }

/** Also right in the middle of a state: an interrupted attempt may have its answer's head. */
export function classifyAttempt<A>(
  request: RestRequest<A>,
  state: AttemptState,
  settings: ResolvedConfig,
): AttemptResult<A> {
  const { response, started, failure = started ? broken : notStarted } = state
  const consumedFile = request.body._tag === "Upload" ? request.body.consumedFile() : undefined
  if (response === undefined) {
    const outcome = failure.delivered === "no" ? Permit.neverSent : Permit.unknown
    return { _tag: "NoResponse", outcome, failure, consumedFile }
  }
  const said = interpret(request, response, settings)
  const { classification } = said
  // The limiter must not learn from what is not Discord's.
  if (classification._tag === "NotDiscord") {
    return {
      _tag: "Response",
      outcome: Permit.unknown,
      response,
      interpretation: said,
      failure,
      consumedFile,
    }
  }
  const outcome = Permit.answered({
    status: response.status,
    headers: response.headers,
    code: said.code,
    reply: said.reply,
    limited: classification._tag === "RateLimited" ? classification.limited : undefined,
    deleted: classification._tag === "Success" && !response.isDryRun && deletesWebhook(request),
  })
  return {
    _tag: "Response",
    outcome,
    response,
    interpretation: said,
    failure,
    consumedFile,
  }
}

/** Its success means the same as the code by which Discord says that there is nothing to delete. */
function deletesWebhook({ notFound, route }: RestRequest<unknown>): boolean {
  return notFound !== undefined && DeadWebhooks.isGone(notFound, route.kind)
}

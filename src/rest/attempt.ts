/** An attempt while it runs (`AttemptState`), and when it has ended (`AttemptResult`). */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { DeadWebhooks } from "../ratelimit/deadWebhooks.js"
import * as Permit from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import { interpret } from "./interpret.js"
import type { Interpretation, RawResponse } from "./interpret.js"
import type { ResolvedConfig, RestRequest } from "./request.js"
import { containsToken } from "./redactToken.js"
import { broken, notStarted } from "./transportErrors.js"
import type { TransportFailure } from "./transportErrors.js"

/** Restores the interruptibility of the caller of `execute`. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * `started` once the request may arrive, `response` once the head of the response has arrived,
 * `failure` once the connection has failed. The state outlives an interruption, so that the limiter
 * can still be updated.
 */
export interface AttemptState {
  started: boolean
  response: RawResponse | undefined
  failure: TransportFailure | undefined
  /** Set by a transport without a fiber: aborts the request when the caller is interrupted. */
  abort: (() => void) | undefined
}

/** Marks the fake responses of a dry run. */
export const dryRunHeader = "x-effect-discord-dry-run"

/**
 * Discord's servers are behind Google's load balancer, which adds `Via: 1.1 google`; what Cloudflare
 * sends by itself lacks it (discord-api-docs#1463). Other proxies add a `Via` with their own name.
 */
const viaGoogle = /\bgoogle\b/i

/** Parses the head of a response. A 429 without its body still counts as a 429. */
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
    isViaGoogle: viaGoogle.test(headers["via"] ?? ""),
    contentType,
    isDryRun,
    body: undefined,
  }
}

/**
 * Removes a bucket name that contains the token: a proxy may derive the name from the URL. Without
 * a name the bucket is identified by its route.
 */
function removeTokenBucket(
  headers: RateLimitHeaders.RateLimitHeaders,
  token: Redacted.Redacted,
): RateLimitHeaders.RateLimitHeaders {
  const { bucket } = headers
  return bucket === undefined || isSafeBucketName(bucket, token)
    ? headers
    : { ...headers, bucket: undefined }
}

/** Discord's names are 32 hexadecimal digits; those of other servers are checked for the token. */
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
      /** Why the body is missing, if it is. */
      readonly failure: TransportFailure
      readonly consumedFile: string | undefined
    }
  | {
      readonly _tag: "NoResponse"
      readonly outcome: Permit.Outcome
      readonly failure: TransportFailure
      /** The file that cannot be read again. */
      readonly consumedFile: string | undefined
    }

/**
 * Returns the result of an attempt. An interrupted attempt may have received the head of a
 * response.
 */
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
  const interpretation = interpret(request, response, settings)
  const { classification } = interpretation
  // The limiter must not learn from a response that is not Discord's.
  if (classification._tag === "NotDiscord") {
    return {
      _tag: "Response",
      outcome: Permit.unknown,
      response,
      interpretation,
      failure,
      consumedFile,
    }
  }
  const outcome = Permit.responded({
    status: response.status,
    headers: response.headers,
    code: interpretation.code,
    message: interpretation.reply,
    limited: classification._tag === "RateLimited" ? classification.limited : undefined,
    deleted: classification._tag === "Success" && !response.isDryRun && deletesWebhook(request),
  })
  return {
    _tag: "Response",
    outcome,
    response,
    interpretation,
    failure,
    consumedFile,
  }
}

/**
 * A success means the same as the code by which Discord reports that the webhook does not exist.
 */
function deletesWebhook({ notFound, route }: RestRequest<unknown>): boolean {
  return notFound !== undefined && DeadWebhooks.isGone(notFound, route.kind)
}

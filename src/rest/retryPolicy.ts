/** Decides what follows an attempt. Pure: all rules about retries and rate limits are here. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { DiscordServerError, DiscordTransportError } from "../error/WebhookError.js"
import type { Delivered, WebhookError, WebhookFileError } from "../error/WebhookError.js"
import type { RateLimited } from "../ratelimit/ResponseInfo.js"
import { errorFields } from "../error/message.js"
import type { AttemptResult } from "./attempt.js"
import type { FailConsumed, RestRequest, ResolvedConfig } from "./request.js"
import type { TransportFailure } from "./transportErrors.js"

/** The history of a request, including the current attempt. */
export interface RetryState {
  readonly attempts: number
  /** Attempts that followed a failure. */
  readonly retries: number
  /** Consecutive 429 responses. */
  readonly rateLimits: number
  /** Whether an earlier attempt without a clear response may have taken effect. */
  readonly mayHaveTakenEffect: boolean
}

export const initialState: RetryState = {
  attempts: 1,
  retries: 0,
  rateLimits: 0,
  mayHaveTakenEffect: false,
}

export type RetryDecision<A> =
  | { readonly _tag: "Succeed"; readonly value: A }
  | { readonly _tag: "Fail"; readonly error: WebhookError }
  /** Too many consecutive 429 responses. */
  | {
      readonly _tag: "RateLimitExceeded"
      readonly limited: RateLimited
      readonly bucket: string | undefined
    }
  /** Retry as soon as the limiter permits. */
  | { readonly _tag: "RateLimited"; readonly limited: RateLimited; readonly next: RetryState }
  /**
   * Retry after a delay; `retryAfter` is the delay that the server requires, in milliseconds. If
   * the retry turns out to be impossible, the request fails with `error`.
   */
  | {
      readonly _tag: "Retry"
      readonly error: WebhookError
      readonly retryAfter: number | undefined
      readonly reason: string
      readonly next: RetryState
    }

export function decideNext<A>(
  request: RestRequest<A>,
  settings: ResolvedConfig,
  retryState: RetryState,
  result: AttemptResult<A>,
): RetryDecision<A> {
  const decision = decide(request, settings, retryState, result)
  return result.failConsumed === undefined ? decision : preventRepeat(result.failConsumed, decision)
}

/** A request whose file cannot be read again cannot be repeated. */
function preventRepeat<A>(
  failConsumed: FailConsumed,
  decision: RetryDecision<A>,
): RetryDecision<A> {
  if (decision._tag !== "RateLimited" && decision._tag !== "Retry") return decision
  const cause = decision._tag === "RateLimited" ? "a rate limit" : decision.reason
  const error = failConsumed(cause, decision.next.mayHaveTakenEffect ? "unknown" : "no")
  return { _tag: "Fail", error }
}

function decide<A>(
  request: RestRequest<A>,
  settings: ResolvedConfig,
  retryState: RetryState,
  result: AttemptResult<A>,
): RetryDecision<A> {
  if (result._tag === "NoResponse") {
    const { file } = result.failure
    const error =
      file === undefined
        ? makeTransportError(request, retryState, result.failure)
        : correctDelivered(request, retryState, file)
    return retryOrFail(request, settings, retryState, result.failure, error)
  }
  const { classification, code, reply } = result.interpretation
  switch (classification._tag) {
    case "Success":
      return { _tag: "Succeed", value: classification.value }
    case "RateLimited":
      return decideAfterRateLimit(
        settings,
        retryState,
        classification.limited,
        result.response.headers.bucket,
      )
    case "ClientError":
      return retryState.mayHaveTakenEffect && request.notFound?.code === code
        ? { _tag: "Succeed", value: request.notFound.value }
        : { _tag: "Fail", error: classification.error }
    case "NotDiscord":
      return { _tag: "Fail", error: classification.error }
    case "TruncatedBody": {
      const { delivered } = classification
      const cut: TransportFailure = { ...result.failure, delivered }
      return retryOrFail(
        request,
        settings,
        retryState,
        cut,
        makeTransportError(request, retryState, cut),
      )
    }
    case "ServerError":
    default: {
      const { status, headers } = result.response
      const failed: RetryCause = {
        reason: String(status),
        delivered: "unknown",
        permanent: false,
        retryAfter: headers.retryAfter,
      }
      const details = { ...errorFields(request.route), status, code, reply }
      const error = new DiscordServerError({
        ...details,
        delivered: "unknown",
        attempts: retryState.attempts,
      })
      return retryOrFail(request, settings, retryState, failed, error)
    }
  }
}

function decideAfterRateLimit<A>(
  settings: ResolvedConfig,
  retryState: RetryState,
  limited: RateLimited,
  bucket: string | undefined,
): RetryDecision<A> {
  const rateLimits = retryState.rateLimits + 1
  return rateLimits >= settings.maxRateLimitAttempts
    ? { _tag: "RateLimitExceeded", limited, bucket }
    : {
        _tag: "RateLimited",
        limited,
        next: { ...retryState, attempts: retryState.attempts + 1, rateLimits },
      }
}

interface RetryCause {
  readonly reason: string
  readonly delivered: Delivered
  readonly permanent: boolean
  readonly retryAfter?: number | undefined
}

function retryOrFail<A>(
  request: RestRequest<A>,
  settings: ResolvedConfig,
  retryState: RetryState,
  failed: RetryCause,
  error: WebhookError,
): RetryDecision<A> {
  const { delivered, permanent, reason, retryAfter } = failed
  const { idempotent } = request
  if (!canRetry({ idempotent, delivered, permanent, retries: retryState.retries }, settings)) {
    return { _tag: "Fail", error }
  }
  const next = {
    attempts: retryState.attempts + 1,
    retries: retryState.retries + 1,
    rateLimits: 0,
    mayHaveTakenEffect: retryState.mayHaveTakenEffect || delivered !== "no",
  }
  return { _tag: "Retry", error, retryAfter, reason, next }
}

/** The error reports what any of the attempts may have done. */
function makeTransportError(
  request: RestRequest<unknown>,
  retryState: RetryState,
  failure: TransportFailure,
): DiscordTransportError {
  const { reason, delivered } = failure
  return new DiscordTransportError({
    ...errorFields(request.route),
    reason,
    delivered: delivered === "no" && retryState.mayHaveTakenEffect ? "unknown" : delivered,
    attempts: retryState.attempts,
  })
}

/** An incomplete upload creates no message, but an earlier attempt may have created it. */
function correctDelivered(
  { body }: RestRequest<unknown>,
  { mayHaveTakenEffect }: RetryState,
  file: WebhookFileError,
): WebhookFileError {
  return mayHaveTakenEffect && body._tag === "Upload" ? body.withUnknownDelivery(file) : file
}

/** The properties of a failed attempt that decide about a retry. */
interface RetryCandidate {
  readonly idempotent: boolean
  readonly delivered: Delivered
  /** Whether a retry would fail in the same way. */
  readonly permanent: boolean
  /** Retries before, without those after 429 responses. */
  readonly retries: number
}

/**
 * Returns whether to retry. A webhook message has no nonce, so sending it again may post it twice:
 * requests that are not idempotent are retried only if the attempt did not reach Discord, unless
 * the settings allow it.
 */
export function canRetry(
  failed: RetryCandidate,
  settings: { readonly maxRetries: number; readonly retry: "safe" | "atLeastOnce" },
): boolean {
  if (failed.permanent || failed.retries >= settings.maxRetries) return false
  if (failed.idempotent || failed.delivered === "no") return true
  // A request that arrived has been delivered at least once.
  return settings.retry === "atLeastOnce" && failed.delivered === "unknown"
}

interface BackoffOptions {
  readonly backoffBase: Duration.Duration
  readonly backoffMax: Duration.Duration
}

/**
 * Returns the maximum delay before retry number `retries + 1` in milliseconds: it doubles up to
 * `backoffMax`.
 */
export function maxBackoff(retries: number, { backoffBase, backoffMax }: BackoffOptions): number {
  return Math.min(Duration.toMillis(backoffBase) * 2 ** retries, Duration.toMillis(backoffMax))
}

/**
 * Returns a random delay between half the maximum and the maximum, so that requests that failed
 * together are not retried together; at least the server's `Retry-After`, at most `backoffMax`.
 */
export function sampleBackoff(
  retries: number,
  retryAfter: number | undefined,
  settings: BackoffOptions,
): Effect.Effect<Duration.Duration> {
  const max = maxBackoff(retries, settings)
  const requested = Math.min(retryAfter ?? 0, Duration.toMillis(settings.backoffMax))
  return Effect.map(Random.next, (random) =>
    Duration.millis(Math.max(Math.ceil(max * (0.5 + random / 2)), requested)),
  )
}

/** What to do after an attempt. Pure: the whole policy of retries and limits is here. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Struct from "effect/Struct"
import {
  DiscordServerError,
  DiscordTransportError,
  WebhookFileError,
} from "../error/WebhookError.js"
import type { Delivered, WebhookError } from "../error/WebhookError.js"
import type { Limited } from "../ratelimit/Answer.js"
import { errorFields } from "../ratelimit/errorFields.js"
import type { Ending } from "./attempt.js"
import type { RestRequest } from "./request.js"
import type { Settings } from "./resolvedConfig.js"
import type { TransportFailure } from "./transportErrors.js"

/** What happened to a request so far, the attempt in question included. */
export interface Journey {
  readonly attempts: number
  /** Attempts that followed a failure. */
  readonly retries: number
  /** 429 answers in a row. */
  readonly limits: number
  /** An earlier attempt without a clear answer may have taken effect. */
  readonly mayHaveActed: boolean
}

export const start: Journey = { attempts: 1, retries: 0, limits: 0, mayHaveActed: false }

export type Step<A> =
  | { readonly _tag: "Succeed"; readonly value: A }
  | { readonly _tag: "Fail"; readonly error: WebhookError }
  /** Limited too often in a row. */
  | { readonly _tag: "GiveUp"; readonly limited: Limited; readonly bucket: string | undefined }
  /** Again, as soon as the limiter allows. */
  | { readonly _tag: "Limited"; readonly limited: Limited; readonly next: Journey }
  /**
   * Again after a pause; `retryAfter` is what the server asked for, in milliseconds. Where it cannot
   * be repeated after all, `error` says what became of it.
   */
  | {
      readonly _tag: "Retry"
      readonly error: WebhookError
      readonly retryAfter: number | undefined
      readonly reason: string
      readonly next: Journey
    }

export function nextStep<A>(
  request: RestRequest<A>,
  settings: Settings,
  journey: Journey,
  end: Ending<A>,
): Step<A> {
  const step = stepAfter(request, settings, journey, end)
  return end.spent === undefined ? step : withoutRepetition(request, end.spent, step)
}

/** What cannot be read again cannot be sent again. */
function withoutRepetition<A>(request: RestRequest<A>, file: string, step: Step<A>): Step<A> {
  if (step._tag !== "Limited" && step._tag !== "Retry") return step
  const because = step._tag === "Limited" ? "a rate limit" : step.reason
  const error = new WebhookFileError({
    ...errorFields(request.route),
    reason: "readOnce",
    file,
    detail: `it was not sent again after ${because}`,
    delivered: step.next.mayHaveActed ? "unknown" : "no",
  })
  return { _tag: "Fail", error }
}

function stepAfter<A>(
  request: RestRequest<A>,
  settings: Settings,
  journey: Journey,
  end: Ending<A>,
): Step<A> {
  if (end._tag === "Unanswered") {
    const { file } = end.failure
    const error =
      file === undefined ? transportError(request, journey, end.failure) : fileError(journey, file)
    return retryOr(request, settings, journey, end.failure, error)
  }
  const { meaning, code, reply } = end.said
  switch (meaning._tag) {
    case "Done":
      return { _tag: "Succeed", value: meaning.value }
    case "Limited":
      return afterLimit(settings, journey, meaning.limited, end.raw.headers.bucket)
    case "Refused":
      return journey.mayHaveActed && request.absent?.code === code
        ? { _tag: "Succeed", value: request.absent.value }
        : { _tag: "Fail", error: meaning.error }
    case "Foreign":
      return { _tag: "Fail", error: meaning.error }
    case "Cut": {
      const { delivered } = meaning
      const cut: TransportFailure = { ...end.failure, delivered }
      return retryOr(request, settings, journey, cut, transportError(request, journey, cut))
    }
    case "Failed":
    default: {
      const { status, headers } = end.raw
      const failed: Failed = {
        reason: String(status),
        delivered: "unknown",
        permanent: false,
        retryAfter: headers.retryAfter,
      }
      const said = { ...errorFields(request.route), status, code, reply }
      const error = new DiscordServerError({
        ...said,
        delivered: "unknown",
        attempts: journey.attempts,
      })
      return retryOr(request, settings, journey, failed, error)
    }
  }
}

function afterLimit<A>(
  settings: Settings,
  journey: Journey,
  limited: Limited,
  bucket: string | undefined,
): Step<A> {
  const limits = journey.limits + 1
  return limits >= settings.maxRateLimitAttempts
    ? { _tag: "GiveUp", limited, bucket }
    : { _tag: "Limited", limited, next: { ...journey, attempts: journey.attempts + 1, limits } }
}

interface Failed {
  readonly reason: string
  readonly delivered: Delivered
  readonly permanent: boolean
  readonly retryAfter?: number | undefined
}

function retryOr<A>(
  request: RestRequest<A>,
  settings: Settings,
  journey: Journey,
  failed: Failed,
  error: WebhookError,
): Step<A> {
  const { delivered, permanent, reason, retryAfter } = failed
  const { idempotent } = request
  if (!mayRetry({ idempotent, delivered, permanent, retries: journey.retries }, settings)) {
    return { _tag: "Fail", error }
  }
  const next = {
    attempts: journey.attempts + 1,
    retries: journey.retries + 1,
    limits: 0,
    mayHaveActed: journey.mayHaveActed || delivered !== "no",
  }
  return { _tag: "Retry", error, retryAfter, reason, next }
}

/** What any attempt may have done, the last one's error has to say. */
function transportError(
  request: RestRequest<unknown>,
  journey: Journey,
  failure: TransportFailure,
): DiscordTransportError {
  const { reason, delivered } = failure
  return new DiscordTransportError({
    ...errorFields(request.route),
    reason,
    delivered: delivered === "no" && journey.mayHaveActed ? "unknown" : delivered,
    attempts: journey.attempts,
  })
}

/** Half a request makes no message, but an earlier one may have made it. */
function fileError(journey: Journey, file: WebhookFileError): WebhookFileError {
  if (!journey.mayHaveActed) return file
  const said = Struct.pick(
    file,
    "operation",
    "webhookId",
    "route",
    "reason",
    "file",
    "size",
    "limit",
    "detail",
  )
  return new WebhookFileError({ ...said, delivered: "unknown" })
}

/** A failed attempt, as far as repeating it is concerned. */
interface FailedAttempt {
  readonly idempotent: boolean
  readonly delivered: Delivered
  /** The same would happen again. */
  readonly permanent: boolean
  /** Repetitions made so far, 429 answers not counted. */
  readonly retries: number
}

/**
 * A webhook message has no nonce, so sending it again may post it twice: what is not idempotent is
 * repeated only when the attempt certainly never reached Discord, unless the user opts in.
 */
export function mayRetry(
  failed: FailedAttempt,
  settings: { readonly maxRetries: number; readonly retry: "safe" | "atLeastOnce" },
): boolean {
  if (failed.permanent || failed.retries >= settings.maxRetries) return false
  if (failed.idempotent || failed.delivered === "no") return true
  // What certainly arrived has been delivered at least once.
  return settings.retry === "atLeastOnce" && failed.delivered === "unknown"
}

interface Backoff {
  readonly backoffBase: Duration.Duration
  readonly backoffMax: Duration.Duration
}

/** Milliseconds before repetition number `retries + 1`, before the dice: doubling, with an end. */
export function ceiling(retries: number, { backoffBase, backoffMax }: Backoff): number {
  return Math.min(Duration.toMillis(backoffBase) * 2 ** retries, Duration.toMillis(backoffMax))
}

/**
 * Between half the ceiling and the ceiling, so that many who failed together do not come back
 * together; but not before the server's own `Retry-After`, as far as `backoffMax` allows.
 */
export function backoff(
  retries: number,
  retryAfter: number | undefined,
  settings: Backoff,
): Effect.Effect<Duration.Duration> {
  const longest = ceiling(retries, settings)
  const asked = Math.min(retryAfter ?? 0, Duration.toMillis(settings.backoffMax))
  return Effect.map(Random.next, (dice) =>
    Duration.millis(Math.max(Math.ceil(longest * (0.5 + dice / 2)), asked)),
  )
}

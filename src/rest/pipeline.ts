/**
 * Executes requests: waits for a permit, runs an attempt, settles the permit, interprets the response.
 *
 *     request --> permit --> attempt --> settle --> interpret --> result | tagged error
 *                    ^                                 |
 *                    +------ 429 / retryable <---------+
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { WebhookRateLimited } from "../error/WebhookError.js"
import type { WaitError, WebhookError } from "../error/WebhookError.js"
import { errorFields } from "../error/message.js"
import type { Outcome, Permit, WaitOptions } from "../ratelimit/Permit.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import type { Service as LimiterService } from "../ratelimit/RateLimiter.js"
import { Strategy } from "../ratelimit/Strategy.js"
import { classifyAttempt, type AttemptResult, type AttemptState, type Restore } from "./attempt.js"
import { getUploadTime, resolveConfig } from "./request.js"
import type { ResolvedConfig, RestRequest } from "./request.js"
import { RestConfig } from "./RestConfig.js"
import { decideNext, initialState, sampleBackoff } from "./retryPolicy.js"
import type { RetryDecision, RetryState } from "./retryPolicy.js"
import { logAttempt, withRequestSpan } from "./telemetry.js"
import type { Trace } from "./telemetry.js"
import { getDirect } from "./transports/direct.js"
import { sendWithClient } from "./transports/viaClient.js"
/**
 * The services that every operation requires: an `HttpClient`, the `RateLimiter` and a `Strategy`.
 * On Node, `NodeDiscord.layer` provides all three.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Context, Effect } from "effect"
 *
 * class Alerts extends Context.Tag("Alerts")<
 *   Alerts,
 *   { readonly post: (text: string) => Effect.Effect<void, never, Webhook.Requirements> }
 * >() {}
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type Requirements = HttpClient.HttpClient | RateLimiter | Strategy

interface RequestContext<A> {
  readonly request: RestRequest<A>
  readonly settings: ResolvedConfig
  readonly client: HttpClient.HttpClient
  readonly limiter: LimiterService
  readonly waitOptions: WaitOptions
  readonly trace: Trace | undefined
  readonly permit: Permit
  readonly restore: Restore
}

/** The limiter's estimate is the best one, since it receives the responses to all requests. */
const failRateLimited = Effect.fnUntraced(function* <A>(
  { limiter, request, waitOptions }: RequestContext<A>,
  attempts: number,
  { bucket, limited }: Extract<RetryDecision<A>, { _tag: "RateLimitExceeded" }>,
) {
  const estimate = yield* limiter.estimate(request.route, waitOptions)
  return yield* new WebhookRateLimited({
    ...errorFields(request.route),
    reason: "attempts",
    retryAfter: Duration.max(estimate, Duration.millis(limited.retryAfter ?? 0)),
    scope: limited.scope,
    ...(bucket === undefined ? {} : { bucket }),
    attempts,
  })
})

/** Runs uninterruptibly except for what `restore` wraps, so that every attempt is settled once. */
function runAttempt<A>(
  context: RequestContext<A>,
  retryState: RetryState,
): Effect.Effect<A, WebhookError> {
  const { client, permit, request, restore, settings, trace } = context
  const state: AttemptState = {
    started: false,
    response: undefined,
    failure: undefined,
    abort: undefined,
  }
  const sent = sendAttempt(client, request, settings, restore, state)
  return Effect.matchCauseEffect(trace === undefined ? sent : trace.attempt(permit, state, sent), {
    onFailure: (cause) => {
      state.abort?.()
      return Effect.zipRight(
        permit.settle(classifyAttempt(request, state, settings).outcome),
        Effect.failCause(cause),
      )
    },
    onSuccess: () =>
      completeAttempt(context, retryState, classifyAttempt(request, state, settings)),
  })
}

/** Logs the attempt, settles its permit, and retries or ends as the decision requires. */
function completeAttempt<A>(
  context: RequestContext<A>,
  retryState: RetryState,
  result: AttemptResult<A>,
): Effect.Effect<A, WebhookError> {
  const { permit, request, settings } = context
  const decision = decideNext(request, settings, retryState, result)
  return Effect.flatMap(
    logAttempt(permit, retryState, result, decision),
    (): Effect.Effect<A, WebhookError> => {
      switch (decision._tag) {
        case "Succeed":
          return Effect.as(permit.settle(result.outcome), decision.value)
        case "Fail":
          return Effect.zipRight(permit.settle(result.outcome), Effect.fail(decision.error))
        case "RateLimitExceeded":
          return Effect.zipRight(
            permit.settle(result.outcome),
            failRateLimited(context, retryState.attempts, decision),
          )
        case "RateLimited":
        case "Retry":
        default:
          return Effect.zipRight(
            waitForRetry(context, retryState, result.outcome, decision),
            Effect.suspend(() => runAttempt(context, decision.next)),
          )
      }
    },
  )
}

/** Waits for the permit of the next attempt. */
function waitForRetry<A>(
  { permit, restore, settings }: RequestContext<A>,
  retryState: RetryState,
  outcome: Outcome,
  decision: Extract<RetryDecision<A>, { _tag: "RateLimited" | "Retry" }>,
): Effect.Effect<void, WebhookError> {
  if (decision._tag === "RateLimited") return restore(permit.retry(outcome))
  return Effect.flatMap(sampleBackoff(retryState.retries, decision.retryAfter, settings), (pause) =>
    restore(permit.retry(outcome, pause)).pipe(
      // The original error has precedence: that request may have taken effect.
      Effect.mapError((error) => (isAboutWaiting(error) ? decision.error : error)),
    ),
  )
}

/** Whether the limiter granted no permit for another reason than that the webhook is gone. */
function isAboutWaiting(error: WaitError): boolean {
  return !("remembered" in error)
}

/** Executes a request: waits for a permit, sends it, and retries as the settings allow. */
export const execute = <A>(request: RestRequest<A>): Effect.Effect<A, WebhookError, Requirements> =>
  Effect.contextWithEffect((context: Context.Context<Requirements>) => {
    const settings = resolveConfig(Context.get(context, RestConfig))
    const client = Context.get(context, HttpClient.HttpClient)
    const limiter = Context.get(context, RateLimiter)
    const waitOptions = {
      policy: Context.get(context, Strategy),
      delivery: settings.delivery,
      maxWait: settings.maxWait,
      lease: getLease(client, request, settings),
    }
    return withRequestSpan(request.route, settings, (trace) =>
      limiter.withPermit(request.route, waitOptions, (permit) =>
        Effect.uninterruptibleMask((restore) =>
          runAttempt(
            { request, settings, client, limiter, waitOptions, trace, permit, restore },
            initialState,
          ),
        ),
      ),
    )
  })

/**
 * Returns how long an attempt may hold its permit. If the client reports when a request starts, the
 * time before is included.
 */
export function getLease(
  client: HttpClient.HttpClient,
  { body }: RestRequest<unknown>,
  settings: ResolvedConfig,
): Duration.Duration {
  const lease = getDirect(client) === undefined ? settings.startedLease : settings.lease
  return body._tag === "Upload" ? Duration.sum(lease, getUploadTime(body.size)) : lease
}

/**
 * Never fails: the outcome is in `state`. Interruption, where `restore` allows it, aborts the
 * connection.
 */
function sendAttempt(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: ResolvedConfig,
  restore: Restore,
  state: AttemptState,
): Effect.Effect<void> {
  const { body } = request
  const sendDirect = getDirect(client)
  return sendDirect === undefined || settings.base === undefined || body._tag === "Upload"
    ? sendWithClient(client, request, settings, restore, state)
    : sendDirect(settings.base, request, body, settings, restore, state)
}

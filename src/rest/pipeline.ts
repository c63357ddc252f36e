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
import type { WebhookError } from "../error/WebhookError.js"
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
import type { AnyFiber } from "./timeouts.js"
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
  readonly fiber: AnyFiber
}

type LastDecision<A> = Exclude<RetryDecision<A>, { _tag: "RateLimited" | "Retry" }>

function end<A>(
  { limiter, request, waitOptions }: RequestContext<A>,
  { attempts }: RetryState,
  decision: LastDecision<A>,
): Effect.Effect<A, WebhookError> {
  if (decision._tag === "Succeed") return Effect.succeed(decision.value)
  if (decision._tag === "Fail") return Effect.fail(decision.error)
  const { bucket, limited } = decision
  // The limiter's estimate is the best one, since it receives the responses to all requests.
  return Effect.flatMap(
    limiter.estimate(request.route, waitOptions),
    (estimate) =>
      new WebhookRateLimited({
        ...errorFields(request.route),
        reason: "attempts",
        retryAfter: Duration.max(estimate, Duration.millis(limited.retryAfter ?? 0)),
        scope: limited.scope,
        ...(bucket === undefined ? {} : { bucket }),
        attempts,
      }),
  )
}

/** Runs uninterruptibly except for what `restore` wraps, so that the permit of every attempt is settled once. */
function runAttempt<A>(
  context: RequestContext<A>,
  retryState: RetryState,
): Effect.Effect<A, WebhookError> {
  const { permit, request, settings, trace } = context
  const state: AttemptState = {
    started: false,
    response: undefined,
    failure: undefined,
    abort: undefined,
  }
  const sent = sendAttempt(context, state)
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
  const { fiber, permit, request, settings } = context
  const decision = decideNext(request, settings, retryState, result)
  const log = logAttempt(fiber, permit, retryState, result, decision)
  const next = (): Effect.Effect<A, WebhookError> => {
    if (decision._tag === "RateLimited" || decision._tag === "Retry") {
      return Effect.zipRight(
        waitForRetry(context, retryState, result.outcome, decision),
        Effect.suspend(() => runAttempt(context, decision.next)),
      )
    }
    return Effect.zipRight(permit.settle(result.outcome), end(context, retryState, decision))
  }
  return log === undefined ? next() : Effect.flatMap(log, next)
}

/** Settles the permit of the failed attempt, and waits for that of the next one. */
function waitForRetry<A>(
  { permit, restore, settings }: RequestContext<A>,
  retryState: RetryState,
  outcome: Outcome,
  decision: Extract<RetryDecision<A>, { _tag: "RateLimited" | "Retry" }>,
): Effect.Effect<void, WebhookError> {
  if (decision._tag === "RateLimited") return restore(permit.retry(outcome))
  return Effect.flatMap(sampleBackoff(retryState.retries, decision.retryAfter, settings), (pause) =>
    restore(permit.retry(outcome, pause)).pipe(
      // The original error has precedence, unless the webhook was found to be deleted: the failed attempt may have deleted it.
      Effect.mapError((error) => ("remembered" in error ? error : decision.error)),
    ),
  )
}

/** Executes a request: waits for a permit, sends it, and retries as the settings allow. */
export const execute = <A>(request: RestRequest<A>): Effect.Effect<A, WebhookError, Requirements> =>
  Effect.withFiberRuntime((fiber) => executeIn(fiber, request))

/** Like `execute`, with the current fiber at hand: one more operation of Effect would cost as much as all checks. */
export function executeIn<A>(
  fiber: AnyFiber,
  request: RestRequest<A>,
): Effect.Effect<A, WebhookError, Requirements> {
  const context = fiber.currentContext
  const settings = resolveConfig(Context.get(context, RestConfig))
  const client = Context.unsafeGet(context, HttpClient.HttpClient)
  const limiter = Context.unsafeGet(context, RateLimiter)
  const waitOptions = {
    policy: Context.unsafeGet(context, Strategy),
    delivery: settings.delivery,
    maxWait: settings.maxWait,
    lease: getLease(client, request, settings),
  }
  return withRequestSpan(fiber, request.route, settings, (trace) =>
    limiter.withPermit(request.route, waitOptions, (permit) =>
      Effect.uninterruptibleMask((restore) =>
        runAttempt(
          { request, settings, client, limiter, waitOptions, trace, permit, restore, fiber },
          initialState,
        ),
      ),
    ),
  )
}

/**
 * Returns how long an attempt may hold its permit. If the client reports when a request starts, this
 * includes the time until then, in which it may wait for a connection.
 */
function getLease(
  client: HttpClient.HttpClient,
  { body }: RestRequest<unknown>,
  settings: ResolvedConfig,
): Duration.Duration {
  const lease = getDirect(client) === undefined ? settings.startedLease : settings.lease
  return body._tag === "Upload" ? Duration.sum(lease, getUploadTime(body.size)) : lease
}

/**
 * Sends the request, and writes the outcome to `state`; the effect itself never fails. Interruption, where
 * `restore` allows it, aborts the connection.
 */
function sendAttempt(
  { client, fiber, request, restore, settings }: RequestContext<unknown>,
  state: AttemptState,
): Effect.Effect<void> {
  const { body } = request
  const sendDirect = getDirect(client)
  return sendDirect === undefined || settings.base === undefined || body._tag === "Upload"
    ? sendWithClient(client, request, settings, restore, state)
    : sendDirect(settings.base, request, body, settings, restore, state, fiber)
}

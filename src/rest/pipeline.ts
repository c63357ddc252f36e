/**
 * The pipeline: a permit, an attempt, its outcome back to the limiter, its meaning to the caller.
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
import { errorFields } from "../ratelimit/errorFields.js"
import type { Outcome, Permit, WaitOptions } from "../ratelimit/Permit.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import type { Service as LimiterService } from "../ratelimit/RateLimiter.js"
import { Strategy } from "../ratelimit/Strategy.js"
import { endingOf } from "./attempt.js"
import type { Ending, Flight, Restore } from "./attempt.js"
import type { RestRequest } from "./request.js"
import { leaseOf, settingsOf } from "./resolvedConfig.js"
import type { Settings } from "./resolvedConfig.js"
import { RestConfig } from "./RestConfig.js"
import { backoff, nextStep, start } from "./retryPolicy.js"
import type { Journey, Step } from "./retryPolicy.js"
import { inSpan, report } from "./telemetry.js"
import type { Trace } from "./telemetry.js"
import { directOf } from "./transports/direct.js"
import { viaClient } from "./transports/viaClient.js"
import { viaDirect } from "./transports/viaDirect.js"

/**
 * What every operation requires: an `HttpClient`, the `RateLimiter` and a `Strategy`. On Node,
 * `NodeDiscord.layer` provides all three.
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

interface Carriage<A> {
  readonly request: RestRequest<A>
  readonly settings: Settings
  readonly client: HttpClient.HttpClient
  readonly limiter: LimiterService
  readonly waiting: WaitOptions
  readonly trace: Trace | undefined
  readonly permit: Permit
  readonly restore: Restore
}

/** The limiter knows best when the next attempt makes sense: it has all other answers, too. */
const giveUp = Effect.fnUntraced(function* <A>(
  { limiter, request, waiting }: Carriage<A>,
  attempts: number,
  { bucket, limited }: Extract<Step<A>, { _tag: "GiveUp" }>,
) {
  const estimate = yield* limiter.estimate(request.route, waiting)
  return yield* new WebhookRateLimited({
    ...errorFields(request.route),
    reason: "attempts",
    retryAfter: Duration.max(estimate, Duration.millis(limited.retryAfter ?? 0)),
    scope: limited.scope,
    ...(bucket === undefined ? {} : { bucket }),
    attempts,
  })
})

/** Runs uninterruptibly, but for what is wrapped in `restore`: every attempt is settled once. */
function carry<A>(carriage: Carriage<A>, journey: Journey): Effect.Effect<A, WebhookError> {
  const { permit, request, settings } = carriage
  const flight: Flight = { begun: false, answer: undefined, failure: undefined, giveUp: undefined }
  return Effect.matchCauseEffect(fly(carriage, flight), {
    onFailure: (cause) => {
      flight.giveUp?.()
      return Effect.zipRight(
        permit.settle(endingOf(request, flight, settings).outcome),
        Effect.failCause(cause),
      )
    },
    onSuccess: () => landed(carriage, journey, endingOf(request, flight, settings)),
  })
}

/** Tells of the attempt, settles its permit once, and goes where the step leads. */
function landed<A>(
  carriage: Carriage<A>,
  journey: Journey,
  end: Ending<A>,
): Effect.Effect<A, WebhookError> {
  const { permit, request, settings } = carriage
  const step = nextStep(request, settings, journey, end)
  return Effect.flatMap(report(permit, journey, end, step), (): Effect.Effect<A, WebhookError> => {
    switch (step._tag) {
      case "Succeed":
        return Effect.as(permit.settle(end.outcome), step.value)
      case "Fail":
        return Effect.zipRight(permit.settle(end.outcome), Effect.fail(step.error))
      case "GiveUp":
        return Effect.zipRight(permit.settle(end.outcome), giveUp(carriage, journey.attempts, step))
      case "Limited":
      case "Retry":
      default:
        return Effect.zipRight(
          again(carriage, journey, end.outcome, step),
          Effect.suspend(() => carry(carriage, step.next)),
        )
    }
  })
}

/** Waits for the turn of the next attempt. */
function again<A>(
  { permit, restore, settings }: Carriage<A>,
  journey: Journey,
  outcome: Outcome,
  step: Extract<Step<A>, { _tag: "Limited" | "Retry" }>,
): Effect.Effect<void, WebhookError> {
  if (step._tag === "Limited") return restore(permit.again(outcome))
  return Effect.flatMap(backoff(journey.retries, step.retryAfter, settings), (pause) =>
    restore(permit.again(outcome, pause)).pipe(
      // The failure says more than that its repetition was refused: it may have taken effect.
      Effect.catchTag(
        "WebhookRateLimited",
        "DiscordRateLimiterClosed",
        "DiscordInvalidRequestLimit",
        () => Effect.fail(step.error),
      ),
    ),
  )
}

function fly<A>(carriage: Carriage<A>, flight: Flight): Effect.Effect<void> {
  const { client, permit, request, restore, settings, trace } = carriage
  const flown = attempt(client, request, settings, restore, flight)
  return trace === undefined ? flown : trace.attempt(permit, flight, flown)
}

/** Carries a request to Discord and its answer back. */
export const execute = <A>(request: RestRequest<A>): Effect.Effect<A, WebhookError, Requirements> =>
  Effect.contextWithEffect((context: Context.Context<Requirements>) => {
    const settings = settingsOf(Context.get(context, RestConfig))
    const client = Context.get(context, HttpClient.HttpClient)
    const limiter = Context.get(context, RateLimiter)
    const waiting = {
      policy: Context.get(context, Strategy),
      delivery: settings.delivery,
      maxWait: settings.maxWait,
      lease: leaseOf(client, request, settings),
    }
    return inSpan(request.route, settings, (trace) =>
      limiter.withPermit(request.route, waiting, (permit) =>
        Effect.uninterruptibleMask((restore) =>
          carry({ request, settings, client, limiter, waiting, trace, permit, restore }, start),
        ),
      ),
    )
  })

/**
 * Never fails: what happened is in the flight. Interruption, possible where `restore` makes it so,
 * aborts the connection.
 */
export function attempt(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  const { body } = request
  const direct = directOf(client)
  return direct === undefined || settings.base === undefined || body._tag === "Upload"
    ? viaClient(client, request, settings, restore, flight)
    : viaDirect(direct, settings.base, request, body, settings, restore, flight)
}

/** Logs and spans of requests. A span is created only if the program provides a tracer. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Tracer from "effect/Tracer"
import { DeadWebhooks } from "../ratelimit/deadWebhooks.js"
import type { Permit } from "../ratelimit/Permit.js"
import type { Kind, Route } from "../ratelimit/Route.js"
import type { AttemptResult, AttemptState } from "./attempt.js"
import type { ResolvedConfig } from "./request.js"
import type { RetryDecision, RetryState } from "./retryPolicy.js"
import type { AnyFiber } from "./timeouts.js"

/**
 * The names of attributes of spans and logs: OpenTelemetry's for HTTP, with the route template in
 * place of the URL, and our own. docs/guides/observability.md lists them.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans
 */

const names = {
  method: "http.request.method",
  template: "url.template",
  address: "server.address",
  port: "server.port",
  status: "http.response.status_code",
  /** The number of the retry; absent for the first attempt. */
  resend: "http.request.resend_count",
  /**
   * A status of at least 400, the reason of a failed connection, or the tag of an operation's
   * error.
   */
  error: "error.type",
  /** Method and template, in logs. */
  route: "discord.route",
  webhookId: "discord.webhook.id",
  code: "discord.error.code",
  bucket: "discord.rate_limit.bucket",
  remaining: "discord.rate_limit.remaining",
  scope: "discord.rate_limit.scope",
  /** Milliseconds waited for permits so far. */
  waited: "discord.rate_limit.waited_ms",
  /** Milliseconds until Discord permits a retry. */
  retryAfter: "discord.rate_limit.retry_after_ms",
  /** 1 for the first. */
  attempt: "discord.attempt",
  /** The number of attempts. */
  attempts: "discord.attempts",
} as const

/** The default tracer, which exports nothing. */
const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** The span of an operation. */
export class Trace {
  readonly #span: Tracer.Span
  readonly #clock: Clock.Clock
  readonly #route: Route
  readonly #settings: ResolvedConfig
  #attempts = 0
  #waited = 0

  constructor(span: Tracer.Span, clock: Clock.Clock, route: Route, settings: ResolvedConfig) {
    this.#span = span
    this.#clock = clock
    this.#route = route
    this.#settings = settings
  }

  /** Runs an attempt, which begins with a permit, in its own span. */
  attempt(permit: Permit, state: AttemptState, effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#addWait(permit)
      const resend = this.#attempts === 0 ? {} : { [names.resend]: this.#attempts }
      this.#attempts += 1
      this.#span.attribute(names.attempts, this.#attempts)
      const attributes = { ...getHttpAttributes(this.#route, this.#settings), ...resend }
      return Effect.useSpan(this.#route.name, makeSpanOptions(attributes), (span) =>
        effect.pipe(
          Effect.withParentSpan(span),
          Effect.onExit(() => Effect.sync(() => this.#addResult(span, state))),
          // This failure only marks the span.
          Effect.zipRight(Effect.suspend(() => failIfError(state))),
        ),
      )
    }).pipe(Effect.catchAll(() => Effect.void))
  }

  #addWait(permit: Permit): void {
    const waited = permit.waited()
    const now = this.#clock.unsafeCurrentTimeNanos()
    const more = waited - this.#waited
    if (more > 0) this.#span.event("discord.rate_limit.wait", now, { [names.waited]: more })
    this.#waited = waited
    this.#span.attribute(names.waited, waited)
  }

  #addResult(span: Tracer.Span, state: AttemptState): void {
    const { response } = state
    if (response !== undefined) {
      span.attribute(names.status, response.status)
      if (response.headers.bucket !== undefined) {
        span.attribute(names.bucket, response.headers.bucket)
        this.#span.attribute(names.bucket, response.headers.bucket)
      }
    }
    const error = getErrorType(state)
    if (error !== undefined) span.attribute(names.error, error)
  }
}

/** Runs an operation in its span; without one if there is no tracer. */
export function withRequestSpan<A, E extends { readonly _tag: string }, R>(
  fiber: AnyFiber,
  route: Route,
  settings: ResolvedConfig,
  use: (trace: Trace | undefined) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  if (!hasTracer(fiber)) return use(undefined)
  const attributes = { ...getHttpAttributes(route, settings), [names.webhookId]: route.webhookId }
  return Effect.useSpan(`discord ${route.name}`, makeSpanOptions(attributes), (span) => {
    const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
    return use(new Trace(span, clock, route, settings)).pipe(
      // `tapError`, which would be in every bundle for this alone.
      Effect.mapError((error) => {
        span.attribute(names.error, error._tag)
        return error
      }),
      Effect.withParentSpan(span),
    )
  })
}

function hasTracer(fiber: AnyFiber): boolean {
  return fiber.currentTracer !== defaultTracer && fiber.getFiberRef(FiberRef.currentTracerEnabled)
}

function failIfError(state: AttemptState): Effect.Effect<void, string> {
  const error = getErrorType(state)
  return error === undefined ? Effect.void : Effect.fail(error)
}

function getErrorType({ response, failure }: AttemptState): string | undefined {
  if (failure !== undefined) return failure.reason
  return response !== undefined && response.status >= 400 ? String(response.status) : undefined
}

function makeSpanOptions(attributes: Record<string, unknown>): Tracer.SpanOptions {
  return { kind: "client", captureStackTrace: false, attributes }
}

/** OpenTelemetry's attributes of an HTTP request, without the URL, which contains the token. */
function getHttpAttributes(route: Route, settings: ResolvedConfig): Record<string, unknown> {
  return {
    [names.method]: route.method,
    [names.template]: route.name.slice(route.method.length + 1),
    [names.address]: settings.serverAddress,
    ...(settings.serverPort === undefined ? {} : { [names.port]: settings.serverPort }),
  }
}

type Annotations = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Logs the result of an attempt: a debug line, and a warning for a rate limit, a retry or a dead
 * webhook. A successful request logs nothing above debug: then there is no effect.
 */
export function logAttempt(
  fiber: AnyFiber,
  permit: Permit,
  retryState: RetryState,
  result: AttemptResult<unknown>,
  decision: RetryDecision<unknown>,
): Effect.Effect<void> | undefined {
  const minimum = fiber.getFiberRef(FiberRef.currentMinimumLogLevel)
  const warning = getWarning(permit.route.kind, result, decision)
  const isQuiet = minimum.ordinal > LogLevel.Debug.ordinal
  if (isQuiet && warning === undefined) return undefined
  const about = getAnnotations(permit, retryState, result)
  const debug = isQuiet ? Effect.void : logWith(Effect.logDebug("Discord request"), about)
  if (warning === undefined) return debug
  const { message, more } = warning
  return Effect.zipRight(debug, logWith(Effect.logWarning(message), { ...about, ...more }))
}

interface Warning {
  readonly message: string
  readonly more?: Annotations
}

function getWarning(
  kind: Kind,
  result: AttemptResult<unknown>,
  decision: RetryDecision<unknown>,
): Warning | undefined {
  if (decision._tag === "RateLimited" || decision._tag === "RateLimitExceeded") {
    const { retryAfter, scope } = decision.limited
    const more = { [names.scope]: scope, [names.retryAfter]: retryAfter }
    return { message: "Rate limited", more }
  }
  if (decision._tag === "Retry") return { message: `Retrying after a failure: ${decision.reason}` }
  if (result.outcome._tag === "Responded" && DeadWebhooks.isGone(result.outcome.response, kind)) {
    return kind === "interaction"
      ? { message: "The interaction's token has expired" }
      : { message: "The webhook is dead; stop using its URL" }
  }
  return undefined
}

function getAnnotations(
  { route, waited }: Permit,
  retryState: RetryState,
  result: AttemptResult<unknown>,
): Annotations {
  return {
    [names.route]: route.name,
    [names.webhookId]: route.webhookId,
    [names.attempt]: retryState.attempts,
    [names.waited]: Math.round(waited()),
    ...(result._tag === "Response"
      ? {
          [names.status]: result.response.status,
          [names.code]: result.interpretation.code === 0 ? undefined : result.interpretation.code,
          [names.bucket]: result.response.headers.bucket,
          [names.remaining]: result.response.headers.remaining,
        }
      : { [names.error]: result.failure.reason }),
  }
}

function logWith(line: Effect.Effect<void>, about: Annotations): Effect.Effect<void> {
  const given = Object.entries(about).filter(([, value]) => value !== undefined)
  return Effect.annotateLogs(line, Object.fromEntries(given))
}

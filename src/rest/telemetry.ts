/** Logs and spans of requests. A span is created only if the program provides a tracer. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Tracer from "effect/Tracer"
import { Graveyard } from "../ratelimit/internal/graveyard.js"
import type { Permit } from "../ratelimit/Permit.js"
import type { Kind, Route } from "../ratelimit/Route.js"
import type { Ending, Flight } from "./attempt.js"
import type { Settings } from "./resolvedConfig.js"
import type { Journey, Step } from "./retryPolicy.js"

/**
 * The names under which spans and logs speak of a request: OpenTelemetry's for HTTP, with the route
 * template in place of the URL, and Discord's own. docs/guides/observability.md lists them.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans
 */

const names = {
  method: "http.request.method",
  template: "url.template",
  address: "server.address",
  port: "server.port",
  status: "http.response.status_code",
  /** The ordinal number of a repetition; not given for the first attempt. */
  resend: "http.request.resend_count",
  /** A status from 400 on, why the connection failed, or the tag of an operation's error. */
  error: "error.type",
  /** Method and template, in logs. */
  route: "discord.route",
  webhookId: "discord.webhook.id",
  code: "discord.error.code",
  bucket: "discord.rate_limit.bucket",
  remaining: "discord.rate_limit.remaining",
  scope: "discord.rate_limit.scope",
  /** Milliseconds waited for permits until now. */
  waited: "discord.rate_limit.waited_ms",
  /** Milliseconds that Discord asked for. */
  retryAfter: "discord.rate_limit.retry_after_ms",
  /** 1 for the first. */
  attempt: "discord.attempt",
  /** How many there were. */
  attempts: "discord.attempts",
} as const

/** The tracer of those who have provided none: it keeps its spans to itself. */
const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** The span of an operation under way. */
export class Trace {
  readonly #span: Tracer.Span
  readonly #clock: Clock.Clock
  readonly #route: Route
  readonly #settings: Settings
  #attempts = 0
  #waited = 0

  constructor(span: Tracer.Span, clock: Clock.Clock, route: Route, settings: Settings) {
    this.#span = span
    this.#clock = clock
    this.#route = route
    this.#settings = settings
  }

  /** Runs an attempt, which begins with a permit, in a span of its own. */
  attempt(permit: Permit, flight: Flight, effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#granted(permit)
      const resend = this.#attempts === 0 ? {} : { [names.resend]: this.#attempts }
      this.#attempts += 1
      this.#span.attribute(names.attempts, this.#attempts)
      const attributes = { ...httpAttributes(this.#route, this.#settings), ...resend }
      return Effect.useSpan(this.#route.name, spanOptions(attributes), (span) =>
        effect.pipe(
          Effect.withParentSpan(span),
          Effect.onExit(() => Effect.sync(() => this.#describe(span, flight))),
          // Only the tracer hears of this failure, and marks the span.
          Effect.zipRight(Effect.suspend(() => failureOf(flight))),
        ),
      )
    }).pipe(Effect.catchAll(() => Effect.void))
  }

  #granted(permit: Permit): void {
    const waited = permit.waited()
    const now = this.#clock.unsafeCurrentTimeNanos()
    const more = waited - this.#waited
    if (more > 0) this.#span.event("discord.rate_limit.wait", now, { [names.waited]: more })
    this.#waited = waited
    this.#span.attribute(names.waited, waited)
  }

  #describe(span: Tracer.Span, flight: Flight): void {
    const { answer } = flight
    if (answer !== undefined) {
      span.attribute(names.status, answer.status)
      if (answer.headers.bucket !== undefined) {
        span.attribute(names.bucket, answer.headers.bucket)
        this.#span.attribute(names.bucket, answer.headers.bucket)
      }
    }
    const error = errorOf(flight)
    if (error !== undefined) span.attribute(names.error, error)
  }
}

/** Runs an operation in its span; without a trace where no tracer listens. */
export function inSpan<A, E extends { readonly _tag: string }, R>(
  route: Route,
  settings: Settings,
  use: (trace: Trace | undefined) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  return Effect.withFiberRuntime((fiber) => {
    if (!isHeard(fiber)) return use(undefined)
    const attributes = { ...httpAttributes(route, settings), [names.webhookId]: route.webhookId }
    return Effect.useSpan(`discord ${route.name}`, spanOptions(attributes), (span) => {
      const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
      return use(new Trace(span, clock, route, settings)).pipe(
        Effect.tapError((error) => Effect.sync(() => span.attribute(names.error, error._tag))),
        Effect.withParentSpan(span),
      )
    })
  })
}

function isHeard(fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean {
  return fiber.currentTracer !== defaultTracer && fiber.getFiberRef(FiberRef.currentTracerEnabled)
}

function failureOf(flight: Flight): Effect.Effect<void, string> {
  const error = errorOf(flight)
  return error === undefined ? Effect.void : Effect.fail(error)
}

function errorOf({ answer, failure }: Flight): string | undefined {
  if (failure !== undefined) return failure.reason
  return answer !== undefined && answer.status >= 400 ? String(answer.status) : undefined
}

function spanOptions(attributes: Record<string, unknown>): Tracer.SpanOptions {
  return { kind: "client", captureStackTrace: false, attributes }
}

/** What OpenTelemetry wants to know of every HTTP request; but the URL, which holds the token. */
function httpAttributes(route: Route, settings: Settings): Record<string, unknown> {
  return {
    [names.method]: route.method,
    [names.template]: route.name.slice(route.method.length + 1),
    [names.address]: settings.serverAddress,
    ...(settings.serverPort === undefined ? {} : { [names.port]: settings.serverPort }),
  }
}

type Annotations = Readonly<Record<string, string | number | boolean | undefined>>

/** Tells the log what came of an attempt. */
export function report(
  permit: Permit,
  journey: Journey,
  end: Ending<unknown>,
  step: Step<unknown>,
): Effect.Effect<void> {
  return Effect.withFiberRuntime((fiber) => {
    const minimum = fiber.getFiberRef(FiberRef.currentMinimumLogLevel)
    const complaint = complaintOf(permit.route.kind, end, step)
    // Builds nothing unless somebody listens.
    const isQuiet = LogLevel.greaterThan(minimum, LogLevel.Debug)
    if (isQuiet && complaint === undefined) return Effect.void
    const about = annotations(permit, journey, end)
    const debug = isQuiet ? Effect.void : log(Effect.logDebug("Discord request"), about)
    if (complaint === undefined) return debug
    const { message, more } = complaint
    return Effect.zipRight(debug, log(Effect.logWarning(message), { ...about, ...more }))
  })
}

interface Complaint {
  readonly message: string
  readonly more?: Annotations
}

function complaintOf(kind: Kind, end: Ending<unknown>, step: Step<unknown>): Complaint | undefined {
  if (step._tag === "Limited" || step._tag === "GiveUp") {
    const { retryAfter, scope } = step.limited
    const more = { [names.scope]: scope, [names.retryAfter]: retryAfter }
    return { message: "Rate limited", more }
  }
  if (step._tag === "Retry") return { message: `Retrying after a failure: ${step.reason}` }
  if (end.outcome._tag === "Answered" && Graveyard.isDeath(end.outcome.answer, kind)) {
    return kind === "interaction"
      ? { message: "The interaction's token has expired" }
      : { message: "The webhook is dead; stop using its URL" }
  }
  return undefined
}

function annotations(
  { route, waited }: Permit,
  journey: Journey,
  end: Ending<unknown>,
): Annotations {
  return {
    [names.route]: route.name,
    [names.webhookId]: route.webhookId,
    [names.attempt]: journey.attempts,
    [names.waited]: waited(),
    ...(end._tag === "Answered"
      ? {
          [names.status]: end.raw.status,
          [names.code]: end.said.code === 0 ? undefined : end.said.code,
          [names.bucket]: end.raw.headers.bucket,
          [names.remaining]: end.raw.headers.remaining,
        }
      : { [names.error]: end.failure.reason }),
  }
}

function log(line: Effect.Effect<void>, about: Annotations): Effect.Effect<void> {
  const given = Object.entries(about).filter(([, value]) => value !== undefined)
  return Effect.annotateLogs(line, Object.fromEntries(given))
}

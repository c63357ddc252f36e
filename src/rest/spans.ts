/**
 * What a tracer hears of a request: a span for the operation, with the waits as its events, and
 * below it one for each attempt. Nothing is made, and nothing is paid, unless a tracer listens.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"
import type { Permit } from "../ratelimit/Permit.js"
import type { Route } from "../ratelimit/Route.js"
import { names } from "./attributes.js"
import type { Flight } from "./flight.js"
import type { Settings } from "./settings.js"

/** The tracer of those who have provided none: it keeps its spans to itself. */
const nobody = Context.get(DefaultServices.liveServices, Tracer.Tracer)

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
      const attributes = { ...about(this.#route, this.#settings), ...resend }
      return Effect.useSpan(this.#route.name, options(attributes), (span) =>
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
    const attributes = { ...about(route, settings), [names.webhookId]: route.webhookId }
    return Effect.useSpan(`discord ${route.name}`, options(attributes), (span) => {
      const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
      return use(new Trace(span, clock, route, settings)).pipe(
        Effect.tapError((error) => Effect.sync(() => span.attribute(names.error, error._tag))),
        Effect.withParentSpan(span),
      )
    })
  })
}

function isHeard(fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean {
  return fiber.currentTracer !== nobody && fiber.getFiberRef(FiberRef.currentTracerEnabled)
}

function failureOf(flight: Flight): Effect.Effect<void, string> {
  const error = errorOf(flight)
  return error === undefined ? Effect.void : Effect.fail(error)
}

function errorOf({ answer, failure }: Flight): string | undefined {
  if (failure !== undefined) return failure.reason
  return answer !== undefined && answer.status >= 400 ? String(answer.status) : undefined
}

function options(attributes: Record<string, unknown>): Tracer.SpanOptions {
  return { kind: "client", captureStackTrace: false, attributes }
}

/** What OpenTelemetry wants to know of every HTTP request; but the URL, which holds the token. */
function about(route: Route, settings: Settings): Record<string, unknown> {
  return {
    [names.method]: route.method,
    [names.template]: route.name.slice(route.method.length + 1),
    [names.address]: settings.serverAddress,
    ...(settings.serverPort === undefined ? {} : { [names.port]: settings.serverPort }),
  }
}

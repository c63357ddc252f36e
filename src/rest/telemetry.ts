/**
 * What the outside sees of a request: one client span for each operation and structured logs, both
 * with OpenTelemetry's names for HTTP, and the route template in place of the URL.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type * as Tracer from "effect/Tracer"
import type { Permit } from "../ratelimit/Permit.js"
import type { Route } from "../ratelimit/Route.js"
import type { Ending } from "./ending.js"
import type { Journey, Step } from "./nextStep.js"
import type { Settings } from "./settings.js"

/** The attributes of spans and the annotations of logs. */
const names = {
  method: "http.request.method",
  template: "url.template",
  /** Method and template, in logs. */
  route: "discord.route",
  address: "server.address",
  port: "server.port",
  status: "http.response.status_code",
  resends: "http.request.resend_count",
  error: "error.type",
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
} as const

type Annotations = Readonly<Record<string, string | number | boolean | undefined>>

/** Unknown webhook, invalid webhook token. */
const deadly: ReadonlySet<number> = new Set([10015, 50027])

/** Runs an operation in its span. */
export function inSpan<A, E extends { readonly _tag: string }, R>(
  route: Route,
  settings: Settings,
  use: (span: Tracer.Span) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  const attributes: Record<string, unknown> = {
    [names.method]: route.method,
    [names.template]: route.name.slice(route.method.length + 1),
    [names.address]: settings.serverAddress,
    [names.webhookId]: route.webhookId,
  }
  if (settings.serverPort !== undefined) attributes[names.port] = settings.serverPort
  const options = { kind: "client", captureStackTrace: false, attributes } as const
  return Effect.useSpan(route.name, options, (span) =>
    use(span).pipe(
      Effect.tapError((error) => Effect.sync(() => span.attribute(names.error, error._tag))),
      Effect.withParentSpan(span),
    ),
  )
}

/** Tells span and logs what came of an attempt. A healthy request says nothing above debug. */
export function report(
  route: Route,
  permit: Permit,
  span: Tracer.Span,
  journey: Journey,
  end: Ending<unknown>,
  step: Step<unknown>,
): Effect.Effect<void> {
  const waited = permit.waited()
  span.attribute(names.waited, waited)
  if (journey.attempts > 1) span.attribute(names.resends, journey.attempts - 1)
  if (end._tag === "Answered") {
    span.attribute(names.status, end.raw.status)
    if (end.raw.headers.bucket !== undefined) span.attribute(names.bucket, end.raw.headers.bucket)
  }
  const about = (): Annotations => ({
    [names.route]: route.name,
    [names.webhookId]: route.webhookId,
    [names.attempt]: journey.attempts,
    [names.waited]: waited,
    ...(end._tag === "Answered"
      ? {
          [names.status]: end.raw.status,
          [names.code]: end.said.code === 0 ? undefined : end.said.code,
          [names.bucket]: end.raw.headers.bucket,
          [names.remaining]: end.raw.headers.remaining,
        }
      : { [names.error]: end.failure.reason }),
  })
  return Effect.zipRight(debug(about), warning(about, end, step))
}

function debug(about: () => Annotations): Effect.Effect<void> {
  return Effect.flatMap(FiberRef.get(FiberRef.currentMinimumLogLevel), (minimum) =>
    // Builds nothing unless somebody listens.
    LogLevel.lessThanEqual(minimum, LogLevel.Debug)
      ? Effect.annotateLogs(Effect.logDebug("Discord request"), given(about()))
      : Effect.void,
  )
}

function warning(
  about: () => Annotations,
  end: Ending<unknown>,
  step: Step<unknown>,
): Effect.Effect<void> {
  if (step._tag === "Limited" || step._tag === "GiveUp") {
    const { retryAfter, scope } = step.limited
    return warn("Discord limits the rate", {
      ...about(),
      [names.scope]: scope,
      [names.retryAfter]: retryAfter,
    })
  }
  if (step._tag === "Retry") return warn(`Trying again after a failure: ${step.reason}`, about())
  if (end._tag === "Answered" && deadly.has(end.said.code)) {
    return warn("The webhook is dead; stop using its URL", about())
  }
  return Effect.void
}

function warn(message: string, annotations: Annotations): Effect.Effect<void> {
  return Effect.annotateLogs(Effect.logWarning(message), given(annotations))
}

function given(annotations: Annotations): Record<string, unknown> {
  return Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== undefined))
}

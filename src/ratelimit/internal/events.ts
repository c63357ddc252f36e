/**
 * Events for the log, each once for all webhooks and responses. The state machine emits them, and the
 * fiber that caused them logs them.
 */
import type { HostScope } from "./globalLimiter.js"
import * as Effect from "effect/Effect"

/** An event, with the route of the response that caused it. Times are milliseconds. */
export type LimiterEvent =
  /** The limit of a bucket; `before` if it has changed. */
  | {
      readonly _tag: "Limit"
      readonly route: string
      readonly bucket: string
      readonly limit: number
      readonly period: number | undefined
      readonly before: number | undefined
    }
  /** A hidden limit that a strategy has detected. */
  | {
      readonly _tag: "HiddenLimit"
      readonly route: string
      readonly bucket: string
      readonly strategy: string
      readonly limit: number
      readonly period: number | undefined
    }
  /** All requests of the process are blocked. */
  | {
      readonly _tag: "Blocked"
      readonly route: string
      readonly scope: HostScope
      readonly delay: number
    }
  /** Many requests were invalid, so that further ones are spaced, or fail. */
  | {
      readonly _tag: "InvalidRequests"
      readonly route: string
      readonly level: "half" | "spent"
      readonly used: number
      readonly limit: number
    }

/** Receives events. */
export type OnEvent = (event: LimiterEvent) => void

/** Maximum number of buckets and routes; names that change with every response must not fill memory. */
const maxRemembered = 128

export class LimiterEvents {
  readonly #emit: OnEvent
  readonly #limits = new Map<string, number>()
  readonly #hidden = new Map<string, string>()
  #budget: "ample" | "half" | "spent" = "ample"

  constructor(emit: OnEvent) {
    this.#emit = emit
  }

  /** Called with a limit that is new on a webhook. */
  onLimit(route: string, bucket: string, onLimit: number, period: number | undefined): void {
    const before = this.#limits.get(bucket) ?? this.#limits.get(route)
    rememberLatest(this.#limits, bucket, onLimit)
    rememberLatest(this.#limits, route, onLimit)
    if (before !== onLimit)
      this.#emit({ _tag: "Limit", route, bucket, limit: onLimit, period, before })
  }

  /** Called with the hidden limit that a strategy assumes after a 429. */
  onHiddenLimit(
    route: string,
    bucket: string,
    belief: {
      readonly strategy: string
      readonly limit: number
      readonly period: number | undefined
    },
  ): void {
    const { strategy, limit, period } = belief
    const text = `${limit} in ${Math.round((period ?? 0) / 1000)} s`
    const keys = [`${strategy} ${bucket}`, `${strategy} ${route}`] as const
    const before = this.#hidden.get(keys[0]) ?? this.#hidden.get(keys[1])
    for (const key of keys) rememberLatest(this.#hidden, key, text)
    if (before === text) return
    this.#emit({ _tag: "HiddenLimit", route, bucket, strategy, limit, period })
  }

  onBlocked(route: string, scope: HostScope, delay: number): void {
    this.#emit({ _tag: "Blocked", route, scope, delay })
  }

  /** Called for each invalid request. Emits again after the count was below a quarter of the limit. */
  onInvalidRequest(route: string, used: number, limit: number): void {
    if (used < limit / 4) this.#budget = "ample"
    if (used >= limit && this.#budget !== "spent")
      this.#emitInvalidRequests("spent", route, used, limit)
    else if (used >= limit / 2 && this.#budget === "ample")
      this.#emitInvalidRequests("half", route, used, limit)
  }

  #emitInvalidRequests(level: "half" | "spent", route: string, used: number, limit: number): void {
    this.#budget = level
    this.#emit({ _tag: "InvalidRequests", route, level, used, limit })
  }
}

function rememberLatest<A>(known: Map<string, A>, key: string, value: A): void {
  known.delete(key)
  known.set(key, value)
  if (known.size <= maxRemembered) return
  for (const oldest of known.keys()) {
    known.delete(oldest)
    return
  }
}

const annotationNames = {
  route: "discord.route",
  bucket: "discord.rate_limit.bucket",
  strategy: "discord.rate_limit.strategy",
  scope: "discord.rate_limit.scope",
  limit: "discord.rate_limit.limit",
  /** Milliseconds. */
  period: "discord.rate_limit.period_ms",
  before: "discord.rate_limit.previous_limit",
  hiddenLimit: "discord.rate_limit.hidden_limit",
  hiddenPeriod: "discord.rate_limit.hidden_period_ms",
  retryAfter: "discord.rate_limit.retry_after_ms",
  invalidRequests: "discord.rate_limit.invalid_requests",
  invalidRequestLimit: "discord.rate_limit.invalid_request_limit",
} as const

/** Logs the events and empties the list. */
export function writeLog(events: Array<LimiterEvent>): Effect.Effect<void> {
  return Effect.forEach(events.splice(0), logEvent, { discard: true })
}

/** A first limit is logged at debug level, since the first response of every bucket has one. */
function logEvent(event: LimiterEvent): Effect.Effect<void> {
  const about = Effect.annotateLogs(annotationsOf(event))
  switch (event._tag) {
    case "Limit":
      return about(
        event.before === undefined
          ? Effect.logDebug("Rate limit discovered")
          : Effect.logInfo("Rate limit changed"),
      )
    case "HiddenLimit":
      return about(Effect.logInfo("Hidden rate limit detected"))
    case "Blocked":
      return about(Effect.logWarning("All requests are blocked"))
    case "InvalidRequests":
    default:
      return about(
        Effect.logWarning(
          event.level === "half"
            ? "Half of the invalid-request budget is used; requests are slowed down"
            : "The invalid-request budget is used up; all requests fail until it recovers",
        ),
      )
  }
}

function annotationsOf(event: LimiterEvent): Readonly<Record<string, unknown>> {
  const all = { [annotationNames.route]: event.route, ...eventAnnotations(event) }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function eventAnnotations(event: LimiterEvent): Readonly<Record<string, unknown>> {
  switch (event._tag) {
    case "Limit":
      return {
        [annotationNames.bucket]: event.bucket,
        [annotationNames.limit]: event.limit,
        [annotationNames.period]: event.period,
        [annotationNames.before]: event.before,
      }
    case "HiddenLimit":
      return {
        [annotationNames.bucket]: event.bucket,
        [annotationNames.strategy]: event.strategy,
        [annotationNames.hiddenLimit]: event.limit,
        [annotationNames.hiddenPeriod]: event.period,
      }
    case "Blocked":
      return { [annotationNames.scope]: event.scope, [annotationNames.retryAfter]: event.delay }
    case "InvalidRequests":
    default:
      return {
        [annotationNames.invalidRequests]: event.used,
        [annotationNames.invalidRequestLimit]: event.limit,
      }
  }
}

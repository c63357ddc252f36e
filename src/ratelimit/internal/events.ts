/**
 * What is worth a line in the log: each thing once, however many webhooks and answers say it. The
 * machine tells it; whoever has a fiber writes it down.
 */
import type { HostScope } from "./globalLimiter.js"
import * as Effect from "effect/Effect"

/** Something new, with the route whose answer told it. Times are milliseconds. */
export type LimiterEvent =
  /** The visible limit of a bucket; `before` when it was another one. */
  | {
      readonly _tag: "Limit"
      readonly route: string
      readonly bucket: string
      readonly limit: number
      readonly period: number | undefined
      readonly before: number | undefined
    }
  /** A limit behind the visible one that a strategy now believes in. */
  | {
      readonly _tag: "HiddenLimit"
      readonly route: string
      readonly bucket: string
      readonly strategy: string
      readonly limit: number
      readonly period: number | undefined
    }
  /** Nothing goes any more, on any webhook. */
  | {
      readonly _tag: "Blocked"
      readonly route: string
      readonly scope: HostScope
      readonly delay: number
    }
  /** So many requests were refused that the others are spaced, or fail. */
  | {
      readonly _tag: "InvalidRequests"
      readonly route: string
      readonly level: "half" | "spent"
      readonly used: number
      readonly limit: number
    }

/** Takes what is told. */
export type OnEvent = (notice: LimiterEvent) => void

/** Buckets and routes remembered; a name that changes with every answer must not fill the memory. */
const maxRemembered = 128

export class LimiterEvents {
  readonly #emit: OnEvent
  readonly #limits = new Map<string, number>()
  readonly #hidden = new Map<string, string>()
  #budget: "ample" | "half" | "spent" = "ample"

  constructor(tell: OnEvent) {
    this.#emit = tell
  }

  /** An answer has named this limit, where another or none was known on the webhook. */
  onLimit(route: string, bucket: string, onLimit: number, period: number | undefined): void {
    const before = this.#limits.get(bucket) ?? this.#limits.get(route)
    rememberLatest(this.#limits, bucket, onLimit)
    rememberLatest(this.#limits, route, onLimit)
    if (before !== onLimit)
      this.#emit({ _tag: "Limit", route, bucket, limit: onLimit, period, before })
  }

  /** A strategy believes in this one after a 429. */
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
    const said = `${limit} in ${Math.round((period ?? 0) / 1000)} s`
    const keys = [`${strategy} ${bucket}`, `${strategy} ${route}`] as const
    const before = this.#hidden.get(keys[0]) ?? this.#hidden.get(keys[1])
    for (const key of keys) rememberLatest(this.#hidden, key, said)
    if (before === said) return
    this.#emit({ _tag: "HiddenLimit", route, bucket, strategy, limit, period })
  }

  onBlocked(route: string, scope: HostScope, delay: number): void {
    this.#emit({ _tag: "Blocked", route, scope, delay })
  }

  /** A request more was refused. Told again when it was down to a quarter of the limit in between. */
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

/** Writes down what is new, and empties the list. */
export function writeLog(news: Array<LimiterEvent>): Effect.Effect<void> {
  return Effect.forEach(news.splice(0), logEvent, { discard: true })
}

/** A limit that is just as it was announced is no news for people; every first answer names one. */
function logEvent(notice: LimiterEvent): Effect.Effect<void> {
  const about = Effect.annotateLogs(annotationsOf(notice))
  switch (notice._tag) {
    case "Limit":
      return about(
        notice.before === undefined
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
          notice.level === "half"
            ? "Half of the invalid-request budget is used; requests are slowed down"
            : "The invalid-request budget is used up; all requests fail until it recovers",
        ),
      )
  }
}

function annotationsOf(notice: LimiterEvent): Readonly<Record<string, unknown>> {
  const all = { [annotationNames.route]: notice.route, ...eventAnnotations(notice) }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function eventAnnotations(notice: LimiterEvent): Readonly<Record<string, unknown>> {
  switch (notice._tag) {
    case "Limit":
      return {
        [annotationNames.bucket]: notice.bucket,
        [annotationNames.limit]: notice.limit,
        [annotationNames.period]: notice.period,
        [annotationNames.before]: notice.before,
      }
    case "HiddenLimit":
      return {
        [annotationNames.bucket]: notice.bucket,
        [annotationNames.strategy]: notice.strategy,
        [annotationNames.hiddenLimit]: notice.limit,
        [annotationNames.hiddenPeriod]: notice.period,
      }
    case "Blocked":
      return { [annotationNames.scope]: notice.scope, [annotationNames.retryAfter]: notice.delay }
    case "InvalidRequests":
    default:
      return {
        [annotationNames.invalidRequests]: notice.used,
        [annotationNames.invalidRequestLimit]: notice.limit,
      }
  }
}

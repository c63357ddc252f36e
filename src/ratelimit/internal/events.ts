/**
 * Events for the log, each once for all webhooks and responses. The state machine emits them, and the
 * fiber that caused them logs them.
 */
import type { ProcessScope } from "./globalLimiter.js"
import * as Effect from "effect/Effect"
import { rememberLatest } from "../../model/rememberLatest.js"

/**
 * An event, with the route of the response that caused it. The other fields are attributes of its log, whose
 * names follow from them (`annotationsOf`).
 */
export type LimiterEvent =
  /** The limit of a bucket; `previousLimit` if it has changed. */
  | {
      readonly _tag: "Limit"
      readonly route: string
      readonly bucket: string
      readonly limit: number
      readonly periodMs: number | undefined
      readonly previousLimit: number | undefined
    }
  /** A hidden limit that a strategy has detected. */
  | {
      readonly _tag: "HiddenLimit"
      readonly route: string
      readonly bucket: string
      readonly strategy: string
      readonly hiddenLimit: number
      readonly hiddenPeriodMs: number | undefined
    }
  /** All requests of the process are blocked. */
  | {
      readonly _tag: "Blocked"
      readonly route: string
      readonly scope: ProcessScope
      readonly retryAfterMs: number
    }
  /** Many requests were invalid, so that further ones are spaced, or fail. */
  | {
      readonly _tag: "InvalidRequests"
      readonly route: string
      readonly invalidRequests: number
      readonly invalidRequestLimit: number
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
  onLimit(route: string, bucket: string, limit: number, periodMs: number | undefined): void {
    const previousLimit = replaceLatest(this.#limits, bucket, route, limit)
    if (previousLimit !== limit)
      this.#emit({ _tag: "Limit", route, bucket, limit, periodMs, previousLimit })
  }

  /** Called with the hidden limit that a strategy assumes after a 429. */
  onHiddenLimit(
    route: string,
    bucket: string,
    strategy: string,
    hiddenLimit: number,
    hiddenPeriodMs: number | undefined,
  ): void {
    const text = `${hiddenLimit} in ${Math.round((hiddenPeriodMs ?? 0) / 1000)} s`
    const before = replaceLatest(
      this.#hidden,
      `${strategy} ${bucket}`,
      `${strategy} ${route}`,
      text,
    )
    if (before === text) return
    this.#emit({ _tag: "HiddenLimit", route, bucket, strategy, hiddenLimit, hiddenPeriodMs })
  }

  onBlocked(route: string, scope: ProcessScope, retryAfterMs: number): void {
    this.#emit({ _tag: "Blocked", route, scope, retryAfterMs })
  }

  /** Called for each invalid request. Emits again after the count was below a quarter of the limit. */
  onInvalidRequest(route: string, used: number, limit: number): void {
    if (used < limit / 4) this.#budget = "ample"
    const isHalf = used >= limit / 2 && this.#budget === "ample"
    const level = used >= limit ? "spent" : isHalf ? "half" : this.#budget
    if (level === this.#budget || level === "ample") return
    this.#budget = level
    this.#emit({
      _tag: "InvalidRequests",
      route,
      invalidRequests: used,
      invalidRequestLimit: limit,
    })
  }
}

/** Sets the value of a bucket and its route, and returns the one before. */
function replaceLatest<A>(
  known: Map<string, A>,
  bucket: string,
  route: string,
  value: A,
): A | undefined {
  const before = known.get(bucket) ?? known.get(route)
  rememberLatest(known, bucket, value, maxRemembered)
  rememberLatest(known, route, value, maxRemembered)
  return before
}

/** Logs the events and empties the list. */
export function writeLog(events: Array<LimiterEvent>): Effect.Effect<void> {
  return Effect.forEach(events.splice(0), logEvent, { discard: true })
}

/** A first limit is logged at debug level, since the first response of every bucket has one. */
function logEvent(event: LimiterEvent): Effect.Effect<void> {
  const annotate = Effect.annotateLogs(annotationsOf(event))
  switch (event._tag) {
    case "Limit":
      return annotate(
        event.previousLimit === undefined
          ? Effect.logDebug("Rate limit discovered")
          : Effect.logInfo("Rate limit changed"),
      )
    case "HiddenLimit":
      return annotate(Effect.logInfo("Hidden rate limit detected"))
    case "Blocked":
      return annotate(Effect.logWarning("All requests are blocked"))
    case "InvalidRequests":
    default:
      return annotate(
        Effect.logWarning(
          event.invalidRequests < event.invalidRequestLimit
            ? "Half of the invalid-request budget is used; requests are slowed down"
            : "The invalid-request budget is used up; all requests fail until it recovers",
        ),
      )
  }
}

/** `retryAfterMs` is `discord.rate_limit.retry_after_ms`; a field without a value is left out. */
function annotationsOf(event: LimiterEvent): Readonly<Record<string, unknown>> {
  const { _tag: _, route, ...fields } = event
  const annotations: Record<string, unknown> = { "discord.route": route }
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue
    annotations[`discord.rate_limit.${field.replace(/[A-Z]/g, "_$&").toLowerCase()}`] = value
  }
  return annotations
}

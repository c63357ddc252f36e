/** News as structured logs, with the names that the pipeline's logs and spans have. */
import * as Effect from "effect/Effect"
import type { Notice } from "./news.js"

const names = {
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
export function write(news: Array<Notice>): Effect.Effect<void> {
  return Effect.forEach(news.splice(0), line, { discard: true })
}

/** A limit that is just as it was announced is no news for people; every first answer names one. */
function line(notice: Notice): Effect.Effect<void> {
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
    case "Closed":
      return about(Effect.logWarning("All requests are blocked"))
    case "Budget":
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

function annotationsOf(notice: Notice): Readonly<Record<string, unknown>> {
  const all = { [names.route]: notice.route, ...particulars(notice) }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function particulars(notice: Notice): Readonly<Record<string, unknown>> {
  switch (notice._tag) {
    case "Limit":
      return {
        [names.bucket]: notice.bucket,
        [names.limit]: notice.limit,
        [names.period]: notice.period,
        [names.before]: notice.before,
      }
    case "HiddenLimit":
      return {
        [names.bucket]: notice.bucket,
        [names.strategy]: notice.strategy,
        [names.hiddenLimit]: notice.limit,
        [names.hiddenPeriod]: notice.period,
      }
    case "Closed":
      return { [names.scope]: notice.scope, [names.retryAfter]: notice.delay }
    case "Budget":
    default:
      return {
        [names.invalidRequests]: notice.used,
        [names.invalidRequestLimit]: notice.limit,
      }
  }
}

/**
 * Metrics of the limiter by route template and strategy; not by webhook or token, so that their number
 * stays small. Read them with `Metric.snapshot` or export them with
 * OpenTelemetry.
 *
 * @since 0.1.0
 * @module
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"

/**
 * The labels of every metric here; `scope` only of `limited`.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const ofAdaptive = Metric.tagged(
 *   RateLimitMetrics.requests,
 *   RateLimitMetrics.labels.strategy,
 *   "adaptive",
 * )
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const labels = {
  route: "discord.route",
  strategy: "discord.rate_limit.strategy",
  scope: "discord.rate_limit.scope",
} as const

/**
 * Attempts with a permit.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.requests)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const requests = Metric.counter("discord.rate_limit.requests", {
  description: "Attempts that got a permit",
  incremental: true,
})

/**
 * Attempts that waited for a permit.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.waits)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const waits = Metric.counter("discord.rate_limit.waits", {
  description: "Attempts that had to wait for a permit",
  incremental: true,
})

/**
 * Wait for a permit in seconds, with buckets from 5 ms to 5 minutes.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.waitDuration)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const waitDuration: Metric.Metric.Histogram<number> = Metric.fromMetricKey(
  MetricKey.tagged(
    MetricKey.histogram(
      "discord.rate_limit.wait.duration",
      MetricBoundaries.fromIterable([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
      ]),
      "Time waited for a permit",
    ),
    "unit",
    "s",
  ),
)

/**
 * 429 responses by scope: `user`, `shared`, `global`, `edge` or `proxy`.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.limited)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const limited = Metric.counter("discord.rate_limit.limited", {
  description: "429 responses",
  incremental: true,
})

/**
 * Attempts after the first, after a 429 or a failure.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.retries)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("discord.rate_limit.retries", {
  description: "Attempts after the first",
  incremental: true,
})

/**
 * Slots that were unused at a reset although requests waited for them: the cost of caution.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.unusedSlots)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const unusedSlots = Metric.counter("discord.rate_limit.unused_slots", {
  description: "Slots unused at a reset while requests waited",
  incremental: true,
})

/**
 * Requests that currently wait for a permit.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.queueDepth)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const queueDepth = Metric.gauge("discord.rate_limit.queue.depth", {
  description: "Requests that wait for a permit",
})

/**
 * Discord's limit: requests in a window. Like all gauges of learned values, it has the value of the
 * bucket of the last response, since one gauge per webhook would be too many.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.limit)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const limit = Metric.gauge("discord.rate_limit.limit", {
  description: "Requests in a window",
})

/**
 * The longest observed time to a reset under that limit, in seconds: about its window.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.period)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const period = inSeconds("discord.rate_limit.period", "Length of the window")

/**
 * Requests in a `hiddenPeriod` under a hidden limit that the strategy assumes; 0 once it no longer
 * does.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.hiddenLimit)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const hiddenLimit = Metric.gauge("discord.rate_limit.hidden.limit", {
  description: "Requests in a hidden window",
})

/**
 * The length of a hidden limit's window, in seconds.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.hiddenPeriod)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const hiddenPeriod = inSeconds(
  "discord.rate_limit.hidden.period",
  "Length of the hidden window",
)

/**
 * Slots per second that other clients of the same webhook use, as the strategy estimates.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.othersRate)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const othersRate = Metric.gauge("discord.rate_limit.others.rate", {
  description: "Slots that other clients take per second",
})

/**
 * The delay that the strategy adds at resets, in seconds, because requests arrived too early.
 *
 * @example
 * ```ts
 * import { RateLimitMetrics } from "effect-discord"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RateLimitMetrics.caution)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const caution = inSeconds(
  "discord.rate_limit.caution",
  "Time added at resets after early requests",
)

function inSeconds(name: string, description: string): Metric.Metric.Gauge<number> {
  return Metric.fromMetricKey(MetricKey.tagged(MetricKey.gauge(name, { description }), "unit", "s"))
}

/**
 * What the limiter did, as Effect metrics, by route template and strategy; never by webhook or
 * token, so their number stays small. Read them with `Metric.snapshot` or export them with
 * OpenTelemetry.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/**
 * The labels of every metric here; `scope` only of `limited`.
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
 * Attempts that got a permit.
 *
 * @since 0.1.0
 * @category metrics
 */
export const requests = Metric.counter("discord.rate_limit.requests", {
  description: "Attempts that got a permit",
  incremental: true,
})

/**
 * Of these, attempts that had to wait for it.
 *
 * @since 0.1.0
 * @category metrics
 */
export const waits = Metric.counter("discord.rate_limit.waits", {
  description: "Attempts that had to wait for a permit",
  incremental: true,
})

/**
 * How long they waited, in seconds: from 5 ms to 5 minutes.
 *
 * @since 0.1.0
 * @category metrics
 */
export const waitDuration = Metric.tagged(
  Metric.histogram(
    "discord.rate_limit.wait.duration",
    MetricBoundaries.fromIterable([
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
    ]),
    "Time waited for a permit",
  ),
  "unit",
  "s",
)

/**
 * Answers 429, by scope: `user`, `shared`, `global` or `edge`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const limited = Metric.counter("discord.rate_limit.limited", {
  description: "Answers 429",
  incremental: true,
})

/**
 * Attempts after the first, after a 429 or a failure.
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("discord.rate_limit.retries", {
  description: "Attempts after the first",
  incremental: true,
})

/**
 * Slots that a reset found unused although requests waited for them: what caution has cost.
 *
 * @since 0.1.0
 * @category metrics
 */
export const unusedSlots = Metric.counter("discord.rate_limit.unused_slots", {
  description: "Slots unused at a reset while requests waited",
  incremental: true,
})

/**
 * Requests that wait for a permit now.
 *
 * @since 0.1.0
 * @category metrics
 */
export const queueDepth = Metric.gauge("discord.rate_limit.queue.depth", {
  description: "Requests that wait for a permit",
})

/**
 * Metrics of the outbox. They have no label with a webhook, so that their number stays small.
 *
 * @since 0.1.0
 * @module
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

const name = (suffix: string) => `discord.outbox.${suffix}`

/**
 * Entries that were sent.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.sent)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const sent = Metric.counter(name("sent"), {
  description: "Entries that were sent",
  incremental: true,
})

/**
 * Time from accepting an entry to recording that it was sent, in seconds.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.delay)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const delay = Metric.histogram(
  name("delay"),
  MetricBoundaries.exponential({ start: 0.01, factor: 4, count: 10 }),
  "Seconds from accepting an entry to recording that it was sent",
)

/**
 * Entries that became dead, by the label `discord.outbox.reason`: see `OutboxError.DeadReason`.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.dead)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const dead = Metric.counter(name("dead"), {
  description: "Entries that became dead",
  incremental: true,
})

/**
 * Attempts after which an entry became ready again.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.retries)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter(name("retries"), {
  description: "Attempts after which an entry became ready again",
  incremental: true,
})

/**
 * Requests whose effect is not known.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.doubts)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const doubts = Metric.counter(name("in_doubt"), {
  description: "Requests whose effect is not known",
  incremental: true,
})

/**
 * Queues whose lease was lost while this worker sent their entries.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.leasesLost)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const leasesLost = Metric.counter(name("leases_lost"), {
  description: "Queues whose lease was lost",
  incremental: true,
})

/**
 * Entries by state, with the label `discord.outbox.state`.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.entries)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const entries = Metric.gauge(name("entries"), { description: "Entries by state" })

/**
 * The age of the oldest pending entry in seconds; 0 if none is pending.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.oldest)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const oldest = Metric.gauge(name("oldest"), {
  description: "Age of the oldest pending entry in seconds",
})

/**
 * Queues that this worker owns.
 *
 * @example
 * ```ts
 * import { OutboxMetrics } from "effect-discord/outbox"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(OutboxMetrics.owned)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const owned = Metric.gauge(name("owned"), {
  description: "Queues that this worker owns",
})

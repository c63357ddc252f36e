/**
 * Metrics of the outbox. They have no label with a webhook, so that their number stays small.
 *
 * @since 0.1.0
 * @module
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import type { EntryError } from "./entry.js"
import type { StoreStats } from "./store.js"

const name = (suffix: string) => `discord.outbox.${suffix}`

/**
 * Entries that were sent.
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
 * @since 0.1.0
 * @category metrics
 */
export const delay = Metric.histogram(
  name("delay"),
  MetricBoundaries.exponential({ start: 0.01, factor: 4, count: 10 }),
  "Seconds from accepting an entry to recording that it was sent",
)

/**
 * Entries that became dead, with the label `discord.outbox.reason`.
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
 * @since 0.1.0
 * @category metrics
 */
export const entries = Metric.gauge(name("entries"), { description: "Entries by state" })

/**
 * The age of the oldest pending entry in seconds; 0 if none is pending.
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
 * @since 0.1.0
 * @category metrics
 */
export const owned = Metric.gauge(name("owned"), {
  description: "Queues that this worker owns",
})

/** Counts one sent entry. */
export const recordSent = (delayMillis: number): Effect.Effect<void> =>
  Effect.zipRight(Metric.increment(sent), Metric.update(delay, delayMillis / 1000))

/** Counts dead entries. */
export const recordDead = (reason: EntryError["reason"], count: number): Effect.Effect<void> =>
  Metric.incrementBy(Metric.tagged(dead, name("reason"), reason), count)

export const retried: Effect.Effect<void> = Metric.increment(retries)

export const inDoubt: Effect.Effect<void> = Metric.increment(doubts)

/** Updates the gauges. */
export const recordStats = (
  stats: StoreStats,
  now: number,
  ownedQueues: number,
): Effect.Effect<void> =>
  Effect.all(
    [
      Effect.forEach(
        ["ready", "sending", "sent", "dead"] as const,
        (state) => Metric.set(Metric.tagged(entries, name("state"), state), stats[state]),
        { discard: true },
      ),
      Metric.set(
        oldest,
        stats.oldestAt === undefined ? 0 : Math.max(0, now - stats.oldestAt) / 1000,
      ),
      Metric.set(owned, ownedQueues),
    ],
    { discard: true },
  )

/** Updates the metrics of the outbox. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { EntryError } from "./entry.js"
import * as OutboxMetrics from "./OutboxMetrics.js"
import type { StoreStats } from "./store.js"

/** Counts one sent entry. */
export const recordSent = (delayMillis: number): Effect.Effect<void> =>
  Effect.zipRight(
    Metric.increment(OutboxMetrics.sent),
    Metric.update(OutboxMetrics.delay, delayMillis / 1000),
  )

/** Counts dead entries. */
export const recordDead = (reason: EntryError["reason"], count: number): Effect.Effect<void> =>
  Metric.incrementBy(Metric.tagged(OutboxMetrics.dead, "discord.outbox.reason", reason), count)

export const retried: Effect.Effect<void> = Metric.increment(OutboxMetrics.retries)

export const inDoubt: Effect.Effect<void> = Metric.increment(OutboxMetrics.doubts)

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
        (state) =>
          Metric.set(
            Metric.tagged(OutboxMetrics.entries, "discord.outbox.state", state),
            stats[state],
          ),
        { discard: true },
      ),
      Metric.set(
        OutboxMetrics.oldest,
        stats.oldestAt === undefined ? 0 : Math.max(0, now - stats.oldestAt) / 1000,
      ),
      Metric.set(OutboxMetrics.owned, ownedQueues),
    ],
    { discard: true },
  )

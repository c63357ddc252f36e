/**
 * Metrics of limits that are shared through Redis. They have no label with a webhook, so that their number stays
 * small.
 *
 * @since 0.1.0
 * @module
 */
import * as Metric from "effect/Metric"

/**
 * The label of `calls` and `failedCalls`: the name of the script.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const joins = Metric.tagged(RedisMetrics.calls, RedisMetrics.labels.call, "join")
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const labels = { call: "discord.redis.call" } as const

/**
 * Calls of scripts, by the label `discord.redis.call`.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.calls)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const calls = Metric.counter("discord.redis.calls", {
  description: "Calls of scripts",
  incremental: true,
})

/**
 * Those that failed, by the same label.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.failedCalls)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const failedCalls = Metric.counter("discord.redis.failed_calls", {
  description: "Calls of scripts that failed",
  incremental: true,
})

/**
 * Turns of webhooks and channels that this process got.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.turnsTaken)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const turnsTaken = Metric.counter("discord.redis.turns.taken", {
  description: "Turns that this process got",
  incremental: true,
})

/**
 * Those of them whose process before was dead: each costs the lease, and a window.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.turnsTakenOver)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const turnsTakenOver = Metric.counter("discord.redis.turns.taken_over", {
  description: "Turns of dead processes",
  incremental: true,
})

/**
 * Turns that this process gave to another one, or gave up.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.turnsPassed)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const turnsPassed = Metric.counter("discord.redis.turns.passed", {
  description: "Turns that this process gave to another",
  incremental: true,
})

/**
 * 1 while Redis is available, 0 while it is not: requests wait, or go on by the limits of the process after
 * `fallbackAfter`.
 *
 * @example
 * ```ts
 * import { RedisMetrics } from "effect-discord/redis"
 * import { Metric } from "effect"
 *
 * const state = Metric.value(RedisMetrics.available)
 * ```
 *
 * @since 0.1.0
 * @category metrics
 */
export const available = Metric.gauge("discord.redis.available", {
  description: "1 while Redis is available, else 0",
})

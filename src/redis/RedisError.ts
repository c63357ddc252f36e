/**
 * The error of Redis.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

/**
 * Why Redis failed.
 *
 * - `unavailable`: it cannot be reached, or does not serve at the moment (it starts, or is out of memory)
 * - `denied`: the password or the user is wrong, or may not run a command
 * - `rejected`: this command only failed, for example because its key has a value of another program
 * - `invalid`: the address is none of Redis, or that of one node of a cluster, or its database does not exist
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import type { RedisError } from "effect-discord/redis"
 *
 * const explain = (reason: RedisError.Reason) =>
 *   reason === "denied" ? Effect.logError("check the password") : Effect.void
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Reason = Schema.Literal("unavailable", "denied", "rejected", "invalid")
/**
 * @since 0.1.0
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * A command of Redis failed. It may have been executed.
 *
 * @example
 * ```ts
 * import { RedisConnection } from "effect-discord/redis"
 * import { Layer, Schedule } from "effect"
 *
 * // Waits for Redis at the start of the program.
 * const patient = Layer.retry(
 *   RedisConnection.layer("redis://localhost:6379"),
 *   Schedule.spaced("1 second"),
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordRedisError extends Schema.TaggedError<DiscordRedisError>()(
  "DiscordRedisError",
  {
    reason: Reason,
    /** What is wrong, in plain words or in those of Redis. It contains no password. */
    detail: Schema.String,
  },
) {
  override get message(): string {
    return `Redis (${this.reason}): ${this.detail}`
  }
}

/**
 * A rate limiter whose limits several processes share through Redis or Valkey.
 *
 * @since 0.1.0
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import { make } from "../ratelimit/distributed/limiter.js"
import { RateLimiter, type Options as LimiterOptions } from "../ratelimit/RateLimiter.js"
import { checked } from "../ratelimit/settings.js"
import { RedisConnection } from "./RedisConnection.js"
import { DiscordRedisError } from "./RedisError.js"
import { makeRedisStore } from "./redisStore.js"

const defaultLease = Duration.seconds(15)

/**
 * Options of a limiter that shares its limits.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends LimiterOptions {
  /** The beginning of all keys; processes with the same prefix share limits. Default: `discord`. */
  readonly prefix?: string | undefined
  /**
   * A name for the IP address of this process. Processes with the same name share the global limit, blocks of
   * all requests and the invalid-request limit, because Discord counts them by address. Default: each process
   * has its own; then divide `globalLimit` by the number of processes on one address.
   */
  readonly address?: string | undefined
  /**
   * How long Redis may be away until requests are sent by the limits of this process alone. Responses 429 are
   * then possible. Default: requests wait for Redis.
   */
  readonly fallbackAfter?: Duration.DurationInput | undefined
  /**
   * How long Redis may be away until waiting requests fail with `DiscordRateLimiterUnavailable`. Default: they
   * wait for Redis.
   */
  readonly failAfter?: Duration.DurationInput | undefined
  /**
   * How long a process may show no sign of life until others go on without it. Default: 15 seconds. Shorter
   * than a pause of the process, it costs time, but neither order nor limits.
   */
  readonly lease?: Duration.DurationInput | undefined
}

/**
 * A limiter whose limits several processes share. It has the interface of the limiter in memory, so a program
 * changes one layer.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 * import { RedisConnection, RedisRateLimiter } from "effect-discord/redis"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { Config, Layer } from "effect"
 *
 * const discord = Layer.mergeAll(
 *   FetchHttpClient.layer,
 *   Strategy.layerAdaptive,
 *   RedisRateLimiter.layer({ prefix: "alerts" }).pipe(
 *     Layer.provide(RedisConnection.layerConfig(Config.redacted("REDIS_URL"))),
 *   ),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {},
): Layer.Layer<RateLimiter, DiscordInvalidOption | DiscordRedisError, RedisConnection> =>
  Layer.scoped(
    RateLimiter,
    Effect.gen(function* () {
      const {
        address,
        failAfter,
        fallbackAfter,
        lease = defaultLease,
        prefix = "discord",
        ...rest
      } = options
      const settings = yield* checked(rest, false)
      const redis = yield* RedisConnection
      const never = Duration.infinity
      return yield* make(makeRedisStore(redis, prefix), {
        ...settings,
        address,
        lease: Duration.toMillis(lease),
        fallbackAfter: Duration.toMillis(fallbackAfter ?? never),
        failAfter: Duration.toMillis(failAfter ?? never),
      }).pipe(
        Effect.catchTag("StoreError", ({ detail }) =>
          Effect.fail(new DiscordRedisError({ reason: "unavailable", detail })),
        ),
      )
    }),
  )

/**
 * A rate limiter whose limits several processes share through Redis or Valkey.
 *
 * @since 0.1.0
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import { make, type Observer } from "../ratelimit/distributed/limiter.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import * as metrics from "./RedisMetrics.js"
import { checkOptions, type Options } from "./options.js"
import { RedisConnection } from "./RedisConnection.js"
import { DiscordRedisError } from "./RedisError.js"
import { makeRedisStore } from "./redisStore.js"

export type { Options } from "./options.js"

const observer: Observer = {
  onTurn: ({ isStateOutdated }) => {
    metrics.turnsTaken.unsafeUpdate(1, [])
    if (isStateOutdated) metrics.turnsTakenOver.unsafeUpdate(1, [])
  },
  onPass: () => metrics.turnsPassed.unsafeUpdate(1, []),
  onAvailable: (isAvailable) => metrics.available.unsafeUpdate(isAvailable ? 1 : 0, []),
}

/**
 * A limiter whose limits several processes share. It has the interface of the limiter in memory, so a program
 * changes one layer. An option out of range fails the layer with `DiscordInvalidOption`, which names it.
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
      const { prefix, ...settings } = yield* checkOptions(options)
      const redis = yield* RedisConnection
      return yield* make(makeRedisStore(redis, prefix), settings, observer).pipe(
        Effect.mapError(({ cause, detail }) =>
          cause instanceof DiscordRedisError
            ? cause
            : new DiscordRedisError({ reason: "unavailable", detail }),
        ),
      )
    }),
  )

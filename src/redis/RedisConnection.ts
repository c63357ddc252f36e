/**
 * The connection to Redis or Valkey: scripts, and messages to channels.
 *
 * @since 0.1.0
 * @module
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Cluster, Redis } from "ioredis"
import { connect, fromClient } from "./ioredis.js"
import type { DiscordRedisError } from "./RedisError.js"
import type { Service } from "./service.js"

export type { Event, Service } from "./service.js"

/**
 * The connection to Redis or Valkey.
 *
 * @example
 * ```ts
 * import { RedisConnection } from "effect-discord/redis"
 * import { Effect } from "effect"
 *
 * const ping = Effect.flatMap(RedisConnection.RedisConnection, (redis) =>
 *   redis.eval("return redis.call('PING')", [], []),
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class RedisConnection extends Context.Tag("effect-discord/RedisConnection")<
  RedisConnection,
  Service
>() {}

/**
 * Connects with `ioredis`; fails with `DiscordRedisError` if Redis cannot be reached. Afterwards it reconnects
 * for as long as the scope is open, and a command fails at once while there is no connection.
 *
 * The address is `redis://user:password@host:6379/0`, `rediss://` for TLS, or the path of a socket. Special
 * characters in a password are percent-encoded.
 *
 * @example
 * ```ts
 * import { RedisConnection } from "effect-discord/redis"
 *
 * const RedisLive = RedisConnection.layer("redis://localhost:6379")
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  url: string | Redacted.Redacted,
): Layer.Layer<RedisConnection, DiscordRedisError> =>
  Layer.scoped(RedisConnection, connect(Redacted.isRedacted(url) ? Redacted.value(url) : url))

/**
 * `layer` with the address from the configuration.
 *
 * @example
 * ```ts
 * import { RedisConnection } from "effect-discord/redis"
 * import { Config } from "effect"
 *
 * const RedisLive = RedisConnection.layerConfig(Config.redacted("REDIS_URL"))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  url: Config.Config.Wrap<string | Redacted.Redacted>,
): Layer.Layer<RedisConnection, ConfigError.ConfigError | DiscordRedisError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(url), layer))

/**
 * Uses a client of `ioredis` that the program already has, also one of a cluster. The program closes it.
 * Messages come over a duplicate of it, which ends with the scope.
 *
 * @example
 * ```ts
 * import { RedisConnection } from "effect-discord/redis"
 * import { Redis } from "ioredis"
 *
 * const RedisLive = RedisConnection.layerClient(new Redis("redis://localhost:6379"))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (client: Redis | Cluster): Layer.Layer<RedisConnection> =>
  Layer.scoped(RedisConnection, fromClient(client))

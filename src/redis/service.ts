/** What the limiter needs of a connection to Redis. */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { DiscordRedisError } from "./RedisError.js"

/**
 * An event of a subscription. `Subscribed` comes again after each reconnection, because messages may have been
 * lost in the meantime.
 *
 * @since 0.1.0
 * @category models
 */
export type Event =
  | { readonly _tag: "Subscribed" }
  | { readonly _tag: "Message"; readonly message: string }

/**
 * What the rate limiter needs of Redis. Implement it for a client other than `ioredis`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Runs a Lua script. All keys of a call are in one hash slot, so that a cluster can run it. The result has numbers, texts,
   * `null` and lists of them.
   */
  readonly eval: (
    script: string,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<string>,
  ) => Effect.Effect<unknown, DiscordRedisError>
  /** Emits the messages of a channel. They come over another connection than that of `eval`. */
  readonly subscribe: (channel: string) => Stream.Stream<Event, DiscordRedisError>
}

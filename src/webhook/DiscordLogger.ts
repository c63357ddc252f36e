/**
 * A `Logger` that posts log entries to a webhook: several entries in a message, as fast as Discord
 * allows, without delaying the program.
 *
 * @since 0.1.0
 * @module
 */
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import type { Requirements } from "../rest/pipeline.js"
import { shutdownTimeout } from "./batchSender.js"
import type { Webhook } from "./credentials.js"
import { LogDelivery } from "./logDelivery.js"

/**
 * The options; each has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Minimum level. Default: warning. `Logger.minimumLogLevel`, info by default, applies to every
   * logger, including this one.
   */
  readonly level?: LogLevel.LogLevel | undefined
  /** How long an entry waits for others to share a message with. Default: 1 second. */
  readonly window?: Duration.DurationInput | undefined
  /**
   * Maximum number of waiting entries. Further entries are dropped, and the next message contains
   * their number. Default: 1000.
   */
  readonly capacity?: number | undefined
  /** Maximum time that a program that ends waits for the remaining entries. Default: 5 seconds. */
  readonly shutdownTimeout?: Duration.DurationInput | undefined
  /** Shown instead of the webhook's name. */
  readonly username?: string | undefined
  /** Shown instead of the webhook's avatar. */
  readonly avatarUrl?: string | undefined
}

const defaults = {
  level: LogLevel.Warning,
  window: Duration.seconds(1),
  capacity: 1000,
  shutdownTimeout,
}

/**
 * Adds the logger to the current ones. Each entry is an embed in the color of its level, with
 * message, cause, annotations, spans and fiber in code blocks; long ones are truncated. No one is
 * mentioned, and tokens of webhooks are redacted.
 *
 * Its own requests are not logged. If entries cannot be sent, it logs one warning to the other
 * loggers, and another one only after entries have been sent again. When the scope of the layer
 * closes, the waiting entries are sent within a timeout.
 *
 * @example
 * ```ts
 * import { DiscordLogger, Webhook } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Effect, Layer, LogLevel } from "effect"
 *
 * const alerts = Layer.unwrapEffect(
 *   Effect.map(Webhook.fromUrl("https://discord.com/api/webhooks/1234/abc-DEF_5"), (hook) =>
 *     DiscordLogger.layer(hook, { level: LogLevel.Error }),
 *   ),
 * ).pipe(Layer.provide(NodeDiscord.layer))
 *
 * const program = Effect.logError("the disk is full").pipe(Effect.provide(alerts))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  webhook: Webhook,
  options: Options = {},
): Layer.Layer<never, DiscordInvalidOption, Requirements> =>
  Layer.unwrapScoped(Effect.map(make(webhook, options), Logger.add))

/**
 * Like `layer`, with a webhook from the configuration.
 *
 * @example
 * ```ts
 * import { DiscordLogger, Webhook } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Layer } from "effect"
 *
 * const alerts = DiscordLogger.layerConfig(Webhook.config("ALERTS_WEBHOOK_URL")).pipe(
 *   Layer.provide(NodeDiscord.layer),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  webhook: Config.Config<Webhook>,
  options: Options = {},
): Layer.Layer<never, DiscordInvalidOption | ConfigError.ConfigError, Requirements> =>
  Layer.unwrapEffect(Effect.map(webhook, (hook) => layer(hook, options)))

function make(
  webhook: Webhook,
  options: Options,
): Effect.Effect<Logger.Logger<unknown, void>, DiscordInvalidOption, Requirements | Scope.Scope> {
  return Effect.gen(function* () {
    const { capacity, level, shutdownTimeout: limit, window } = withDefaults(options)
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      return yield* new DiscordInvalidOption({
        option: "DiscordLogger.capacity",
        expected: "a whole number of at least 1",
        actual: String(capacity),
      })
    }
    const { avatarUrl, username } = options
    const post = new LogDelivery(webhook, { capacity, window, avatarUrl, username })
    yield* Effect.acquireRelease(Effect.forkDaemon(Effect.interruptible(post.run)), (running) =>
      post.shutDown(running, limit),
    )
    return Logger.make((entry) => {
      if (LogLevel.greaterThanEqual(entry.logLevel, level)) post.accept(entry)
    })
  })
}

function withDefaults(options: Options) {
  return {
    level: options.level ?? defaults.level,
    window: Duration.decode(options.window ?? defaults.window),
    capacity: options.capacity ?? defaults.capacity,
    shutdownTimeout: Duration.decode(options.shutdownTimeout ?? defaults.shutdownTimeout),
  }
}

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
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import type { WebhookError } from "../error/WebhookError.js"
import * as AllowedMentions from "../model/AllowedMentions.js"
import type { EmbedCreate } from "../model/Embed.js"
import type { Requirements } from "../rest/pipeline.js"
import { BatchQueue } from "./batchQueue.js"
import {
  countMergeable,
  drain,
  isBatchFull,
  isDead,
  sendBatch,
  shutdownTimeout,
} from "./batchSender.js"
import type { BatchSender } from "./batchSender.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import { makeNotice, renderEntry } from "./logEntry.js"
import type { MissingEntries } from "./logEntry.js"

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

interface LogDeliveryOptions {
  readonly capacity: number
  readonly window: Duration.Duration
  readonly username: string | undefined
  readonly avatarUrl: string | undefined
}

const noMissingEntries: MissingEntries = { full: 0, failed: 0 }

/**
 * Sends the entries of one logger, and counts the missing ones. Every accepted entry arrives, or is
 * counted in a notice that arrives, or is counted when the program ends.
 */
class LogDelivery {
  readonly #queue: BatchQueue<MessageInput>
  readonly #sender: BatchSender<never, never>
  /** The fields of every message. */
  readonly #baseMessage: MessageInput
  /** Missing entries that no notice has reported. */
  #missing = noMissingEntries
  /** The counts of each notice, for notices that do not arrive. */
  readonly #noticeCounts = new WeakMap<EmbedCreate, MissingEntries>()
  /** The entries of the current batch that have neither arrived nor failed. */
  readonly #inFlight = new Set<EmbedCreate>()
  #error: WebhookError | undefined = undefined
  #isFailing = false
  #isDead = false

  constructor(webhook: Webhook, { avatarUrl, capacity, username, window }: LogDeliveryOptions) {
    this.#queue = new BatchQueue({ capacity, window, isFull: isBatchFull, batch: countMergeable })
    this.#sender = {
      operation: "DiscordLogger.layer",
      webhook,
      place: {},
      onError: (...failure) => this.#onError(...failure),
      onSent: (message) => this.#onSent(message),
    }
    this.#baseMessage = { username, avatarUrl, allowedMentions: AllowedMentions.none }
  }

  /** Never waits and never throws. */
  accept(entry: Logger.Logger.Options<unknown>): void {
    if (this.#isDead) return
    this.#queueNotice()
    if (this.#queue.hasRoom) this.#queue.tryAdd(this.#message(renderEntry(entry)))
    else this.#missing = addMissing(this.#missing, { full: 1, failed: 0 })
  }

  /** Sends entries until the queue is closed or the webhook is dead. */
  readonly run: Effect.Effect<void, never, Requirements> = Effect.gen(this, function* () {
    while (!this.#isDead) {
      const batch = yield* this.#queue.take
      if (batch.length === 0) break
      this.#queueNotice()
      yield* this.#send(batch)
    }
    const last = this.#isDead ? undefined : this.#takeNotice()
    if (last !== undefined) yield* this.#send([last])
  })

  /** Waits up to `limit` until the remaining entries are sent, and logs how many were not. */
  shutDown(running: Fiber.Fiber<void>, limit: Duration.Duration): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      yield* drain(this.#queue, running, limit)
      this.#countMissing([...this.#inFlight, ...this.#queue.discard().flatMap(getEmbeds)])
      const missing = this.#missing.full + this.#missing.failed
      if (missing === 0 || this.#isDead) return
      yield* Effect.logWarning(`DiscordLogger: ${missing} log entries were not sent before the end`)
    })
  }

  /** Requests are not logged; failures are logged once. */
  #send(batch: ReadonlyArray<MessageInput>): Effect.Effect<void, never, Requirements> {
    return Effect.gen(this, function* () {
      for (const embed of batch.flatMap(getEmbeds)) this.#inFlight.add(embed)
      const arrived = yield* Logger.withMinimumLogLevel(
        sendBatch(this.#sender, batch),
        LogLevel.None,
      )
      const error = this.#error
      this.#error = undefined
      if (arrived > 0) this.#isFailing = false
      if (error !== undefined) yield* this.#warn(error)
    })
  }

  #onError(error: WebhookError, message: MessageInput): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#error = error
      this.#countMissing(getEmbeds(message))
      if (!isDead(error)) return
      this.#isDead = true
      this.#queue.discard()
    })
  }

  #onSent(message: MessageInput): void {
    for (const embed of getEmbeds(message)) this.#inFlight.delete(embed)
  }

  #countMissing(embeds: ReadonlyArray<EmbedCreate>): void {
    for (const embed of embeds) {
      this.#inFlight.delete(embed)
      this.#missing = addMissing(
        this.#missing,
        this.#noticeCounts.get(embed) ?? { full: 0, failed: 1 },
      )
    }
  }

  #warn(error: WebhookError): Effect.Effect<void> {
    if (this.#isDead) {
      return Effect.logWarning(`No further log entries are sent: ${error.message}`)
    }
    if (this.#isFailing) return Effect.void
    this.#isFailing = true
    return Effect.logWarning(`Log entries cannot be sent now: ${error.message}`)
  }

  /** As soon as there is space, so that the notice stands in place of the missing entries. */
  #queueNotice(): void {
    if (!this.#queue.hasRoom) return
    const message = this.#takeNotice()
    if (message !== undefined) this.#queue.tryAdd(message)
  }

  #takeNotice(): MessageInput | undefined {
    if (this.#missing.full + this.#missing.failed === 0) return undefined
    const embed = makeNotice(this.#missing)
    this.#noticeCounts.set(embed, this.#missing)
    this.#missing = noMissingEntries
    return this.#message(embed)
  }

  #message(embed: EmbedCreate): MessageInput {
    return { ...this.#baseMessage, embeds: [embed] }
  }
}

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

function getEmbeds({ embeds = [] }: MessageInput): ReadonlyArray<EmbedCreate> {
  return embeds
}

function addMissing(one: MissingEntries, other: MissingEntries): MissingEntries {
  return { full: one.full + other.full, failed: one.failed + other.failed }
}

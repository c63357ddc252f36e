/**
 * The entries of one logger on their way to Discord, and the count of those that are missing there.
 * Every entry that was accepted arrives, or is counted in a notice that arrives, or is counted when
 * the program ends.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { WebhookError } from "../error/WebhookError.js"
import * as AllowedMentions from "../model/AllowedMentions.js"
import type { EmbedCreate } from "../model/Embed.js"
import type { Requirements } from "../rest/pipeline.js"
import { Outbox } from "./batchQueue.js"
import { carryBatch, finish, isDead, isFull, together } from "./batchSender.js"
import type { Courier } from "./batchSender.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import { notice, render } from "./logEntry.js"
import type { Lost } from "./logEntry.js"

interface Settings {
  readonly capacity: number
  readonly window: Duration.Duration
  readonly username: string | undefined
  readonly avatarUrl: string | undefined
}

const none: Lost = { full: 0, failed: 0 }

export class LogPost {
  readonly #outbox: Outbox<MessageInput>
  readonly #courier: Courier<never, never>
  /** How each message looks. */
  readonly #look: MessageInput
  /** Missing, and not told of yet. */
  #lost = none
  /** What each notice tells: one that does not arrive has to be told anew. */
  readonly #told = new WeakMap<EmbedCreate, Lost>()
  /** Of the batch that is on its way: what has neither arrived nor failed, and why something has. */
  readonly #onTheirWay = new Set<EmbedCreate>()
  #error: WebhookError | undefined = undefined
  #isFailing = false
  #isDead = false

  constructor(webhook: Webhook, { avatarUrl, capacity, username, window }: Settings) {
    this.#outbox = new Outbox({ capacity, window, isFull, batch: together })
    this.#courier = {
      operation: "DiscordLogger.layer",
      webhook,
      place: {},
      onError: (...failure) => this.#failed(...failure),
      onArrived: (message) => this.#arrived(message),
    }
    this.#look = { username, avatarUrl, allowedMentions: AllowedMentions.none }
  }

  /** Never waits and never throws: the program goes on. */
  accept(entry: Logger.Logger.Options<unknown>): void {
    if (this.#isDead) return
    this.#tell()
    if (this.#outbox.hasRoom) this.#outbox.tryAdd(this.#message(render(entry)))
    else this.#lost = sum(this.#lost, { full: 1, failed: 0 })
  }

  /** Sends what comes, until the end or until the webhook is dead. */
  readonly run: Effect.Effect<void, never, Requirements> = Effect.gen(this, function* () {
    while (!this.#isDead) {
      const batch = yield* this.#outbox.take
      if (batch.length === 0) break
      this.#tell()
      yield* this.#carry(batch)
    }
    const last = this.#isDead ? undefined : this.#takeNotice()
    if (last !== undefined) yield* this.#carry([last])
  })

  /** Lets the rest be sent for so long, and says what was not. */
  end(running: Fiber.Fiber<void>, limit: Duration.Duration): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      yield* finish(this.#outbox, running, limit)
      this.#lose([...this.#onTheirWay, ...this.#outbox.discard().flatMap(embedsOf)])
      const missing = this.#lost.full + this.#lost.failed
      if (missing === 0 || this.#isDead) return
      yield* Effect.logWarning(`DiscordLogger: ${missing} log entries were not sent before the end`)
    })
  }

  /** Its requests are logged nowhere; what has to be said is said once. */
  #carry(batch: ReadonlyArray<MessageInput>): Effect.Effect<void, never, Requirements> {
    return Effect.gen(this, function* () {
      for (const embed of batch.flatMap(embedsOf)) this.#onTheirWay.add(embed)
      const arrived = yield* Logger.withMinimumLogLevel(
        carryBatch(this.#courier, batch),
        LogLevel.None,
      )
      const error = this.#error
      this.#error = undefined
      if (arrived > 0) this.#isFailing = false
      if (error !== undefined) yield* this.#warn(error)
    })
  }

  #failed(error: WebhookError, message: MessageInput): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#error = error
      this.#lose(embedsOf(message))
      if (!isDead(error)) return
      this.#isDead = true
      this.#outbox.discard()
    })
  }

  #arrived(message: MessageInput): void {
    for (const embed of embedsOf(message)) this.#onTheirWay.delete(embed)
  }

  #lose(embeds: ReadonlyArray<EmbedCreate>): void {
    for (const embed of embeds) {
      this.#onTheirWay.delete(embed)
      this.#lost = sum(this.#lost, this.#told.get(embed) ?? { full: 0, failed: 1 })
    }
  }

  #warn(error: WebhookError): Effect.Effect<void> {
    if (this.#isDead) {
      return Effect.logWarning(`No more log entries are sent: ${error.message}`)
    }
    if (this.#isFailing) return Effect.void
    this.#isFailing = true
    return Effect.logWarning(`Log entries cannot be sent now: ${error.message}`)
  }

  /** As soon as there is room, which is where the missing entries would stand. */
  #tell(): void {
    if (!this.#outbox.hasRoom) return
    const message = this.#takeNotice()
    if (message !== undefined) this.#outbox.tryAdd(message)
  }

  #takeNotice(): MessageInput | undefined {
    if (this.#lost.full + this.#lost.failed === 0) return undefined
    const embed = notice(this.#lost)
    this.#told.set(embed, this.#lost)
    this.#lost = none
    return this.#message(embed)
  }

  #message(embed: EmbedCreate): MessageInput {
    return { ...this.#look, embeds: [embed] }
  }
}

function embedsOf({ embeds = [] }: MessageInput): ReadonlyArray<EmbedCreate> {
  return embeds
}

function sum(one: Lost, other: Lost): Lost {
  return { full: one.full + other.full, failed: one.failed + other.failed }
}

/** Sends messages to a webhook in their order: one by one, or merged into batches of embeds. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { WebhookError } from "../error/WebhookError.js"
import { EmbedsCreate } from "../model/Embed.js"
import type { EmbedCreate } from "../model/Embed.js"
import { lazy } from "../model/lazy.js"
import type { Message } from "../model/Message.js"
import { DeadWebhooks } from "../ratelimit/deadWebhooks.js"
import { execute } from "../rest/pipeline.js"
import type { Requirements } from "../rest/pipeline.js"
import type { BatchQueue } from "./batchQueue.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import * as requests from "./requests.js"
import type { ThreadPlace } from "./operations.js"

export const deliver = (
  operation: string,
  webhook: Webhook,
  message: MessageInput,
  place: ThreadPlace,
): Effect.Effect<Message, WebhookError, Requirements> =>
  Effect.flatMap(requests.sendMessage(operation, webhook, message, place), execute)

/**
 * Whether the error means that the webhook is permanently gone: deleted, or its token no longer
 * valid. Remove its URL; Discord restricts clients that continue to use it.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const notify = (hook: Webhook.Webhook, forget: Effect.Effect<void>) =>
 *   Webhook.send(hook, { content: "hello" }).pipe(
 *     Effect.tapError((error) => (Webhook.isDead(error) ? forget : Effect.void)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category predicates
 */
export const isDead = (error: WebhookError): boolean => {
  const kind = error._tag === "WebhookInteractionError" ? "interaction" : "webhook"
  return "code" in error && DeadWebhooks.isGone(error, kind)
}

export interface BatchSender<E, R> {
  /** Used in errors. */
  readonly operation: string
  readonly webhook: Webhook
  readonly place: ThreadPlace
  /** Handles a message that could not be sent; if it succeeds, the next one is sent. */
  readonly onError: (error: WebhookError, message: MessageInput) => Effect.Effect<void, E, R>
  /** Called after each sent message, before the next one. */
  readonly onSent?: ((message: MessageInput) => void) | undefined
}

/**
 * Sends one message, or the merged messages of a batch. Returns the number of sent messages. If Discord
 * rejects a batch, its messages are sent one by one, so that only the invalid one is lost.
 */
export const sendOne = <E, R>(
  sender: BatchSender<E, R>,
  message: MessageInput,
  batch: ReadonlyArray<MessageInput> = [message],
): Effect.Effect<number, E, Requirements | R> =>
  Effect.matchEffect(deliver(sender.operation, sender.webhook, message, sender.place), {
    onSuccess: () => {
      sender.onSent?.(message)
      return Effect.succeed(batch.length)
    },
    onFailure: (error) =>
      error._tag === "WebhookBadRequest" && batch.length > 1
        ? Effect.reduce(batch, 0, (sent, one) =>
            Effect.map(sendOne(sender, one), (more) => sent + more),
          )
        : Effect.as(sender.onError(error, message), 0),
  })

/** Sends batches until the queue is closed. Returns the number of sent messages. */
export const sendAll = Effect.fnUntraced(function* <E, R>(
  sender: BatchSender<E, R>,
  queue: BatchQueue<MessageInput>,
) {
  let sent = 0
  for (;;) {
    const batch = yield* queue.take
    if (batch.length === 0) return sent
    sent += yield* sendBatch(sender, batch)
  }
})

/** Default time that the end of a program waits for the remaining messages. */
export const shutdownTimeout = Duration.seconds(5)

/** Closes the queue and waits up to `limit` until the waiting messages are sent. */
export const drain = <E>(
  queue: BatchQueue<MessageInput>,
  sending: Fiber.Fiber<unknown, E>,
  limit: Duration.Duration,
): Effect.Effect<Exit.Exit<unknown, E>> =>
  Effect.suspend(() => {
    queue.close()
    return Effect.zipRight(
      Effect.timeoutOption(Effect.interruptible(Fiber.await(sending)), limit),
      Fiber.interrupt(sending),
    )
  })

export function sendBatch<E, R>(
  sender: BatchSender<E, R>,
  batch: ReadonlyArray<MessageInput>,
): Effect.Effect<number, E, Requirements | R> {
  return sendOne(sender, mergeEmbeds(batch), batch)
}

/** Discord: Execute Webhook. */
const maxEmbeds = 10

/** The fields besides embeds that merged messages may have; they must be equal. */
const sharedFields: ReadonlySet<string> = new Set([
  "username",
  "avatarUrl",
  "allowedMentions",
  "flags",
  "tts",
])

/** Each embed within its limits, at most ten, and 6000 code points in all. */
const isWithinLimits = lazy(() => Schema.is(EmbedsCreate))

/** Whether no further message can join the batch of the first. It is cheap and approximate. */
export function isBatchFull(messages: ReadonlyArray<MessageInput>): boolean {
  // Each message has at least one embed, and one that cannot be merged ends the batch before it.
  const ends = [messages.at(0), messages.at(-1)]
  return messages.length >= maxEmbeds || !ends.every(isOnlyEmbeds)
}

/** Returns the number of messages, from the first, that can be merged. */
export function countMergeable(messages: ReadonlyArray<MessageInput>): number {
  const [first] = messages
  if (first === undefined || !isOnlyEmbeds(first)) return 1
  const fields = getSharedFields(first)
  let embeds = getEmbeds(first)
  let count = 1
  for (const message of messages.slice(1, maxEmbeds)) {
    if (!isOnlyEmbeds(message) || getSharedFields(message) !== fields) break
    embeds = embeds.concat(getEmbeds(message))
    if (!isWithinLimits()(embeds) || hasDuplicateUrls(embeds)) break
    count += 1
  }
  return count
}

/** Merges the messages that `countMergeable` has counted. */
function mergeEmbeds(messages: ReadonlyArray<MessageInput>): MessageInput {
  const [first, ...others] = messages
  return others.length === 0 ? { ...first } : { ...first, embeds: messages.flatMap(getEmbeds) }
}

/** Untyped callers may send anything. */
function isOnlyEmbeds(message: unknown): boolean {
  return (
    Predicate.isRecord(message) &&
    Array.isArray(message["embeds"]) &&
    message["embeds"].length > 0 &&
    Object.entries(message).every(
      ([key, value]) => value === undefined || key === "embeds" || sharedFields.has(key),
    )
  )
}

function getEmbeds(message: MessageInput): ReadonlyArray<EmbedCreate> {
  return message.embeds ?? []
}

function getSharedFields({
  allowedMentions,
  avatarUrl,
  flags,
  tts,
  username,
}: MessageInput): string {
  return JSON.stringify([username, avatarUrl, allowedMentions, flags, tts])
}

/** Of several embeds with the same URL, Discord shows only the first. */
function hasDuplicateUrls(embeds: ReadonlyArray<EmbedCreate>): boolean {
  const urls = embeds.flatMap(({ url }) => url ?? [])
  return new Set(urls).size < urls.length
}

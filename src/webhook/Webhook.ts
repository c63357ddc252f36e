/**
 * Sends, reads, edits and deletes messages of a webhook, and manages the webhook itself.
 *
 * Every operation first checks its input against Discord's documented limits, waits for its turn
 * with the `RateLimiter`, and fails with a `WebhookError` to be caught by tag.
 *
 * @see https://discord.com/developers/docs/resources/webhook
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { WebhookError } from "../error/WebhookError.js"
import type { Message } from "../model/Message.js"
import type { WebhookInfo } from "../model/WebhookInfo.js"
import type { WebhookModify } from "../model/WebhookModify.js"
import { execute } from "../rest/rest.js"
import type { Carrier } from "../rest/rest.js"
import { ignored } from "../rest/restRequest.js"
import type { Webhook } from "./credentials.js"
import type { EditInput, MessageInput } from "./files.js"
import * as requests from "./requests.js"

export { broadcast } from "./broadcast.js"
export type { Broadcast, BroadcastOptions, BroadcastResult } from "./broadcast.js"
export { config, fromUrl, make, Webhook } from "./credentials.js"
export { isDead } from "./deliver.js"
export type { EditInput, KeptFile, MessageInput } from "./files.js"
export { sink } from "./sink.js"
export type { OnSinkError, SinkOptions } from "./sink.js"

/**
 * What every operation may answer with, and what it takes: an `HttpClient`, the `RateLimiter` and a
 * `Strategy`, each a layer of its own.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation<A> = Effect.Effect<A, WebhookError, Carrier>

/**
 * Where in the webhook's channel to act.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlaceOptions {
  /**
   * The thread or forum post. Left out, it is the one that the webhook's URL named, if any; `null`
   * is the channel itself.
   */
  readonly threadId?: string | null | undefined
}

/**
 * Where to send, and whether to wait for the stored message.
 *
 * @since 0.1.0
 * @category models
 */
export interface SendOptions extends PlaceOptions {
  /**
   * `true` (default) waits until Discord has stored the message, and answers with it. `false` answers
   * as soon as Discord has taken it; a message that then fails to be stored is lost without an error.
   */
  readonly wait?: boolean | undefined
}

const waiting = ["wait=true"]

/**
 * Sends a message and answers with it as Discord stored it; its id is needed to edit or delete it.
 *
 * A message is never sent twice by itself: when it may have arrived, the error says
 * `delivered: "unknown"` (see `retry` in `RestConfig`).
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.fromUrl("https://discord.com/api/webhooks/1234/abc-DEF_5")
 *   const message = yield* Webhook.send(hook, {
 *     content: "hello",
 *     embeds: [{ title: "Build 7", color: 0x57f287 }],
 *   })
 *   yield* Webhook.send(hook, { content: "in a thread" }, { threadId: "42", wait: false })
 *   return message.id
 * })
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-webhook
 * @since 0.1.0
 * @category operations
 */
export function send(
  webhook: Webhook,
  message: MessageInput,
  options?: SendOptions & { readonly wait?: true | undefined },
): Operation<Message>
/**
 * Sends a message without waiting until it is stored: sooner done, and no id to edit it by.
 *
 * @since 0.1.0
 * @category operations
 */
export function send(
  webhook: Webhook,
  message: MessageInput,
  options: SendOptions & { readonly wait: false },
): Operation<void>
/**
 * Sends a message, and waits or not as the options say.
 *
 * @since 0.1.0
 * @category operations
 */
export function send(
  webhook: Webhook,
  message: MessageInput,
  options: SendOptions,
): Operation<Message | void>
export function send(
  webhook: Webhook,
  message: MessageInput,
  options: SendOptions = {},
): Operation<Message | void> {
  return options.wait === false
    ? Effect.flatMap(requests.sent(webhook, message, options, [], ignored), execute)
    : Effect.flatMap(requests.sent(webhook, message, options, waiting, requests.asMessage), execute)
}

/**
 * Reads a message that this webhook sent. A message in a thread is found only with `threadId`.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const content = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.getMessage(hook, id).pipe(
 *     Effect.map((message) => message.content),
 *     Effect.catchTag("MessageNotFound", () => Effect.succeed("(deleted)")),
 *   )
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#get-webhook-message
 * @since 0.1.0
 * @category operations
 */
export const getMessage = (
  webhook: Webhook,
  messageId: string,
  options: PlaceOptions = {},
): Operation<Message> => Effect.flatMap(requests.read(webhook, messageId, options), execute)

/**
 * Changes a message that this webhook sent: what is left out stays, `null` clears. Answers with the
 * message after the change.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 *
 * const done = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.editMessage(hook, id, { content: "done", embeds: null })
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#edit-webhook-message
 * @since 0.1.0
 * @category operations
 */
export const editMessage = (
  webhook: Webhook,
  messageId: string,
  edit: EditInput,
  options: PlaceOptions = {},
): Operation<Message> => Effect.flatMap(requests.edited(webhook, messageId, edit, options), execute)

/**
 * Deletes a message that this webhook sent. Fails with `MessageNotFound` when there is none.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const ensureGone = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.deleteMessage(hook, id).pipe(Effect.catchTag("MessageNotFound", () => Effect.void))
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#delete-webhook-message
 * @since 0.1.0
 * @category operations
 */
export const deleteMessage = (
  webhook: Webhook,
  messageId: string,
  options: PlaceOptions = {},
): Operation<void> => Effect.flatMap(requests.deleted(webhook, messageId, options), execute)

/**
 * What Discord knows of the webhook: its name, avatar and channel.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const name = (hook: Webhook.Webhook) => Effect.map(Webhook.get(hook), (info) => info.name)
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#get-webhook-with-token
 * @since 0.1.0
 * @category operations
 */
export const get = (webhook: Webhook): Operation<WebhookInfo> =>
  Effect.suspend(() => execute(requests.webhookRead(webhook)))

/**
 * Changes the webhook's name or avatar (a data URI; `null` removes it).
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 *
 * const rename = (hook: Webhook.Webhook) => Webhook.modify(hook, { name: "Builds", avatar: null })
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#modify-webhook-with-token
 * @since 0.1.0
 * @category operations
 */
export const modify = (webhook: Webhook, changes: WebhookModify): Operation<WebhookInfo> =>
  Effect.flatMap(requests.webhookModified(webhook, changes), execute)

/**
 * Deletes the webhook itself, for good. Its messages stay. Exported as `delete`.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 *
 * const retire = (hook: Webhook.Webhook) => Webhook.delete(hook)
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#delete-webhook-with-token
 * @since 0.1.0
 * @category operations
 */
const delete_ = (webhook: Webhook): Operation<void> =>
  Effect.suspend(() => execute(requests.webhookDeleted(webhook)))

export { delete_ as delete }

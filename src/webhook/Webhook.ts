/**
 * Sends, reads, edits and deletes messages of a webhook, starts threads, and manages the webhook.
 *
 * Begin with a `Webhook`, the credentials: `config` reads its URL from the environment, `fromUrl`
 * parses one. Every operation takes it as the first argument. An operation is a value: nothing is
 * sent until it runs, and each run sends again. It validates its input against Discord's documented
 * limits, waits for a permit of the `RateLimiter`, and fails with a `WebhookError` that can be
 * caught by tag.
 *
 * @see https://discord.com/developers/docs/resources/webhook
 * @since 0.1.0
 * @module
 */
import * as Effect from "effect/Effect"
import type { WebhookError } from "../error/WebhookError.js"
import type { EventName, GitHubEvent } from "../model/GitHubEvent.js"
import type { Message } from "../model/Message.js"
import type { SlackMessage } from "../model/SlackMessage.js"
import type { Snowflake } from "../model/Snowflake.js"
import type { ThreadCreate } from "../model/ThreadCreate.js"
import type { WebhookInfo } from "../model/WebhookInfo.js"
import type { WebhookModify } from "../model/WebhookModify.js"
import type { Route } from "../ratelimit/Route.js"
import { execute, executeIn } from "../rest/pipeline.js"
import type { Requirements } from "../rest/pipeline.js"
import { ignoredBody } from "../rest/request.js"
import { deliver } from "./batchSender.js"
import * as services from "./compatible.js"
import type { Webhook } from "./credentials.js"
import type { EditInput, MessageInput } from "./files.js"
import { findWebhookIssue, getEndpoint, makeRoute } from "./operations.js"
import type { OperationName } from "./operations.js"
import * as requests from "./requests.js"
import * as threads from "./threads.js"

export { broadcast } from "./broadcast.js"
export type { Broadcast, BroadcastOptions, BroadcastResult } from "./broadcast.js"
export { config, fromUrl, make, Webhook } from "./credentials.js"
export { isDead } from "./batchSender.js"
export type { EditInput, KeptFile, MessageInput } from "./files.js"
export type { OperationName } from "./operations.js"
export type { Requirements } from "../rest/pipeline.js"
export { sink } from "./sink.js"
export type { SinkOptions } from "./sink.js"

/**
 * The type of every operation: an effect that succeeds with `A` or fails with a `WebhookError`, and
 * has {@link Requirements}, each provided by a layer. On Node, `NodeDiscord.layer` provides all
 * three.
 *
 * Operations can be interrupted: a waiting request leaves the queue, and a request in flight is
 * aborted, although it may have taken effect.
 *
 * @example
 * ```ts
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { RateLimiter, Strategy, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program: Webhook.Operation<void> = Effect.gen(function* () {
 *   const hook = yield* Effect.orDie(Webhook.config("DISCORD_WEBHOOK_URL"))
 *   yield* Webhook.send(hook, { content: "hello" }, { wait: false })
 * })
 *
 * const runnable = program.pipe(
 *   Effect.provide([FetchHttpClient.layer, RateLimiter.layer, Strategy.layerAdaptive]),
 * )
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type Operation<A> = Effect.Effect<A, WebhookError, Requirements>

/**
 * The part of the webhook's channel in which an operation acts.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlaceOptions {
  /**
   * The thread or forum post. Default: that of the webhook's URL, if any. `null` is the channel
   * itself.
   */
  readonly threadId?: string | null | undefined
}

/**
 * The place of a message, and whether to wait until it is stored.
 *
 * @since 0.1.0
 * @category models
 */
export interface SendOptions extends PlaceOptions {
  /**
   * `true` (default): waits until Discord has stored the message, which `send` then returns.
   * `false`: returns as soon as Discord has accepted the message; if storing it fails, it is lost
   * without an error.
   */
  readonly wait?: boolean | undefined
}

/**
 * A message in a thread, without the fields that belong to the thread.
 *
 * @since 0.1.0
 * @category models
 */
export interface ThreadMessage extends MessageInput {
  readonly threadName?: undefined
  readonly appliedTags?: undefined
}

/**
 * A new thread.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreatedThread {
  /** The `threadId` to pass to the other operations. */
  readonly threadId: Snowflake
  /** The first message. */
  readonly message: Message
}

/**
 * Sends a message and returns it as Discord stored it; editing and deleting it requires its id.
 *
 * A message is never repeated if it may have arrived: the error then has `delivered: "unknown"`
 * (see `retry` in `RestConfig`). `files` are created with `FileUpload` and checked against
 * `RestConfig.uploads`; an invalid file fails with a `WebhookFileError`.
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
 * Sends a message without waiting until it is stored: this is faster, but returns no id.
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
 * Sends a message, and waits if the options require it.
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
  options: SendOptions | null = {},
): Operation<Message | void> {
  return Effect.withFiberRuntime((fiber) => {
    const waits = options?.wait !== false
    return requests.flatMap(
      requests.executeWebhook<Message | void>(
        "Webhook.send",
        webhook,
        message,
        options,
        waits ? requests.waitQuery : [],
        waits ? requests.messageBody : ignoredBody,
      ),
      (request) => executeIn(fiber, request),
    )
  })
}

/**
 * Sends a message to a thread or forum post, and returns it as Discord stored it.
 *
 * The thread must belong to the webhook's channel. An archived thread is unarchived, unless it is
 * locked: then, and for other errors of the thread, this fails with a `WebhookThreadError`. It is
 * `send` with `threadId`; use that one to send without waiting.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const report = (hook: Webhook.Webhook, threadId: string) =>
 *   Effect.gen(function* () {
 *     const message = yield* Webhook.sendToThread(hook, threadId, { content: "Tests: running" })
 *     yield* Webhook.editMessage(hook, message.id, { content: "Tests: green" }, { threadId })
 *   })
 * ```
 *
 * @see https://discord.com/developers/docs/topics/threads#webhooks
 * @since 0.1.0
 * @category operations
 */
export const sendToThread = (
  webhook: Webhook,
  threadId: string,
  message: ThreadMessage,
): Operation<Message> =>
  // Untyped callers may pass no thread, which would mean the channel.
  deliver("Webhook.sendToThread", webhook, message, { threadId: threadId ?? "" })

/**
 * Starts a thread in a forum or media channel with its first message. Returns the message and the
 * id of the thread, which every later operation in it requires.
 *
 * The webhook must belong to a forum or media channel; in others this fails with a
 * `WebhookThreadError` whose `reason` is `notAForum`. A thread in the webhook's URL (`?thread_id=`)
 * is ignored, since threads cannot be nested. `send` with `threadName` is the same request; this
 * function separates the thread from its message, and validates both.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const announce = (hook: Webhook.Webhook) =>
 *   Effect.gen(function* () {
 *     const { threadId } = yield* Webhook.createThread(
 *       hook,
 *       { name: "Release 1.4", appliedTags: ["1102600212839804939"] },
 *       { content: "What is new, and what breaks" },
 *     )
 *     yield* Webhook.sendToThread(hook, threadId, { content: "Released." })
 *   })
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-webhook
 * @since 0.1.0
 * @category operations
 */
export const createThread = (
  webhook: Webhook,
  thread: ThreadCreate,
  message: ThreadMessage,
): Operation<CreatedThread> =>
  threads.createThread("Webhook.createThread", webhook, thread, message).pipe(
    Effect.flatMap(execute),
    // The channel of a message in a thread is the thread.
    Effect.map((first) => ({ threadId: first.channelId, message: first })),
  )

/**
 * Returns a message that this webhook sent. A message in a thread is found only with `threadId`,
 * and a message of another sender is never found: `WebhookMessageNotFound`.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const content = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.getMessage(hook, id).pipe(
 *     Effect.map((message) => message.content),
 *     Effect.catchTag("WebhookMessageNotFound", () => Effect.succeed("(deleted)")),
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
): Operation<Message> =>
  Effect.flatMap(requests.getMessage("Webhook.getMessage", webhook, messageId, options), execute)

/**
 * Edits a message that this webhook sent, and returns the edited message. Absent fields stay,
 * `null` clears. `files` lists all files of the message, in order: attachments that stay, and new
 * files.
 *
 * Mentions are evaluated again with the content, by `allowedMentions` of the edit. In an archived
 * thread this fails with the `WebhookThreadError` `archived`.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 * import type { Message } from "effect-discord"
 *
 * const done = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.editMessage(hook, id, { content: "done", embeds: null })
 *
 * const withLog = (hook: Webhook.Webhook, { attachments, id }: Message.Message, log: string) =>
 *   Webhook.editMessage(hook, id, {
 *     files: [...attachments, FileUpload.fromText("build.log", log)],
 *   })
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
): Operation<Message> =>
  Effect.flatMap(
    requests.editMessage("Webhook.editMessage", webhook, messageId, edit, options),
    execute,
  )

/**
 * Deletes a message that this webhook sent, including messages in archived threads. Fails with
 * `WebhookMessageNotFound` if there is none.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const ensureGone = (hook: Webhook.Webhook, id: string) =>
 *   Webhook.deleteMessage(hook, id).pipe(Effect.catchTag("WebhookMessageNotFound", () => Effect.void))
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
): Operation<void> =>
  Effect.flatMap(
    requests.deleteMessage("Webhook.deleteMessage", webhook, messageId, options),
    execute,
  )

/**
 * Sends a message in Slack's format, for programs that already produce it. Discord returns no
 * message, so it cannot be edited or deleted later; use `send` for that.
 *
 * In a forum or media channel this fails with the `WebhookThreadError` `serviceInForum`.
 *
 * @example
 * ```ts
 * import { SlackMessage, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const report = (hook: Webhook.Webhook) =>
 *   Webhook.sendSlack(hook, {
 *     text: "Build 7",
 *     attachments: [{ color: "good", title: "All tests pass" }],
 *   })
 *
 * // A message in Slack's format; Discord ignores fields that it does not support.
 * const forward = (hook: Webhook.Webhook, json: unknown) =>
 *   Effect.flatMap(SlackMessage.decode(json), (message) => Webhook.sendSlack(hook, message))
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-slackcompatible-webhook
 * @since 0.1.0
 * @category operations
 */
export const sendSlack = (
  webhook: Webhook,
  message: SlackMessage,
  options: SendOptions = {},
): Operation<void> =>
  Effect.flatMap(
    services.executeSlackWebhook("Webhook.sendSlack", webhook, message, options),
    execute,
  )

/**
 * Sends a GitHub event, which Discord renders as a message. `name` is the value of GitHub's header
 * `X-GitHub-Event`. Discord accepts every event, but shows only those in `GitHubEvent.shown`.
 *
 * A repository does not need this: its settings take the webhook's URL followed by `/github`. It is
 * for programs that forward or create such events. In a forum or media channel it fails with the
 * `WebhookThreadError` `serviceInForum`.
 *
 * @example
 * ```ts
 * import { GitHubEvent, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const forward = (hook: Webhook.Webhook, headers: Headers, body: unknown) =>
 *   Effect.gen(function* () {
 *     const event = yield* GitHubEvent.decode(body)
 *     yield* Webhook.sendGitHub(hook, headers.get("X-GitHub-Event") ?? "push", event)
 *   })
 * ```
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-githubcompatible-webhook
 * @since 0.1.0
 * @category operations
 */
export const sendGitHub = (
  webhook: Webhook,
  name: EventName,
  event: GitHubEvent,
  options: SendOptions = {},
): Operation<void> =>
  Effect.flatMap(
    services.executeGitHubWebhook("Webhook.sendGitHub", webhook, name, event, options),
    execute,
  )

/**
 * Returns the webhook's name, avatar and channel, and its `applicationId` if it belongs to an
 * application and may send every component.
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
  Effect.flatMap(requests.getWebhook("Webhook.get", webhook), execute)

/**
 * Changes the webhook's name or avatar (a data URI; `null` removes it), and returns the webhook.
 * Earlier messages keep the old ones.
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
  Effect.flatMap(requests.modifyWebhook("Webhook.modify", webhook, changes), execute)

/**
 * Returns the route of an operation, by default of `send`, for queries to the `RateLimiter`. Each
 * webhook and each operation may have its own bucket.
 *
 * @example
 * ```ts
 * import { RateLimiter, Webhook } from "effect-discord"
 *
 * const bucket = (hook: Webhook.Webhook) => RateLimiter.getBucket(Webhook.route(hook))
 *
 * const waitToEdit = (hook: Webhook.Webhook) =>
 *   RateLimiter.estimate(Webhook.route(hook, "editMessage"))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const route = (webhook: Webhook, operation: OperationName = "send"): Route => {
  const issue = findWebhookIssue(webhook)
  if (issue !== undefined) throw new TypeError(`Webhook.route: ${issue.message}`)
  return makeRoute(webhook, getEndpoint(operation), `Webhook.${operation}`)
}

/**
 * Deletes the webhook permanently. Its messages stay. Exported as `delete`.
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
  Effect.flatMap(requests.deleteWebhook("Webhook.delete", webhook), execute)

export { delete_ as delete }

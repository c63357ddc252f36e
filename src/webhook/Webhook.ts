/**
 * Sends, reads, edits and deletes messages of a webhook, starts threads, and manages the webhook
 * itself.
 *
 * Begin with a `Webhook`, the credentials: `config` reads its URL from the environment, `fromUrl`
 * from a text. Every operation takes it first. An operation is a value: nothing is sent until it
 * runs, and each run sends anew. It first checks its input against Discord's documented limits,
 * waits for its turn with the `RateLimiter`, and fails with a `WebhookError` to be caught by tag.
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
import { execute } from "../rest/pipeline.js"
import type { Requirements } from "../rest/pipeline.js"
import { ignoredBody } from "../rest/request.js"
import { deliver } from "./batchSender.js"
import * as services from "./compatible.js"
import type { Webhook } from "./credentials.js"
import type { EditInput, MessageInput } from "./files.js"
import { findWebhookIssue } from "./misuse.js"
import { getEndpoint, makeRoute } from "./operations.js"
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
 * What every operation returns: an effect that succeeds with `A` or fails with a `WebhookError`, and
 * has {@link Requirements}, each a layer of its own. On Node, `NodeDiscord.layer` is all three.
 *
 * It may be interrupted at any time: who waits for a turn leaves the queue, and a request on its way
 * is aborted, although it may have taken effect.
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
 * Where to send, and whether to wait until the message is stored.
 *
 * @since 0.1.0
 * @category models
 */
export interface SendOptions extends PlaceOptions {
  /**
   * `true` (default) waits until Discord has stored the message; `send` then answers with it. `false`
   * answers as soon as Discord has taken it; a message that then fails to be stored is lost without
   * an error.
   */
  readonly wait?: boolean | undefined
}

/**
 * A message in a thread, whose name and tags are not the message's.
 *
 * @since 0.1.0
 * @category models
 */
export interface ThreadMessage extends MessageInput {
  readonly threadName?: undefined
  readonly appliedTags?: undefined
}

/**
 * A thread that has just been started.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreatedThread {
  /** What the other operations take as `threadId`. */
  readonly threadId: Snowflake
  /** The first message. */
  readonly message: Message
}

/**
 * Sends a message and answers with it as Discord stored it; its id is needed to edit or delete it.
 *
 * A message is never sent twice by itself: when it may have arrived, the error says
 * `delivered: "unknown"` (see `retry` in `RestConfig`). Its `files` are made with `FileUpload` and
 * checked against `RestConfig.uploads`; a file that is at fault fails with a `WebhookFileError`.
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
  options: SendOptions | null = {},
): Operation<Message | void> {
  return Effect.suspend(() =>
    options?.wait === false
      ? Effect.flatMap(
          requests.executeWebhook("Webhook.send", webhook, message, options, [], ignoredBody),
          execute,
        )
      : Effect.flatMap(
          requests.executeWebhook(
            "Webhook.send",
            webhook,
            message,
            options,
            requests.waitQuery,
            requests.messageBody,
          ),
          execute,
        ),
  )
}

/**
 * Sends a message to a thread, or to a post in a forum, and answers with it as Discord stored it.
 * The thread must be one of the webhook's channel. An archived one opens again, unless it is locked:
 * then, and whenever else the thread is the reason, this fails with a `WebhookThreadError`.
 *
 * It is `send` with `threadId`, and waits; not to wait, use that.
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
  // Untyped code may have no thread, which would be taken for the channel.
  deliver("Webhook.sendToThread", webhook, message, { threadId: threadId ?? "" })

/**
 * Starts a thread in a forum or media channel with its first message. Answers with that message and
 * the id of the thread, which every later operation in it needs.
 *
 * The webhook has to be one of a forum or media channel: in others a webhook cannot start threads,
 * and this fails with a `WebhookThreadError` whose `reason` is `notAForum`. A thread in the webhook's URL
 * (`?thread_id=`) is left aside, since no thread is started inside another.
 *
 * `send` with `threadName` is the same request; this one tells the thread from its message, and
 * takes both checked.
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
 * Reads a message that this webhook sent. A message in a thread is found only with `threadId`, and
 * one that somebody else sent is not found at all: `WebhookMessageNotFound`.
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
 * Changes a message that this webhook sent: what is left out stays, `null` clears. `files` are all
 * that the message is to have: attachments that stay and new files, in their order. Answers with
 * the message after the change.
 *
 * Who is mentioned is settled anew with the content, by `allowedMentions` of the edit. In a thread
 * that is archived nothing can be changed: the `WebhookThreadError` says `archived`.
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
 * Deletes a message that this webhook sent, in an archived thread, too. Fails with `WebhookMessageNotFound`
 * when there is none.
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
 * Sends a message in Slack's form, for programs that speak it already. Discord answers with nothing
 * to edit or delete the message by, whether one waits for it or not; `send` does.
 *
 * In a forum or media channel Discord takes none: the `WebhookThreadError` says `serviceInForum`.
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
 * // What another program made for Slack; what Discord does not know is left out.
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
 * Sends an event of GitHub, of which Discord makes a message. `name` is what GitHub sends in the
 * header `X-GitHub-Event`. Discord takes every event, yet shows only those in `GitHubEvent.shown`.
 *
 * For a repository this is not needed: its settings take the webhook's URL with `/github` at the end.
 * It is for programs that stand in between, and for those that are not GitHub.
 *
 * In a forum or media channel Discord takes none: the `WebhookThreadError` says `serviceInForum`.
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
 * What Discord knows of the webhook: its name, avatar and channel, and with `applicationId` whether it
 * belongs to an application, and so may send every component.
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
 * Changes the webhook's name or avatar (a data URI; `null` removes it), and answers with what Discord
 * knows of it then. Messages that it has sent keep the old ones.
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
 * The route that an operation counts against, by default that of `send`. Questions to the
 * `RateLimiter` take it. Two webhooks, and two operations, may have different buckets.
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
  Effect.flatMap(requests.deleteWebhook("Webhook.delete", webhook), execute)

export { delete_ as delete }

/**
 * Sends, reads, edits and deletes responses to an interaction after its initial response, which is
 * `"@original"`.
 *
 * These are the endpoints of a webhook whose id is the application's and whose token is the
 * interaction's, with different rules:
 *
 * - the token is valid for 15 minutes; later, operations fail with a `WebhookInteractionError`
 *   whose `reason` is `expired`, and send nothing from then on
 * - every interaction has its own bucket, and none counts against the global rate limit
 * - every component may be sent; a follow-up may be `Ephemeral`
 * - no thread can be chosen: messages are sent to the channel of the interaction. There are no
 *   options; those of a webhook, passed by untyped code, fail with a `WebhookValidationError`
 *
 * Receiving interactions, verifying their signature and the initial response (within 3 seconds) are
 * up to the program's server or gateway connection.
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
 * @since 0.1.0
 * @module
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Predicate from "effect/Predicate"
import { WebhookInvalidUrl } from "../error/WebhookError.js"
import type { WebhookFileError } from "../error/WebhookError.js"
import type { Message } from "../model/Message.js"
import type { Snowflake } from "../model/Snowflake.js"
import type { Route } from "../ratelimit/Route.js"
import { execute } from "../rest/pipeline.js"
import * as credentials from "./credentials.js"
import type { EditInput, FollowUpInput } from "./files.js"
import { findWebhookIssue, getEndpoint, isOriginal, makeRoute } from "./operations.js"
import type { OperationName, Sender } from "./operations.js"
import * as requests from "./requests.js"
import type { Operation } from "./Webhook.js"

export type { FollowUpInput } from "./files.js"

/**
 * The credentials of an interaction. The token is redacted: neither printing nor `JSON.stringify`
 * shows it.
 *
 * @example
 * ```ts
 * import type { InteractionWebhook } from "effect-discord"
 *
 * const label = (interaction: InteractionWebhook.InteractionWebhook) => `${interaction}` // InteractionWebhook(1234)
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class InteractionWebhook extends Data.Class<{
  readonly applicationId: Snowflake
  readonly token: Redacted.Redacted
  /** A digest that distinguishes the tokens of an application. */
  readonly tokenDigest: string
}> {
  override toString(): string {
    return `InteractionWebhook(${this.applicationId})`
  }
}

/**
 * The id of a message that was sent with this token, or `"@original"` for the initial response.
 *
 * @since 0.1.0
 * @category models
 */
export type MessageRef = "@original" | (string & {})

/**
 * Creates the credentials from an interaction's `application_id` and `token`. Fails with
 * `WebhookInvalidUrl` if one of them cannot be part of a URL.
 *
 * @example
 * ```ts
 * import { InteractionWebhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * interface Interaction {
 *   readonly application_id: string
 *   readonly token: string
 * }
 *
 * const finish = ({ application_id, token }: Interaction) =>
 *   Effect.gen(function* () {
 *     const interaction = yield* InteractionWebhook.make({ applicationId: application_id, token })
 *     yield* InteractionWebhook.editMessage(interaction, "@original", { content: "done" })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly applicationId: string
  readonly token: string | Redacted.Redacted
}): Effect.Effect<InteractionWebhook, WebhookInvalidUrl> =>
  Effect.suspend(() => {
    if (!Predicate.isRecord(options)) return invalid("parts")
    // If it were ignored, the message would go to another place.
    if (Predicate.hasProperty(options, "threadId") && options.threadId !== undefined) {
      return invalid("threadId")
    }
    return Effect.matchEffect(
      credentials.make({ id: options.applicationId, token: options.token }),
      {
        onFailure: ({ reason }) => invalid(reason),
        onSuccess: ({ id, token, tokenDigest }) =>
          Effect.succeed(new InteractionWebhook({ applicationId: id, token, tokenDigest })),
      },
    )
  })

function invalid(reason: WebhookInvalidUrl["reason"]): Effect.Effect<never, WebhookInvalidUrl> {
  return Effect.fail(new WebhookInvalidUrl({ reason, kind: "interaction" }))
}

/**
 * Sends a follow-up and returns it as Discord stored it. With the flag `Ephemeral` only the user of
 * the interaction can see it.
 *
 * The first follow-up after a deferred response replaces the loading message, and is ephemeral if
 * the deferred response was; Discord recommends `editMessage` with `"@original"` for it.
 *
 * @example
 * ```ts
 * import { InteractionWebhook } from "effect-discord"
 *
 * const whisper = (interaction: InteractionWebhook.InteractionWebhook) =>
 *   InteractionWebhook.send(interaction, { content: "only for you", flags: ["Ephemeral"] })
 * ```
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
 * @since 0.1.0
 * @category operations
 */
export const send = (
  interaction: InteractionWebhook,
  message: FollowUpInput,
  options?: undefined,
): Operation<Message> =>
  perform(interaction, (sender) =>
    requests.createFollowUp("InteractionWebhook.send", sender, message, options),
  )

/**
 * Reads the initial response (`"@original"`) or a follow-up.
 *
 * @example
 * ```ts
 * import { InteractionWebhook } from "effect-discord"
 *
 * const response = (interaction: InteractionWebhook.InteractionWebhook) =>
 *   InteractionWebhook.getMessage(interaction, "@original")
 * ```
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#get-original-interaction-response
 * @since 0.1.0
 * @category operations
 */
export const getMessage = (
  interaction: InteractionWebhook,
  messageId: MessageRef,
  options?: undefined,
): Operation<Message> =>
  perform(interaction, (sender) =>
    requests.getMessage("InteractionWebhook.getMessage", sender, messageId, options),
  )

/**
 * Edits the initial response (`"@original"`) or a follow-up: absent fields stay, `null` clears.
 *
 * The edit of a deferred response replaces its loading state, and is the only edit that may add a
 * poll.
 *
 * @example
 * ```ts
 * import { InteractionWebhook } from "effect-discord"
 *
 * const finish = (interaction: InteractionWebhook.InteractionWebhook, rows: number) =>
 *   InteractionWebhook.editMessage(interaction, "@original", { content: `${rows} rows exported` })
 * ```
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#edit-original-interaction-response
 * @since 0.1.0
 * @category operations
 */
export const editMessage = (
  interaction: InteractionWebhook,
  messageId: MessageRef,
  edit: EditInput,
  options?: undefined,
): Operation<Message> =>
  perform(interaction, (sender) =>
    requests.editMessage("InteractionWebhook.editMessage", sender, messageId, edit, options),
  )

/**
 * Deletes the initial response (`"@original"`) or a follow-up, including ephemeral ones.
 *
 * @example
 * ```ts
 * import { InteractionWebhook } from "effect-discord"
 *
 * const withdraw = (interaction: InteractionWebhook.InteractionWebhook) =>
 *   InteractionWebhook.deleteMessage(interaction, "@original")
 * ```
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#delete-original-interaction-response
 * @since 0.1.0
 * @category operations
 */
export const deleteMessage = (
  interaction: InteractionWebhook,
  messageId: MessageRef,
  options?: undefined,
): Operation<void> =>
  perform(interaction, (sender) =>
    requests.deleteMessage("InteractionWebhook.deleteMessage", sender, messageId, options),
  )

/**
 * Returns the route of an operation, by default of `send`, for queries to the `RateLimiter`. The
 * initial response (`"@original"`) has its own routes.
 *
 * @example
 * ```ts
 * import { InteractionWebhook, RateLimiter } from "effect-discord"
 *
 * const wait = (interaction: InteractionWebhook.InteractionWebhook) =>
 *   RateLimiter.estimate(InteractionWebhook.route(interaction, "editMessage", "@original"))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const route = (
  interaction: InteractionWebhook,
  operation: Extract<
    OperationName,
    "send" | "getMessage" | "editMessage" | "deleteMessage"
  > = "send",
  messageId?: MessageRef,
): Route => {
  const sender = senderOf(interaction)
  const issue = findWebhookIssue(sender)
  if (issue !== undefined) throw new TypeError(`InteractionWebhook.route: ${issue.message}`)
  return makeRoute(
    sender,
    getEndpoint(operation, isOriginal(sender, messageId)),
    `InteractionWebhook.${operation}`,
  )
}

function perform<A>(
  interaction: InteractionWebhook,
  request: (sender: Sender) => requests.CheckedRequest<A, WebhookFileError>,
): Operation<A> {
  return Effect.suspend(() => Effect.flatMap(request(senderOf(interaction)), execute))
}

function senderOf(interaction: InteractionWebhook | null | undefined): Sender {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the request rejects a sender without these fields
  const { applicationId: id, token, tokenDigest } = interaction ?? ({} as InteractionWebhook)
  return { id, token, tokenDigest, threadId: undefined, kind: "interaction" }
}

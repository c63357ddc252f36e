/**
 * The message a webhook sends.
 *
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { AllowedMentions } from "./AllowedMentions.js"
import { AttachmentsCreate } from "./Attachment.js"
import { ComponentsCreate } from "./Component.js"
import {
  checkParts,
  hasContent,
  conflictingParts,
  withImpliedFlags,
  withDefaultMentions,
} from "./composition.js"
import { EmbedsCreate } from "./Embed.js"
import { httpUrl, text } from "./limits.js"
import { MessageFlagsCreate } from "./MessageFlags.js"
import { PollCreate } from "./Poll.js"
import { AppliedTags, ThreadName } from "./ThreadCreate.js"
import { WebhookName } from "./WebhookName.js"
import { acceptReceived } from "./resend.js"
import { optional } from "./fields.js"
import { makeStrictEncoder } from "./codec.js"

/** Discord: Execute Webhook. */
const maxContent = 2000

const fields = Schema.Struct({
  /** Markdown, at most 2000 code points. */
  content: optional(text({ max: maxContent })),
  /** Shown instead of the webhook's name. */
  username: optional(WebhookName),
  /** Shown instead of the webhook's avatar. */
  avatarUrl: optional(httpUrl(), "avatar_url"),
  tts: optional(Schema.Boolean),
  embeds: optional(EmbedsCreate),
  /** If it is absent, mentions notify users, but neither roles nor everyone. */
  allowedMentions: optional(AllowedMentions, "allowed_mentions"),
  components: optional(ComponentsCreate),
  /** Metadata of the files that are sent. */
  attachments: optional(AttachmentsCreate),
  flags: optional(MessageFlagsCreate),
  /** Starts a thread of this name, as `Webhook.createThread` does; forum and media channels only. */
  threadName: optional(ThreadName, "thread_name"),
  /** Tags of the thread that `threadName` starts. */
  appliedTags: optional(AppliedTags, "applied_tags"),
  poll: optional(PollCreate),
})

/**
 * A message being sent: every field is optional, and every documented limit is checked.
 *
 * An empty message is accepted here, because files are passed separately: see {@link isEmpty}.
 *
 * @example
 * ```ts
 * import type { MessageCreate } from "effect-discord"
 *
 * const message: MessageCreate.MessageCreate = {
 *   content: "hello",
 *   embeds: [{ title: "x", color: 0x5865f2 }],
 * }
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category models
 */
export const MessageCreate = fields.pipe(
  Schema.filter(checkParts, {
    arbitrary: (from) => (fc) =>
      fc
        .tuple(from(fc), fc.boolean())
        .map(([message, keepComponents]) =>
          withImpliedFlags(Struct.omit(message, ...conflictingParts(message, keepComponents))),
        ),
  }),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface MessageCreate extends Schema.Schema.Type<typeof fields> {}

/**
 * The JSON that Discord receives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof fields> {}

const strictly = acceptReceived(makeStrictEncoder(MessageCreate))

/**
 * Encodes a message to JSON, or returns all issues; an unknown field is rejected. Parts of a received
 * message are accepted: fields that only Discord sets, and embeds that Discord made of links, are left
 * out. `IsComponentsV2` is added to the flags where a component needs it, and `allowed_mentions` where
 * the text may mention someone and the message has none.
 *
 * @example
 * ```ts
 * import { Component, MessageCreate } from "effect-discord"
 *
 * const json = MessageCreate.encode({ components: [Component.text("hi")] })
 * // succeeds with { components: [{ type: 10, content: "hi" }], flags: 32768 }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (message: MessageCreate): Effect.Effect<Encoded, ParseResult.ParseError> =>
  Either.map(strictly(message), (wire) => withDefaultMentions(withImpliedFlags(wire)))

/**
 * Whether the message is empty: Discord rejects such a message unless it has files.
 *
 * @example
 * ```ts
 * import { MessageCreate } from "effect-discord"
 *
 * MessageCreate.isEmpty({ content: "", username: "Ada" }) // true
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category predicates
 */
export const isEmpty = (message: Omit<MessageCreate, "flags">): boolean => !hasContent(message)

/**
 * Whether the request needs `with_components=true` in its query: without it Discord drops the
 * components of a webhook that no application owns.
 *
 * @example
 * ```ts
 * import { Component, MessageCreate } from "effect-discord"
 *
 * MessageCreate.hasComponents({ components: [Component.text("hi")] }) // true
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category predicates
 */
export const hasComponents = (message: Pick<MessageCreate, "components">): boolean =>
  (message.components?.length ?? 0) > 0

/**
 * A change of a message that the webhook sent before.
 *
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { AllowedMentions } from "./AllowedMentions.js"
import { AttachmentsCreate } from "./Attachment.js"
import { ComponentsCreate } from "./Component.js"
import { checkParts, withImpliedFlags, withDefaultMentions } from "./composition.js"
import { EmbedsCreate } from "./Embed.js"
import { text } from "./limits.js"
import { MessageFlagsEdit } from "./MessageFlags.js"
import { PollCreate } from "./Poll.js"
import { acceptReceived } from "./resend.js"
import { nullable } from "./fields.js"
import { makeStrictEncoder } from "./codec.js"

/** Discord: Edit Webhook Message. */
const maxContent = 2000

const fields = Schema.Struct({
  content: nullable(text({ max: maxContent })),
  embeds: nullable(EmbedsCreate),
  flags: nullable(MessageFlagsEdit),
  /**
   * If it is absent or `null`, mentions in the edited content notify users, but neither roles nor
   * everyone. Repeat it in every edit of the content.
   */
  allowedMentions: nullable(AllowedMentions, "allowed_mentions"),
  components: nullable(ComponentsCreate),
  /** The complete list to keep, with new files; `[]` removes all. If absent, all stay. */
  attachments: nullable(AttachmentsCreate),
  /** Discord accepts a poll only in the edit of a deferred interaction response. */
  poll: nullable(PollCreate),
})

/**
 * An edit: absent fields stay, `null` clears. The name and avatar of a message never change.
 *
 * @example
 * ```ts
 * import type { MessageEdit } from "effect-discord"
 *
 * const edit: MessageEdit.MessageEdit = { content: "done", embeds: null }
 * ```
 *
 * @see Discord: Edit Webhook Message
 * @since 0.1.0
 * @category models
 */
export const MessageEdit = fields.pipe(
  Schema.filter(checkParts, {
    arbitrary: (from) => (fc) =>
      from(fc).map((edit) => {
        if (checkParts(edit).length === 0) return withImpliedFlags(edit)
        // Discord requires these when a message is changed to Components V2.
        return withImpliedFlags({ ...edit, content: null, embeds: [], poll: null })
      }),
  }),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface MessageEdit extends Schema.Schema.Type<typeof fields> {}

/**
 * The JSON that Discord receives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof fields> {}

const strictly = acceptReceived(makeStrictEncoder(MessageEdit))

/**
 * Encodes an edit to JSON, or returns all issues; an unknown field is rejected. `IsComponentsV2` is
 * added to the flags where a component needs it, and `allowed_mentions` where the text may mention
 * someone and the edit has none.
 *
 * @example
 * ```ts
 * import { MessageEdit } from "effect-discord"
 *
 * const json = MessageEdit.encode({ content: null })
 * // succeeds with { content: null }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (edit: MessageEdit): Effect.Effect<Encoded, ParseResult.ParseError> =>
  Either.map(strictly(edit), (wire) => withDefaultMentions(withImpliedFlags(wire)))

/**
 * Whether the request needs `with_components=true` in its query.
 *
 * @example
 * ```ts
 * import { MessageEdit } from "effect-discord"
 *
 * MessageEdit.hasComponents({ components: null }) // false
 * ```
 *
 * @see Discord: Edit Webhook Message
 * @since 0.1.0
 * @category predicates
 */
export const hasComponents = (edit: Pick<MessageEdit, "components">): boolean =>
  (edit.components?.length ?? 0) > 0

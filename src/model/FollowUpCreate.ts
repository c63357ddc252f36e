/**
 * The follow-up message of an interaction.
 *
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { makeStrictEncoder } from "./codec.js"
import {
  checkParts,
  conflictingParts,
  withImpliedFlags,
  withDefaultMentions,
} from "./composition.js"
import { MessageCreate } from "./MessageCreate.js"
import { MessageFlagsFollowUp } from "./MessageFlags.js"
import { acceptReceived } from "./resend.js"
import { optional } from "./fields.js"

/** What a message that responds to an interaction does not have. */
const unsupported = ["username", "avatarUrl", "threadName", "appliedTags"] as const

const fields = Schema.Struct({
  ...Struct.omit(MessageCreate.from.fields, ...unsupported),
  /** `Ephemeral` shows the message to the user of the interaction only. */
  flags: optional(MessageFlagsFollowUp),
})

/**
 * A follow-up being sent: a webhook's message without a name, a picture or a thread of its own, which
 * Discord does not support here. It may be `Ephemeral`.
 *
 * @example
 * ```ts
 * import type { FollowUpCreate } from "effect-discord"
 *
 * const message: FollowUpCreate.FollowUpCreate = { content: "done", flags: ["Ephemeral"] }
 * ```
 *
 * @see Discord: Create Followup Message
 * @since 0.1.0
 * @category models
 */
export const FollowUpCreate = fields.pipe(
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
export interface FollowUpCreate extends Schema.Schema.Type<typeof fields> {}

/**
 * The JSON that Discord receives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof fields> {}

const strictly = acceptReceived(makeStrictEncoder(FollowUpCreate))

/**
 * The JSON of a follow-up, or everything that is wrong with it; see `MessageCreate.encode`.
 *
 * @example
 * ```ts
 * import { FollowUpCreate } from "effect-discord"
 *
 * const json = FollowUpCreate.encode({ content: "done", flags: ["Ephemeral"] })
 * // succeeds with { content: "done", flags: 64 }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (message: FollowUpCreate): Effect.Effect<Encoded, ParseResult.ParseError> =>
  Either.map(strictly(message), (wire) => withDefaultMentions(withImpliedFlags(wire)))

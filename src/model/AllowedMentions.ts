/**
 * Whom a message may notify.
 *
 * @since 0.1.0
 * @module
 */
import * as Arr from "effect/Array"
import * as Schema from "effect/Schema"

import { items } from "./limits.js"
import { SnowflakeInput } from "./Snowflake.js"
import { optional } from "./fields.js"
/** Discord: Allowed Mentions Object. */
const maxIds = 100

const Parse = Schema.Literal("roles", "users", "everyone")

const ids = items(SnowflakeInput, { max: maxIds, unit: "id" }).pipe(Schema.filter(unique))

const parse = Schema.Array(Parse).pipe(
  Schema.filter(unique, { arbitrary: () => (fc) => fc.subarray([...Parse.literals]) }),
)

const fields = Schema.Struct({
  parse: optional(parse),
  roles: optional(ids),
  users: optional(ids),
  /** Has no effect on webhooks, whose messages are never replies. */
  repliedUser: optional(Schema.Boolean, "replied_user"),
})

/**
 * Whom a message may notify: every mention of a kind (`parse`), or just those listed. A message
 * that leaves it out notifies the users it mentions, but no role and not everyone: Discord's
 * documented default for webhooks, which is sent along wherever the text has an `@`.
 *
 * @example
 * ```ts
 * import type { AllowedMentions } from "effect-discord"
 *
 * const onlyThem: AllowedMentions.AllowedMentions = { users: ["175928847299117063"] }
 * ```
 *
 * @see Discord: Allowed Mentions Object
 * @since 0.1.0
 * @category models
 */
export const AllowedMentions = fields.pipe(
  Schema.filter((mentions) =>
    (["roles", "users"] as const)
      .filter(
        (kind) => mentions.parse?.includes(kind) === true && (mentions[kind]?.length ?? 0) > 0,
      )
      .map((kind) => ({
        path: [kind],
        message: `cannot be listed while parse contains "${kind}": leave out one of the two`,
      })),
  ),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface AllowedMentions extends Schema.Schema.Type<typeof fields> {}

/**
 * Disables all notifications by mentions.
 *
 * @example
 * ```ts
 * import { AllowedMentions } from "effect-discord"
 * import type { MessageCreate } from "effect-discord"
 *
 * const quiet: MessageCreate.MessageCreate = {
 *   content: "@everyone is only text here",
 *   allowedMentions: AllowedMentions.none,
 * }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: AllowedMentions = { parse: [] }

/**
 * Notifies the users that are mentioned, but no role and not everyone. It is what holds when a
 * message has none.
 *
 * @example
 * ```ts
 * import { AllowedMentions, Markdown } from "effect-discord"
 * import type { MessageCreate } from "effect-discord"
 *
 * const message: MessageCreate.MessageCreate = {
 *   content: `${Markdown.user("175928847299117063")} please review`,
 *   allowedMentions: AllowedMentions.users,
 * }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const users: AllowedMentions = { parse: ["users"] }

/**
 * Notifies all mentioned users and roles, and everyone. Use it only for text that you wrote yourself.
 *
 * @example
 * ```ts
 * import { AllowedMentions, Markdown } from "effect-discord"
 * import type { MessageCreate } from "effect-discord"
 *
 * const alarm: MessageCreate.MessageCreate = {
 *   content: `${Markdown.everyone} the shop is down`,
 *   allowedMentions: AllowedMentions.all,
 * }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const all: AllowedMentions = { parse: ["users", "roles", "everyone"] }

function unique(values: ReadonlyArray<string>) {
  const repeated = values.filter((value, index) => values.indexOf(value) !== index)
  return repeated.length === 0 || `must not repeat: ${Arr.dedupe(repeated).join(", ")}`
}

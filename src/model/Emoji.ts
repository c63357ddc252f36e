/**
 * Emoji inside components, polls and reactions: a Unicode character, or a custom one by id.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { text } from "./limits.js"
import { Snowflake, SnowflakeInput } from "./Snowflake.js"
import { optional, nullishToAbsent } from "./fields.js"

/** Discord's OpenAPI: an emoji's name is at most 32 code points. */
const maxName = 32

const EmojiName = text({ max: maxName }).annotations({
  arbitrary: () => (fc) => fc.constantFrom("🔥", "👍", "🇨🇭"),
})

/**
 * An emoji as Discord sends it (partial). `id` is absent for a Unicode emoji.
 *
 * @example
 * ```ts
 * import type { Emoji } from "effect-discord"
 *
 * const isCustom = (emoji: Emoji.Emoji) => emoji.id !== undefined
 * ```
 *
 * @see Discord: Emoji Object
 * @since 0.1.0
 * @category models
 */
export const Emoji = Schema.Struct({
  id: nullishToAbsent(Snowflake),
  name: nullishToAbsent(Schema.String),
  animated: nullishToAbsent(Schema.Boolean),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Emoji extends Schema.Schema.Type<typeof Emoji> {}

/**
 * The emoji of a button or a select option: `{ name: "🔥" }`, or `{ id, name }` for a custom one.
 *
 * @example
 * ```ts
 * import type { Emoji } from "effect-discord"
 *
 * const fire: Emoji.EmojiCreate = { name: "🔥" }
 * ```
 *
 * @see Discord: Components, Button
 * @since 0.1.0
 * @category models
 */
export const EmojiCreate = Schema.Struct({
  id: optional(SnowflakeInput),
  name: optional(EmojiName),
  animated: optional(Schema.Boolean),
}).pipe(
  Schema.filter(
    (emoji) => emoji.id !== undefined || emoji.name !== undefined || "needs an id or a name",
  ),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface EmojiCreate extends Schema.Schema.Type<typeof EmojiCreate> {}

/**
 * The emoji of a poll answer: `id` for a custom one, or `name` for a Unicode one.
 *
 * @example
 * ```ts
 * import type { Emoji } from "effect-discord"
 *
 * const pizza: Emoji.PollEmojiCreate = { name: "🍕" }
 * ```
 *
 * @see Discord: Poll Media Object
 * @since 0.1.0
 * @category models
 */
export const PollEmojiCreate = Schema.Struct({
  id: optional(SnowflakeInput),
  name: optional(EmojiName),
}).pipe(
  Schema.filter(
    (emoji) =>
      (emoji.id === undefined) !== (emoji.name === undefined) ||
      "needs either id or name, not both",
  ),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface PollEmojiCreate extends Schema.Schema.Type<typeof PollEmojiCreate> {}

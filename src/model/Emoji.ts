/**
 * Emoji inside components, polls and reactions: a Unicode character, or a custom one by id.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { text } from "./limits.js"
import { Snowflake, SnowflakeInput } from "./Snowflake.js"
import { generatedSnowflake, optional, nullishToAbsent, type FastCheckModule } from "./fields.js"
/** Discord's OpenAPI: an emoji's name is at most 32 code points. */
const maxName = 32

const generatedName = (fc: FastCheckModule) => fc.constantFrom("🔥", "👍", "🇨🇭")

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
  id: nullishToAbsent("id", Snowflake),
  name: nullishToAbsent("name", Schema.String),
  animated: nullishToAbsent("animated", Schema.Boolean),
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
  id: optional("id", SnowflakeInput),
  name: optional("name", text({ max: maxName })),
  animated: optional("animated", Schema.Boolean),
}).pipe(
  Schema.filter(
    (emoji) => emoji.id !== undefined || emoji.name !== undefined || "needs an id or a name",
    {
      arbitrary: () => (fc) =>
        fc.oneof(
          generatedSnowflake(fc).map((id) => ({ id })),
          fc.record({
            id: generatedSnowflake(fc),
            name: generatedName(fc),
            animated: fc.boolean(),
          }),
          generatedName(fc).map((name) => ({ name })),
        ),
    },
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
  id: optional("id", SnowflakeInput),
  name: optional("name", text({ max: maxName })),
}).pipe(
  Schema.filter(
    (emoji) =>
      (emoji.id === undefined) !== (emoji.name === undefined) ||
      "needs either id or name, not both",
    {
      arbitrary: () => (fc) =>
        fc.oneof(
          generatedSnowflake(fc).map((id) => ({ id })),
          generatedName(fc).map((name) => ({ name })),
        ),
    },
  ),
)
/**
 * @since 0.1.0
 * @category models
 */
export interface PollEmojiCreate extends Schema.Schema.Type<typeof PollEmojiCreate> {}

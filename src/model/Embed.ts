/**
 * Embeds: the framed blocks below a message's text.
 *
 * @since 0.1.0
 */
import { Arbitrary, Schema } from "effect"

import { Color } from "./Color.js"
import { Component } from "./component/received.js"
import { atMost, codePoints, httpUrl, items, mediaUrl, text } from "./limits.js"
import { Timestamp } from "./timestamp.js"
import { list, Numeric, optional, orElse, required, sometimes } from "./wire.js"

/** Discord: Embed Limits. Outer whitespace does not count. */
const TITLE_MAX = 256
const DESCRIPTION_MAX = 4096
const FIELDS_MAX = 25
const FIELD_NAME_MAX = 256
const FIELD_VALUE_MAX = 1024
const FOOTER_MAX = 2048
const AUTHOR_MAX = 256
/** Code points of all the texts above, over all embeds of a message. */
const TOTAL_MAX = 6000
/** Discord: Execute Webhook. */
const EMBEDS_MAX = 10
/** Discord's OpenAPI: alt text of an image. */
const ALT_MAX = 4096

const label = (max: number) => text({ max, trim: true })

const ImageCreate = Schema.Struct({
  /** http, https, or `attachment://name` for a file sent along (jpg, jpeg, png, webp, gif). */
  url: required("url", mediaUrl),
  /** Alt text. */
  description: optional("description", text({ max: ALT_MAX })),
})

/**
 * A row or cell of an embed.
 *
 * @example
 * ```ts
 * import type { Embed } from "effect-discord"
 *
 * const field: Embed.EmbedFieldCreate = { name: "Status", value: "green", inline: true }
 * ```
 *
 * @see Discord: Embed Field Structure
 * @since 0.1.0
 * @category models
 */
export const EmbedFieldCreate = Schema.Struct({
  name: required("name", label(FIELD_NAME_MAX)),
  value: required("value", label(FIELD_VALUE_MAX)),
  inline: optional("inline", Schema.Boolean),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface EmbedFieldCreate extends Schema.Schema.Type<typeof EmbedFieldCreate> {}

/**
 * An embed being sent.
 *
 * @example
 * ```ts
 * import type { Embed } from "effect-discord"
 *
 * const embed: Embed.EmbedCreate = {
 *   title: "Deployed",
 *   color: "#57f287",
 *   fields: [{ name: "version", value: "1.4.0", inline: true }],
 * }
 * ```
 *
 * @see Discord: Embed Object
 * @since 0.1.0
 * @category models
 */
export const EmbedCreate = Schema.Struct({
  title: optional("title", label(TITLE_MAX)),
  description: optional("description", label(DESCRIPTION_MAX)),
  url: optional("url", httpUrl()),
  color: optional("color", Color),
  timestamp: optional("timestamp", Timestamp),
  author: optional(
    "author",
    Schema.Struct({
      name: required("name", label(AUTHOR_MAX)),
      url: optional("url", httpUrl()),
      iconUrl: optional("icon_url", mediaUrl),
    }),
  ),
  footer: optional(
    "footer",
    Schema.Struct({
      text: required("text", label(FOOTER_MAX)),
      iconUrl: optional("icon_url", mediaUrl),
    }),
  ),
  image: optional("image", ImageCreate),
  thumbnail: optional("thumbnail", ImageCreate),
  fields: optional("fields", items(EmbedFieldCreate, { max: FIELDS_MAX, unit: "field" })),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface EmbedCreate extends Schema.Schema.Type<typeof EmbedCreate> {}

const tenEmbeds = items(EmbedCreate, { max: EMBEDS_MAX, unit: "embed" })

/**
 * The embeds of one message: at most 10, and 6000 code points together.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(Embed.EmbedsCreate)([{ description: "x".repeat(4000) }, { description: "y".repeat(4000) }]) // false
 * ```
 *
 * @see Discord: Embed Limits
 * @since 0.1.0
 * @category models
 */
export const EmbedsCreate = tenEmbeds.pipe(
  Schema.filter(
    (embeds) => {
      // Units never number less than code points: count exactly only when it may matter.
      if (total(embeds, (part) => part.length) <= TOTAL_MAX) return undefined
      const actual = total(embeds, (part) => codePoints(part.trim()))
      return actual <= TOTAL_MAX
        ? undefined
        : `${atMost(TOTAL_MAX, "code point", actual)} over all embeds`
    },
    {
      arbitrary: () => (fc) =>
        Arbitrary.makeLazy(tenEmbeds)(fc).map((embeds) => {
          const kept = [...embeds]
          while (total(kept, codePoints) > TOTAL_MAX) kept.pop()
          return kept
        }),
    },
  ),
)

const Image = Schema.Struct({
  url: sometimes("url", Schema.String),
  proxyUrl: sometimes("proxy_url", Schema.String),
  /** Pixels. */
  width: sometimes("width", Numeric),
  /** Pixels. */
  height: sometimes("height", Numeric),
  contentType: sometimes("content_type", Schema.String),
  description: sometimes("description", Schema.String),
  placeholder: sometimes("placeholder", Schema.String),
  placeholderVersion: sometimes("placeholder_version", Numeric),
  flags: sometimes("flags", Numeric),
})

/**
 * An embed as Discord sends it. `type` is `rich` for what a webhook sent; others (`image`,
 * `video`, `link`, `poll_result`, ...) are made by Discord, and new ones appear.
 *
 * @example
 * ```ts
 * import type { Embed } from "effect-discord"
 *
 * const titles = (embeds: ReadonlyArray<Embed.Embed>) => embeds.map((embed) => embed.title ?? "")
 * ```
 *
 * @see Discord: Embed Object
 * @since 0.1.0
 * @category models
 */
export const Embed = Schema.Struct({
  type: orElse("type", Schema.String, () => "rich"),
  title: sometimes("title", Schema.String),
  description: sometimes("description", Schema.String),
  url: sometimes("url", Schema.String),
  color: sometimes("color", Numeric),
  timestamp: sometimes("timestamp", Timestamp),
  author: sometimes(
    "author",
    Schema.Struct({
      name: sometimes("name", Schema.String),
      url: sometimes("url", Schema.String),
      iconUrl: sometimes("icon_url", Schema.String),
      proxyIconUrl: sometimes("proxy_icon_url", Schema.String),
    }),
  ),
  footer: sometimes(
    "footer",
    Schema.Struct({
      text: sometimes("text", Schema.String),
      iconUrl: sometimes("icon_url", Schema.String),
      proxyIconUrl: sometimes("proxy_icon_url", Schema.String),
    }),
  ),
  image: sometimes("image", Image),
  thumbnail: sometimes("thumbnail", Image),
  video: sometimes("video", Image),
  provider: sometimes(
    "provider",
    Schema.Struct({
      name: sometimes("name", Schema.String),
      url: sometimes("url", Schema.String),
    }),
  ),
  fields: orElse(
    "fields",
    list(
      Schema.Struct({
        name: Schema.String,
        value: Schema.String,
        inline: orElse("inline", Schema.Boolean, () => false),
      }),
    ),
    () => [],
  ),
  flags: sometimes("flags", Numeric),
  components: sometimes("components", list(Component)),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Embed extends Schema.Schema.Type<typeof Embed> {}

/** Sums a measure of every text that counts towards the 6000. */
function total(embeds: ReadonlyArray<EmbedCreate>, measure: (part: string) => number): number {
  let sum = 0
  const add = (part: string | undefined) => {
    if (part !== undefined) sum += measure(part)
  }
  for (const embed of embeds) {
    add(embed.title)
    add(embed.description)
    add(embed.author?.name)
    add(embed.footer?.text)
    for (const field of embed.fields ?? []) {
      add(field.name)
      add(field.value)
    }
  }
  return sum
}

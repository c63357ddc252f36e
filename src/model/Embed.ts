/**
 * Embeds: the framed blocks below a message's text.
 *
 * @since 0.1.0
 * @module
 */
import * as Function from "effect/Function"
import * as Schema from "effect/Schema"

import { Color } from "./Color.js"
import { Component } from "./component/incoming.js"
import { exceedsMax, codePoints, embedMediaUrl, embedUrl, items, text } from "./limits.js"
import * as resend from "./resend.js"
import { Timestamp, TimestampCreate, type TimestampInput } from "./timestamp.js"
import { list, Numeric, optional, withDefault, nullishToAbsent } from "./fields.js"

/** Discord: Embed Limits. Leading and trailing whitespace does not count. */
const maxTitle = 256
const maxDescription = 4096
const maxFields = 25
const maxFieldName = 256
const maxFieldValue = 1024
const maxFooter = 2048
const maxAuthor = 256
/** Code points of all the texts above, over all embeds of a message. */
const maxTotal = 6000
/** Discord: Execute Webhook. */
const maxEmbeds = 10
/** Discord's OpenAPI: alt text of an image. */
const maxAlt = 4096

const trimmedText = (max: number) => text({ max, trim: true })

const ImageCreate = Schema.Struct({
  /** http, https, or `attachment://name` for a file sent along (jpg, jpeg, png, webp, gif). */
  url: embedMediaUrl,
  /** Alt text. */
  description: optional(text({ max: maxAlt })),
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
  name: trimmedText(maxFieldName),
  value: trimmedText(maxFieldValue),
  inline: optional(Schema.Boolean),
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
  title: optional(trimmedText(maxTitle)),
  description: optional(trimmedText(maxDescription)),
  url: optional(embedUrl),
  color: optional(Color),
  timestamp: optional(TimestampCreate),
  author: optional(
    Schema.Struct({
      name: trimmedText(maxAuthor),
      url: optional(embedUrl),
      iconUrl: optional(embedMediaUrl, "icon_url"),
    }),
  ),
  footer: optional(
    Schema.Struct({
      text: trimmedText(maxFooter),
      iconUrl: optional(embedMediaUrl, "icon_url"),
    }),
  ),
  image: optional(ImageCreate),
  thumbnail: optional(ImageCreate),
  fields: optional(items(EmbedFieldCreate, { max: maxFields, unit: "field" })),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface EmbedCreate extends Schema.Schema.Type<typeof EmbedCreate> {}

type Properties = Pick<EmbedCreate, keyof EmbedCreate>
type Author = NonNullable<EmbedCreate["author"]>
type Footer = NonNullable<EmbedCreate["footer"]>
type Picture = NonNullable<EmbedCreate["image"]>

const tenEmbeds = items(EmbedCreate, { max: maxEmbeds, unit: "embed" })

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
  Schema.filter((embeds) => [...embeds.flatMap(blankIssues), ...totalIssues(embeds)]),
)

/** What a combinator makes of an embed in a pipe. */
type Step = (embed: EmbedCreate) => EmbedCreate

/**
 * An empty embed, to start a pipe. The combinators take and return plain values,
 * with the embed first or, in a pipe, last.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 * import { pipe } from "effect"
 *
 * const deployed = pipe(
 *   Embed.empty,
 *   Embed.title("Deployed"),
 *   Embed.color("#57f287"),
 *   Embed.field("Version", "1.4.0", { inline: true }),
 *   Embed.field("Region", "eu", { inline: true }),
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: EmbedCreate = {}

/**
 * Sets the title (at most 256 code points).
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.title({}, "Deployed") // { title: "Deployed" }
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const title: {
  (value: string): Step
  (embed: EmbedCreate, value: string): EmbedCreate
} = Function.dual(2, (embed: EmbedCreate, value: string) => set(embed, { title: value }))

/**
 * Sets the text: Markdown, at most 4096 code points.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.description({}, "All is **well**") // { description: "All is **well**" }
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const description: {
  (value: string): Step
  (embed: EmbedCreate, value: string): EmbedCreate
} = Function.dual(2, (embed: EmbedCreate, value: string) => set(embed, { description: value }))

/**
 * Makes the title a link to this URL (http or https).
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.url({ title: "Docs" }, "https://example.com")
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const url: {
  (value: string): Step
  (embed: EmbedCreate, value: string): EmbedCreate
} = Function.dual(2, (embed: EmbedCreate, value: string) => set(embed, { url: value }))

/**
 * Sets the colour of the bar on the left.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.color({}, "#57f287") // { color: "#57f287" }
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const color: {
  (value: Color): Step
  (embed: EmbedCreate, value: Color): EmbedCreate
} = Function.dual(2, (embed: EmbedCreate, value: Color) => set(embed, { color: value }))

/**
 * Sets the timestamp, which Discord shows beside the footer in the reader's time zone: a `DateTime`,
 * a `Date`, or ISO 8601 text with a zone.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 * import { DateTime, Effect } from "effect"
 *
 * const stamped = Effect.map(DateTime.now, (now) => Embed.timestamp({ title: "Deployed" }, now))
 * const fixed = Embed.timestamp({ title: "Deployed" }, "2026-01-31T12:00:00+01:00")
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const timestamp: {
  (timestamp: TimestampInput): Step
  (embed: EmbedCreate, timestamp: TimestampInput): EmbedCreate
} = Function.dual(2, (embed: EmbedCreate, value: TimestampInput) =>
  set(embed, { timestamp: value }),
)

/**
 * Sets the small line above the title (at most 256 code points), with a link or an icon.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.author({}, "Ada", { url: "https://example.com/ada" })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const author: {
  (name: string, options?: Omit<Author, "name">): Step
  (embed: EmbedCreate, name: string, options?: Omit<Author, "name">): EmbedCreate
} = Function.dual(
  isDataFirst,
  (embed: EmbedCreate, name: string, options?: Omit<Author, "name">): EmbedCreate =>
    set(embed, { author: { name, ...options } }),
)

/**
 * Sets the small line below (at most 2048 code points), with an icon.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.footer({}, "sent by the build") // { footer: { text: "sent by the build" } }
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const footer: {
  (value: string, options?: Omit<Footer, "text">): Step
  (embed: EmbedCreate, value: string, options?: Omit<Footer, "text">): EmbedCreate
} = Function.dual(
  isDataFirst,
  (embed: EmbedCreate, value: string, options?: Omit<Footer, "text">): EmbedCreate =>
    set(embed, { footer: { text: value, ...options } }),
)

/**
 * Sets the large picture: http, https, or `attachment://name` for a file sent along.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.image({}, "attachment://chart.png", { description: "Requests, rising" })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const image: {
  (source: string, options?: Omit<Picture, "url">): Step
  (embed: EmbedCreate, source: string, options?: Omit<Picture, "url">): EmbedCreate
} = Function.dual(
  isDataFirst,
  (embed: EmbedCreate, source: string, options?: Omit<Picture, "url">): EmbedCreate =>
    set(embed, { image: { url: source, ...options } }),
)

/**
 * Sets the small picture in the corner. It takes the same URLs as {@link image}.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.thumbnail({}, "https://example.com/logo.png")
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const thumbnail: {
  (source: string, options?: Omit<Picture, "url">): Step
  (embed: EmbedCreate, source: string, options?: Omit<Picture, "url">): EmbedCreate
} = Function.dual(
  isDataFirst,
  (embed: EmbedCreate, source: string, options?: Omit<Picture, "url">): EmbedCreate =>
    set(embed, { thumbnail: { url: source, ...options } }),
)

/**
 * Adds a field: at most 25, names of 256 and values of 1024 code points. Inline ones stand side by
 * side.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 * import { Array } from "effect"
 *
 * const figures = { Passed: "120", Failed: "0" }
 * const embed = Array.reduce(Object.entries(figures), Embed.empty, (soFar, [name, value]) =>
 *   Embed.field(soFar, name, value, { inline: true }),
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const field: {
  (name: string, value: string, options?: Omit<EmbedFieldCreate, "name" | "value">): Step
  (
    embed: EmbedCreate,
    name: string,
    value: string,
    options?: Omit<EmbedFieldCreate, "name" | "value">,
  ): EmbedCreate
} = Function.dual(
  isDataFirst,
  (
    embed: EmbedCreate,
    name: string,
    value: string,
    options?: Omit<EmbedFieldCreate, "name" | "value">,
  ): EmbedCreate => set(embed, { fields: [...(embed.fields ?? []), { name, value, ...options }] }),
)

/**
 * The code points that count towards the 6000 which the embeds of a message have together: titles,
 * descriptions, names and values of fields, footers and authors, without leading and trailing
 * whitespace.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.total([{ title: "Deployed" }, { footer: { text: "🚀" } }]) // 9
 * ```
 *
 * @see Discord: Embed Limits
 * @since 0.1.0
 * @category accessors
 */
export function total(embeds: ReadonlyArray<EmbedCreate>): number {
  return sum(embeds, (part) => codePoints(part.trim()))
}

/**
 * The code points that the embeds of one message have left of their 6000; negative if they have too many.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 *
 * Embed.room([{ description: "x".repeat(4000) }]) // 2000
 * ```
 *
 * @see Discord: Embed Limits
 * @since 0.1.0
 * @category accessors
 */
export const room = (embeds: ReadonlyArray<EmbedCreate>): number => maxTotal - total(embeds)

const media = {
  proxyUrl: nullishToAbsent(Schema.String, "proxy_url"),
  /** Pixels. */
  width: nullishToAbsent(Numeric),
  /** Pixels. */
  height: nullishToAbsent(Numeric),
  contentType: nullishToAbsent(Schema.String, "content_type"),
  description: nullishToAbsent(Schema.String),
  placeholder: nullishToAbsent(Schema.String),
  placeholderVersion: nullishToAbsent(Numeric, "placeholder_version"),
  flags: nullishToAbsent(Numeric),
}
const emptyText = () => ""
const Image = Schema.Struct({ url: withDefault(Schema.String, emptyText), ...media })
const Video = Schema.Struct({ url: nullishToAbsent(Schema.String), ...media })

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
  type: withDefault(Schema.String, () => "rich"),
  title: nullishToAbsent(Schema.String),
  description: nullishToAbsent(Schema.String),
  url: nullishToAbsent(Schema.String),
  color: nullishToAbsent(Numeric),
  timestamp: nullishToAbsent(Timestamp),
  author: nullishToAbsent(
    Schema.Struct({
      name: withDefault(Schema.String, emptyText),
      url: nullishToAbsent(Schema.String),
      iconUrl: nullishToAbsent(Schema.String, "icon_url"),
      proxyIconUrl: nullishToAbsent(Schema.String, "proxy_icon_url"),
    }),
  ),
  footer: nullishToAbsent(
    Schema.Struct({
      text: withDefault(Schema.String, emptyText),
      iconUrl: nullishToAbsent(Schema.String, "icon_url"),
      proxyIconUrl: nullishToAbsent(Schema.String, "proxy_icon_url"),
    }),
  ),
  image: nullishToAbsent(Image),
  thumbnail: nullishToAbsent(Image),
  video: nullishToAbsent(Video),
  provider: nullishToAbsent(
    Schema.Struct({
      name: nullishToAbsent(Schema.String),
      url: nullishToAbsent(Schema.String),
    }),
  ),
  fields: withDefault(
    list(
      Schema.Struct({
        name: withDefault(Schema.String, emptyText),
        value: withDefault(Schema.String, emptyText),
        inline: withDefault(Schema.Boolean, () => false),
      }),
    ),
    () => [],
  ),
  flags: nullishToAbsent(Numeric),
  components: nullishToAbsent(list(Component)),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Embed extends Schema.Schema.Type<typeof Embed> {}

/**
 * Converts a received embed to one to send: without `type`, `provider`, `video` and what Discord adds to
 * pictures, such as their sizes. A message takes received embeds as they are as well, but then leaves out
 * those that Discord made of links; this function keeps them.
 *
 * @example
 * ```ts
 * import { Embed } from "effect-discord"
 * import type { Message } from "effect-discord"
 *
 * const copies = (message: Message.Message) => message.embeds.map(Embed.fromReceived)
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromReceived = (embed: Embed): EmbedCreate =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what only Discord sets
  resend.embed(embed) as EmbedCreate

function set(embed: Properties, part: Properties): EmbedCreate {
  return { ...embed, ...part }
}

/** A call that begins with a string gets the embed last, from a pipe. */
function isDataFirst(args: IArguments): boolean {
  return typeof args[0] !== "string"
}

/** Sums a measure of every text that counts towards the 6000. */
function sum(embeds: ReadonlyArray<EmbedCreate>, measure: (part: string) => number): number {
  let measured = 0
  const add = (part: string | undefined) => {
    if (part !== undefined) measured += measure(part)
  }
  for (const embed of embeds) {
    add(embed.title)
    add(embed.description)
    add(embed.author?.name)
    add(embed.footer?.text)
    for (const { name, value } of embed.fields ?? []) {
      add(name)
      add(value)
    }
  }
  return measured
}

/** Discord rejects an embed without content (BASE_TYPE_REQUIRED). Whitespace and empty lists are no content. */
function blankIssues(embed: EmbedCreate, index: number): ReadonlyArray<Schema.FilterIssue> {
  if (!resend.isEmptyEmbed(embed)) return []
  return [
    { path: [index], message: "is empty: give it a title, a description, fields or a picture" },
  ]
}

function totalIssues(embeds: ReadonlyArray<EmbedCreate>): ReadonlyArray<Schema.FilterIssue> {
  // A text has at least as many UTF-16 units as code points, so the exact count is needed only above the limit.
  if (sum(embeds, (part) => part.length) <= maxTotal) return []
  const actual = total(embeds)
  if (actual <= maxTotal) return []
  return [{ path: [], message: `${exceedsMax(maxTotal, "code point", actual)} over all embeds` }]
}

/** Outgoing: text, media and layout. Their presence needs the `IsComponentsV2` flag. */
import * as Schema from "effect/Schema"

import { Color } from "../Color.js"
import { attachmentUrl, items, mediaUrl, text } from "../limits.js"
import { optional, required } from "../wire.js"
import { ActionRow, Button, componentId } from "./interactive.js"
import { Kind } from "./kinds.js"
import { orRaw } from "./raw.js"

/** Discord: Component Reference; sizes also in Discord's OpenAPI. */
const TEXT_MAX = 4000
const ALT_MAX = 1024
const GALLERY_MAX = 10
const SECTION_TEXTS_MAX = 3
const CONTAINER_MAX = 40

const media = required("media", Schema.Struct({ url: required("url", mediaUrl) }))
const description = optional("description", text({ min: 1, max: ALT_MAX }))
const spoiler = optional("spoiler", Schema.Boolean)
const id = optional("id", componentId)

export const TextDisplay = Schema.Struct({
  type: Schema.Literal(Kind.TextDisplay),
  id,
  /** Markdown. */
  content: required("content", text({ min: 1, max: TEXT_MAX })),
})

export const Thumbnail = Schema.Struct({
  type: Schema.Literal(Kind.Thumbnail),
  id,
  media,
  /** Alt text. */
  description,
  spoiler,
})

export const Section = Schema.Struct({
  type: Schema.Literal(Kind.Section),
  id,
  components: required(
    "components",
    items(orRaw(TextDisplay), { min: 1, max: SECTION_TEXTS_MAX, unit: "text" }),
  ),
  accessory: required("accessory", orRaw(...Button.members, Thumbnail)),
})

export const MediaGallery = Schema.Struct({
  type: Schema.Literal(Kind.MediaGallery),
  id,
  items: required(
    "items",
    items(Schema.Struct({ media, description, spoiler }), {
      min: 1,
      max: GALLERY_MAX,
      unit: "item",
    }),
  ),
})

export const File = Schema.Struct({
  type: Schema.Literal(Kind.File),
  id,
  /** Only a file sent along: `attachment://name`. */
  file: required("file", Schema.Struct({ url: required("url", attachmentUrl) })),
  spoiler,
})

export const Separator = Schema.Struct({
  type: Schema.Literal(Kind.Separator),
  id,
  /** A visible line; true when left out. */
  divider: optional("divider", Schema.Boolean),
  /** 1 small, 2 large. */
  spacing: optional("spacing", Schema.Literal(1, 2)),
})

const inContainer = [ActionRow, Section, TextDisplay, MediaGallery, File, Separator] as const

export const Container = Schema.Struct({
  type: Schema.Literal(Kind.Container),
  id,
  components: required(
    "components",
    items(orRaw(...inContainer), { min: 1, max: CONTAINER_MAX, unit: "component" }),
  ),
  accentColor: optional("accent_color", Color),
  spoiler,
})

export const TopLevel = orRaw(...inContainer, Container)

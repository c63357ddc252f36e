/** Incoming: components as Discord sends them, leniently. */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

import { Emoji } from "../Emoji.js"
import { Snowflake } from "../Snowflake.js"
import { list, Numeric, orElse, required, sometimes } from "../wire.js"
import { Kind } from "./kinds.js"

/** Absent on very old messages only. */
const id = sometimes("id", Numeric)
const disabled = orElse("disabled", Schema.Boolean, () => false)
const spoiler = orElse("spoiler", Schema.Boolean, () => false)
const description = sometimes("description", Schema.String)

const Media = Schema.Struct({
  url: Schema.String,
  proxyUrl: sometimes("proxy_url", Schema.String),
  /** Pixels. */
  width: sometimes("width", Numeric),
  /** Pixels. */
  height: sometimes("height", Numeric),
  contentType: sometimes("content_type", Schema.String),
  attachmentId: sometimes("attachment_id", Snowflake),
  placeholder: sometimes("placeholder", Schema.String),
  placeholderVersion: sometimes("placeholder_version", Numeric),
  flags: sometimes("flags", Numeric),
})

const Button = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  id,
  style: Numeric,
  label: sometimes("label", Schema.String),
  emoji: sometimes("emoji", Emoji),
  customId: sometimes("custom_id", Schema.String),
  url: sometimes("url", Schema.String),
  skuId: sometimes("sku_id", Snowflake),
  disabled,
})

const Select = Schema.Struct({
  type: Schema.Literal(
    Kind.StringSelect,
    Kind.UserSelect,
    Kind.RoleSelect,
    Kind.MentionableSelect,
    Kind.ChannelSelect,
  ),
  id,
  customId: required("custom_id", Schema.String),
  placeholder: sometimes("placeholder", Schema.String),
  minValues: sometimes("min_values", Numeric),
  maxValues: sometimes("max_values", Numeric),
  disabled,
  options: sometimes(
    "options",
    list(
      Schema.Struct({
        label: Schema.String,
        value: Schema.String,
        description,
        emoji: sometimes("emoji", Emoji),
        default: orElse("default", Schema.Boolean, () => false),
      }),
    ),
  ),
  channelTypes: sometimes("channel_types", list(Numeric)),
  defaultValues: sometimes(
    "default_values",
    list(Schema.Struct({ id: Snowflake, type: Schema.String })),
  ),
})

const TextDisplay = Schema.Struct({
  type: Schema.Literal(Kind.TextDisplay),
  id,
  content: Schema.String,
})

const Thumbnail = Schema.Struct({
  type: Schema.Literal(Kind.Thumbnail),
  id,
  media: Media,
  description,
  spoiler,
})

const MediaGallery = Schema.Struct({
  type: Schema.Literal(Kind.MediaGallery),
  id,
  items: list(Schema.Struct({ media: Media, description, spoiler })),
})

const File = Schema.Struct({
  type: Schema.Literal(Kind.File),
  id,
  file: Media,
  name: sometimes("name", Schema.String),
  /** Bytes. */
  size: sometimes("size", Numeric),
  spoiler,
})

const Separator = Schema.Struct({
  type: Schema.Literal(Kind.Separator),
  id,
  divider: orElse("divider", Schema.Boolean, () => true),
  spacing: orElse("spacing", Numeric, () => 1),
})

const json = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** Anything this version does not know, or that does not have the documented shape, kept whole. */
const Unknown = Schema.transformOrFail(
  json,
  Schema.Struct({
    type: Schema.Literal("unknown"),
    raw: json.annotations({
      arbitrary: () => (fc) =>
        fc.record({ type: fc.integer({ min: 100, max: 200 }), novelty: fc.string() }),
    }),
  }),
  {
    strict: true,
    decode: (raw) => ParseResult.succeed({ type: "unknown" as const, raw }),
    encode: ({ raw }) => ParseResult.succeed(raw),
  },
)

const ActionRow = Schema.Struct({
  type: Schema.Literal(Kind.ActionRow),
  id,
  components: list(Schema.Union(Button, Select, Unknown)),
})

const Section = Schema.Struct({
  type: Schema.Literal(Kind.Section),
  id,
  components: list(Schema.Union(TextDisplay, Unknown)),
  accessory: Schema.Union(Button, Thumbnail, Unknown),
})

const inContainer = [ActionRow, Section, TextDisplay, MediaGallery, File, Separator] as const

const Container = Schema.Struct({
  type: Schema.Literal(Kind.Container),
  id,
  accentColor: sometimes("accent_color", Numeric),
  spoiler,
  components: list(Schema.Union(...inContainer, Unknown)),
})

export const Component = Schema.Union(...inContainer, Container, Unknown)

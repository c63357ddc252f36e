/**
 * Incoming: components as Discord sends them. What a sender may set is strict: where it does not
 * fit, the component is kept as Discord sent it, so that nothing of it is lost when it is sent
 * again. What only Discord sets is lenient.
 */
import * as Schema from "effect/Schema"

import { Emoji } from "../Emoji.js"
import { Snowflake } from "../Snowflake.js"
import {
  Numeric,
  required,
  nullishToAbsent,
  strictList as list,
  strictWithDefault,
  strictNullishToAbsent,
} from "../fields.js"
import { ChannelType, Kind, Raw } from "./kinds.js"
/** Absent on very old messages only. */
const id = strictNullishToAbsent("id", Numeric)
const disabled = strictWithDefault("disabled", Schema.Boolean, () => false)
const spoiler = strictWithDefault("spoiler", Schema.Boolean, () => false)
const description = strictNullishToAbsent("description", Schema.String)

const Media = Schema.Struct({
  url: Schema.String,
  proxyUrl: nullishToAbsent("proxy_url", Schema.String),
  /** Pixels. */
  width: nullishToAbsent("width", Numeric),
  /** Pixels. */
  height: nullishToAbsent("height", Numeric),
  contentType: nullishToAbsent("content_type", Schema.String),
  attachmentId: nullishToAbsent("attachment_id", Snowflake),
  placeholder: nullishToAbsent("placeholder", Schema.String),
  placeholderVersion: nullishToAbsent("placeholder_version", Numeric),
  flags: nullishToAbsent("flags", Numeric),
})

const button = { type: Schema.Literal(Kind.Button), id, disabled }
const face = {
  label: strictNullishToAbsent("label", Schema.String),
  emoji: strictNullishToAbsent("emoji", Emoji),
}

const buttons = [
  Schema.Struct({
    ...button,
    ...face,
    /** Primary, secondary, success, danger. */
    style: Schema.Literal(1, 2, 3, 4),
    customId: required("custom_id", Schema.String),
  }),
  Schema.Struct({
    ...button,
    ...face,
    style: Schema.Literal(5),
    url: required("url", Schema.String),
  }),
  Schema.Struct({ ...button, style: Schema.Literal(6), skuId: required("sku_id", Snowflake) }),
] as const

const select = {
  id,
  customId: required("custom_id", Schema.String),
  placeholder: strictNullishToAbsent("placeholder", Schema.String),
  minValues: strictNullishToAbsent("min_values", Numeric),
  maxValues: strictNullishToAbsent("max_values", Numeric),
  disabled,
}

const Option = Schema.Struct({
  label: Schema.String,
  value: Schema.String,
  description,
  emoji: strictNullishToAbsent("emoji", Emoji),
  default: strictWithDefault("default", Schema.Boolean, () => false),
})

function defaultValuesField<const T extends "user" | "role" | "channel">(
  ...types: ReadonlyArray<T>
) {
  const value = Schema.Struct({ id: Snowflake, type: Schema.Literal(...types) })
  return strictNullishToAbsent("default_values", list(value))
}

const selects = [
  Schema.Struct({
    type: Schema.Literal(Kind.StringSelect),
    ...select,
    options: list(Option),
  }),
  Schema.Struct({
    type: Schema.Literal(Kind.UserSelect),
    ...select,
    defaultValues: defaultValuesField("user"),
  }),
  Schema.Struct({
    type: Schema.Literal(Kind.RoleSelect),
    ...select,
    defaultValues: defaultValuesField("role"),
  }),
  Schema.Struct({
    type: Schema.Literal(Kind.MentionableSelect),
    ...select,
    defaultValues: defaultValuesField("user", "role"),
  }),
  Schema.Struct({
    type: Schema.Literal(Kind.ChannelSelect),
    ...select,
    channelTypes: strictNullishToAbsent(
      "channel_types",
      list(Schema.compose(Numeric, ChannelType)),
    ),
    defaultValues: defaultValuesField("channel"),
  }),
] as const

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
  name: nullishToAbsent("name", Schema.String),
  /** Bytes. */
  size: nullishToAbsent("size", Numeric),
  spoiler,
})

const Separator = Schema.Struct({
  type: Schema.Literal(Kind.Separator),
  id,
  divider: strictWithDefault("divider", Schema.Boolean, () => true),
  spacing: strictWithDefault("spacing", Schema.Literal(1, 2), () => 1 as const),
})

const ActionRow = Schema.Struct({
  type: Schema.Literal(Kind.ActionRow),
  id,
  components: list(Schema.Union(...buttons, ...selects, Raw)),
})

const Section = Schema.Struct({
  type: Schema.Literal(Kind.Section),
  id,
  components: list(Schema.Union(TextDisplay, Raw)),
  accessory: Schema.Union(...buttons, Thumbnail, Raw),
})

const inContainer = [ActionRow, Section, TextDisplay, MediaGallery, File, Separator] as const

const Container = Schema.Struct({
  type: Schema.Literal(Kind.Container),
  id,
  accentColor: strictNullishToAbsent("accent_color", Numeric),
  spoiler,
  components: list(Schema.Union(...inContainer, Raw)),
})

export const Component = Schema.Union(...inContainer, Container, Raw)

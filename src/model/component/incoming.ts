/**
 * Incoming: components as Discord sends them. If a field that senders may set does not fit its Schema,
 * the whole component is kept as Discord sent it, so that nothing of it is lost when it is sent again. Fields
 * that only Discord sets are left out if they do not fit.
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
const id = strictNullishToAbsent(Numeric)
const disabled = strictWithDefault(Schema.Boolean, () => false)
const spoiler = strictWithDefault(Schema.Boolean, () => false)
const description = strictNullishToAbsent(Schema.String)

const Media = Schema.Struct({
  url: Schema.String,
  proxyUrl: nullishToAbsent(Schema.String, "proxy_url"),
  /** Pixels. */
  width: nullishToAbsent(Numeric),
  /** Pixels. */
  height: nullishToAbsent(Numeric),
  contentType: nullishToAbsent(Schema.String, "content_type"),
  attachmentId: nullishToAbsent(Snowflake, "attachment_id"),
  placeholder: nullishToAbsent(Schema.String),
  placeholderVersion: nullishToAbsent(Numeric, "placeholder_version"),
  flags: nullishToAbsent(Numeric),
})

const button = { type: Schema.Literal(Kind.Button), id, disabled }
const labelAndEmoji = {
  label: strictNullishToAbsent(Schema.String),
  emoji: strictNullishToAbsent(Emoji),
}

const buttons = [
  Schema.Struct({
    ...button,
    ...labelAndEmoji,
    /** Primary, secondary, success, danger. */
    style: Schema.Literal(1, 2, 3, 4),
    customId: required(Schema.String, "custom_id"),
  }),
  Schema.Struct({
    ...button,
    ...labelAndEmoji,
    style: Schema.Literal(5),
    url: Schema.String,
  }),
  Schema.Struct({ ...button, style: Schema.Literal(6), skuId: required(Snowflake, "sku_id") }),
] as const

const select = {
  id,
  customId: required(Schema.String, "custom_id"),
  placeholder: strictNullishToAbsent(Schema.String),
  minValues: strictNullishToAbsent(Numeric, "min_values"),
  maxValues: strictNullishToAbsent(Numeric, "max_values"),
  disabled,
}

const Option = Schema.Struct({
  label: Schema.String,
  value: Schema.String,
  description,
  emoji: strictNullishToAbsent(Emoji),
  default: strictWithDefault(Schema.Boolean, () => false),
})

function defaultValuesField<const T extends "user" | "role" | "channel">(
  ...types: ReadonlyArray<T>
) {
  const value = Schema.Struct({ id: Snowflake, type: Schema.Literal(...types) })
  return strictNullishToAbsent(list(value), "default_values")
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
      list(Schema.compose(Numeric, ChannelType)),
      "channel_types",
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
  name: nullishToAbsent(Schema.String),
  /** Bytes. */
  size: nullishToAbsent(Numeric),
  spoiler,
})

const Separator = Schema.Struct({
  type: Schema.Literal(Kind.Separator),
  id,
  divider: strictWithDefault(Schema.Boolean, () => true),
  spacing: strictWithDefault(Schema.Literal(1, 2), () => 1 as const),
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
  accentColor: strictNullishToAbsent(Numeric, "accent_color"),
  spoiler,
  components: list(Schema.Union(...inContainer, Raw)),
})

export const Component = Schema.Union(...inContainer, Container, Raw)

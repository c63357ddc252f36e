/** Components that are sent. Action Rows and their content need no `IsComponentsV2` flag. */
import * as Schema from "effect/Schema"

import { EmojiCreate } from "../Emoji.js"
import { httpUrl, int, items, text, attachmentUrl, mediaUrl } from "../limits.js"
import { SnowflakeInput } from "../Snowflake.js"
import { optional, required } from "../fields.js"
import { ChannelType, Kind, orRaw } from "./kinds.js"
import { Color } from "../Color.js"

/** Discord: Component Reference; sizes also in Discord's OpenAPI. */
const maxCustomId = 100
const maxLabel = 80
const maxLink = 512
const maxOptions = 25
const maxOptionText = 100
const maxPlaceholder = 150
const maxButtons = 5
/** Discord: Component Reference, `max_values` when it is left out. */
const defaultMaxValues = 1

/** The parts of a select that depend on one another. */
interface Choices {
  readonly minValues?: number | undefined
  readonly maxValues?: number | undefined
  readonly options?: ReadonlyArray<{ readonly value: string }>
  readonly defaultValues?: ReadonlyArray<unknown> | undefined
}

/** int32, 0 = assigned by Discord. */
const componentId = int(0, 2_147_483_647)

const customId = text({ min: 1, max: maxCustomId })

const buttonFace = {
  id: optional(componentId),
  label: optional(text({ max: maxLabel })),
  emoji: optional(EmojiCreate),
  disabled: optional(Schema.Boolean),
}

export const InteractiveButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  /** Primary, secondary, success, danger. */
  style: Schema.Literal(1, 2, 3, 4),
  customId: required(customId, "custom_id"),
  ...buttonFace,
})

export const LinkButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  style: Schema.Literal(5),
  url: httpUrl(maxLink),
  ...buttonFace,
})

export const PremiumButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  style: Schema.Literal(6),
  skuId: required(SnowflakeInput, "sku_id"),
  id: buttonFace.id,
  disabled: buttonFace.disabled,
})

const Button = Schema.Union(InteractiveButton, LinkButton, PremiumButton)

const selectFields = {
  id: optional(componentId),
  customId: required(customId, "custom_id"),
  placeholder: optional(text({ max: maxPlaceholder })),
  minValues: optional(int(0, maxOptions), "min_values"),
  maxValues: optional(int(1, maxOptions), "max_values"),
  disabled: optional(Schema.Boolean),
}

const SelectOption = Schema.Struct({
  label: text({ min: 1, max: maxOptionText }),
  value: text({ min: 1, max: maxOptionText }),
  description: optional(text({ max: maxOptionText })),
  emoji: optional(EmojiCreate),
  default: optional(Schema.Boolean),
})

export const StringSelect = selectSchema(
  Schema.Struct({
    type: Schema.Literal(Kind.StringSelect),
    ...selectFields,
    options: items(SelectOption, { min: 1, max: maxOptions, unit: "option" }),
  }),
)

function defaultValuesField<const T extends "user" | "role" | "channel">(
  ...types: ReadonlyArray<T>
) {
  const value = Schema.Struct({ id: SnowflakeInput, type: Schema.Literal(...types) })
  return optional(items(value, { max: maxOptions, unit: "default value" }), "default_values")
}

export const UserSelect = selectSchema(
  Schema.Struct({
    type: Schema.Literal(Kind.UserSelect),
    ...selectFields,
    defaultValues: defaultValuesField("user"),
  }),
)

export const RoleSelect = selectSchema(
  Schema.Struct({
    type: Schema.Literal(Kind.RoleSelect),
    ...selectFields,
    defaultValues: defaultValuesField("role"),
  }),
)

export const MentionableSelect = selectSchema(
  Schema.Struct({
    type: Schema.Literal(Kind.MentionableSelect),
    ...selectFields,
    defaultValues: defaultValuesField("user", "role"),
  }),
)

export const ChannelSelect = selectSchema(
  Schema.Struct({
    type: Schema.Literal(Kind.ChannelSelect),
    ...selectFields,
    channelTypes: optional(Schema.Array(ChannelType), "channel_types"),
    defaultValues: defaultValuesField("channel"),
  }),
)

const Select = Schema.Union(StringSelect, UserSelect, RoleSelect, MentionableSelect, ChannelSelect)
const RowItem = orRaw(...Button.members, ...Select.members)

const rowItems = items(RowItem, { min: 1, max: maxButtons, unit: "component" })

export const ActionRow = Schema.Struct({
  type: Schema.Literal(Kind.ActionRow),
  id: optional(componentId),
  components: rowItems.pipe(
    Schema.filter(
      (row) =>
        row.length <= 1 ||
        row.every((item) => item.type === Kind.Button || item.type === "unknown") ||
        "a row holds buttons, or one select alone",
      {
        arbitrary: (from) => (fc) => from(fc).map(repairRow),
      },
    ),
  ),
})

/** Leaves buttons or one select in a generated row. */
function repairRow(row: typeof rowItems.Type): typeof rowItems.Type {
  const [first] = row
  return first?.type === Kind.Button
    ? row.filter(({ type }) => type === Kind.Button)
    : row.slice(0, 1)
}

/** A select whose figures go together. */
function selectSchema<A extends Choices, I>(schema: Schema.Schema<A, I>) {
  return schema.pipe(
    Schema.filter(choiceIssues, {
      arbitrary: (from) => (fc) => from(fc).map(repairChoices),
    }),
  )
}

// The rest needs the `IsComponentsV2` flag.

/** Discord: Component Reference; sizes also in Discord's OpenAPI. */
const maxText = 4000
const maxAlt = 1024
const maxGallery = 10
const maxSectionTexts = 3
const maxContainer = 40

const media = Schema.Struct({ url: mediaUrl })
const description = optional(text({ min: 1, max: maxAlt }))
const spoiler = optional(Schema.Boolean)
const id = optional(componentId)

export const TextDisplay = Schema.Struct({
  type: Schema.Literal(Kind.TextDisplay),
  id,
  /** Markdown. */
  content: text({ min: 1, max: maxText }),
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
  components: items(orRaw(TextDisplay), { min: 1, max: maxSectionTexts, unit: "text" }),
  accessory: orRaw(...Button.members, Thumbnail),
})

export const MediaGallery = Schema.Struct({
  type: Schema.Literal(Kind.MediaGallery),
  id,
  items: items(Schema.Struct({ media, description, spoiler }), {
    min: 1,
    max: maxGallery,
    unit: "item",
  }),
})

export const File = Schema.Struct({
  type: Schema.Literal(Kind.File),
  id,
  /** Only a file sent along: `attachment://name`. */
  file: Schema.Struct({ url: attachmentUrl }),
  spoiler,
})

export const Separator = Schema.Struct({
  type: Schema.Literal(Kind.Separator),
  id,
  /** A visible line; true when left out. */
  divider: optional(Schema.Boolean),
  /** 1 small, 2 large. */
  spacing: optional(Schema.Literal(1, 2)),
})

const inContainer = [ActionRow, Section, TextDisplay, MediaGallery, File, Separator] as const

export const Container = Schema.Struct({
  type: Schema.Literal(Kind.Container),
  id,
  components: items(orRaw(...inContainer), { min: 1, max: maxContainer, unit: "component" }),
  accentColor: optional(Color, "accent_color"),
  spoiler,
})

export const TopLevel = orRaw(...inContainer, Container)

/** Checks the minimum, maximum and default values of a select against one another. */
function choiceIssues(select: Choices): ReadonlyArray<Schema.FilterIssue> {
  return [...checkOptionValues(select), ...checkValueCounts(select)]
}

/** Discord: SELECT_COMPONENT_OPTION_VALUE_DUPLICATED. */
function checkOptionValues({ options = [] }: Choices): ReadonlyArray<Schema.FilterIssue> {
  const seen = new Set<string>()
  return options.flatMap(({ value }, index) => {
    const isNew = !seen.has(value)
    seen.add(value)
    return isNew
      ? []
      : [{ path: ["options", index, "value"], message: "is that of another option" }]
  })
}

function checkValueCounts(select: Choices): ReadonlyArray<Schema.FilterIssue> {
  const { defaultValues = [], maxValues, minValues = 0, options } = select
  const available = options?.length ?? Infinity
  const most = Math.min(maxValues ?? defaultMaxValues, available)
  const found: Array<Schema.FilterIssue> = []
  if (maxValues !== undefined && maxValues > available) {
    found.push({
      path: ["maxValues"],
      message: `at most the ${available} options, got ${maxValues}`,
    })
  }
  if (minValues > most) {
    found.push({ path: ["minValues"], message: `at most ${most} (maxValues), got ${minValues}` })
  }
  if (defaultValues.length > most) {
    const message = `at most ${most} (maxValues), got ${defaultValues.length}`
    found.push({ path: ["defaultValues"], message })
  }
  return found
}

/** Makes a generated select valid. */
function repairChoices<A extends Choices>(select: A): A {
  if (choiceIssues(select).length === 0) return select
  const { defaultValues: _, maxValues: __, minValues: ___, ...rest } = select
  const options = select.options?.map((option, index) => ({ ...option, value: `${index}` }))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what is optional
  return { ...rest, ...(options === undefined ? {} : { options }) } as Choices as A
}

/** Outgoing: Action Rows and what stands in them. These need no `IsComponentsV2` flag. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

import { EmojiCreate } from "../Emoji.js"
import { httpUrl, int, items, text } from "../limits.js"
import { SnowflakeInput } from "../Snowflake.js"
import { optional, required } from "../wire.js"
import { choiceIssues, choosable } from "./choices.js"
import type { Choices } from "./choices.js"
import { ChannelType, Kind } from "./kinds.js"
import { orRaw } from "./raw.js"
import type { FastCheckModule } from "../generators.js"

/** Discord: Component Reference; sizes also in Discord's OpenAPI. */
const CUSTOM_ID_MAX = 100
const LABEL_MAX = 80
const LINK_MAX = 512
const OPTIONS_MAX = 25
const OPTION_TEXT_MAX = 100
const PLACEHOLDER_MAX = 150
const BUTTONS_MAX = 5

/** int32, 0 = assigned by Discord. */
export const componentId = int(0, 2_147_483_647)

const customId = text({ min: 1, max: CUSTOM_ID_MAX })

const buttonFace = {
  id: optional("id", componentId),
  label: optional("label", text({ max: LABEL_MAX })),
  emoji: optional("emoji", EmojiCreate),
  disabled: optional("disabled", Schema.Boolean),
}

export const InteractiveButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  /** Primary, secondary, success, danger. */
  style: Schema.Literal(1, 2, 3, 4),
  customId: required("custom_id", customId),
  ...buttonFace,
})

export const LinkButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  style: Schema.Literal(5),
  url: required("url", httpUrl(LINK_MAX)),
  ...buttonFace,
})

export const PremiumButton = Schema.Struct({
  type: Schema.Literal(Kind.Button),
  style: Schema.Literal(6),
  skuId: required("sku_id", SnowflakeInput),
  id: buttonFace.id,
  disabled: buttonFace.disabled,
})

export const Button = Schema.Union(InteractiveButton, LinkButton, PremiumButton)

const select = {
  id: optional("id", componentId),
  customId: required("custom_id", customId),
  placeholder: optional("placeholder", text({ max: PLACEHOLDER_MAX })),
  minValues: optional("min_values", int(0, OPTIONS_MAX)),
  maxValues: optional("max_values", int(1, OPTIONS_MAX)),
  disabled: optional("disabled", Schema.Boolean),
}

const SelectOption = Schema.Struct({
  label: required("label", text({ min: 1, max: OPTION_TEXT_MAX })),
  value: required("value", text({ min: 1, max: OPTION_TEXT_MAX })),
  description: optional("description", text({ max: OPTION_TEXT_MAX })),
  emoji: optional("emoji", EmojiCreate),
  default: optional("default", Schema.Boolean),
})

export const StringSelect = choosing(
  Schema.Struct({
    type: Schema.Literal(Kind.StringSelect),
    ...select,
    options: required("options", items(SelectOption, { min: 1, max: OPTIONS_MAX, unit: "option" })),
  }),
)

function defaults<const T extends "user" | "role" | "channel">(...types: ReadonlyArray<T>) {
  const value = Schema.Struct({ id: SnowflakeInput, type: Schema.Literal(...types) })
  return optional("default_values", items(value, { max: OPTIONS_MAX, unit: "default value" }))
}

export const UserSelect = choosing(
  Schema.Struct({
    type: Schema.Literal(Kind.UserSelect),
    ...select,
    defaultValues: defaults("user"),
  }),
)

export const RoleSelect = choosing(
  Schema.Struct({
    type: Schema.Literal(Kind.RoleSelect),
    ...select,
    defaultValues: defaults("role"),
  }),
)

export const MentionableSelect = choosing(
  Schema.Struct({
    type: Schema.Literal(Kind.MentionableSelect),
    ...select,
    defaultValues: defaults("user", "role"),
  }),
)

export const ChannelSelect = choosing(
  Schema.Struct({
    type: Schema.Literal(Kind.ChannelSelect),
    ...select,
    channelTypes: optional("channel_types", Schema.Array(ChannelType)),
    defaultValues: defaults("channel"),
  }),
)

const Select = Schema.Union(StringSelect, UserSelect, RoleSelect, MentionableSelect, ChannelSelect)
const RowItem = orRaw(...Button.members, ...Select.members)

// Made when asked for: a program that only sends does not pay for them.
const generatedButton = (fc: FastCheckModule) => Arbitrary.makeLazy(Button)(fc)
const generatedSelect = (fc: FastCheckModule) => Arbitrary.makeLazy(Select)(fc)

const rowItems = items(RowItem, { min: 1, max: BUTTONS_MAX, unit: "component" })

export const ActionRow = Schema.Struct({
  type: Schema.Literal(Kind.ActionRow),
  id: optional("id", componentId),
  components: required(
    "components",
    rowItems.pipe(
      Schema.filter(
        (row) =>
          row.length <= 1 ||
          row.every((item) => item.type === Kind.Button || item.type === "unknown") ||
          "a row holds buttons, or one select alone",
        {
          arbitrary: () => (fc) =>
            fc.oneof(
              fc.array(generatedButton(fc), { minLength: 1, maxLength: 3 }),
              generatedSelect(fc).map((one) => [one]),
            ),
        },
      ),
    ),
  ),
})

/** A select whose figures go together. */
function choosing<A extends Choices, I>(schema: Schema.Schema<A, I>) {
  return schema.pipe(
    Schema.filter(choiceIssues, {
      arbitrary: () => (fc) => Arbitrary.makeLazy(schema)(fc).map(choosable),
    }),
  )
}

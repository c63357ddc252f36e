import {
  all,
  boolean,
  type Check,
  choice,
  integer,
  isRecord,
  list,
  object,
  required,
  snowflake,
  text,
  url,
} from "./check.js"
import { type Issue, issue, type Path } from "./issue.js"

const id = integer({ min: 0, max: 2147483647 })
const customId = text({ min: 1, max: 100 })
const webMedia = object({ url: required(url(["http", "https", "attachment"])) })
const altText = text({ min: 1, max: 1024 })

/** A custom emoji has an id, another a name. The code says button wherever the emoji is. */
const emoji = all(
  object({ id: snowflake, name: text({ max: 32 }), animated: boolean }),
  (value, path, issues) => {
    if (!isRecord(value) || isGiven(value["id"]) || isGiven(value["name"])) return
    issues.push(issue([...path, "name"], "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji"))
  },
)

const selectFields = {
  id,
  custom_id: required(customId),
  placeholder: text({ max: 150 }),
  min_values: integer({ min: 0, max: 25 }),
  max_values: integer({ min: 1, max: 25 }),
  disabled: boolean,
}

const option = object({
  label: required(text({ min: 1, max: 100 })),
  value: required(text({ min: 1, max: 100 })),
  description: text({ max: 100 }),
  emoji,
  default: boolean,
})

const stringSelect = all(
  object({ ...selectFields, options: required(list(option, { min: 1, max: 25 })) }),
  checkRange,
  checkOptions,
)

/** Discord's OpenAPI: ChannelTypes. */
const channelTypes = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]

/** A select that Discord fills itself, with values of these types. */
const autoSelect = (types: ReadonlyArray<string>): Check =>
  all(
    object({
      ...selectFields,
      default_values: list(object({ id: required(snowflake), type: required(choice(types)) }), {
        max: 25,
      }),
      channel_types: list(choice(channelTypes), { max: 25 }),
    }),
    checkRange,
  )

/** The fields of each kind, without its children. */
export const componentFields: Readonly<Record<number, Check>> = {
  1: object({ id }),
  2: all(
    object({
      id,
      style: required(choice([1, 2, 3, 4, 5, 6])),
      label: text({ max: 80 }),
      emoji,
      custom_id: customId,
      url: url(["http", "https", "discord"], 512),
      sku_id: snowflake,
      disabled: boolean,
    }),
    checkButton,
  ),
  3: stringSelect,
  5: autoSelect(["user"]),
  6: autoSelect(["role"]),
  7: autoSelect(["user", "role"]),
  8: autoSelect(["channel"]),
  9: object({ id }),
  10: object({ id, content: required(text({ min: 1, max: 4000 })) }),
  11: object({ id, media: required(webMedia), description: altText, spoiler: boolean }),
  12: object({
    id,
    items: required(
      list(object({ media: required(webMedia), description: altText, spoiler: boolean }), {
        min: 1,
        max: 10,
      }),
    ),
  }),
  13: object({
    id,
    file: required(object({ url: required(url(["attachment"])) })),
    spoiler: boolean,
  }),
  14: object({ id, divider: boolean, spacing: choice([1, 2]) }),
  17: object({ id, accent_color: integer({ min: 0, max: 16777215 }), spoiler: boolean }),
}

/** What each style has to carry, and what it may not. The others carry a custom id. */
const linkStyle = { needs: "url", refuses: ["custom_id", "sku_id"] }
const premiumStyle = { needs: "sku_id", refuses: ["custom_id", "url", "label", "emoji"] }
const customStyle = { needs: "custom_id", refuses: ["url", "sku_id"] }

function checkButton(value: unknown, path: Path, issues: Array<Issue>): void {
  if (!isRecord(value)) return
  const style = Number(value["style"])
  const { needs, refuses } = style === 5 ? linkStyle : style === 6 ? premiumStyle : customStyle
  if (!isGiven(value[needs])) {
    issues.push(issue([...path, needs], "BASE_TYPE_REQUIRED", "This field is required"))
  }
  for (const name of refuses) {
    if (!isGiven(value[name])) continue
    const message = `A button of style ${style} cannot have ${name}`
    issues.push(issue([...path, name], "BUTTON_COMPONENT_INVALID_FIELD", message))
  }
}

/** Nobody can choose more than he may. */
function checkRange(value: unknown, path: Path, issues: Array<Issue>): void {
  if (!isRecord(value)) return
  const max = number(value["max_values"], 1)
  if (number(value["min_values"], 1) <= max || !isGiven(value["min_values"])) return
  const message = `int value should be less than or equal to ${max}.`
  issues.push(issue([...path, "min_values"], "NUMBER_TYPE_MAX", message))
}

/** There are as many options as may be chosen, and no two of one value. */
function checkOptions(value: unknown, path: Path, issues: Array<Issue>): void {
  const options = isRecord(value) ? value["options"] : undefined
  if (!isRecord(value) || !Array.isArray(options)) return
  const min = number(value["max_values"], 1)
  if (options.length > 0 && options.length < min) {
    const message = `Must be between ${min} and 25 in length.`
    issues.push(issue([...path, "options"], "BASE_TYPE_BAD_LENGTH", message))
  }
  const seen = new Set<unknown>()
  options.filter(isRecord).forEach(({ value: own }, index) => {
    if (seen.has(own)) {
      const message = "The specified option value is already used"
      const at = [...path, "options", index]
      issues.push(issue(at, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message))
    }
    seen.add(own)
  })
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

import { type JsonObject, isJsonObject, scalarText } from "../http/exchange.js"
import {
  countCodePoints,
  list,
  object,
  required,
  all,
  boolean,
  type Check,
  choice,
  integer,
  snowflake,
  text,
  url,
} from "./check.js"
import { getReferencedName } from "../messages/render.js"
import { type Issue, issue, type Path } from "../http/errors.js"

/**
 * What a sender may use. `isInteractive` allows buttons with `custom_id` and selects, as webhooks
 * of an application do. `files` are the names of the message's files.
 */
export interface Sender {
  readonly isInteractive: boolean
  readonly files: ReadonlySet<string> | undefined
}

export interface ComponentContext extends Sender {
  readonly isV2: boolean
}

interface ComponentWalk extends ComponentContext {
  total: number
  text: number
  readonly customIds: Set<string>
  readonly ids: Set<number>
}

const componentId = integer({ min: 0, max: 2147483647 })
const customId = text({ min: 1, max: 100 })
const webMedia = object({ url: required(url(["http", "https", "attachment"])) })
const altText = text({ min: 1, max: 1024 })

/**
 * An emoji: a custom one has an id, others a name. Discord's error code is the button's in every
 * component.
 */
const componentEmoji = all(
  object({ id: snowflake, name: text({ max: 32 }), animated: boolean }),
  (value, path, issues) => {
    if (!isJsonObject(value) || isPresent(value["id"]) || isPresent(value["name"])) return
    issues.push(issue([...path, "name"], "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji"))
  },
)

const selectFields = {
  id: componentId,
  custom_id: required(customId),
  placeholder: text({ max: 150 }),
  min_values: integer({ min: 0, max: 25 }),
  max_values: integer({ min: 1, max: 25 }),
  disabled: boolean,
}

const selectOption = object({
  label: required(text({ min: 1, max: 100 })),
  value: required(text({ min: 1, max: 100 })),
  description: text({ max: 100 }),
  emoji: componentEmoji,
  default: boolean,
})

const stringSelect = all(
  object({ ...selectFields, options: required(list(selectOption, { min: 1, max: 25 })) }),
  checkSelectRange,
  checkOptions,
)

/** `ChannelTypes` of Discord's OpenAPI document. */
const channelTypes = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]

/** A select of users, roles or channels, whose default values have these types. */
const autoSelect = (types: ReadonlyArray<string>): Check =>
  all(
    object({
      ...selectFields,
      default_values: list(object({ id: required(snowflake), type: required(choice(types)) }), {
        max: 25,
      }),
      channel_types: list(choice(channelTypes), { max: 25 }),
    }),
    checkSelectRange,
  )

/** The fields of each component type, without its children. */
const componentFields: Readonly<Record<number, Check>> = {
  1: object({ id: componentId }),
  2: all(
    object({
      id: componentId,
      style: required(choice([1, 2, 3, 4, 5, 6])),
      label: text({ max: 80 }),
      emoji: componentEmoji,
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
  9: object({ id: componentId }),
  10: object({ id: componentId, content: required(text({ min: 1, max: 4000 })) }),
  11: object({
    id: componentId,
    media: required(webMedia),
    description: altText,
    spoiler: boolean,
  }),
  12: object({
    id: componentId,
    items: required(
      list(object({ media: required(webMedia), description: altText, spoiler: boolean }), {
        min: 1,
        max: 10,
      }),
    ),
  }),
  13: object({
    id: componentId,
    file: required(object({ url: required(url(["attachment"])) })),
    spoiler: boolean,
  }),
  14: object({ id: componentId, divider: boolean, spacing: choice([1, 2]) }),
  17: object({
    id: componentId,
    accent_color: integer({ min: 0, max: 16777215 }),
    spoiler: boolean,
  }),
}

/**
 * The required and the forbidden fields of each button style. Styles not listed require a custom
 * id.
 */
const linkStyle = { requiredField: "url", forbidden: ["custom_id", "sku_id"] }
const premiumStyle = { requiredField: "sku_id", forbidden: ["custom_id", "url", "label", "emoji"] }
const customStyle = { requiredField: "custom_id", forbidden: ["url", "sku_id"] }

const selects = [3, 5, 6, 7, 8]
const topLevelV1 = [1]
const topLevelV2 = [1, 9, 10, 12, 13, 14, 17]
const insideContainer = [1, 9, 10, 12, 13, 14]

/** Adds an issue for each error in the `components` of a message. */
export const checkComponents = (
  value: unknown,
  context: ComponentContext,
  issues: Array<Issue>,
): void => {
  const path = ["components"]
  const walk: ComponentWalk = {
    ...context,
    total: 0,
    text: 0,
    customIds: new Set(),
    ids: new Set(),
  }
  const allowed = context.isV2 ? topLevelV2 : topLevelV1
  list((item, at) => checkComponent(item, at, allowed, walk, issues), {
    max: context.isV2 ? 40 : 5,
  })(value, path, issues)
  if (walk.total > 40) {
    const message = "A message can have at most 40 components in total"
    issues.push(issue(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message))
  }
  if (walk.text > 4000) {
    const message = "The text of all components can be at most 4000 in length"
    issues.push(issue(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message))
  }
}

function checkComponent(
  value: unknown,
  path: Path,
  allowed: ReadonlyArray<number>,
  walk: ComponentWalk,
  issues: Array<Issue>,
): void {
  const type = isJsonObject(value) ? value["type"] : undefined
  if (!isJsonObject(value) || typeof type !== "number" || !allowed.includes(type)) {
    const message = `Value of field "type" must be one of (${allowed.join(", ")}${allowed.length === 1 ? "," : ""}).`
    issues.push(issue(path, "UNION_TYPE_CHOICES", message))
    return
  }
  walk.total++
  componentFields[type]?.(value, path, issues)
  checkDuplicateIds(value, path, walk, issues)
  checkFileReferences(type, value, path, walk, issues)
  if (type === 10) walk.text += countText(value["content"])
  if (!walk.isInteractive && isInteractiveComponent(type, value)) {
    const message = "Only webhooks of an application can send interactive components"
    issues.push(issue(path, "COMPONENT_TYPE_INVALID", message))
  }
  checkChildren(type, value, path, walk, issues)
}

/** Checks that a component refers to an existing file of the message. */
function checkFileReferences(
  type: number,
  value: JsonObject,
  path: Path,
  walk: ComponentWalk,
  issues: Array<Issue>,
): void {
  const check = (media: unknown, at: Path) => {
    const address = isJsonObject(media) ? media["url"] : undefined
    const name = getReferencedName(address)
    if (name === undefined || walk.files?.has(name) !== false) return
    const message = `The referenced attachment ("${String(address)}") was not found`
    const code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
    issues.push(issue([...path, ...at, "url"], code, message))
  }
  if (type === 11) check(value["media"], ["media"])
  if (type === 13) check(value["file"], ["file"])
  if (type !== 12 || !Array.isArray(value["items"])) return
  value["items"].forEach((item: unknown, index) => {
    check(isJsonObject(item) ? item["media"] : undefined, ["items", index, "media"])
  })
}

/**
 * The length that counts towards the total; 0 if the text is too long by itself, which is reported
 * separately.
 */
function countText(content: unknown): number {
  const size = typeof content === "string" ? countCodePoints(content) : 0
  return size > 4000 ? 0 : size
}

function checkChildren(
  type: number,
  value: JsonObject,
  path: Path,
  walk: ComponentWalk,
  issues: Array<Issue>,
): void {
  const children = (allowed: ReadonlyArray<number>, size: { min: number; max: number }) =>
    required(list((item, at) => checkComponent(item, at, allowed, walk, issues), size))
  if (type === 1) {
    object({ components: children([2, ...selects], { min: 1, max: 5 }) })(value, path, issues)
    checkRow(value["components"], path, issues)
  } else if (type === 9) {
    const accessory = required((item, at) => checkComponent(item, at, [2, 11], walk, issues))
    const components = children([10], { min: 1, max: 3 })
    object({ components, accessory })(value, path, issues)
  } else if (type === 17) {
    object({ components: children(insideContainer, { min: 1, max: 40 }) })(value, path, issues)
  }
}

/** Checks that a row has buttons, or a single select. */
function checkRow(children: unknown, path: Path, issues: Array<Issue>): void {
  if (!Array.isArray(children) || children.length < 2) return
  const message = "The specified component exceeds the maximum width"
  const select = children.findIndex(
    (child: unknown) => isJsonObject(child) && selects.includes(Number(scalarText(child["type"]))),
  )
  if (select === -1) return
  const at = [...path, "components", Math.max(1, select)]
  issues.push(issue(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message))
}

function checkDuplicateIds(
  value: JsonObject,
  path: Path,
  walk: ComponentWalk,
  issues: Array<Issue>,
): void {
  const { custom_id: custom, id: own } = value
  if (typeof custom === "string") {
    if (walk.customIds.has(custom)) {
      const message = "Component custom id cannot be duplicated"
      issues.push(issue([...path, "custom_id"], "COMPONENT_CUSTOM_ID_DUPLICATED", message))
    }
    walk.customIds.add(custom)
  }
  if (typeof own === "number" && own !== 0) {
    if (walk.ids.has(own)) {
      const message = "Component id cannot be duplicated"
      issues.push(issue([...path, "id"], "COMPONENT_ID_DUPLICATED", message))
    }
    walk.ids.add(own)
  }
}

/** Whether a component is a select, or a button that is not a link. */
function isInteractiveComponent(type: number, value: JsonObject): boolean {
  return selects.includes(type) || (type === 2 && value["style"] !== 5)
}

function checkButton(value: unknown, path: Path, issues: Array<Issue>): void {
  if (!isJsonObject(value)) return
  const style = Number(scalarText(value["style"]))
  const { requiredField, forbidden } =
    style === 5 ? linkStyle : style === 6 ? premiumStyle : customStyle
  if (!isPresent(value[requiredField])) {
    issues.push(issue([...path, requiredField], "BASE_TYPE_REQUIRED", "This field is required"))
  }
  for (const name of forbidden) {
    if (!isPresent(value[name])) continue
    const message = `A button of style ${style} cannot have ${name}`
    issues.push(issue([...path, name], "BUTTON_COMPONENT_INVALID_FIELD", message))
  }
}

/** Checks that `min_values` is at most `max_values`. */
function checkSelectRange(value: unknown, path: Path, issues: Array<Issue>): void {
  if (!isJsonObject(value)) return
  const max = numberOr(value["max_values"], 1)
  if (numberOr(value["min_values"], 1) <= max || !isPresent(value["min_values"])) return
  const message = `int value should be less than or equal to ${max}.`
  issues.push(issue([...path, "min_values"], "NUMBER_TYPE_MAX", message))
}

/** Checks that there are at least `max_values` options, with distinct values. */
function checkOptions(value: unknown, path: Path, issues: Array<Issue>): void {
  const options = isJsonObject(value) ? value["options"] : undefined
  if (!isJsonObject(value) || !Array.isArray(options)) return
  const min = numberOr(value["max_values"], 1)
  if (options.length > 0 && options.length < min) {
    const message = `Must be between ${min} and 25 in length.`
    issues.push(issue([...path, "options"], "BASE_TYPE_BAD_LENGTH", message))
  }
  const seen = new Set<unknown>()
  options.filter(isJsonObject).forEach(({ value: own }, index) => {
    if (seen.has(own)) {
      const message = "The specified option value is already used"
      const at = [...path, "options", index]
      issues.push(issue(at, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message))
    }
    seen.add(own)
  })
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

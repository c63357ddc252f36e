import { codePoints, isRecord, list, object, required } from "./check.js"
import { componentFields } from "./componentFields.js"
import { referencedName } from "../message/fileReferences.js"
import { type Issue, issue, type Path } from "./issue.js"

/**
 * What the sender may use. `interactive` is whether he may send buttons with `custom_id` and
 * selects: only a webhook of an application may. `files` are the names of the message's files.
 */
export interface Sender {
  readonly interactive: boolean
  readonly files: ReadonlySet<string> | undefined
}

export interface ComponentContext extends Sender {
  readonly isV2: boolean
}

interface Walk extends ComponentContext {
  total: number
  text: number
  readonly customIds: Set<string>
  readonly ids: Set<number>
}

const selects = [3, 5, 6, 7, 8]
const topLevelV1 = [1]
const topLevelV2 = [1, 9, 10, 12, 13, 14, 17]
const insideContainer = [1, 9, 10, 12, 13, 14]

/** Reports everything Discord would refuse in the `components` of a message. */
export const checkComponents = (
  value: unknown,
  context: ComponentContext,
  issues: Array<Issue>,
): void => {
  const path = ["components"]
  const walk: Walk = { ...context, total: 0, text: 0, customIds: new Set(), ids: new Set() }
  const allowed = context.isV2 ? topLevelV2 : topLevelV1
  list((item, at) => visit(item, at, allowed, walk, issues), { max: context.isV2 ? 40 : 5 })(
    value,
    path,
    issues,
  )
  if (walk.total > 40) {
    const message = "A message can have at most 40 components in total"
    issues.push(issue(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message))
  }
  if (walk.text > 4000) {
    const message = "The text of all components can be at most 4000 in length"
    issues.push(issue(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message))
  }
}

function visit(
  value: unknown,
  path: Path,
  allowed: ReadonlyArray<number>,
  walk: Walk,
  issues: Array<Issue>,
): void {
  const type = isRecord(value) ? value["type"] : undefined
  if (!isRecord(value) || typeof type !== "number" || !allowed.includes(type)) {
    const message = `Value of field "type" must be one of (${allowed.join(", ")}${allowed.length === 1 ? "," : ""}).`
    issues.push(issue(path, "UNION_TYPE_CHOICES", message))
    return
  }
  walk.total++
  componentFields[type]?.(value, path, issues)
  rememberIds(value, path, walk, issues)
  checkFiles(type, value, path, walk, issues)
  if (type === 10) walk.text += textSize(value["content"])
  if (!walk.interactive && isInteractive(type, value)) {
    const message = "Only webhooks of an application can send interactive components"
    issues.push(issue(path, "COMPONENT_TYPE_INVALID", message))
  }
  visitChildren(type, value, path, walk, issues)
}

/** What shows a file must name one of the message. */
function checkFiles(
  type: number,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  walk: Walk,
  issues: Array<Issue>,
): void {
  const check = (media: unknown, at: Path) => {
    const address = isRecord(media) ? media["url"] : undefined
    const name = referencedName(address)
    if (name === undefined || walk.files?.has(name) !== false) return
    const message = `The referenced attachment ("${String(address)}") was not found`
    const code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
    issues.push(issue([...path, ...at, "url"], code, message))
  }
  if (type === 11) check(value["media"], ["media"])
  if (type === 13) check(value["file"], ["file"])
  if (type !== 12 || !Array.isArray(value["items"])) return
  value["items"].forEach((item: unknown, index) => {
    check(isRecord(item) ? item["media"] : undefined, ["items", index, "media"])
  })
}

/** A text that is too long by itself is reported once. */
function textSize(content: unknown): number {
  const size = typeof content === "string" ? codePoints(content) : 0
  return size > 4000 ? 0 : size
}

function visitChildren(
  type: number,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  walk: Walk,
  issues: Array<Issue>,
): void {
  const children = (allowed: ReadonlyArray<number>, size: { min: number; max: number }) =>
    required(list((item, at) => visit(item, at, allowed, walk, issues), size))
  if (type === 1) {
    object({ components: children([2, ...selects], { min: 1, max: 5 }) })(value, path, issues)
    checkRow(value["components"], path, issues)
  } else if (type === 9) {
    const accessory = required((item, at) => visit(item, at, [2, 11], walk, issues))
    const components = children([10], { min: 1, max: 3 })
    object({ components, accessory })(value, path, issues)
  } else if (type === 17) {
    object({ components: children(insideContainer, { min: 1, max: 40 }) })(value, path, issues)
  }
}

/** A row holds buttons, or one select and nothing else. */
function checkRow(children: unknown, path: Path, issues: Array<Issue>): void {
  if (!Array.isArray(children) || children.length < 2) return
  const message = "The specified component exceeds the maximum width"
  const select = children.findIndex(
    (child: unknown) => isRecord(child) && selects.includes(Number(child["type"])),
  )
  if (select === -1) return
  const at = [...path, "components", Math.max(1, select)]
  issues.push(issue(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message))
}

function rememberIds(
  value: Readonly<Record<string, unknown>>,
  path: Path,
  walk: Walk,
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

/** Selects, and every button that is not a link. */
function isInteractive(type: number, value: Readonly<Record<string, unknown>>): boolean {
  return selects.includes(type) || (type === 2 && value["style"] !== 5)
}

/** What must hold over all components of a message, beyond what one component can tell. */
import * as Schema from "effect/Schema"

import { atMost, codePoints, items } from "../limits.js"
import { Kind } from "./kinds.js"
import { TopLevel } from "./outgoing.js"

/** Discord: Using Message Components, nested components counted. */
const COMPONENTS_MAX = 40
/** Code points over all Text Displays (discord-api-docs #8562). */
const TEXT_TOTAL_MAX = 4000
/** Top-level rows without `IsComponentsV2` (Discord: Legacy Message Component Behavior). */
const ROWS_MAX = 5

type TopLevel = typeof TopLevel.Type
type Path = ReadonlyArray<PropertyKey>

/** What the rules look at, of every component. */
interface Node {
  readonly type: number | "unknown"
  readonly id?: number | undefined
  readonly customId?: string
  readonly content?: string
  readonly components?: ReadonlyArray<Node>
  readonly accessory?: Node
}

const list = items(TopLevel, { max: COMPONENTS_MAX, unit: "component" })

export const ComponentsCreate = list.pipe(
  Schema.filter((components) => issues(components), {
    arbitrary: (generated) => (fc) => generated(fc).map(repair),
  }),
)

/** The kind of a component, which may be one that is sent as it is. */
export interface Typed {
  readonly type?: unknown
  readonly raw?: { readonly type?: unknown }
}

/** Whether the components need the `IsComponentsV2` flag; holds for our form and the wire's. */
export function needV2(components: ReadonlyArray<Typed>): boolean {
  return components.some(
    ({ raw, type }) => (raw === undefined ? type : raw.type) !== Kind.ActionRow,
  )
}

/** Refuses a sixth row where `IsComponentsV2` is not set. */
export function tooManyRows(components: ReadonlyArray<unknown>): string | undefined {
  return components.length > ROWS_MAX
    ? `${atMost(ROWS_MAX, "row", components.length)} (40 components with IsComponentsV2)`
    : undefined
}

interface Tally {
  count: number
  text: number
  readonly seen: Set<string | number>
  readonly repeated: Array<Schema.FilterIssue>
}

function issues(components: ReadonlyArray<Node>): ReadonlyArray<Schema.FilterIssue> {
  const tally: Tally = { count: 0, text: 0, seen: new Set(), repeated: [] }
  components.forEach((component, index) => visit(tally, component, [index]))
  const found = [...tally.repeated]
  if (tally.count > COMPONENTS_MAX) {
    const message = `${atMost(COMPONENTS_MAX, "component", tally.count)}, nested ones counted`
    found.push({ path: [], message })
  }
  if (tally.text > TEXT_TOTAL_MAX) {
    const message = `${atMost(TEXT_TOTAL_MAX, "code point", tally.text)} over all text components`
    found.push({ path: [], message })
  }
  return found
}

function visit(tally: Tally, node: Node, path: Path): void {
  tally.count++
  if (node.content !== undefined) tally.text += codePoints(node.content)
  // 0 asks Discord to choose an id, so it may repeat.
  if (node.id !== undefined && node.id !== 0) claim(tally, node.id, [...path, "id"])
  if (node.customId !== undefined) claim(tally, node.customId, [...path, "customId"])
  node.components?.forEach((child, index) => visit(tally, child, [...path, "components", index]))
  if (node.accessory !== undefined) visit(tally, node.accessory, [...path, "accessory"])
}

function claim(tally: Tally, name: string | number, path: Path): void {
  if (tally.seen.has(name)) {
    tally.repeated.push({ path, message: `must be unique in the message, got ${name} twice` })
  }
  tally.seen.add(name)
}

/** Makes generated components valid together: names unique, not over 40. */
function repair(components: ReadonlyArray<TopLevel>): ReadonlyArray<TopLevel> {
  const kept = [...components]
  while (issues(kept).some((issue) => issue.path.length === 0)) kept.pop()
  let next = 0
  const rename = <A>(value: A): A => {
    if (typeof value !== "object" || value === null) return value
    const copy = Array.isArray(value) ? [] : {}
    for (const key of Object.keys(value)) {
      const inner: unknown = Reflect.get(value, key)
      const named = key === "customId" ? `button-${++next}` : rename(inner)
      Object.assign(copy, { [key]: key === "id" && typeof inner === "number" ? ++next : named })
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same keys, with values of the same types
    return copy as A
  }
  return rename(kept)
}

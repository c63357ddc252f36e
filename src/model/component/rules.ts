/** Checks across all components of a message. */
import * as Schema from "effect/Schema"

import { exceedsMax, codePoints, items } from "../limits.js"
import { Kind } from "./kinds.js"
import { TopLevel } from "./outgoing.js"

/** Discord: Using Message Components, nested components counted. */
const maxComponents = 40
/** Code points over all Text Displays (discord-api-docs #8562). */
const maxTextTotal = 4000
/** Top-level rows without `IsComponentsV2` (Discord: Legacy Message Component Behavior). */
const maxRows = 5

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

const list = items(TopLevel, { max: maxComponents, unit: "component" })

export const ComponentsCreate = list.pipe(
  Schema.filter((components) => checkComponents(components), {
    arbitrary: (generated) => (fc) => generated(fc).map(repair),
  }),
)

/** The kind of a component, which may be one that is sent as it is. */
export interface Typed {
  readonly type?: unknown
  readonly raw?: { readonly type?: unknown }
}

/** The kinds that need the flag (Discord: Component Types). A newer kind may need it or not. */
const v2Kinds: ReadonlySet<unknown> = new Set([
  Kind.Section,
  Kind.TextDisplay,
  Kind.Thumbnail,
  Kind.MediaGallery,
  Kind.File,
  Kind.Separator,
  Kind.Container,
])

/** Whether the components need the `IsComponentsV2` flag; holds for our form and the wire's. */
export function needsComponentsV2(components: ReadonlyArray<Typed>): boolean {
  return components.some((component) => v2Kinds.has(kindOf(component)))
}

/** Rejects a sixth row where `IsComponentsV2` is not set. */
export function checkRowCount(components: ReadonlyArray<Typed>): string | undefined {
  const rows = components.filter((component) => kindOf(component) === Kind.ActionRow).length
  return rows > maxRows
    ? `${exceedsMax(maxRows, "row", rows)} (40 components with IsComponentsV2)`
    : undefined
}

function kindOf({ raw, type }: Typed): unknown {
  return raw === undefined ? type : raw.type
}

interface Counts {
  count: number
  text: number
  readonly seen: Set<string | number>
  readonly repeated: Array<Schema.FilterIssue>
}

function checkComponents(components: ReadonlyArray<Node>): ReadonlyArray<Schema.FilterIssue> {
  const tally: Counts = { count: 0, text: 0, seen: new Set(), repeated: [] }
  components.forEach((component, index) => countNode(tally, component, [index]))
  const found = [...tally.repeated]
  if (tally.count > maxComponents) {
    const message = `${exceedsMax(maxComponents, "component", tally.count)}, nested ones counted`
    found.push({ path: [], message })
  }
  if (tally.text > maxTextTotal) {
    const message = `${exceedsMax(maxTextTotal, "code point", tally.text)} over all text components`
    found.push({ path: [], message })
  }
  return found
}

function countNode(tally: Counts, node: Node, path: Path): void {
  tally.count++
  if (node.content !== undefined) tally.text += codePoints(node.content)
  // 0 lets Discord choose an id, so it may repeat.
  if (node.id !== undefined && node.id !== 0) recordName(tally, node.id, [...path, "id"])
  if (node.customId !== undefined) recordName(tally, node.customId, [...path, "customId"])
  node.components?.forEach((child, index) =>
    countNode(tally, child, [...path, "components", index]),
  )
  if (node.accessory !== undefined) countNode(tally, node.accessory, [...path, "accessory"])
}

function recordName(tally: Counts, name: string | number, path: Path): void {
  if (tally.seen.has(name)) {
    tally.repeated.push({ path, message: `must be unique in the message, got ${name} twice` })
  }
  tally.seen.add(name)
}

/** Makes generated components valid together: names unique, not over 40. */
function repair(components: ReadonlyArray<TopLevel>): ReadonlyArray<TopLevel> {
  const kept = [...components]
  while (checkComponents(kept).some((issue) => issue.path.length === 0)) kept.pop()
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

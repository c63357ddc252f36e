/** What must hold over all components of a message, beyond what one component can tell. */
import { Schema } from "effect"

import { atMost, codePoints, items } from "../limits.js"
import { Kind } from "./kinds.js"
import { TopLevel } from "./layout.js"

/** Discord: Using Message Components, nested components counted. */
const COMPONENTS_MAX = 40
/** Code points over all Text Displays (discord-api-docs #8562). */
const TEXT_TOTAL_MAX = 4000
/** Top-level rows without `IsComponentsV2` (Discord: Legacy Message Component Behavior). */
const ROWS_MAX = 5

type Path = ReadonlyArray<PropertyKey>

/** What the rules look at, of every component. */
interface Node {
  readonly type: number
  readonly id?: number | undefined
  readonly customId?: string
  readonly content?: string
  readonly components?: ReadonlyArray<Node>
  readonly accessory?: Node
}

const list = items(TopLevel, { max: COMPONENTS_MAX, unit: "component" })

export const ComponentsCreate = list.pipe(
  Schema.filter((components) => new Tally(components).issues(), {
    arbitrary: (generated) => (fc) => generated(fc).map(repair),
  }),
)

/** Whether the components need the `IsComponentsV2` flag; holds for our form and the wire's. */
export function needV2(components: ReadonlyArray<{ readonly type: number }>): boolean {
  return components.some((component) => component.type !== Kind.ActionRow)
}

/** Refuses a sixth row where `IsComponentsV2` is not set. */
export function tooManyRows(components: ReadonlyArray<unknown>): string | undefined {
  return components.length > ROWS_MAX
    ? `${atMost(ROWS_MAX, "row", components.length)} (40 components with IsComponentsV2)`
    : undefined
}

/** Counts over one walk through the tree. */
class Tally {
  private count = 0
  private text = 0
  private readonly seen = new Map<string | number, Path>()
  private readonly repeated: Array<Schema.FilterIssue> = []

  constructor(components: ReadonlyArray<Node>) {
    components.forEach((component, index) => this.visit(component, [index]))
  }

  issues(): ReadonlyArray<Schema.FilterIssue> {
    const found = [...this.repeated]
    if (this.count > COMPONENTS_MAX) {
      const message = `${atMost(COMPONENTS_MAX, "component", this.count)}, nested ones counted`
      found.push({ path: [], message })
    }
    if (this.text > TEXT_TOTAL_MAX) {
      const message = `${atMost(TEXT_TOTAL_MAX, "code point", this.text)} over all text components`
      found.push({ path: [], message })
    }
    return found
  }

  private visit(node: Node, path: Path): void {
    this.count++
    if (node.content !== undefined) this.text += codePoints(node.content)
    // 0 asks Discord to choose an id, so it may repeat.
    if (node.id !== undefined && node.id !== 0) this.claim(node.id, [...path, "id"])
    if (node.customId !== undefined) this.claim(node.customId, [...path, "customId"])
    node.components?.forEach((child, index) => this.visit(child, [...path, "components", index]))
    if (node.accessory !== undefined) this.visit(node.accessory, [...path, "accessory"])
  }

  private claim(name: string | number, path: Path): void {
    if (this.seen.has(name)) {
      this.repeated.push({
        path,
        message: `must be unique in the message, got ${JSON.stringify(name)} twice`,
      })
    }
    this.seen.set(name, path)
  }
}

/** Makes generated components valid together: names unique, not over 40. */
function repair(
  components: ReadonlyArray<typeof TopLevel.Type>,
): ReadonlyArray<typeof TopLevel.Type> {
  const kept = [...components]
  while (new Tally(kept).issues().some((issue) => issue.path.length === 0)) kept.pop()
  let next = 0
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename)
    if (typeof value !== "object" || value === null) return value
    const entries = Object.entries(value).map(([key, inner]) => {
      if (key === "id" && typeof inner === "number") return [key, ++next]
      return [key, key === "customId" ? `button-${++next}` : rename(inner)]
    })
    return Object.fromEntries(entries)
  }
  return rename(kept) as typeof kept
}

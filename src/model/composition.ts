/**
 * Checks across the parts of a message, which apply to new messages and to edits, and across all of its
 * components.
 */
import * as Schema from "effect/Schema"
import { Kind } from "./component/kinds.js"
import { TopLevel } from "./component/outgoing.js"
import { codePoints, exceedsMax, isBlank, items } from "./limits.js"
import { Flag, has, toNumber } from "./MessageFlags.js"
import { isOmittedEmbed } from "./resend.js"

/** The type of a component; that of raw JSON is in `raw`. */
interface Typed {
  readonly type?: unknown
  readonly raw?: { readonly type?: unknown }
}

/** The parts that depend on one another; `null` clears in an edit. */
interface Parts {
  readonly content?: string | null | undefined
  readonly embeds?: ReadonlyArray<unknown> | null | undefined
  readonly components?: ReadonlyArray<Typed> | null | undefined
  readonly poll?: unknown
  readonly flags?: number | ReadonlyArray<keyof typeof Flag> | null | undefined
}

/** Top-level rows without `IsComponentsV2` (Discord: Legacy Message Component Behavior). */
const maxRows = 5

/** Components V2 cannot be combined with other parts; without them, there are at most five rows. */
export function checkParts(message: Parts): ReadonlyArray<Schema.FilterIssue> {
  const components = message.components ?? []
  if (!needsComponentsV2(components) && !hasFlag(message, Flag.IsComponentsV2)) {
    const rows = components.filter((component) => kindOf(component) === Kind.ActionRow).length
    if (rows <= maxRows) return []
    const tooMany = `${exceedsMax(maxRows, "row", rows)} (40 components with IsComponentsV2)`
    return [{ path: ["components"], message: tooMany }]
  }
  return (["content", "embeds", "poll"] as const)
    .filter((part) => isPresent(message[part]))
    .map((part) => ({
      path: [part],
      message: "cannot go with Components V2: put it into a text component, or leave those out",
    }))
}

/** Discord rejects a message that has none of these (JSON error 50006). */
export function hasContent(message: Parts): boolean {
  const { components, content, embeds, poll } = message
  const own = Array.isArray(embeds) ? embeds.filter((embed) => !isOmittedEmbed(embed)) : embeds
  return [content, own, components, poll].some(isPresent)
}

/** The encoded message, with the flag `IsComponentsV2` if a component needs it. */
export function withImpliedFlags<A extends Parts>(wire: A): A {
  if (!needsComponentsV2(wire.components ?? []) || hasFlag(wire, Flag.IsComponentsV2)) return wire
  return { ...wire, flags: toNumber(wire.flags ?? 0) | Flag.IsComponentsV2 }
}

/** Whether a message has a flag. */
export function hasFlag({ flags }: Pick<Parts, "flags">, flag: number): boolean {
  return flags !== undefined && flags !== null && has(toNumber(flags), flag)
}

/** The parts to leave out of a generated message: its components, or what cannot go with them. */
export function conflictingParts(message: Parts, keepComponents: boolean) {
  if (checkParts(message).length === 0) return []
  return keepComponents ? (["content", "embeds", "poll"] as const) : (["components"] as const)
}

/** Whether a part has content. */
export function isPresent(part: unknown): boolean {
  if (typeof part === "string") return !isBlank(part)
  if (Array.isArray(part)) return part.length > 0
  return part !== undefined && part !== null
}

/** The texts in which a mention notifies (Discord: Allowed Mentions). */
interface Texts {
  readonly type?: number
  readonly content?: string | null | undefined
  readonly components?: ReadonlyArray<Texts> | null | undefined
}

interface Wire extends Texts {
  readonly allowed_mentions?: unknown
}

const usersOnly = { allowed_mentions: { parse: ["users" as const] } }

/**
 * The encoded message, with `allowed_mentions` set to users if the message has none and may mention someone.
 * That is Discord's documented default for webhooks; there are reports of pings beyond it.
 */
export function withDefaultMentions<A extends Wire>(wire: A): A {
  if (wire.allowed_mentions !== undefined && wire.allowed_mentions !== null) return wire
  return mayMention(wire) ? { ...wire, ...usersOnly } : wire
}

function mayMention({ components, content }: Texts): boolean {
  return content?.includes("@") === true || components?.some(mayMention) === true
}

/** The kinds that need `IsComponentsV2` (Discord: Component Types); newer kinds may need it as well. */
const v2Kinds: ReadonlySet<unknown> = new Set([
  Kind.Section,
  Kind.TextDisplay,
  Kind.Thumbnail,
  Kind.MediaGallery,
  Kind.File,
  Kind.Separator,
  Kind.Container,
])

/** Components of a message, with nested ones (Discord: Using Message Components). */
const maxComponents = 40
/** Code points of all Text Displays together (discord-api-docs#8562). */
const maxTextTotal = 4000

type TopLevel = typeof TopLevel.Type
type Path = ReadonlyArray<PropertyKey>

/** The fields of a component that are checked. */
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
  Schema.filter((components) => checkComponents(components)),
)

/** Whether the components, encoded or not, need the flag `IsComponentsV2`. */
function needsComponentsV2(components: ReadonlyArray<Typed>): boolean {
  return components.some((component) => v2Kinds.has(kindOf(component)))
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
  const counts: Counts = { count: 0, text: 0, seen: new Set(), repeated: [] }
  components.forEach((component, index) => countNode(counts, component, [index]))
  const found = [...counts.repeated]
  if (counts.count > maxComponents) {
    const message = `${exceedsMax(maxComponents, "component", counts.count)}, nested ones counted`
    found.push({ path: [], message })
  }
  if (counts.text > maxTextTotal) {
    const message = `${exceedsMax(maxTextTotal, "code point", counts.text)} over all text components`
    found.push({ path: [], message })
  }
  return found
}

function countNode(counts: Counts, node: Node, path: Path): void {
  counts.count++
  if (node.content !== undefined) counts.text += codePoints(node.content)
  // 0 lets Discord choose an id, so it may repeat.
  if (node.id !== undefined && node.id !== 0) checkUnique(counts, node.id, [...path, "id"])
  if (node.customId !== undefined) checkUnique(counts, node.customId, [...path, "customId"])
  node.components?.forEach((child, index) =>
    countNode(counts, child, [...path, "components", index]),
  )
  if (node.accessory !== undefined) countNode(counts, node.accessory, [...path, "accessory"])
}

function checkUnique(counts: Counts, name: string | number, path: Path): void {
  if (counts.seen.has(name)) {
    counts.repeated.push({ path, message: `must be unique in the message, got ${name} twice` })
  }
  counts.seen.add(name)
}

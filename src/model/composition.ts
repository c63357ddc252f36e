/** Checks across the parts of a message, which apply to new messages and to edits. */
import type * as Schema from "effect/Schema"

import { needsComponentsV2, checkRowCount } from "./component/rules.js"
import type { Typed } from "./component/rules.js"
import { isBlank } from "./limits.js"
import { Flag, has, toNumber } from "./MessageFlags.js"
import { isOmittedEmbed } from "./resend.js"

/** The parts that depend on one another; `null` clears in an edit. */
interface Parts {
  readonly content?: string | null | undefined
  readonly embeds?: ReadonlyArray<unknown> | null | undefined
  readonly components?: ReadonlyArray<Typed> | null | undefined
  readonly poll?: unknown
  readonly flags?: number | ReadonlyArray<keyof typeof Flag> | null | undefined
}

/** Components V2 stand alone; without them there are five rows at most. */
export function checkParts(message: Parts): ReadonlyArray<Schema.FilterIssue> {
  const components = message.components ?? []
  if (!has(toNumber(message.flags ?? 0), Flag.IsComponentsV2) && !needsComponentsV2(components)) {
    const refusal = checkRowCount(components)
    return refusal === undefined ? [] : [{ path: ["components"], message: refusal }]
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

/** The wire form with `IsComponentsV2` set where a component needs it. */
export function withImpliedFlags<A extends Parts>(wire: A): A {
  const flags = toNumber(wire.flags ?? 0)
  if (!needsComponentsV2(wire.components ?? []) || has(flags, Flag.IsComponentsV2)) return wire
  return { ...wire, flags: flags | Flag.IsComponentsV2 }
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
 * The wire form with `allowed_mentions` set to users, if the message has none and may mention someone.
 * That is Discord's documented default for webhooks; there are reports of pings beyond it.
 */
export function withDefaultMentions<A extends Wire>(wire: A): A {
  if (wire.allowed_mentions !== undefined && wire.allowed_mentions !== null) return wire
  return mayMention(wire) ? { ...wire, ...usersOnly } : wire
}

function mayMention({ components, content }: Texts): boolean {
  return content?.includes("@") === true || components?.some(mayMention) === true
}

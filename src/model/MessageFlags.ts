/**
 * Flags of a message: given by name, as in `flags: ["SuppressEmbeds"]`, or as a bitfield, which
 * is what Discord sends. Bits that have no name here are kept.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type * as FastCheck from "effect/FastCheck"
import type { FastCheckModule } from "./fields.js"

/**
 * The named bits (Discord: Message Flags). Only those marked "settable" can be set.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 *
 * const quiet = MessageFlags.Flag.SuppressNotifications
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const Flag = {
  Crossposted: 1 << 0,
  IsCrosspost: 1 << 1,
  /** Settable, when sending and editing: hides embeds. */
  SuppressEmbeds: 1 << 2,
  SourceMessageDeleted: 1 << 3,
  Urgent: 1 << 4,
  HasThread: 1 << 5,
  /** Settable when sending a follow-up of an interaction: only the user who started it sees it. */
  Ephemeral: 1 << 6,
  Loading: 1 << 7,
  FailedToMentionSomeRolesInThread: 1 << 8,
  /** Settable when sending: no push and no sound. */
  SuppressNotifications: 1 << 12,
  /** Settable when sending one audio file; reported to work on webhooks, not documented for them. */
  IsVoiceMessage: 1 << 13,
  HasSnapshot: 1 << 14,
  /** Settable; added automatically if a message has a component that needs it. */
  IsComponentsV2: 1 << 15,
} as const

/** The flags that Execute Webhook accepts. */
const settable = [
  "SuppressEmbeds",
  "SuppressNotifications",
  "IsVoiceMessage",
  "IsComponentsV2",
] as const

/**
 * The flags that Create Followup Message accepts. Written out, because bundlers keep an unused array
 * that contains a spread.
 */
const settableFollowUp = [
  "SuppressEmbeds",
  "SuppressNotifications",
  "IsVoiceMessage",
  "IsComponentsV2",
  "Ephemeral",
] as const

/** All bits of a positive 32-bit integer, to which JavaScript's bitwise operators are limited. */
const anyFlags = 0x7fffffff

/**
 * The flags of a message being sent: names, or bits, of those that a webhook may set.
 *
 * @example
 * ```ts
 * import type { MessageCreate } from "effect-discord"
 *
 * const quiet: MessageCreate.MessageCreate = {
 *   content: "https://example.com",
 *   flags: ["SuppressEmbeds", "SuppressNotifications"],
 * }
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category models
 */
export const MessageFlagsCreate = bitfield(settable, toNumber(settable), (fc) =>
  fc.subarray([Flag.SuppressEmbeds, Flag.SuppressNotifications]).map((bits) => combine(...bits)),
)
/**
 * @since 0.1.0
 * @category models
 */
export type MessageFlagsCreate = typeof MessageFlagsCreate.Type

/**
 * The flags of an interaction's follow-up: those of a webhook's message, and `Ephemeral`.
 *
 * @example
 * ```ts
 * import type { FollowUpCreate } from "effect-discord"
 *
 * const secret: FollowUpCreate.FollowUpCreate = {
 *   content: "only you can see this",
 *   flags: ["Ephemeral"],
 * }
 * ```
 *
 * @see Discord: Create Followup Message
 * @since 0.1.0
 * @category models
 */
export const MessageFlagsFollowUp = bitfield(settableFollowUp, toNumber(settableFollowUp), (fc) =>
  fc
    .subarray([Flag.SuppressEmbeds, Flag.SuppressNotifications, Flag.Ephemeral])
    .map((bits) => combine(...bits)),
)
/**
 * @since 0.1.0
 * @category models
 */
export type MessageFlagsFollowUp = typeof MessageFlagsFollowUp.Type

/**
 * The flags of an edit: by name those that a webhook may set, as a bitfield all of them, because Discord
 * requires those already set to be sent again, and ignores changes that it does not allow. Only
 * `SuppressEmbeds` (both ways) and `IsComponentsV2` (on) change anything.
 *
 * @example
 * ```ts
 * import type { MessageEdit } from "effect-discord"
 *
 * const hideEmbeds: MessageEdit.MessageEdit = { flags: ["SuppressEmbeds"] }
 * const showEmbeds: MessageEdit.MessageEdit = { flags: [] }
 * ```
 *
 * @see Discord: Edit Webhook Message
 * @since 0.1.0
 * @category models
 */
export const MessageFlagsEdit = bitfield(settable, anyFlags, (fc) =>
  fc.integer({ min: 0, max: 0x1fff }),
)
/**
 * @since 0.1.0
 * @category models
 */
export type MessageFlagsEdit = typeof MessageFlagsEdit.Type

/**
 * Several flags as one number.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 *
 * MessageFlags.combine(MessageFlags.Flag.SuppressEmbeds, MessageFlags.Flag.SuppressNotifications) // 4100
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export function combine(...flags: ReadonlyArray<number>): number {
  return flags.reduce((all, flag) => all | flag, 0)
}

/**
 * Converts flags, given by name or as a bitfield, to a bitfield.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 *
 * MessageFlags.toNumber(["SuppressEmbeds", "SuppressNotifications"]) // 4100
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export function toNumber(flags: number | ReadonlyArray<keyof typeof Flag>): number {
  return typeof flags === "number" ? flags : flags.reduce((all, name) => all | Flag[name], 0)
}

/**
 * Whether every bit of `flag` is set.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 *
 * MessageFlags.has(36, MessageFlags.Flag.HasThread) // true
 * ```
 *
 * @since 0.1.0
 * @category predicates
 */
export function has(flags: number, flag: number): boolean {
  return (flags & flag) === flag
}

/**
 * The names of the bits that are set; unknown bits have none.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 *
 * MessageFlags.names(4100) // ["SuppressEmbeds", "SuppressNotifications"]
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export function names(flags: number): ReadonlyArray<keyof typeof Flag> {
  return Struct.keys(Flag).filter((name) => has(flags, Flag[name]))
}

/** Bits on the wire; bits or names from the user. */
function bitfield<Name extends keyof typeof Flag>(
  literals: ReadonlyArray<Name>,
  allowed: number,
  generate: (fc: FastCheckModule) => FastCheck.Arbitrary<number>,
): Schema.Schema<number | ReadonlyArray<Name>, number> {
  const bits = Schema.Number.pipe(Schema.filter((value) => checkFlags(value, allowed)))
  // Only numbers are generated, because names do not survive a round trip.
  const given = Schema.Union(bits, Schema.Array(Schema.Literal(...literals))).annotations({
    arbitrary: () => generate,
  })
  return Schema.transform(bits, given, {
    strict: true,
    decode: (value): typeof given.Type => value,
    encode: toNumber,
  })
}

function checkFlags(flags: number, allowed: number): string | undefined {
  if (!Number.isInteger(flags) || flags < 0) return `must be a bitfield, got ${flags}`
  if (flags > anyFlags || (flags & ~allowed) !== 0) {
    const known = flags > anyFlags ? [] : names(flags & ~allowed)
    return `cannot be set by a webhook: ${known.length > 0 ? known.join(", ") : flags}`
  }
  return undefined
}

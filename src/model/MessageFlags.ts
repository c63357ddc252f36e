/**
 * Flags of a message: a bitfield with named members. Bits that have no name here are kept.
 *
 * @since 0.1.0
 */
import { Schema, Struct } from "effect"

/**
 * The named bits (Discord: Message Flags). A webhook may set the four marked "settable".
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
  Ephemeral: 1 << 6,
  Loading: 1 << 7,
  FailedToMentionSomeRolesInThread: 1 << 8,
  /** Settable when sending: no push and no sound. */
  SuppressNotifications: 1 << 12,
  /** Settable when sending one audio file; reported to work on webhooks, not documented for them. */
  IsVoiceMessage: 1 << 13,
  HasSnapshot: 1 << 14,
  /** Settable; set for you whenever a message has a component that needs it. */
  IsComponentsV2: 1 << 15,
} as const

/** Bits that Execute Webhook takes. */
const SETTABLE = combine(
  Flag.SuppressEmbeds,
  Flag.SuppressNotifications,
  Flag.IsVoiceMessage,
  Flag.IsComponentsV2,
)

/**
 * The flags of a message being sent: only settable bits.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 * import { Schema, Struct } from "effect"
 *
 * Schema.is(MessageFlags.MessageFlagsCreate)(MessageFlags.Flag.Urgent) // false
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category models
 */
export const MessageFlagsCreate = Schema.Number.pipe(
  Schema.filter((flags) => refuse(flags, SETTABLE), {
    arbitrary: () => (fc) =>
      fc
        .subarray([Flag.SuppressEmbeds, Flag.SuppressNotifications])
        .map((flags) => combine(...flags)),
  }),
)

/**
 * The flags of an edit: any bits, since Discord wants those already set to be sent again and
 * ignores changes it does not allow. Only `SuppressEmbeds` (both ways) and `IsComponentsV2` (on)
 * change anything.
 *
 * @example
 * ```ts
 * import { MessageFlags } from "effect-discord"
 * import type { MessageEdit } from "effect-discord"
 *
 * const hideEmbeds: MessageEdit.MessageEdit = { flags: MessageFlags.Flag.SuppressEmbeds }
 * ```
 *
 * @see Discord: Edit Webhook Message
 * @since 0.1.0
 * @category models
 */
export const MessageFlagsEdit = Schema.Number.pipe(
  Schema.filter((flags) => refuse(flags, 0x7fffffff), {
    arbitrary: () => (fc) => fc.integer({ min: 0, max: 0x1fff }),
  }),
)

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

function refuse(flags: number, allowed: number): string | undefined {
  if (!Number.isInteger(flags) || flags < 0) return `must be a bitfield, got ${flags}`
  if (flags > 0x7fffffff || (flags & ~allowed) !== 0) {
    const known = flags > 0x7fffffff ? [] : names(flags & ~allowed)
    return `cannot be set by a webhook: ${known.length > 0 ? known.join(", ") : flags}`
  }
  return undefined
}

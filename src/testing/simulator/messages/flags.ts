const suppressEmbeds = 1 << 2
export const ephemeral = 1 << 6
export const loading = 1 << 7
const suppressNotifications = 1 << 12
const voiceMessage = 1 << 13
const componentsV2 = 1 << 15

/** The flags a webhook may set when it sends; others are ignored. */
const settable = suppressEmbeds | suppressNotifications | voiceMessage | componentsV2

export const isVoiceMessage = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & voiceMessage) !== 0

export const isComponentsV2 = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & componentsV2) !== 0

export const isLoading = (flags: number): boolean => (flags & loading) !== 0

/** EPHEMERAL is for interactions only. */
export const sentFlags = (flags: unknown, isInteraction: boolean): number =>
  typeof flags === "number" ? flags & (isInteraction ? settable | ephemeral : settable) : 0

/**
 * SUPPRESS_EMBEDS is set and cleared, IS_COMPONENTS_V2 only set; all other changes are ignored. A
 * deferred response is LOADING until its first edit.
 */
export const editedFlags = (before: number, flags: unknown): number => {
  if (typeof flags !== "number") return before & ~loading
  return (before & ~suppressEmbeds & ~loading) | (flags & (suppressEmbeds | componentsV2))
}

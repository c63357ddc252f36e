const suppressEmbedsFlag = 1 << 2
export const ephemeralFlag = 1 << 6
export const loadingFlag = 1 << 7
const suppressNotificationsFlag = 1 << 12
const voiceMessageFlag = 1 << 13
const componentsV2Flag = 1 << 15

/** The flags a webhook may set when it sends; others are ignored. */
const settableFlags =
  suppressEmbedsFlag | suppressNotificationsFlag | voiceMessageFlag | componentsV2Flag

export const isVoiceMessage = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & voiceMessageFlag) !== 0

export const isComponentsV2 = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & componentsV2Flag) !== 0

export const isLoading = (flags: number): boolean => (flags & loadingFlag) !== 0

/** EPHEMERAL is for interactions only. */
export const resolveSentFlags = (flags: unknown, isInteraction: boolean): number =>
  typeof flags === "number"
    ? flags & (isInteraction ? settableFlags | ephemeralFlag : settableFlags)
    : 0

/**
 * SUPPRESS_EMBEDS is set and cleared, IS_COMPONENTS_V2 only set; all other changes are ignored. A
 * deferred response is LOADING until its first edit.
 */
export const resolveEditedFlags = (before: number, flags: unknown): number => {
  if (typeof flags !== "number") return before & ~loadingFlag
  return (
    (before & ~suppressEmbedsFlag & ~loadingFlag) |
    (flags & (suppressEmbedsFlag | componentsV2Flag))
  )
}

const suppressEmbedsFlag = 1 << 2
export const ephemeralFlag = 1 << 6
export const loadingFlag = 1 << 7
const suppressNotificationsFlag = 1 << 12
const voiceMessageFlag = 1 << 13
const componentsV2Flag = 1 << 15

/** The flags that a webhook may set; others are ignored. */
const settableFlags =
  suppressEmbedsFlag | suppressNotificationsFlag | voiceMessageFlag | componentsV2Flag

export const isVoiceMessage = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & voiceMessageFlag) !== 0

export const isComponentsV2 = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & componentsV2Flag) !== 0

export const isLoading = (flags: number): boolean => (flags & loadingFlag) !== 0

/** The flags of a new message. Only interactions may set EPHEMERAL. */
export const resolveSentFlags = (flags: unknown, isInteraction: boolean): number =>
  typeof flags === "number"
    ? flags & (isInteraction ? settableFlags | ephemeralFlag : settableFlags)
    : 0

/**
 * The flags after an edit. SUPPRESS_EMBEDS may be set and cleared, IS_COMPONENTS_V2 only set; other
 * changes are ignored. The first edit clears LOADING.
 */
export const resolveEditedFlags = (before: number, flags: unknown): number => {
  if (typeof flags !== "number") return before & ~loadingFlag
  return (
    (before & ~suppressEmbedsFlag & ~loadingFlag) |
    (flags & (suppressEmbedsFlag | componentsV2Flag))
  )
}

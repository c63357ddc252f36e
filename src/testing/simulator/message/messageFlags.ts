const suppressEmbeds = 1 << 2
const suppressNotifications = 1 << 12
const componentsV2 = 1 << 15

/** The flags a webhook may set when it sends; others are ignored. */
const settable = suppressEmbeds | suppressNotifications | componentsV2

export const isComponentsV2 = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & componentsV2) !== 0

export const sentFlags = (flags: unknown): number =>
  typeof flags === "number" ? flags & settable : 0

/** SUPPRESS_EMBEDS is set and cleared, IS_COMPONENTS_V2 only set; all other changes are ignored. */
export const editedFlags = (before: number, flags: unknown): number => {
  if (typeof flags !== "number") return before
  return (before & ~suppressEmbeds) | (flags & (suppressEmbeds | componentsV2))
}

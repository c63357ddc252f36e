import { isAbsent, isRecord } from "../form/check.js"

/** An emoji as Discord answers it. The simulator knows no custom ones: each is named after its id. */
export const emojiAnswer = (emoji: unknown): object => {
  if (!isRecord(emoji)) return {}
  const { id, name, animated } = emoji
  if (isAbsent(id)) return { name }
  const custom = { id: String(id), name: isAbsent(name) ? `emoji_${String(id)}` : name }
  return typeof animated === "boolean" ? { ...custom, animated } : custom
}

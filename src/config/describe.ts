/** Describes configuration values in errors, without repeating what may be a secret. */

/** Characters of a text that is repeated; a token has more than twice as many. */
const maxShownLength = 24

/** A URL, or part of one. */
const urlPattern = /:\/\/|\/webhooks\/|discord(?:app)?\.com/i

/** Returns a short value as it is, and the type of any other. */
export function describeValue(value: unknown): string {
  if (typeof value === "string")
    return isHarmless(value) ? JSON.stringify(value) : `a text of ${value.length} characters`
  if (value === null || value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "a section"
}

/** Describes a key of the file, which may be a misplaced secret. */
export function describeKey(key: string): string {
  if (!isHarmless(key)) return `(a key of ${key.length} characters)`
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
}

function isHarmless(text: string): boolean {
  return text.length <= maxShownLength && !urlPattern.test(text)
}

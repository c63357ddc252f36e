/** How a value of a configuration is shown in an error: never what might be a secret. */

/** Longer texts are not repeated; a token has more than twice as many characters. */
const longest = 24

/** What a URL has, and what little is left of one that was cut. */
const revealing = /:\/\/|\/webhooks\/|discord(?:app)?\.com/i

/** A short value as it is, anything else by its kind. */
export function sketch(value: unknown): string {
  if (typeof value === "string")
    return isHarmless(value) ? JSON.stringify(value) : `a text of ${value.length} characters`
  if (value === null || value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "a section"
}

/** A key from outside, which may be a secret that was put in the wrong place. */
export function sketchKey(key: string): string {
  if (!isHarmless(key)) return `(a key of ${key.length} characters)`
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
}

function isHarmless(text: string): boolean {
  return text.length <= longest && !revealing.test(text)
}

/**
 * Reads errors that other code made, and shows text of responses. A field of an error, and even the
 * prototype, may throw when it is read: a part that cannot be read counts as absent. Text of a response
 * may repeat the URL, which contains the token, it may be an HTML page, and it may break the lines of a
 * log: it is redacted and shortened, and none is shown without that.
 */
import type * as Redacted from "effect/Redacted"
import { redactToken } from "./redactToken.js"

/** Returns the result, or `undefined` if reading throws. */
export function tryRead<A>(read: () => A): A | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

export function readField(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? tryRead((): unknown => Reflect.get(value, key))
    : undefined
}

/** Maximum code points of the result. */
const maxLength = 300

/** Maximum code units that are read of a long page; its title is near the top. */
const maxInputLength = 20_000

/** Redacts the token, extracts the text of HTML, joins the lines and truncates the result. */
export function sanitize(text: string, token: Redacted.Redacted): string {
  const safe = redactToken(text.slice(0, maxInputLength), token)
  return truncate(toOneLine(isHtml(safe) ? extractText(safe) : safe))
}

function isHtml(text: string): boolean {
  return /<(?:!doctype|html|head|body|title)\b/i.test(text)
}

function extractText(page: string): string {
  const title = /<title[^<>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? ""
  return title === "" ? page.replace(/<[^<>]*>/g, " ") : title
}

function toOneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim()
}

function truncate(text: string): string {
  if (text.length <= maxLength) return text
  const characters = Array.from(text)
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join("")}…`
}

/** Returns the error for a client that throws. Its message may contain the URL. */
export function sanitizeDefect(defect: unknown, token: Redacted.Redacted): Error {
  const pretty = tryRead(() =>
    defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect),
  )
  return new Error(`the HttpClient threw ${sanitize(pretty ?? "an unreadable value", token)}`)
}

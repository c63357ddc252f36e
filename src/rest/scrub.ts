/**
 * Text from the wire may echo the URL, and the URL holds the token; it may also be a page of HTML
 * or break the lines of a log. Nothing from the wire is shown without passing through here.
 */
import * as Redacted from "effect/Redacted"

/** Code points of foreign text that an error or a log line may hold. */
const longestText = 300

/** What is looked at of a long page; its title is near the top. */
const longestPage = 20_000

/** Blanks the token, takes the words out of HTML, makes one line of them, of a readable length. */
export function scrub(text: string, token: Redacted.Redacted): string {
  const safe = blanked(text, token).slice(0, longestPage)
  return bounded(oneLine(isHtml(safe) ? words(safe) : safe))
}

/** Without the token, whose characters may be percent-encoded, or escaped as in JSON. */
export function blanked(text: string, secret: Redacted.Redacted): string {
  const token = Redacted.value(secret)
  if (token === "" || text === "") return text
  const pattern = Array.from(token, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0")
    return `(?:${escaped(character)}|%(?:25)*${hex}|\\\\u00${hex})`
  }).join("")
  return text.replace(new RegExp(pattern, "gi"), "[redacted]")
}

function escaped(character: string): string {
  return /\w/.test(character) ? character : `\\${character}`
}

function isHtml(text: string): boolean {
  return /<(?:!doctype|html|head|body|title)\b/i.test(text)
}

function words(page: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? ""
  return title === "" ? page.replace(/<[^>]*>/g, " ") : title
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim()
}

function bounded(text: string): string {
  if (text.length <= longestText) return text
  const characters = Array.from(text)
  return characters.length <= longestText
    ? text
    : `${characters.slice(0, longestText - 1).join("")}…`
}

/** A client that throws is a bug to see, but its error may hold the URL. */
export function defectOf(defect: unknown, token: Redacted.Redacted): Error {
  const pretty = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return new Error(`the HttpClient threw ${scrub(pretty, token)}`)
}

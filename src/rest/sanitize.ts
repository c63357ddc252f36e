/**
 * Text from the wire may echo the URL, and the URL holds the token; it may also be a page of HTML
 * or break the lines of a log. Nothing from the wire is shown without passing through here.
 */
import * as Redacted from "effect/Redacted"
import { TokenMatcher } from "./tokenMatcher.js"

/** Code points of foreign text that an error or a log line may hold. */
const maxLength = 300

/** What is looked at of a long page; its title is near the top. */
const maxInputLength = 20_000

/** Blanks the token, takes the words out of HTML, makes one line of them, of a readable length. */
export function sanitize(text: string, token: Redacted.Redacted): string {
  const safe = redactToken(text.slice(0, maxInputLength), token)
  return truncate(toOneLine(isHtml(safe) ? extractText(safe) : safe))
}

/** Without the token and its parts of 16 characters or more, however they are written. */
export function redactToken(text: string, secret: Redacted.Redacted): string {
  if (text === "") return text
  let shown = ""
  let from = 0
  for (const { end, start } of getMatcher(Redacted.value(secret)).find(text)) {
    shown += `${text.slice(from, start)}[redacted]`
    from = end
  }
  return from === 0 ? text : shown + text.slice(from)
}

/** Whether the text repeats the token, or a part of it. */
export function containsToken(text: string, secret: Redacted.Redacted): boolean {
  return getMatcher(Redacted.value(secret)).find(text).length > 0
}

/** Made once for all the texts of a response, and for the responses that follow. */
const matchers = new Map<string, TokenMatcher>()
const maxMatchers = 32

function getMatcher(token: string): TokenMatcher {
  const known = matchers.get(token)
  if (known !== undefined) return known
  const made = new TokenMatcher(token)
  for (const oldest of matchers.keys()) {
    if (matchers.size < maxMatchers) break
    matchers.delete(oldest)
  }
  matchers.set(token, made)
  return made
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

/** A client that throws is a bug to see, but its error may hold the URL. */
export function sanitizeDefect(defect: unknown, token: Redacted.Redacted): Error {
  const pretty = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return new Error(`the HttpClient threw ${sanitize(pretty, token)}`)
}

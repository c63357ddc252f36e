/**
 * Text from the wire may echo the URL, and the URL holds the token; it may also be a page of HTML
 * or break the lines of a log. Nothing from the wire is shown without passing through here.
 */
import * as Redacted from "effect/Redacted"
import { TokenEcho } from "./tokenMatcher.js"

/** Code points of foreign text that an error or a log line may hold. */
const longestText = 300

/** What is looked at of a long page; its title is near the top. */
const longestPage = 20_000

/** Blanks the token, takes the words out of HTML, makes one line of them, of a readable length. */
export function scrub(text: string, token: Redacted.Redacted): string {
  const safe = blanked(text.slice(0, longestPage), token)
  return bounded(oneLine(isHtml(safe) ? words(safe) : safe))
}

/** Without the token and its parts of 16 characters or more, however they are written. */
export function blanked(text: string, secret: Redacted.Redacted): string {
  if (text === "") return text
  let shown = ""
  let from = 0
  for (const { end, start } of echoOf(Redacted.value(secret)).find(text)) {
    shown += `${text.slice(from, start)}[redacted]`
    from = end
  }
  return from === 0 ? text : shown + text.slice(from)
}

/** Whether the text repeats the token, or a part of it. */
export function repeats(text: string, secret: Redacted.Redacted): boolean {
  return echoOf(Redacted.value(secret)).find(text).length > 0
}

/** Made once for all the texts of a response, and for the responses that follow. */
const echoes = new Map<string, TokenEcho>()
const mostEchoes = 32

function echoOf(token: string): TokenEcho {
  const known = echoes.get(token)
  if (known !== undefined) return known
  const made = new TokenEcho(token)
  for (const oldest of echoes.keys()) {
    if (echoes.size < mostEchoes) break
    echoes.delete(oldest)
  }
  echoes.set(token, made)
  return made
}

function isHtml(text: string): boolean {
  return /<(?:!doctype|html|head|body|title)\b/i.test(text)
}

function words(page: string): string {
  const title = /<title[^<>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? ""
  return title === "" ? page.replace(/<[^<>]*>/g, " ") : title
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

/**
 * Renders a log entry as an embed. All text of the program is in code blocks, where Discord formats
 * and mentions nothing, and which no text can close.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as List from "effect/List"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as LogSpan from "effect/LogSpan"
import * as Predicate from "effect/Predicate"
import type { EmbedCreate, EmbedFieldCreate } from "../model/Embed.js"
import * as Markdown from "../model/Markdown.js"
import { formatCause, formatValue } from "./logValue.js"

/** Maximum code points of the title (of 256); escaping can triple them. */
const maxTitle = 80

/** Maximum code points. The sum, with the formatting, is below the 6000 of a message. */
const maxLengths = { text: 3000, annotations: 1000, spans: 500 }

/** Including its line break. */
const fence = "```\n"

const colors: Readonly<Record<LogLevel.LogLevel["_tag"], number>> = {
  All: 0x99aab5,
  Trace: 0x99aab5,
  Debug: 0x99aab5,
  Info: 0x5865f2,
  Warning: 0xfee75c,
  Error: 0xed4245,
  Fatal: 0x992d22,
  None: 0x99aab5,
}

export function renderEntry(entry: Logger.Logger.Options<unknown>): EmbedCreate {
  const { annotations, cause, date, fiberId, logLevel, message, spans } = entry
  const parts = Arr.ensure(message)
  const messageText = parts.map(formatValue).join(" ")
  const causeText = Cause.isEmpty(cause) ? "" : formatCause(cause)
  const text = [messageText, causeText].filter((part) => part !== "").join("\n\n")
  return {
    title: makeTitle(logLevel.label, getHeadline(parts, messageText, causeText)),
    color: colors[logLevel._tag],
    description: makeCodeBlock(text, maxLengths.text),
    fields: [
      ...makeField("Annotations", formatAnnotations(annotations), maxLengths.annotations),
      ...makeField("Spans", formatSpans(spans, date.getTime()), maxLengths.spans),
    ],
    footer: { text: `fiber ${FiberId.threadName(fiberId).slice(0, 100)}` },
    timestamp: DateTime.unsafeFromDate(date),
  }
}

/** Notifications and lists show only the title, so it summarizes the entry. */
function makeTitle(label: string, text: string): string {
  const [first = ""] = toPlainText(text.slice(0, 8 * maxTitle))
    .trim()
    .split("\n", 1)
  const characters = Array.from(first)
  const kept =
    characters.length > maxTitle ? [...characters.slice(0, maxTitle - 1), "…"] : characters
  return kept.length === 0 ? label : `${label}: ${Markdown.escape(kept.join(""))}`
}

/**
 * The leading strings of the message, the error, or the cause, instead of the first line of JSON.
 */
function getHeadline(
  parts: ReadonlyArray<unknown>,
  messageText: string,
  causeText: string,
): string {
  const words = Arr.takeWhile(parts, Predicate.isString).join(" ")
  if (words.trim() !== "") return words
  return isStructure(parts[0]) || messageText.trim() === "" ? causeText : messageText
}

/** Whether a value is printed as JSON. It may throw when it is looked at, as a revoked proxy does. */
function isStructure(value: unknown): boolean {
  try {
    return Array.isArray(value) || (Predicate.isRecord(value) && !(value instanceof Error))
  } catch {
    return true
  }
}

/** The number of missing entries, by cause. */
export interface MissingEntries {
  readonly full: number
  readonly failed: number
}

export function makeNotice({ failed, full }: MissingEntries): EmbedCreate {
  const reasons = [
    ...(full === 0 ? [] : [`${full} found the queue full`]),
    ...(failed === 0 ? [] : [`${failed} could not be sent`]),
  ]
  return {
    title: "Log entries are missing here",
    color: colors.Warning,
    description: `${full + failed}: ${reasons.join(", ")}.`,
  }
}

function formatAnnotations(annotations: HashMap.HashMap<string, unknown>): ReadonlyArray<string> {
  return HashMap.toEntries(annotations)
    .map(([key, value]) => `${key}=${formatValue(value)}`)
    .sort()
}

function formatSpans(spans: List.List<LogSpan.LogSpan>, now: number): ReadonlyArray<string> {
  return List.toArray(spans).map(LogSpan.render(now))
}

function makeField(
  name: string,
  lines: ReadonlyArray<string>,
  maxLength: number,
): ReadonlyArray<EmbedFieldCreate> {
  return lines.length === 0 ? [] : [{ name, value: makeCodeBlock(lines.join("\n"), maxLength) }]
}

const terminalColor = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, "g")

/** Truncated after escaping, so that the limit includes what Markdown adds. */
function makeCodeBlock(text: string, maxLength: number): string {
  // A character has at most two code units; the rest of a long text is not read.
  const whole = toPlainText(text.slice(0, 2 * maxLength))
  const characters = Array.from(Markdown.codeBlock(whole).slice(fence.length, -fence.length))
  if (characters.length <= maxLength && text.length <= 2 * maxLength)
    return Markdown.codeBlock(whole)
  const kept = characters.slice(0, maxLength - 50).join("")
  return Markdown.codeBlock(`${kept}\n… (${text.length} characters in all)`)
}

/** Removes terminal colors, control characters, lone surrogates and tokens of webhooks. */
function toPlainText(text: string): string {
  return text
    .replace(terminalColor, "")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/(\/webhooks\/\d+\/)[\w.-]+/g, "$1[redacted]")
}

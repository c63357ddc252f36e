/**
 * A log entry as an embed. All that came from the program stands in code blocks, where Discord
 * formats nothing and mentions nobody, and which no text can close.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as List from "effect/List"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as LogSpan from "effect/LogSpan"
import type { EmbedCreate, EmbedFieldCreate } from "../model/Embed.js"

/** Code points. All together and the marks around them stay below the 6000 of a message. */
const longest = { text: 3000, annotations: 1000, spans: 500 }

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

export function render(entry: Logger.Logger.Options<unknown>): EmbedCreate {
  const { annotations, cause, date, fiberId, logLevel, message, spans } = entry
  const said = Arr.ensure(message).map(shown).join(" ")
  const why = Cause.isEmpty(cause) ? "" : Cause.pretty(cause, { renderErrorCause: true })
  return {
    title: logLevel.label,
    color: colors[logLevel._tag],
    description: codeBlock([said, why].filter((text) => text !== "").join("\n\n"), longest.text),
    fields: [
      ...field("Annotations", annotationLines(annotations), longest.annotations),
      ...field("Spans", spanLines(spans, date.getTime()), longest.spans),
    ],
    footer: { text: `fiber ${FiberId.threadName(fiberId).slice(0, 100)}` },
    timestamp: DateTime.unsafeFromDate(date),
  }
}

/** How many entries are missing here, and why. */
export interface Lost {
  readonly full: number
  readonly failed: number
}

export function notice({ failed, full }: Lost): EmbedCreate {
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

function annotationLines(annotations: HashMap.HashMap<string, unknown>): ReadonlyArray<string> {
  return HashMap.toEntries(annotations)
    .map(([key, value]) => `${key}=${shown(value)}`)
    .sort()
}

function spanLines(spans: List.List<LogSpan.LogSpan>, now: number): ReadonlyArray<string> {
  return List.toArray(spans).map(LogSpan.render(now))
}

function field(
  name: string,
  lines: ReadonlyArray<string>,
  most: number,
): ReadonlyArray<EmbedFieldCreate> {
  return lines.length === 0 ? [] : [{ name, value: codeBlock(lines.join("\n"), most) }]
}

/** What is logged may throw while it is shown; logging never does. */
function shown(value: unknown): string {
  try {
    if (typeof value === "string") return value
    return value instanceof Error
      ? Cause.pretty(Cause.fail(value), { renderErrorCause: true })
      : Inspectable.toStringUnknown(value, 2)
  } catch {
    return "(cannot be shown)"
  }
}

const widthless = "\u200b"
const terminalColor = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, "g")

/** Of two backticks in a row the second would be one too many: something invisible parts them. */
function codeBlock(text: string, most: number): string {
  const safe = plain(text).replace(/`(?=`)/g, "`" + widthless)
  return `\`\`\`\n${bounded(safe, most)}\n\`\`\``
}

/** Without a terminal's colours and other controls, halves of characters, and tokens of webhooks. */
function plain(text: string): string {
  return text
    .replace(terminalColor, "")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/(\/webhooks\/\d+\/)[\w.-]+/g, "$1[redacted]")
}

function bounded(text: string, most: number): string {
  // Two units are enough for every character: no need to look at megabytes.
  const characters = Array.from(text.slice(0, 2 * most + 2))
  if (characters.length <= most) return text === "" ? widthless : text
  const kept = characters.slice(0, most - 50).join("")
  return `${kept}\n… and ${text.length - kept.length} more characters`
}

/**
 * Writes Discord's Markdown (formats, mentions, times), escapes text from others, splits long text.
 *
 * Formats take Markdown, so that they nest: `bold(italic("x"))`. Put text that you did not write
 * through {@link escape} first; {@link code} and {@link codeBlock} take any text as it is.
 *
 * @see https://discord.com/developers/docs/reference#message-formatting
 * @since 0.1.0
 * @module
 */
import * as DateTime from "effect/DateTime"
import * as Function from "effect/Function"

import type { EmojiCreate } from "./Emoji.js"
import { truncateText } from "./markdown/cut.js"
import {
  escape as escapeText,
  percentEncode,
  joinLines,
  prefixLines,
  unifyLineEnds,
} from "./markdown/escape.js"
import { split } from "./markdown/split.js"

/** Zero-width: keeps marks apart that would be read together. */
const invisible = "\u200b"

/** Code points (Discord: Execute Webhook). */
const maxContent = 2000

/** The names of languages that Discord accepts after the marks of a code block. */
const languagePattern = /^[a-z0-9_+\-.#]+$/i

/** The letters of times, by Discord's names for them (Discord: Timestamp Styles). */
const styles = {
  /** 16:20 */
  shortTime: "t",
  /** 16:20:30 */
  mediumTime: "T",
  /** 20/04/2021 */
  shortDate: "d",
  /** April 20, 2021 */
  longDate: "D",
  /** April 20, 2021 at 16:20 */
  longDateShortTime: "f",
  /** Tuesday, April 20, 2021 at 16:20 */
  fullDateShortTime: "F",
  /** 20/04/2021, 16:20 */
  shortDateShortTime: "s",
  /** 20/04/2021, 16:20:30 */
  shortDateMediumTime: "S",
  /** 2 months ago */
  relative: "R",
} as const

/**
 * How {@link time} is shown, in the reader's language and time zone: `shortTime` 16:20,
 * `mediumTime` 16:20:30, `shortDate` 20/04/2021, `longDate` April 20, 2021, `relative` 2 months
 * ago, and combinations of them.
 *
 * @since 0.1.0
 * @category models
 */
export type TimeStyle = keyof typeof styles

/**
 * An entry of a {@link list}: a text, or a list of its own below the entry before it.
 *
 * @since 0.1.0
 * @category models
 */
export type ListItem = string | ReadonlyArray<ListItem>

/**
 * Whether Discord shows a preview of what is linked.
 *
 * @since 0.1.0
 * @category models
 */
export interface LinkOptions {
  /** `true` when left out. */
  readonly preview?: boolean | undefined
}

/**
 * Escapes text from others: it has no formatting, mentions no one and shows as it
 * was written. URLs stay links. Every mark gets a backslash, so check limits on the result. Discord
 * shows backslashes within code: use {@link code} and {@link codeBlock} for it.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.escape("snake_case_name, **loud**") // "snake\\_case\\_name, \\*\\*loud\\*\\*"
 * ```
 *
 * @since 0.1.0
 * @category escaping
 */
export const escape = (text: string): string => escapeText(text)

/**
 * **Bold**.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.bold("loud") // "**loud**"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const bold = (text: string): string => wrapWithMarks("**", text)

/**
 * *Italic*.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.italic("quiet") // "*quiet*"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const italic = (text: string): string => wrapWithMarks("*", text)

/**
 * Underlined.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.underline("look") // "__look__"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const underline = (text: string): string => wrapWithMarks("__", text)

/**
 * Struck through.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.strikethrough("gone") // "~~gone~~"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const strikethrough = (text: string): string => wrapWithMarks("~~", text, separateMarks)

/**
 * Hidden until it is clicked.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.spoiler("the butler") // "||the butler||"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const spoiler = (text: string): string => wrapWithMarks("||", text, separateMarks)

/**
 * Code within a line, of any text. Discord has no escape there: backticks that stand side by side
 * get a zero-width space between them.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.code("npm test") // "`npm test`"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const code = (text: string): string => {
  if (text === "") return ""
  // Two backticks enclose what has single ones; three would be a block.
  return text.includes("`")
    ? `\`\` ${text.replaceAll(/`(?=`)/g, `\`${invisible}`)} \`\``
    : `\`${text}\``
}

/**
 * A block of code, of any text, highlighted if Discord supports the language. Three backticks in the text
 * get a zero-width space between them, and so do not end the block.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.codeBlock("const answer = 42", "ts") // "```ts\nconst answer = 42\n```"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const codeBlock = (text: string, language = ""): string => {
  const body = unifyLineEnds(text).replaceAll(/`(?=``)/g, `\`${invisible}`)
  // Anything else would become the first line of the code.
  const first = languagePattern.test(language) ? language : ""
  return `\`\`\`${first}\n${/[^\n]/.test(body) ? body : invisible}\n\`\`\``
}

/**
 * A quote: every line is marked, so other text may follow.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.quote("to be\nor not") // "> to be\n> or not"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const quote = (text: string): string => prefixLines(unifyLineEnds(text), "> ")

/**
 * A quote of all that follows: nothing but the end of the message ends it.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.blockQuote("to be\nor not") // ">>> to be\nor not"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const blockQuote = (text: string): string => `>>> ${text}`

/**
 * A heading of one of three sizes, 1 the largest; on a line of its own.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.heading("Release notes", 2) // "## Release notes"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const heading = (text: string, level: 1 | 2 | 3 = 1): string =>
  // Discord drops the last number signs, as in "C#".
  `${"#".repeat(level)} ${joinLines(text).replace(/(?<![\\#])#+$/, (marks) => marks.replaceAll("#", String.raw`\#`))}`

/**
 * Small and grey, on a line of its own.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.subtext("sent by the build") // "-# sent by the build"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const subtext = (text: string): string => `-# ${joinLines(text)}`

/**
 * A list with bullets; lists in it are indented below the entry before them.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.list(["fruit", ["apple", "pear"], "nuts"]) // "- fruit\n  - apple\n  - pear\n- nuts"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const list = (entries: ReadonlyArray<ListItem>): string => formatList(entries, () => "- ")

/**
 * A numbered list; lists in it are numbered from 1 again.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.orderedList(["build", "test", "ship"]) // "1. build\n2. test\n3. ship"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const orderedList = (entries: ReadonlyArray<ListItem>): string =>
  formatList(entries, (index) => `${index + 1}. `)

/**
 * An address as it is, with a preview of it or without.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.url("https://example.com", { preview: false }) // "<https://example.com>"
 * ```
 *
 * @since 0.1.0
 * @category links
 */
export const url = (address: string, { preview = true }: LinkOptions = {}): string =>
  preview ? address : `<${address.replaceAll(/[\s<>]/g, percentEncode)}>`

/**
 * A text that leads to an address. Discord ends the text at a bracket, so brackets in it become
 * parentheses; and it shows no link where the text is an address itself.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.link("the log", "https://example.com/log") // "[the log](https://example.com/log)"
 * ```
 *
 * @since 0.1.0
 * @category links
 */
export const link = (text: string, address: string, options: LinkOptions = {}): string => {
  const shown = text.replaceAll(/\\?\[/g, "(").replaceAll(/\\?\]/g, ")")
  return `[${shown}](${url(encodeUrl(address), options)})`
}

/**
 * Mentions a user. Whether that notifies them is up to the message's `allowedMentions`.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.user("175928847299117063") // "<@175928847299117063>"
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const user = (id: string): string => `<@${id}>`

/**
 * Mentions a role. It notifies its members only if `allowedMentions` says so.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.role("165511591545143296") // "<@&165511591545143296>"
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const role = (id: string): string => `<@&${id}>`

/**
 * Links a channel, or a thread.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.channel("103735883630395392") // "<#103735883630395392>"
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const channel = (id: string): string => `<#${id}>`

/**
 * A slash command to click: its name with subcommands, and its id.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.command("airhorn play", "816437322781949972") // "</airhorn play:816437322781949972>"
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const command = (name: string, id: string): string => `</${name}:${id}>`

/**
 * Mentions everyone who may read the channel. It notifies them only if `allowedMentions` says so.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * const content = `${Markdown.everyone} the shop is down`
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const everyone = "@everyone"

/**
 * Mentions those who are online now. It notifies them only if `allowedMentions` says so.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * const content = `${Markdown.here} who can help?`
 * ```
 *
 * @since 0.1.0
 * @category mentions
 */
export const here = "@here"

/**
 * A page of the server: what to customise, the channels to browse, its guide, or its linked roles
 * (of one application, if its id is given).
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.navigation("customize") // "<id:customize>"
 * ```
 *
 * @see Discord: Guild Navigation Types
 * @since 0.1.0
 * @category mentions
 */
export const navigation = (
  page: "customize" | "browse" | "guide" | "linked-roles",
  id?: string,
): string => `<id:${id === undefined ? page : `${page}:${id}`}>`

/**
 * A moment, to the second, shown in the reader's language and time zone, in Discord's default
 * style (`longDateShortTime`) unless another one is named.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 * import { DateTime, Effect } from "effect"
 *
 * const started = Effect.map(DateTime.now, (now) => `Started ${Markdown.time(now, "relative")}`)
 * // "Started <t:1767225600:R>"
 * ```
 *
 * @since 0.1.0
 * @category times
 */
export const time = (moment: DateTime.DateTime, style?: TimeStyle): string => {
  const seconds = Math.floor(DateTime.toEpochMillis(moment) / 1000)
  return style === undefined ? `<t:${seconds}>` : `<t:${seconds}:${styles[style]}>`
}

/**
 * An emoji in a text: a custom one by id and name, or a Unicode character as it is.
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.emoji({ id: "41771983429993937", name: "LUL" }) // "<:LUL:41771983429993937>"
 * ```
 *
 * @since 0.1.0
 * @category formats
 */
export const emoji = ({ animated = false, id, name }: EmojiCreate): string =>
  id === undefined ? (name ?? "") : `<${animated ? "a" : ""}:${name ?? "emoji"}:${id}>`

/**
 * Long text as parts to send one after the other, each within `limit` code points: Discord's 2000
 * for `content` when left out; a text component takes 4000, the description of an embed 4096.
 *
 * A part ends with a paragraph if it can, else with a line, a sentence, a word, and is at least half
 * full if it can. A block of code that does not fit is cut between lines, closed, and opened again
 * with its language. Links, mentions, emoji and formats stay whole, and so does every grapheme
 * cluster, a character as people see it (`👩‍👩‍👧` is one), unless one alone exceeds the limit. The parts carry all of the
 * text but whitespace at their ends, which Discord removes; an empty text has no parts.
 *
 * @example
 * ```ts
 * import { Markdown, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const sendAll = (hook: Webhook.Webhook, text: string) =>
 *   Effect.forEach(Markdown.splitContent(text), (content) => Webhook.send(hook, { content }))
 * ```
 *
 * @since 0.1.0
 * @category splitting
 */
export const splitContent = (
  text: string,
  { limit = maxContent }: { readonly limit?: number | undefined } = {},
): ReadonlyArray<string> => split(text, Math.max(1, Math.floor(limit)))

/**
 * A text of at most `limit` code points, which is how Discord counts: 256 for the title of an embed,
 * 100 for the name of a thread, 2000 for `content`. What is too long ends with `ellipsis`.
 *
 * Links, mentions, emoji and formats are left out rather than cut, unless one is longer than the
 * limit, and so is every character as people see it (`👩‍👩‍👧` is one).
 *
 * @example
 * ```ts
 * import { Markdown } from "effect-discord"
 *
 * Markdown.truncate("Deployment of the shop failed", 20) // "Deployment of the s…"
 * const titles = ["Deployment of the shop failed"].map(Markdown.truncate(20))
 * ```
 *
 * @since 0.1.0
 * @category splitting
 */
export const truncate: {
  (limit: number, options?: { readonly ellipsis?: string | undefined }): (text: string) => string
  (text: string, limit: number, options?: { readonly ellipsis?: string | undefined }): string
} = Function.dual(
  ([first]) => typeof first !== "number",
  (
    text: string,
    limit: number,
    { ellipsis = "…" }: { readonly ellipsis?: string | undefined } = {},
  ): string => truncateText(text, Math.floor(limit), ellipsis),
)

/** Puts marks inside the whitespace around a text, since Discord does not format `** x **`; blank text gets none. */
function wrapWithMarks(
  mark: string,
  text: string,
  inside: (body: string, mark: string) => string = keepBody,
): string {
  const body = text.trim()
  if (body === "") return text
  const start = text.length - text.trimStart().length
  const end = start + body.length
  return text.slice(0, start) + mark + inside(body, mark) + mark + text.slice(end)
}

function keepBody(body: string): string {
  return body
}

/**
 * Separates the marks `~~` and `||` from such characters in the body. These formats end at the next two
 * such characters, even after a backslash.
 */
function separateMarks(body: string, mark: string): string {
  const before = mark.startsWith(body.slice(0, 1)) ? invisible : ""
  return before + body + (mark.endsWith(body.slice(-1)) ? invisible : "")
}

/** Encodes the characters of a URL that would end the parentheses around it. */
function encodeUrl(text: string): string {
  return text.replaceAll(/[\s<>()\\]/g, percentEncode)
}

function formatList(entries: ReadonlyArray<ListItem>, bullet: (index: number) => string): string {
  let count = 0
  const indent = " ".repeat(bullet(0).length)
  return entries
    .map((entry) =>
      typeof entry === "string"
        ? bullet(count++) + unifyLineEnds(entry).replaceAll("\n", `\n${indent}`)
        : prefixLines(formatList(entry, bullet), indent),
    )
    .join("\n")
}

/** Escapes text, so that Discord shows it as written, and handles line ends. */
/** Zero-width. */
const invisible = "\u200b"

/**
 * What Discord turns into a link: between angle brackets (then without a preview), or alone, as far
 * as it goes; and what follows it directly, since a backslash there would become a part of it.
 */
const addressPattern =
  /(<https?:\/\/[^\s<>]+>)|(https?:\/\/[^\s<]+[^\s<.,:;"')\]])([.,:;"')\]]*(?:<(?!https?:\/\/[^\s<>]+>))?)/

/**
 * What starts or ends a format anywhere, an emoji such as `:tada:`, a mention; and what is no
 * address, but would become one by the backslashes in it.
 */
const activeMarkup = /([\\*_~`|[<]|:(?=[^\s:]+:|\/\/)|@(?=everyone|here|[!&$]?\d))/

const token = new RegExp(`${addressPattern.source}|${activeMarkup.source}`, "g")

/** Quotes, headings, subtext and lists: only where a line starts. */
const lineStartMarkup = /((?:^|\n)[^\S\n]*)([>#+-])/g
const numberedLine = /((?:^|\n)[^\S\n]*\d+)\./g

/** Markup that would end a format around an address, or mention someone. */
const markupInAddress = /[*`|\\[\]]|_{2,}|~{2,}|@(?=everyone|here|[!&$]?\d)/g

export function escape(text: string): string {
  return unifyLineEnds(text)
    .replaceAll(token, (_, ...groups: ReadonlyArray<string | undefined>) => {
      const [bracketed = "", bare = "", after = "", mark = ""] = groups
      const address = encodeMarkup(bracketed) + encodeMarkup(bare).replaceAll(">", percentEncode)
      return address + escapeEnd(after) + escapeMark(mark)
    })
    .replaceAll(lineStartMarkup, String.raw`$1\$2`)
    .replaceAll(numberedLine, String.raw`$1\.`)
}

/** The character as a URL may have it anywhere. */
export function percentEncode(character: string): string {
  const encoded = encodeURIComponent(character)
  const hex = character.charCodeAt(0).toString(16).toUpperCase()
  return encoded === character ? `%${hex.padStart(2, "0")}` : encoded
}

/** Mentions are found by the server, which has not always cared for a backslash. */
function escapeMark(mark: string): string {
  if (mark === "") return ""
  return mark === "@" ? `\\@${invisible}` : `\\${mark}`
}

/** An encoded character leads to the same place. */
function encodeMarkup(address: string): string {
  return address.replaceAll(markupInAddress, (marks) => Array.from(marks, percentEncode).join(""))
}

/** Only a space ends an address for sure. */
function escapeEnd(after: string): string {
  return after.replace("<", String.raw` \<`)
}

/** The text with `\n` as its only line end: Discord's client treats `\r\n` and `\r` as `\n`. */
export function unifyLineEnds(text: string): string {
  return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text
}

/** The lines that are not blank, trimmed and joined by a space. */
export function joinLines(text: string): string {
  const lines = unifyLineEnds(text).split("\n")
  return lines.length === 1 ? text : lines.flatMap((line) => line.trim() || []).join(" ")
}

/** Puts `start` before every line. The text must have unified line ends. */
export function prefixLines(text: string, start: string): string {
  return start + text.replaceAll("\n", `\n${start}`)
}

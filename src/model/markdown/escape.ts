/** Escapes text, so that Discord shows it as written, and handles line ends. */
/** Zero-width. */
const INVISIBLE = "\u200b"

/**
 * What Discord turns into a link: between angle brackets (then without a preview), or alone, as far
 * as it goes; and what follows it directly, since a backslash there would become a part of it.
 */
const ADDRESS =
  /(<https?:\/\/[^\s<>]+>)|(https?:\/\/[^\s<]+[^\s<.,:;"')\]])([.,:;"')\]]*(?:<(?!https?:\/\/[^\s<>]+>))?)/

/**
 * What starts or ends a format anywhere, an emoji such as `:tada:`, a mention; and what is no
 * address, but would become one by the backslashes in it.
 */
const ACTIVE = /([\\*_~`|[<]|:(?=[^\s:]+:|\/\/)|@(?=everyone|here|[!&$]?\d))/

const TOKEN = new RegExp(`${ADDRESS.source}|${ACTIVE.source}`, "g")

/** Quotes, headings, subtext and lists: only where a line starts. */
const AT_LINE_START = /((?:^|\n)[^\S\n]*)([>#+-])/g
const NUMBERED = /((?:^|\n)[^\S\n]*\d+)\./g

/** What would end a format around an address, or mention somebody. */
const IN_ADDRESS = /[*`|\\[\]]|_{2,}|~{2,}|@(?=everyone|here|[!&$]?\d)/g

export function escape(text: string): string {
  return unifyLineEnds(text)
    .replaceAll(TOKEN, (_, ...groups: ReadonlyArray<string | undefined>) => {
      const [bracketed = "", bare = "", after = "", mark = ""] = groups
      const address = inert(bracketed) + inert(bare).replaceAll(">", percent)
      return address + ended(after) + escaped(mark)
    })
    .replaceAll(AT_LINE_START, String.raw`$1\$2`)
    .replaceAll(NUMBERED, String.raw`$1\.`)
}

/** The character as a URL may have it anywhere. */
export function percent(character: string): string {
  const encoded = encodeURIComponent(character)
  const hex = character.charCodeAt(0).toString(16).toUpperCase()
  return encoded === character ? `%${hex.padStart(2, "0")}` : encoded
}

/** Mentions are found by the server, which has not always cared for a backslash. */
function escaped(mark: string): string {
  if (mark === "") return ""
  return mark === "@" ? `\\@${INVISIBLE}` : `\\${mark}`
}

/** An encoded character leads to the same place. */
function inert(address: string): string {
  return address.replaceAll(IN_ADDRESS, (marks) => Array.from(marks, percent).join(""))
}

/** Only a space ends an address for sure. */
function ended(after: string): string {
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

/** Escapes text, so that Discord shows it as written, and handles line ends. */

/** A zero-width space. */
const invisible = "\u200b"

/**
 * URLs that Discord links: in angle brackets (no preview) or bare. Also captures the punctuation and `<`
 * after a bare one, where a backslash would become part of the link.
 */
const addressPattern =
  /(<https?:\/\/[^\s<>]+>)|(https?:\/\/[^\s<]+[^\s<.,:;"')\]])([.,:;"')\]]*(?:<(?!https?:\/\/[^\s<>]+>))?)/

/**
 * Marks of formats, emoji and mentions. Also the `:` of `://` in text that is no link, but would become
 * one by escaping: `https://*` is none, `https://\*` is.
 */
const activeMarkup = /([\\*_~`|[<]|:(?=[^\s:]+:|\/\/)|@(?=everyone|here|[!&$]?\d))/

const token = new RegExp(`${addressPattern.source}|${activeMarkup.source}`, "g")

/** Marks of quotes, headings, subtext and lists, which count only at the start of a line. */
const lineStartMarkup = /((?:^|\n)[^\S\n]*)([>#+-])/g
const numberedLine = /((?:^|\n)[^\S\n]*\d+)\./g

/** Markup in a URL that would end a format around it, or mention someone. */
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

/** Percent-encodes a character, even one that `encodeURIComponent` leaves. */
export function percentEncode(character: string): string {
  const encoded = encodeURIComponent(character)
  const hex = character.charCodeAt(0).toString(16).toUpperCase()
  return encoded === character ? `%${hex.padStart(2, "0")}` : encoded
}

/** The server finds mentions, and has not always respected backslashes, so a zero-width space is added. */
function escapeMark(mark: string): string {
  if (mark === "") return ""
  return mark === "@" ? `\\@${invisible}` : `\\${mark}`
}

/** Percent-encodes markup in a URL, which still leads to the same page. */
function encodeMarkup(address: string): string {
  return address.replaceAll(markupInAddress, (marks) => Array.from(marks, percentEncode).join(""))
}

/** A backslash would not end the address; a space does. */
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

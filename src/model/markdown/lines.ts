/** Line ends: Discord's client treats `\r\n` and a lone `\r` as `\n`. */

/** The text with `\n` as its only line end. */
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

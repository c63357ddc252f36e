/** Where a text may be cut: at the best place within a number of code points. */
import { codePoints } from "../limits.js"
import { exceeds, indexAfter } from "./count.js"
import { unitsOf } from "./units.js"
import type { Range } from "./units.js"

/** A place to cut, and how good it is: the end of a paragraph, line, sentence, word; or poor. */
interface Place {
  readonly index: number
  readonly rank: 0 | 1 | 2 | 3 | 4
}

const POOR = 4

const SPACE = /\s+/g
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*$/
/** What would become a heading, list or quote at the start of a part. */
const LINE_MARK = /^\s*(?:#{1,3}|-#|[-*+]|\d+\.|>{1,3})\s/
/** What belongs to the character before it, be that a space. */
const JOINED = /^\s*(?:\p{M}|\p{Emoji_Modifier}|[\u{e0020}-\u{e007f}]|\u200c|\u200d)/u
/** UTF-16 units: enough to see what follows a space. */
const GLANCE = 40

/**
 * The index at which to cut a text that is longer than `room` code points. Places after `half` code
 * points come first, the best kind of them first; then the last place before. `undefined`: there is
 * none but within a word. `limit` is the longest that a part may be.
 */
export function bestCut(
  text: string,
  room: number,
  half: number,
  limit: number,
): number | undefined {
  const all = placesIn(text, indexAfter(text, room), limit)
  const good = all.filter((place) => place.rank < POOR)
  const places = good.length > 0 ? good : all
  const from = indexAfter(text, half)
  let best: Place | undefined
  for (const place of places) {
    if (place.index >= from && place.rank <= (best ?? place).rank) best = place
  }
  return (best ?? places.at(-1))?.index
}

/** A cut within a word, which tears no link apart unless it is longer than a part may be. */
export function hardCut(text: string, limit: number): number {
  const end = indexAfter(text, limit)
  const torn = unitsAround(text, end, limit).find(([start, stop]) => start < end && end < stop)
  return torn !== undefined && torn[0] > 0 ? torn[0] : characterCut(text, limit)
}

/**
 * The text, or if it is too long its start and `ellipsis`, together at most `limit` code points.
 * Without the ellipsis where there is no room for it.
 */
export function truncated(text: string, limit: number, ellipsis: string): string {
  if (!exceeds(text, limit)) return text
  if (limit < 1) return ""
  const mark = exceeds(ellipsis, limit - 1) ? "" : ellipsis
  const room = limit - codePoints(mark)
  return text.slice(0, hardCut(text, room)).trimEnd() + mark
}

/** The last cut that tears no character apart, as people see characters. */
export function characterCut(text: string, room: number): number {
  const end = indexAfter(text, room)
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })
  const start = segmenter.segment(text.slice(0, end + 2)).containing(end)?.index ?? end
  // A single character may be longer than there is room for.
  return start > 0 ? start : end
}

function placesIn(text: string, end: number, limit: number): ReadonlyArray<Place> {
  const units = unitsAround(text, end, limit)
  const places: Array<Place> = []
  let next = 0
  for (const { 0: space, index } of text.slice(0, end + 1).matchAll(SPACE)) {
    while ((units[next]?.[1] ?? Infinity) <= index) next++
    if (index > end || (units[next]?.[0] ?? Infinity) < index) continue
    const rank = rankOf(text, index, space)
    const glance = text.slice(index, index + GLANCE)
    if (JOINED.test(glance)) continue
    places.push({ index, rank: rank > 1 && LINE_MARK.test(glance) ? POOR : rank })
  }
  return places
}

function rankOf(text: string, index: number, space: string): Place["rank"] {
  const lines = space.split("\n").length - 1
  if (lines > 0) return lines > 1 ? 0 : 1
  return SENTENCE_END.test(text.slice(Math.max(0, index - 4), index)) ? 2 : 3
}

/** The units before and at `end`. One that fits a part ends within twice its limit, in UTF-16. */
function unitsAround(text: string, end: number, limit: number): ReadonlyArray<Range> {
  return unitsOf(text.slice(0, end + 2 * limit), end, limit)
}

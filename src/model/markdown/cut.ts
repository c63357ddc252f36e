/** Where a text may be cut: at the best place within a number of code points. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"

import { codePoints } from "../limits.js"

/** A place to cut, and how good it is: the end of a paragraph, line, sentence, word; or poor. */
interface Place {
  readonly index: number
  readonly rank: 0 | 1 | 2 | 3 | 4
}

const POOR = 4

type Range = readonly [start: number, stop: number]

/** What loses its meaning when it is cut: links, mentions and emoji, code and other formats. */
const UNITS =
  /\[[^[\]\n]*\]\([^)\s]*\)|<[^<>\n]{1,200}>|https?:\/\/[^\s<]+|(?<!`)`{1,2}[^`\n]+`{1,2}|\|\|[\s\S]+?\|\||\*\*[\s\S]+?\*\*|__[\s\S]+?__|~~[\s\S]+?~~/g

const SPACE = /\s+/g
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*$/
/** What would become a heading, list or quote at the start of a part. */
const LINE_MARK = /^\s*(?:#{1,3}|-#|[-*+]|\d+\.|>{1,3})\s/
/** What belongs to the character before it, be that a space. */
const JOINED = /^\s*(?:\p{M}|\p{Emoji_Modifier}|[\u{e0020}-\u{e007f}]|\u200c|\u200d)/u
/** UTF-16 units: enough to see what follows a space. */
const GLANCE = 40

/** Whether a text has more than `limit` code points. */
export function exceeds(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  return text.length > 2 * limit || codePoints(text) > limit
}

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
  const late = places.filter(({ index }) => index >= from)
  const rank = Math.min(...late.map((place) => place.rank))
  const best = Arr.findLast(late, (place) => place.rank === rank)
  return Option.getOrElse(best, () => places.at(-1))?.index
}

/** A cut within a word, which tears no link apart unless it is longer than a part may be. */
export function hardCut(text: string, limit: number): number {
  const end = indexAfter(text, limit)
  const torn = units(text, end, limit).find(([start, stop]) => start < end && end < stop)
  return torn !== undefined && torn[0] > 0 ? torn[0] : characterCut(text, limit)
}

/** The last cut that tears no character apart, as people see characters. */
export function characterCut(text: string, room: number): number {
  const end = indexAfter(text, room)
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })
  const start = segmenter.segment(text.slice(0, end + 2)).containing(end)?.index ?? end
  // A single character may be longer than there is room for.
  return start > 0 ? start : end
}

/** The index in UTF-16 units after a number of code points. */
function indexAfter(text: string, points: number): number {
  let index = 0
  for (let left = points; left > 0 && index < text.length; left--) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
  }
  return index
}

function placesIn(text: string, end: number, limit: number): ReadonlyArray<Place> {
  const whole = units(text, end, limit)
  const places: Array<Place> = []
  for (const { 0: space, index } of text.slice(0, end + 1).matchAll(SPACE)) {
    if (index > end || whole.some(([start, stop]) => start < index && index < stop)) continue
    const rank = rankOf(text, index, space)
    const next = text.slice(index, index + GLANCE)
    if (JOINED.test(next)) continue
    places.push({ index, rank: rank > 1 && LINE_MARK.test(next) ? POOR : rank })
  }
  return places
}

function rankOf(text: string, index: number, space: string): Place["rank"] {
  const lines = space.split("\n").length - 1
  if (lines > 0) return lines > 1 ? 0 : 1
  return SENTENCE_END.test(text.slice(Math.max(0, index - 4), index)) ? 2 : 3
}

/** Every unit that begins before `end` and is not longer than a part may be. */
function units(text: string, end: number, limit: number): ReadonlyArray<Range> {
  const found: Array<Range> = []
  for (const { 0: unit, index } of text.slice(0, end + 2 * limit).matchAll(UNITS)) {
    if (index >= end) break
    if (!exceeds(unit, limit)) found.push([index, index + unit.length])
  }
  return found
}

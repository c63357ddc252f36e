/**
 * Where a text may be cut: at the best place within a number of code points. A span is a link, mention,
 * emoji, inline code or formatted text, which a cut must not split.
 */
import { codePoints } from "../limits.js"

/**
 * A place to cut. Rank: 0 paragraph, 1 line, 2 sentence, 3 word, 4 poor (the rest would become a
 * heading, list or quote).
 */
interface Place {
  readonly index: number
  readonly rank: 0 | 1 | 2 | 3 | 4
}

const poorRank = 4

const spacePattern = /\s+/g
const sentenceEnd = /[.!?…。！？]["'”’)\]]*$/
/** The start of a part that would become a heading, list or quote. */
const lineMark = /^\s*(?:#{1,3}|-#|[-*+]|\d+\.|>{1,3})\s/
/** Characters that combine with the one before, even with a space: no cut between the two. */
const joinedToPrevious = /^\s*(?:\p{M}|\p{Emoji_Modifier}|[\u{e0020}-\u{e007f}]|\u200c|\u200d)/u
/** UTF-16 units after a place that `lineMark` and `joinedToPrevious` are tested on. */
const lookahead = 40

/**
 * The index at which to cut a text that is longer than `room` code points. Prefers places after `half`
 * code points: the last one of the best rank. Otherwise takes the last place before `half`. Poor places
 * count only if there are no others. Returns `undefined` if only a cut within a word is possible.
 * `limit` is the maximum length of a part, in code points.
 */
export function findBestCut(
  text: string,
  room: number,
  half: number,
  limit: number,
): number | undefined {
  const all = findPlaces(text, indexOfCodePoint(text, room), limit)
  const good = all.filter((place) => place.rank < poorRank)
  const places = good.length > 0 ? good : all
  const from = indexOfCodePoint(text, half)
  let best: Place | undefined
  for (const place of places) {
    if (place.index >= from && place.rank <= (best ?? place).rank) best = place
  }
  return (best ?? places.at(-1))?.index
}

/** The index of a cut within a word. It splits a span only if that is longer than `limit` code points. */
export function cutWithinWord(text: string, limit: number): number {
  const end = indexOfCodePoint(text, limit)
  const spanAtEnd = spansAround(text, end, limit).find(([start, stop]) => start < end && end < stop)
  return spanAtEnd !== undefined && spanAtEnd[0] > 0 ? spanAtEnd[0] : cutAtCharacter(text, limit)
}

/**
 * The text; if it is too long, its start and `ellipsis`, together at most `limit` code points. The
 * ellipsis is left out if there is no room for it.
 */
export function truncateText(text: string, limit: number, ellipsis: string): string {
  if (!isLongerThan(text, limit)) return text
  if (limit < 1) return ""
  const mark = isLongerThan(ellipsis, limit - 1) ? "" : ellipsis
  const room = limit - codePoints(mark)
  return text.slice(0, cutWithinWord(text, room)).trimEnd() + mark
}

/** The last index within `room` code points that splits no visible character (grapheme). */
export function cutAtCharacter(text: string, room: number): number {
  const end = indexOfCodePoint(text, room)
  const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })
  const start = segmenter.segment(text.slice(0, end + 2)).containing(end)?.index ?? end
  // The first character may be longer than `room`; then it is split.
  return start > 0 ? start : end
}

function findPlaces(text: string, end: number, limit: number): ReadonlyArray<Place> {
  const spans = spansAround(text, end, limit)
  const places: Array<Place> = []
  let next = 0
  for (const { 0: space, index } of text.slice(0, end + 1).matchAll(spacePattern)) {
    while ((spans[next]?.[1] ?? Infinity) <= index) next++
    if (index > end || (spans[next]?.[0] ?? Infinity) < index) continue
    const rank = rankPlace(text, index, space)
    const glance = text.slice(index, index + lookahead)
    if (joinedToPrevious.test(glance)) continue
    places.push({ index, rank: rank > 1 && lineMark.test(glance) ? poorRank : rank })
  }
  return places
}

function rankPlace(text: string, index: number, space: string): Place["rank"] {
  const lines = space.split("\n").length - 1
  if (lines > 0) return lines > 1 ? 0 : 1
  return sentenceEnd.test(text.slice(Math.max(0, index - 4), index)) ? 2 : 3
}

/**
 * The spans that start before `end`. The text up to `2 * limit` UTF-16 units after it is enough, because
 * longer spans are left out.
 */
function spansAround(text: string, end: number, limit: number): ReadonlyArray<Range> {
  return findSpans(text.slice(0, end + 2 * limit), end, limit)
}

/** Whether a text has more than `limit` code points. */
export function isLongerThan(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  return text.length > 2 * limit || codePoints(text) > limit
}

/** The index in UTF-16 units after a number of code points. */
function indexOfCodePoint(text: string, points: number): number {
  let index = 0
  for (let left = points; left > 0 && index < text.length; left--) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
  }
  return index
}

// One regular expression for all spans would take quadratic time: at each `[` or `**` that nothing
// closes, it would read the rest of the text. Here, each kind of end is searched for once.

/** The indices of a span in UTF-16 units; `stop` is the first after it. */
export type Range = readonly [start: number, stop: number]

/** The index of the first end at or after `from`; the length of the text if there is none. */
type Finder = (from: number) => number

/** The index after the span that starts at `start`; `undefined` if none does. */
type Matcher = (start: number) => number | undefined

/** Maximum number of characters between `<` and `>`; mentions and emoji are shorter. */
const maxAngleLength = 200

/** The spans that start before `end` and are not longer than `limit` code points, in order. */
export function findSpans(text: string, end: number, limit: number): ReadonlyArray<Range> {
  const matchers = makeMatchers(text)
  const found: Array<Range> = []
  let index = 0
  while (index < end) {
    const stop = matchers[text.charAt(index)]?.(index)
    if (stop !== undefined && !isLongerThan(text.slice(index, stop), limit))
      found.push([index, stop])
    index = stop ?? index + 1
  }
  return found
}

/** The matchers, by the first character of a span. */
function makeMatchers(text: string): Readonly<Record<string, Matcher>> {
  return {
    "[": maskedLink(text),
    "<": angleBrackets(text),
    h: address(text),
    "`": inlineCode(text),
    "|": format(text, "|", /\|\|/g),
    "*": format(text, "*", /\*\*/g),
    _: format(text, "_", /__/g),
    "~": format(text, "~", /~~/g),
  }
}

/** `[text](address)` */
function maskedLink(text: string): Matcher {
  const textEnd = makeFinder(text, /[[\]\n]/g)
  const addressEnd = makeFinder(text, /[)\s]/g)
  return (start) => {
    const close = textEnd(start + 1)
    if (!text.startsWith("](", close)) return undefined
    const stop = addressEnd(close + 2)
    return text[stop] === ")" ? stop + 1 : undefined
  }
}

/** `<@1>`, `<:name:1>`, `<https://example.com>` */
function angleBrackets(text: string): Matcher {
  const bracket = makeFinder(text, /[<>\n]/g)
  return (start) => {
    const stop = bracket(start + 1)
    const length = stop - start - 1
    return text[stop] === ">" && length > 0 && length <= maxAngleLength ? stop + 1 : undefined
  }
}

/** `https://example.com` */
function address(text: string): Matcher {
  const addressEnd = makeFinder(text, /[\s<]/g)
  return (start) => {
    const scheme = ["http://", "https://"].find((prefix) => text.startsWith(prefix, start))
    if (scheme === undefined) return undefined
    const stop = addressEnd(start + scheme.length)
    return stop > start + scheme.length ? stop : undefined
  }
}

/** Code within a line, between one or two backticks. */
function inlineCode(text: string): Matcher {
  const codeEnd = makeFinder(text, /[`\n]/g)
  return (start) => {
    if (text[start - 1] === "`") return undefined
    const from = text[start + 1] === "`" ? start + 2 : start + 1
    const stop = codeEnd(from)
    if (stop === from || text[stop] !== "`") return undefined
    return text[stop + 1] === "`" ? stop + 2 : stop + 1
  }
}

/** Anything between two double marks: `**bold**`, `__underlined__`, `~~struck~~`, `||hidden||`. */
function format(text: string, mark: string, pattern: RegExp): Matcher {
  const markEnd = makeFinder(text, pattern)
  return (start) => {
    if (text[start + 1] !== mark) return undefined
    const stop = markEnd(start + 3)
    return stop < text.length ? stop + 2 : undefined
  }
}

/** `from` must never decrease from call to call; then all calls together read the text once. */
function makeFinder(text: string, pattern: RegExp): Finder {
  let found = -1
  return (from) => {
    if (found >= from) return found
    pattern.lastIndex = from
    found = pattern.exec(text)?.index ?? text.length
    return found
  }
}

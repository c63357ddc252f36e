/**
 * Links, mentions, emoji, code and other formats in a text: what loses its meaning when it is cut.
 *
 * A regular expression of all these is quadratic: at each `[` or `**` that nothing closes, it reads
 * the rest of the text. Here, each kind of end is searched for once.
 */
import { exceeds } from "./count.js"

/** Indices in UTF-16 units; `stop` is the first after the range. */
export type Range = readonly [start: number, stop: number]

/** The index of the first end at or after `from`; the length of the text if there is none. */
type Finder = (from: number) => number

/** The index after the unit that starts here, if one does. */
type Matcher = (start: number) => number | undefined

/** Characters between `<` and `>`: mentions and emoji are shorter. */
const maxAngleLength = 200

/** The units that start before `end` and are not longer than `limit` code points, in order. */
export function unitsOf(text: string, end: number, limit: number): ReadonlyArray<Range> {
  const matchers = makeMatchers(text)
  const found: Array<Range> = []
  let index = 0
  while (index < end) {
    const stop = matchers[text.charAt(index)]?.(index)
    if (stop !== undefined && !exceeds(text.slice(index, stop), limit)) found.push([index, stop])
    index = stop ?? index + 1
  }
  return found
}

/** By the first character of the unit. */
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

/** For indices that never fall: then all calls together read the text once. */
function makeFinder(text: string, pattern: RegExp): Finder {
  let found = -1
  return (from) => {
    if (found >= from) return found
    pattern.lastIndex = from
    found = pattern.exec(text)?.index ?? text.length
    return found
  }
}

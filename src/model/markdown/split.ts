/** Long text as parts that each fit a limit. */
import { codePoints } from "../limits.js"
import { isLongerThan, findBestCut, cutAtCharacter, cutWithinWord } from "./cut.js"
import { unifyLineEnds } from "./escape.js"

type Code = Extract<Stretch, { readonly _tag: "Code" }>

/** The part that is being filled, and those that are full. */
interface Parts {
  readonly limit: number
  readonly parts: Array<string>
  /** Never begins with whitespace. */
  part: string
  /** Code points of `part`. */
  size: number
}

export function split(text: string, limit: number): ReadonlyArray<string> {
  const filling: Parts = { limit, parts: [], part: "", size: 0 }
  for (const stretch of parseStretches(unifyLineEnds(text).trim())) {
    if (stretch._tag === "Text") addText(filling, stretch.text)
    else addCode(filling, stretch)
  }
  finishPart(filling)
  return filling.parts
}

function addText(filling: Parts, text: string): void {
  let rest = filling.part === "" ? text.trimStart() : text
  while (isLongerThan(rest, remainingLength(filling))) {
    const cut = findCut(filling, rest)
    append(filling, rest.slice(0, cut))
    finishPart(filling)
    rest = rest.slice(cut).trimStart()
  }
  append(filling, rest)
}

/** A word that does not fit begins the next part; one that fits no part is cut. */
function findCut(filling: Parts, text: string): number {
  const { limit, part, size } = filling
  const half = Math.floor(limit / 2) - size
  const best = findBestCut(text, remainingLength(filling), Math.max(0, half), limit)
  return best ?? (part === "" ? cutWithinWord(text, limit) : 0)
}

function addCode(filling: Parts, code: Code): void {
  const { limit } = filling
  const fence = codePoints(fenceCode("", code.language))
  if (!isLongerThan(code.text, remainingLength(filling))) {
    append(filling, code.text)
  } else if (!isLongerThan(code.text, limit)) {
    finishPart(filling)
    append(filling, code.text)
  } else if (fence >= limit) {
    // So short a limit holds no fence and something in it.
    addText(filling, code.text)
  } else {
    if (remainingLength(filling) - fence < limit / 2) finishPart(filling)
    addLines(filling, code, fence)
  }
}

/** Fills parts with lines of code, each part with fences of its own. */
function addLines(filling: Parts, { body, language }: Code, fence: number): void {
  let rest = body
  while (isLongerThan(rest, remainingLength(filling) - fence)) {
    const cut = lineCut(rest, remainingLength(filling) - fence)
    addBlock(filling, rest.slice(0, cut), language)
    finishPart(filling)
    rest = rest.slice(cut).replace(/^\n+/, "")
  }
  addBlock(filling, rest, language)
}

/** Discord takes fences around nothing for text. */
function addBlock(filling: Parts, body: string, language: string): void {
  const lines = withoutLastBreaks(body)
  if (lines !== "") append(filling, fenceCode(lines, language))
}

/** After the last whole line that fits, or within a line that fits nowhere. */
function lineCut(text: string, space: number): number {
  const end = cutAtCharacter(text, space)
  const line = text.lastIndexOf("\n", end)
  return line > 0 ? line : end
}

/** Outer whitespace is not sent, so a part of nothing else is none. */
function finishPart(filling: Parts): void {
  const part = filling.part.trim()
  if (part !== "") filling.parts.push(part)
  filling.part = ""
  filling.size = 0
}

function append(filling: Parts, text: string): void {
  filling.part += text
  filling.size += codePoints(text)
}

function remainingLength({ limit, size }: Parts): number {
  return limit - size
}

function withoutLastBreaks(text: string): string {
  let end = text.length
  while (text[end - 1] === "\n") end--
  return text.slice(0, end)
}

const fence = "```"

/** A fence, or a character that a backslash makes harmless. */
const openingFence = /\\[\s\S]|```/g
const languageLine = /^[a-z0-9_+\-.#]+\n/i

/** Characters; no language of Discord has a longer name. */
const maxLanguageLength = 64

/** A stretch of a text: a block of code, or what lies between blocks. */
type Stretch =
  | { readonly _tag: "Text"; readonly text: string }
  | {
      readonly _tag: "Code"
      /** As it stands in the text, fences included. */
      readonly text: string
      readonly language: string
      readonly body: string
    }

interface Block {
  readonly language: string
  readonly body: string
  /** Index after its last fence. */
  readonly end: number
}

/** The stretches of a text: put together they are the text. */
function parseStretches(text: string): ReadonlyArray<Stretch> {
  const opening = new RegExp(openingFence)
  const found: Array<Stretch> = []
  let from = 0
  for (let mark = opening.exec(text); mark !== null; mark = opening.exec(text)) {
    const block = mark[0] === fence ? parseBlock(text, mark.index) : undefined
    if (block === undefined) continue
    const { body, end, language } = block
    if (mark.index > from) found.push({ _tag: "Text", text: text.slice(from, mark.index) })
    found.push({ _tag: "Code", text: text.slice(mark.index, end), language, body })
    from = end
    opening.lastIndex = end
  }
  if (from < text.length) found.push({ _tag: "Text", text: text.slice(from) })
  return found
}

function fenceCode(body: string, language: string): string {
  return `${fence}${language}\n${body}\n${fence}`
}

/** What could be the language is code after all where no other code follows it. */
function parseBlock(text: string, index: number): Block | undefined {
  const start = index + fence.length
  const [line = ""] = languageLine.exec(text.slice(start, start + maxLanguageLength)) ?? []
  const named = line === "" ? undefined : parseClosedBlock(text, start + line.length, line.trim())
  return named ?? parseClosedBlock(text, start, "")
}

/** The block whose code begins here, if it is closed and not empty. */
function parseClosedBlock(text: string, start: number, language: string): Block | undefined {
  let first = start
  while (text[first] === "\n") first++
  const close = text.indexOf(fence, first + 1)
  if (close === -1) return undefined
  let last = close
  while (text[last - 1] === "\n") last--
  return { language, body: text.slice(first, last), end: close + fence.length }
}

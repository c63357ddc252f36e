/** Long text as parts that each fit a limit. */
import { codePoints } from "../limits.js"
import { fenced, stretches } from "./code.js"
import type { Stretch } from "./code.js"
import { exceeds } from "./count.js"
import { bestCut, characterCut, hardCut } from "./cut.js"
import { unifyLineEnds } from "./lines.js"

type Code = Extract<Stretch, { readonly _tag: "Code" }>

/** The part that is being filled, and those that are full. */
interface Filling {
  readonly limit: number
  readonly parts: Array<string>
  /** Never begins with whitespace. */
  part: string
  /** Code points of `part`. */
  size: number
}

export function split(text: string, limit: number): ReadonlyArray<string> {
  const filling: Filling = { limit, parts: [], part: "", size: 0 }
  for (const stretch of stretches(unifyLineEnds(text).trim())) {
    if (stretch._tag === "Text") addText(filling, stretch.text)
    else addCode(filling, stretch)
  }
  finish(filling)
  return filling.parts
}

function addText(filling: Filling, text: string): void {
  let rest = filling.part === "" ? text.trimStart() : text
  while (exceeds(rest, room(filling))) {
    const cut = cutOf(filling, rest)
    append(filling, rest.slice(0, cut))
    finish(filling)
    rest = rest.slice(cut).trimStart()
  }
  append(filling, rest)
}

/** A word that does not fit begins the next part; one that fits no part is cut. */
function cutOf(filling: Filling, text: string): number {
  const { limit, part, size } = filling
  const half = Math.floor(limit / 2) - size
  const best = bestCut(text, room(filling), Math.max(0, half), limit)
  return best ?? (part === "" ? hardCut(text, limit) : 0)
}

function addCode(filling: Filling, code: Code): void {
  const { limit } = filling
  const fence = codePoints(fenced("", code.language))
  if (!exceeds(code.text, room(filling))) {
    append(filling, code.text)
  } else if (!exceeds(code.text, limit)) {
    finish(filling)
    append(filling, code.text)
  } else if (fence >= limit) {
    // So short a limit holds no fence and something in it.
    addText(filling, code.text)
  } else {
    if (room(filling) - fence < limit / 2) finish(filling)
    addLines(filling, code, fence)
  }
}

/** Fills parts with lines of code, each part with fences of its own. */
function addLines(filling: Filling, { body, language }: Code, fence: number): void {
  let rest = body
  while (exceeds(rest, room(filling) - fence)) {
    const cut = lineCut(rest, room(filling) - fence)
    addBlock(filling, rest.slice(0, cut), language)
    finish(filling)
    rest = rest.slice(cut).replace(/^\n+/, "")
  }
  addBlock(filling, rest, language)
}

/** Discord takes fences around nothing for text. */
function addBlock(filling: Filling, body: string, language: string): void {
  const lines = withoutLastBreaks(body)
  if (lines !== "") append(filling, fenced(lines, language))
}

/** After the last whole line that fits, or within a line that fits nowhere. */
function lineCut(text: string, space: number): number {
  const end = characterCut(text, space)
  const line = text.lastIndexOf("\n", end)
  return line > 0 ? line : end
}

/** Outer whitespace is not sent, so a part of nothing else is none. */
function finish(filling: Filling): void {
  const part = filling.part.trim()
  if (part !== "") filling.parts.push(part)
  filling.part = ""
  filling.size = 0
}

function append(filling: Filling, text: string): void {
  filling.part += text
  filling.size += codePoints(text)
}

function room({ limit, size }: Filling): number {
  return limit - size
}

function withoutLastBreaks(text: string): string {
  let end = text.length
  while (text[end - 1] === "\n") end--
  return text.slice(0, end)
}

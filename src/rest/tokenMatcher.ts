/**
 * Finds a token, or a good part of it, in texts of others, however it is written there: escaped for
 * a URL, JSON or HTML, with tags or invisible characters inside, in base64, in hexadecimal,
 * backwards, in another case, or cut short. One pass over the text for each of two readings (tags
 * read, tags skipped), with a rolling hash: the work is linear in the text.
 */
import * as Encoding from "effect/Encoding"
import { CharacterReader, tagEnd } from "./characterReader.js"

/** So many characters of a token in a row are a part worth hiding. */
const minPieceLength = 16

/** From a code unit to what is compared: 0 for what is skipped. */
type SymbolTable = Uint8Array

const multiplier = 0x01000193

/** A part of a text: from `start` up to, but without, `end`. */
interface Span {
  readonly start: number
  readonly end: number
}

/** The last symbols, as a ring. */
class SymbolWindow {
  hash = 0
  readonly #symbols: Uint8Array
  readonly #starts: Array<number>
  #next = 0
  #count = 0

  constructor(length: number) {
    this.#symbols = new Uint8Array(length)
    this.#starts = Array.from({ length }, () => 0)
  }

  get isFull(): boolean {
    return this.#count >= this.#symbols.length
  }

  /** Where the oldest of them begins in the text. */
  get start(): number {
    return this.#starts[this.#next] ?? 0
  }

  get text(): string {
    const { length } = this.#symbols
    let text = ""
    for (let i = 0; i < length; i++) {
      text += String.fromCharCode(this.#symbols[(this.#next + i) % length] ?? 0)
    }
    return text
  }

  add(symbol: number, start: number, oldestWeight: number): void {
    const oldest = this.#symbols[this.#next] ?? 0
    this.hash = (Math.imul(this.hash, multiplier) + symbol - Math.imul(oldest, oldestWeight)) | 0
    this.#symbols[this.#next] = symbol
    this.#starts[this.#next] = start
    this.#next = (this.#next + 1) % this.#symbols.length
    this.#count += 1
  }

  clear(): void {
    if (this.#count === 0) return
    this.hash = 0
    this.#count = 0
    this.#symbols.fill(0)
  }
}

export class TokenMatcher {
  readonly #symbols: SymbolTable
  readonly #length: number
  /** Every variant of the token, in symbols. */
  readonly #variants: string
  readonly #hashes = new Set<number>()
  /** `multiplier ** #length`: the weight of what leaves the window. */
  readonly #oldestWeight: number
  /** No real token is as short: then only the whole of it counts, without anything in between. */
  readonly #isShort: boolean

  constructor(token: string) {
    this.#symbols = makeSymbolTable(token)
    const plain = foldText(token, this.#symbols)
    this.#isShort = plain.length < minPieceLength
    this.#length = Math.min(plain.length, minPieceLength)
    const variants = this.#isShort ? [plain] : encodeVariants(token)
    const folded = variants.map((one) => foldText(one, this.#symbols))
    const both = folded.flatMap((one) => [one, Array.from(one).reverse().join("")])
    this.#variants = both.join("\n")
    this.#oldestWeight = computePower(this.#length)
    for (const one of both) this.#addHashes(one)
  }

  /** Where the text repeats the token: apart from one another, in the text's order. */
  find(text: string): ReadonlyArray<Span> {
    if (this.#length === 0) return []
    const found = [
      ...this.#scan(text, false),
      ...(text.includes("<") ? this.#scan(text, true) : []),
    ]
    return mergeSpans(found.sort((a, b) => a.start - b.start))
  }

  #addHashes(variant: string): void {
    for (let at = 0; at + this.#length <= variant.length; at++) {
      let hash = 0
      for (let i = at; i < at + this.#length; i++) {
        hash = (Math.imul(hash, multiplier) + variant.charCodeAt(i)) | 0
      }
      this.#hashes.add(hash)
    }
  }

  #scan(text: string, skipsTags: boolean): ReadonlyArray<Span> {
    const found: Array<Span> = []
    const window = new SymbolWindow(this.#length)
    const reader = new CharacterReader(text)
    for (let at = 0; at < text.length; at = reader.next) {
      const end = skipsTags ? tagEnd(text, at) : undefined
      if (end !== undefined) {
        reader.next = end
        continue
      }
      reader.read(at)
      const symbol = reader.code < this.#symbols.length ? (this.#symbols[reader.code] ?? 0) : 0
      if (symbol === 0) {
        if (this.#isShort && !reader.isInvisible) window.clear()
      } else {
        window.add(symbol, at, this.#oldestWeight)
        if (window.isFull && this.#hashes.has(window.hash) && this.#isPiece(window)) {
          addSpan(found, window.start, reader.next)
        }
      }
    }
    return found
  }

  #isPiece(window: SymbolWindow): boolean {
    return this.#variants.includes(window.text)
  }
}

/** The spans of one scan come in order. */
function addSpan(spans: Array<Span>, start: number, end: number): void {
  const last = spans.at(-1)
  if (last === undefined || last.end < start) spans.push({ start, end })
  else spans[spans.length - 1] = { start: last.start, end: Math.max(last.end, end) }
}

function mergeSpans(sorted: ReadonlyArray<Span>): ReadonlyArray<Span> {
  const all: Array<Span> = []
  for (const { start, end } of sorted) addSpan(all, start, end)
  return all
}

/**
 * Letters of either case are one, as are the two alphabets of base64; everything else is skipped,
 * but a dot where the token has dots.
 */
function makeSymbolTable(token: string): SymbolTable {
  const symbols = new Uint8Array(128)
  for (let code = 0; code < symbols.length; code++) {
    const character = String.fromCharCode(code)
    if (/[\w-]/.test(character)) symbols[code] = character.toLowerCase().charCodeAt(0)
  }
  symbols["+".charCodeAt(0)] = "-".charCodeAt(0)
  symbols["/".charCodeAt(0)] = "_".charCodeAt(0)
  if (token.includes(".")) symbols[".".charCodeAt(0)] = ".".charCodeAt(0)
  return symbols
}

function foldText(text: string, symbols: SymbolTable): string {
  let folded = ""
  for (let at = 0; at < text.length; at++) {
    const symbol = symbols[text.charCodeAt(at)] ?? 0
    if (symbol !== 0) folded += String.fromCharCode(symbol)
  }
  return folded
}

function encodeVariants(token: string): ReadonlyArray<string> {
  const hex = Encoding.encodeHex(token)
  const dashed = hex.replace(/..(?=.)/g, "$&-")
  return [token, hex, dashed, ...[0, 1, 2].map((offset) => encodeBase64At(token, offset))]
}

/** The characters of base64 that depend on the token alone, wherever in a text it was encoded. */
function encodeBase64At(token: string, offset: number): string {
  const bits = 8 * (offset + new TextEncoder().encode(token).length)
  const encoded = Encoding.encodeBase64(" ".repeat(offset) + token)
  return encoded.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6))
}

function computePower(exponent: number): number {
  let result = 1
  for (let i = 0; i < exponent; i++) result = Math.imul(result, multiplier)
  return result
}

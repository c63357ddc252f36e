/**
 * Finds a token, or a part of it, in any text: escaped for a URL, JSON or HTML, with tags or
 * invisible characters in between, in base64 or hexadecimal, reversed, in another case, or
 * truncated. It scans the text once with tags and once without them, with a rolling hash, in linear
 * time.
 */
import * as Encoding from "effect/Encoding"
import { CharacterReader, tagEnd } from "./characterReader.js"

/** Minimum length of a part of the token that is redacted. */
const minPieceLength = 16

/** Maps a code unit to the symbol that is compared; 0 for characters that are skipped. */
type SymbolTable = Uint8Array

const multiplier = 0x01000193

/** A range of a text; `end` is exclusive. */
interface Span {
  readonly start: number
  readonly end: number
}

/** A ring buffer of the last symbols. */
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

  /** The index of the oldest symbol in the text. */
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
  /** All encodings of the token, as symbols. */
  readonly #variants: string
  readonly #hashes = new Set<number>()
  /** `multiplier ** #length`: the weight of the oldest symbol. */
  readonly #oldestWeight: number
  /**
   * Whether the token is shorter than any real one: then only the whole token matches, without
   * characters in between.
   */
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

  /** Returns the ranges that contain the token, sorted and disjoint. */
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

/** The spans of one scan are sorted. */
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
 * Letters match in both cases, and so do the two alphabets of base64. Everything else is skipped,
 * except for a dot if the token contains one.
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

/**
 * Returns the base64 characters that depend only on the token, for its position in the encoded
 * text.
 */
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

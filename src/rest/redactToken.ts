/** Redacts tokens in texts. */
import * as Redacted from "effect/Redacted"

/**
 * An escape of a URL (`%5F`, `%255F`), of JSON or JavaScript (`\u005F`, `\u{5F}`, `\x5F`, after one
 * or more backslashes) or of HTML (`&#95;`, `&#x5F;`, `&lowbar;`, and each with `&amp;` instead of
 * `&`). Captures the digits, hexadecimal in the first groups and decimal in the last but one, or the
 * name.
 */
const escape =
  /%(?:25)*([\da-fA-F]{2})|\\+(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,8})\})?|&(?:amp;)*(?:#[xX]([\da-fA-F]{1,8});?|#(\d{1,8});?|(\w{1,15});)/y

const named: ReadonlyMap<string, string> = new Map([
  ["lowbar", "_"],
  ["UnderBar", "_"],
  ["hyphen", "-"],
  ["dash", "-"],
  ["period", "."],
  ["plus", "+"],
  ["sol", "/"],
  ["shy", "\u00AD"],
  ["zwj", "\u200D"],
  ["zwnj", "\u200C"],
  ["ZeroWidthSpace", "\u200B"],
  ["NoBreak", "\u2060"],
])

/**
 * Reads a text character by character, with the escapes of URLs, JSON, JavaScript and HTML
 * resolved, including nested ones. No escape is read twice, so reading is linear in the length of
 * the text.
 */
class CharacterReader {
  /** The current character. */
  code = 0
  /** The index of the next character. */
  next = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  read(at: number): void {
    this.code = this.#text.charCodeAt(at)
    this.next = at + 1
    // Most characters begin no escape.
    if (this.code === 0x25 || this.code === 0x26 || this.code === 0x5c) this.#readEscape(at)
  }

  get isInvisible(): boolean {
    return this.code >= 0xad && /[\p{Cf}\p{Mn}]/u.test(String.fromCharCode(this.code))
  }

  #readEscape(at: number): void {
    escape.lastIndex = at
    const found = escape.exec(this.#text)
    if (found === null) return
    const [all, percent, byte, unit, codePoint, entity, decimal, name] = found
    const hexadecimal = percent ?? byte ?? unit ?? codePoint ?? entity
    if (hexadecimal !== undefined) this.code = Number.parseInt(hexadecimal, 16)
    else if (decimal !== undefined) this.code = Number(decimal)
    else if (name !== undefined) {
      const character = named.get(name)
      if (character === undefined) return
      this.code = character.charCodeAt(0)
    }
    this.next = at + all.length
  }
}

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

/**
 * Finds a token, or a part of it, in any text: escaped for a URL, JSON or HTML, with tags or
 * invisible characters in between, in base64 or hexadecimal, as a list of decimal bytes, reversed,
 * in another case, or truncated. It does not find bytes with an index before each, as in the JSON of
 * a `Uint8Array`. It scans the text once with tags and once without them, with a rolling hash, in linear
 * time.
 */
class TokenMatcher {
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

/** Replaces the token and every part of it of at least 16 characters, in any encoding. */
export function redactToken(text: string, secret: Redacted.Redacted): string {
  if (text === "") return text
  let shown = ""
  let from = 0
  for (const { end, start } of getMatcher(Redacted.value(secret)).find(text)) {
    shown += `${text.slice(from, start)}[redacted]`
    from = end
  }
  return from === 0 ? text : shown + text.slice(from)
}

/** Whether the text contains the token or a part of it. */
export function containsToken(text: string, secret: Redacted.Redacted): boolean {
  return getMatcher(Redacted.value(secret)).find(text).length > 0
}

/** Cached for all texts of a response and for later responses. */
const matchers = new Map<string, TokenMatcher>()
const maxMatchers = 32

function getMatcher(token: string): TokenMatcher {
  const cached = matchers.get(token)
  if (cached !== undefined) return cached
  const matcher = new TokenMatcher(token)
  for (const oldest of matchers.keys()) {
    if (matchers.size < maxMatchers) break
    matchers.delete(oldest)
  }
  matchers.set(token, matcher)
  return matcher
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
  const bytes = Array.from(new TextEncoder().encode(token))
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"))
  return [
    token,
    hex.join(""),
    hex.join("-"),
    // A Buffer in JSON or in the output of `inspect`; what separates the bytes is skipped.
    bytes.join(""),
    ...[0, 1, 2].map((offset) => encodeBase64At(bytes, offset)),
  ]
}

/**
 * Returns the base64 characters that depend only on the token, for its position in the encoded
 * text. `btoa` is in every runtime; `effect/Encoding` would add a kilobyte to every bundle.
 */
function encodeBase64At(token: ReadonlyArray<number>, offset: number): string {
  const characters = token.map((byte) => String.fromCharCode(byte))
  const encoded = btoa(" ".repeat(offset) + characters.join(""))
  const bits = 8 * (offset + token.length)
  return encoded.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6))
}

function computePower(exponent: number): number {
  let result = 1
  for (let i = 0; i < exponent; i++) result = Math.imul(result, multiplier)
  return result
}

/** Returns the end of the tag that begins at this index; `undefined` if none does. */
function tagEnd(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== 0x3c || !/[a-z/!]/i.test(text[at + 1] ?? "")) return undefined
  for (let end = at + 2; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (code === 0x3e) return end + 1
    if (code === 0x3c) return undefined
  }
  return undefined
}

/**
 * Reads a text character by character, with the escapes of URLs, JSON, JavaScript and HTML
 * resolved, including nested ones. No escape is read twice, so reading is linear in the length of
 * the text.
 */

const hexadecimal = 16
const decimal = 10

/** No character has more digits. */
const maxDigits = 8

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

/** Longer than any name above. */
const maxName = 16

export class CharacterReader {
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
    if (this.code === 0x25) this.#percent(at)
    else if (this.code === 0x5c) this.#backslash(at)
    else if (this.code === 0x26) this.#entity(at)
  }

  get isInvisible(): boolean {
    return this.code >= 0xad && /[\p{Cf}\p{Mn}]/u.test(String.fromCharCode(this.code))
  }

  /** `%5F`, `%255F`, and so on. */
  #percent(at: number): void {
    let digits = at + 1
    while (this.#text.startsWith("25", digits) && this.#isHex(digits + 2, 2)) digits += 2
    if (this.#isHex(digits, 2)) this.#take(digits, digits + 2, hexadecimal)
  }

  /** `\u005F`, `\u{5F}` and `\x5F`, after one or more backslashes. */
  #backslash(at: number): void {
    let letter = at + 1
    while (this.#text.charCodeAt(letter) === 0x5c) letter += 1
    this.next = letter
    const kind = this.#text[letter]
    const first = letter + 1
    if (kind === "x" && this.#isHex(first, 2)) this.#take(first, first + 2, hexadecimal)
    if (kind === "u" && this.#isHex(first, 4)) this.#take(first, first + 4, hexadecimal)
    if (kind === "u" && this.#text[first] === "{") {
      const end = this.#endOfDigits(first + 1, hexadecimal)
      if (end > first + 1 && this.#text[end] === "}") this.#take(first + 1, end, hexadecimal, 1)
    }
  }

  /** `&#95;`, `&#x5F;`, `&lowbar;`, and each with `&amp;` instead of `&`. */
  #entity(at: number): void {
    let name = at + 1
    while (this.#text.startsWith("amp;", name)) name += 4
    if (this.#text[name] === "#") this.#number(name + 1)
    else this.#name(name)
  }

  #number(at: number): void {
    const isHex = /x/i.test(this.#text[at] ?? "")
    const base = isHex ? hexadecimal : decimal
    const first = isHex ? at + 1 : at
    const end = this.#endOfDigits(first, base)
    if (end > first) this.#take(first, end, base, this.#text[end] === ";" ? 1 : 0)
  }

  #name(at: number): void {
    const end = this.#text.slice(at, at + maxName).indexOf(";")
    const character = end < 0 ? undefined : named.get(this.#text.slice(at, at + end))
    if (character === undefined) return
    this.code = character.charCodeAt(0)
    this.next = at + end + 1
  }

  #take(first: number, end: number, base: number, more = 0): void {
    this.code = Number.parseInt(this.#text.slice(first, end), base)
    this.next = end + more
  }

  #isHex(at: number, count: number): boolean {
    for (let i = at; i < at + count; i++) if (!isDigit(this.#text.charCodeAt(i), 16)) return false
    return true
  }

  #endOfDigits(at: number, base: number): number {
    let end = at
    while (end < at + maxDigits && isDigit(this.#text.charCodeAt(end), base)) end += 1
    return end
  }
}

/** Returns the end of the tag that begins at this index; `undefined` if none does. */
export function tagEnd(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== 0x3c || !/[a-z/!]/i.test(text[at + 1] ?? "")) return undefined
  for (let end = at + 2; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (code === 0x3e) return end + 1
    if (code === 0x3c) return undefined
  }
  return undefined
}

function isDigit(code: number, base: number): boolean {
  const isDecimal = code >= 0x30 && code <= 0x39
  if (base === decimal || isDecimal) return isDecimal
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66
}

import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { describe, expect, it, vi } from "vitest"
import { redactToken } from "../../src/rest/redactToken.js"
import { sanitize } from "../../src/rest/sanitize.js"
import { runs } from "../support/laws.js"
import { token } from "./network.js"

const clean = (text: string) => sanitize(text, Redacted.make(token))

const encoders: ReadonlyArray<(character: string) => string> = [
  (character) => character,
  (character) => `%${hex(character)}`,
  (character) => `%${hex(character).toUpperCase()}`,
  (character) => `%25${hex(character)}`,
  (character) => `\\u00${hex(character)}`,
]

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, "0")
}

const fc = FastCheck

/** Like a real one: 60 to 68 characters. */
const tokens = fc
  .array(fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), {
    minLength: 60,
    maxLength: 68,
  })
  .map((characters) => characters.join(""))

/** A text as its pieces; no long run of them may appear. */
interface Spelling {
  readonly pieces: ReadonlyArray<string>
  readonly most: number
}

const each =
  (write: (character: string, index: number) => string) =>
  (text: string): Spelling => ({ pieces: Array.from(text, write), most: 16 })

const base64 =
  (variant: "base64" | "base64url", before: string) =>
  (text: string): Spelling => ({
    pieces: [...Buffer.from(before + text).toString(variant)].slice(2 * before.length),
    most: 24,
  })

const spellings: Readonly<Record<string, (text: string) => Spelling>> = {
  plain: each((character) => character),
  "upper case": each((character) => character.toUpperCase()),
  backwards: (text) => each((character) => character)([...text].reverse().join("")),
  percent: each((character) => `%${hex(character)}`),
  "percent, thrice": each((character) => `%2525${hex(character)}`),
  "JSON's escapes": each((character) => `\\u00${hex(character)}`),
  "JSON's escapes in JSON": each((character) => `\\\\u00${hex(character)}`),
  "JavaScript's escapes": each((character) => `\\x${hex(character)}`),
  "braced escapes": each((character) => `\\u{${hex(character)}}`),
  entities: each((character) => `&#${character.charCodeAt(0)};`),
  "entities in hexadecimal": each((character) => `&#x${hex(character)};`),
  "entities, twice": each((character) => `&amp;#${character.charCodeAt(0)};`),
  "named entities": each((character) => (character === "_" ? "&lowbar;" : character)),
  wbr: each((character, index) => (index % 8 === 7 ? `${character}<wbr>` : character)),
  tags: each((character) => `<b class="x">${character}</b>`),
  "zero-width characters": each((character) => `${character}\u200B\uFEFF\u00AD`),
  "zero-width entities": each((character) => `${character}&ZeroWidthSpace;&shy;`),
  "line breaks": each((character, index) => (index % 20 === 19 ? `${character}\r\n` : character)),
  hexadecimal: each(hex),
  "hexadecimal, upper case": each((character) => hex(character).toUpperCase()),
  "hexadecimal with blanks": each((character) => `${hex(character)} `),
  "hexadecimal with dashes": each((character) => `${hex(character)}-`),
  "decimal bytes": each((character) => `${character.charCodeAt(0)},`),
  "decimal bytes on lines": each(
    (character, index) => `${character.charCodeAt(0)},${index % 12 === 11 ? "\n  " : " "}`,
  ),
  base64: base64("base64", ""),
  "base64 after 1 byte": base64("base64", "u"),
  "base64 after 2 bytes": base64("base64", "u:"),
  "base64 for URLs": base64("base64url", "ab/"),
}

describe("what a server echoes", () => {
  const around = fc.string({ maxLength: 100 })
  for (const [name, spell] of Object.entries(spellings)) {
    it(`shows no 16 characters of the token in a row: ${name}`, () => {
      const part = fc.record({ before: fc.nat(26), after: fc.nat(26) })
      fc.assert(
        fc.property(tokens, around, around, part, (secret, before, after, cut) => {
          const echoed = secret.slice(cut.before, secret.length - cut.after)
          const { most, pieces } = spell(echoed)
          const spelled = pieces.join("")
          const output = redactToken(before + spelled + after, Redacted.make(secret))
          for (let at = 0; at + most <= pieces.length; at++) {
            expect(output).not.toContain(pieces.slice(at, at + most).join(""))
          }
          if (echoed.length < 16) return
          expect(sanitize(spelled, Redacted.make(secret))).toContain("[redacted]")
        }),
        { numRuns: runs(50) },
      )
    })
  }

  it("is unchanged where the token is not in it", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), maxLength: 40 })
    const words = fc.oneof(fc.string(), digits, fc.webUrl(), fc.lorem())
    const texts = fc.array(words, { maxLength: 20 }).map((all) => all.join(" "))
    fc.assert(
      fc.property(tokens, texts, (secret, text) => {
        expect(redactToken(text, Redacted.make(secret))).toBe(text)
      }),
      { numRuns: runs(300) },
    )
  })

  it("keeps what stands around the token, and between two", () => {
    expect(redactToken(`a ${token} b ${token} c`, Redacted.make(token))).toBe(
      "a [redacted] b [redacted] c",
    )
  })

  it("keeps other text although the token is short", () => {
    const short = Redacted.make("ab-c")
    expect(redactToken("a b-c ab-c ABC AB-C ab\u200B-c", short)).toBe(
      "a b-c [redacted] ABC [redacted] [redacted]",
    )
  })

  it.each([
    "%25",
    "%2525",
    "\\",
    "&amp;",
    "&#",
    "<a",
    "<",
    "<title",
    "abcdefghij",
    token.slice(0, 15),
    token,
  ])("is read in steps that double with its length: %j", (part) => {
    const steps = (length: number): number => {
      const text = part.repeat(length / part.length)
      const reads = vi.spyOn(String.prototype, "charCodeAt")
      redactToken(text, Redacted.make(token))
      const count = reads.mock.calls.length
      reads.mockRestore()
      return count
    }
    steps(100)
    expect(steps(40_000) / steps(20_000)).toBeLessThan(2.2)
  })
})

describe("scrub", () => {
  it("finds the token however its characters are encoded, wherever it is", () => {
    const spelled = FastCheck.array(FastCheck.constantFrom(...encoders), {
      minLength: token.length,
      maxLength: token.length,
    }).map((chosen) => [...token].map((character, i) => chosen[i]?.(character)).join(""))
    const around = FastCheck.string({ maxLength: 400 })
    FastCheck.assert(
      FastCheck.property(around, spelled, around, (before, secret, after) => {
        const shown = clean(before + secret + after)
        expect(shown).not.toContain(secret)
        expect(shown).not.toContain(secret.slice(0, 40))
      }),
    )
  })

  it("leaves other text alone", () => {
    expect(clean("Unknown Webhook")).toBe("Unknown Webhook")
    expect(clean(token.slice(0, 15))).toBe(token.slice(0, 15))
    expect(sanitize("as it is", Redacted.make(""))).toBe("as it is")
  })

  it("makes one line of many, so that a log cannot be forged", () => {
    expect(clean("one\r\ntwo\u0000\u001b[31m\tthree\u2028four ")).toBe("one two [31m three four")
  })

  it("takes the title of a page, or else its words", () => {
    expect(clean("<!doctype html><title> 502 Bad\nGateway </title><p>x")).toBe("502 Bad Gateway")
    expect(clean("<html><title></title><body><p>so</p>rry")).toBe("so rry")
    expect(clean("1 < 2 and <b>")).toBe("1 < 2 and <b>")
  })

  it("is at most 300 code points long, and marks the cut", () => {
    expect([...clean("é😀".repeat(500))]).toHaveLength(300)
    expect(clean("x".repeat(301)).endsWith("…")).toBe(true)
    expect(clean("x".repeat(300))).toBe("x".repeat(300))
    expect(clean("😀".repeat(300))).toBe("😀".repeat(300))
    expect(clean("x".repeat(1_000_000))).toHaveLength(300)
  })
})

import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { scrub } from "../../src/rest/scrub.js"
import { token } from "./network.js"

const clean = (text: string) => scrub(text, Redacted.make(token))

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
    expect(clean(token.slice(1))).toBe(token.slice(1))
    expect(scrub("as it is", Redacted.make(""))).toBe("as it is")
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

import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"

import { truncate } from "../../../src/model/Markdown.js"
import { runs } from "../../support/laws.js"
import { anyText } from "./texts.js"

/** Discord counts in Python, which counts code points. */
const size = (text: string): number => [...text].length
const emoji = fc.constantFrom("👩‍👩‍👧", "🇨🇭", "e\u0301", "𝒳", "a", " ")
const text = fc.oneof(
  anyText,
  fc.array(emoji).map((parts) => parts.join("")),
)

const halfCharacter = /\p{Surrogate}/u

describe("truncate", () => {
  it("keeps what fits, and else the start of the text, within the limit", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 40 }), (whole, limit) => {
        fc.pre(!halfCharacter.test(whole))
        const short = truncate(whole, limit)
        const start = short.slice(0, -1)
        const isCut = short.endsWith("…") && whole.startsWith(start)
        expect(size(whole) <= limit ? short === whole : isCut).toBe(true)
        expect(size(short)).toBeLessThanOrEqual(limit)
        expect(short).not.toMatch(halfCharacter)
      }),
      { numRuns: runs(3000) },
    )
  })

  it("tears no character, mention, link or format apart", () => {
    expect(truncate(6)("a long text")).toBe(truncate("a long text", 6))
    expect(truncate(6, { ellipsis: "." })("a long text")).toBe("a lon.")
    expect(truncate("👩‍👩‍👧👩‍👩‍👧", 9)).toBe("👩‍👩‍👧…")
    expect(truncate("seen by <@175928847299117063>", 24)).toBe("seen by…")
    expect(truncate("see [the log](https://a.b/c) now", 26)).toBe("see…")
    expect(truncate("it is **very important**", 20)).toBe("it is…")
    // The format is longer than the limit.
    expect(truncate("it is **very important**", 12)).toBe("it is **ver…")
  })

  it("counts code points, and takes another ellipsis or none", () => {
    expect(truncate("😀".repeat(101), 100)).toBe(`${"😀".repeat(99)}…`)
    expect(truncate("abcdef", 4, { ellipsis: "" })).toBe("abcd")
    expect(truncate("abcdef", 4, { ellipsis: "..." })).toBe("a...")
    expect(truncate("abcdef", 3, { ellipsis: "..." })).toBe("abc")
    expect(truncate("abc", 0)).toBe("")
  })
})

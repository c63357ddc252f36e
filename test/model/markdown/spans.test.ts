import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"

import { findSpans } from "../../../src/model/markdown/cut.js"
import { runs } from "../../support/laws.js"
import { anyText, markup } from "./texts.js"

/** The same spans as a regular expression, which is quadratic. */
const pattern =
  /\[[^[\]\n]*\]\([^)\s]*\)|<[^<>\n]{1,200}>|https?:\/\/[^\s<]+|(?<!`)`{1,2}[^`\n]+`{1,2}|\|\|[\s\S]+?\|\||\*\*[\s\S]+?\*\*|__[\s\S]+?__|~~[\s\S]+?~~/g

describe("findSpans", () => {
  it("finds what a regular expression of all spans finds", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, markup), (text) => {
        const expected = Array.from(text.matchAll(pattern), ({ 0: span, index }) => [
          index,
          index + span.length,
        ])
        expect(findSpans(text, text.length, text.length)).toEqual(expected)
      }),
      { numRuns: runs(5000) },
    )
  })

  it("leaves out what starts at the end or is longer than the limit", () => {
    expect(findSpans("**a** `b` **long**", 10, 5)).toEqual([
      [0, 5],
      [6, 9],
    ])
    expect(findSpans("**long**", 8, 7)).toEqual([])
  })
})

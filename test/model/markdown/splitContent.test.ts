import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"

import { Markdown } from "../../../src/index.js"
import { anyText, markup, unified } from "./texts.js"
import { runs } from "../../support/laws.js"

const { splitContent } = Markdown

/** Discord counts in Python, which counts code points. */
const size = (text: string): number => [...text].length
const dense = (text: string): string => text.replaceAll(/\s+/g, "")
const graphemes = (text: string): ReadonlyArray<string> =>
  Array.from(new Intl.Segmenter("en").segment(text), ({ segment }) => segment).filter(
    (segment) => segment.trim() !== "",
  )

/** Every character that is no whitespace, with the language of the block it stands in. */
function tagged(text: string): ReadonlyArray<string> {
  const block = /```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/gi
  const found: Array<string> = []
  const add = (part: string, tag: string) => {
    found.push(...Array.from(dense(part), (character) => `${tag}:${character}`))
  }
  let end = 0
  for (const { 0: whole, 1: language = "", 2: body = "", index } of text.matchAll(block)) {
    add(text.slice(end, index), "text")
    add(body, `code ${language}`)
    end = index + whole.length
  }
  add(text.slice(end), "text")
  return found
}

const isPartOf = (needle: string, hay: string): boolean => {
  let at = 0
  return [...needle].every((character) => {
    const found = hay.indexOf(character, at)
    at = found + character.length
    return found !== -1
  })
}

const limit = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 90 }))

const word = fc.constantFrom(
  "a",
  "word",
  "longer-word",
  "Sentence.",
  "Question?",
  "「はい。」",
  "https://example.com/a_b?c=d",
  "[a label](https://example.com)",
  "<@175928847299117063>",
  "<:lul:41771983429993937>",
  "**bold**",
  "||hidden away||",
  "`npm test`",
  "👩‍👩‍👧",
  "🇨🇭",
  "e\u0301",
  "𝒳",
  "\n",
  "\n\n",
  " ",
  "  ",
  "x".repeat(40),
)
const prose = fc.array(word, { maxLength: 30 }).map((words) => words.join(" "))
const line = fc.constantFrom(
  "",
  "const a = 1",
  "  return a",
  "// the end",
  "}",
  "x".repeat(70),
  "👩‍👩‍👧 e\u0301",
)
const block = fc
  .record({
    language: fc.constantFrom("", "js", "c++"),
    lines: fc.array(line, { minLength: 1, maxLength: 12 }),
  })
  .filter(({ lines }) => lines.join("").trim() !== "")
  .map(({ language, lines }) => `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``)
const document = fc
  .record({
    parts: fc.array(fc.oneof(prose, block), { maxLength: 6 }),
    lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
  })
  .map(({ lineEnd, parts }) => parts.join("\n\n").replaceAll("\n", lineEnd))

describe("splitContent", () => {
  it("makes parts within the limit that are not blank, of any text and limit", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, document), limit, (text, max) => {
        const isBad = (part: string) => size(part) > max || part === "" || part !== part.trim()
        expect(splitContent(text, { limit: max }).filter(isBad)).toEqual([])
      }),
      { numRuns: runs(2000) },
    )
  })

  it("contains all of any text in order, and nothing else outside of code", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, markup, document), limit, (text, max) => {
        const parts = splitContent(text, { limit: max }).join("")
        expect(isPartOf(dense(text), dense(parts))).toBe(true)
        const isPlain = !text.includes("```")
        expect(dense(isPlain ? parts : text)).toBe(dense(text))
      }),
      { numRuns: runs(2000) },
    )
  })

  it("keeps code in blocks of its language, and text out of them (2000 documents)", () => {
    fc.assert(
      fc.property(document, fc.integer({ min: 20, max: 90 }), (text, max) => {
        const parts = splitContent(text, { limit: max })
        expect(parts.flatMap(tagged)).toEqual(tagged(unified(text)))
      }),
      { numRuns: runs(2000) },
    )
  })

  it("tears no character apart that fits", () => {
    const longest = size("👩‍👩‍👧")
    fc.assert(
      fc.property(prose, fc.integer({ min: longest, max: 60 }), (text, max) => {
        expect(splitContent(text, { limit: max }).flatMap(graphemes)).toEqual(graphemes(text))
      }),
      { numRuns: runs(2000) },
    )
  })

  it("tears no link, mention or format apart that fits", () => {
    const unit = /\[a label\]\(\S+\)|https:\S+|<\S+>|\*\*bold\*\*|\|\|hidden away\|\||`npm test`/g
    const found = (text: string) => text.match(unit) ?? []
    fc.assert(
      fc.property(prose, fc.integer({ min: 40, max: 90 }), (text, max) => {
        expect(splitContent(text, { limit: max }).flatMap(found)).toEqual(found(text))
      }),
      { numRuns: runs(2000) },
    )
  })

  it("returns any text that fits unchanged", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, document), (text) => {
        const fitting = text.trim()
        const parts = splitContent(text, { limit: Math.max(1, size(fitting)) })
        expect(parts).toEqual(fitting === "" ? [] : [unified(fitting)])
      }),
      { numRuns: runs(2000) },
    )
  })
})

describe("where splitContent cuts", () => {
  const cut = (text: string, max: number) => splitContent(text, { limit: max })

  it("prefers a paragraph to a line, a line to a sentence, a sentence to a word", () => {
    expect(cut("One two three.\n\nFour.\nFive. Six", 26)).toEqual([
      "One two three.",
      "Four.\nFive. Six",
    ])
    expect(cut("Three.\nFour. Five six", 14)).toEqual(["Three.\nFour.", "Five six"])
    expect(cut("Three four\nfive. Six seven", 20)).toEqual(["Three four", "five. Six seven"])
    expect(cut("One two. Three four five", 20)).toEqual(["One two. Three four", "five"])
    expect(cut("One two three. Four five", 20)).toEqual(["One two three.", "Four five"])
    expect(cut("one two three", 9)).toEqual(["one two", "three"])
  })

  it("does not leave a part less than half full for a better place", () => {
    expect(cut("Hi.\n\none two three four", 20)).toEqual(["Hi.\n\none two three", "four"])
  })

  it("cuts a word only if it fits no part", () => {
    expect(cut("a bcdefgh", 8)).toEqual(["a", "bcdefgh"])
    expect(cut("abcdefgh", 3)).toEqual(["abc", "def", "gh"])
    expect(cut("ab👩‍👩‍👧", 6)).toEqual(["ab", "👩‍👩‍👧"])
    // Not even this character fits.
    expect(cut("👩‍👩‍👧", 2)).toEqual(["👩\u200d", "👩\u200d", "👧"])
    expect(cut("😀😀", 1)).toEqual(["😀", "😀"])
  })

  it("does not make a heading, a list or a quote of what was none", () => {
    expect(cut("we are # 1 here", 7)).toEqual(["we", "are # 1", "here"])
    // Better than to cut a word.
    expect(cut("seven - eight", 6)).toEqual(["seven", "-", "eight"])
  })

  it("closes a block of code and opens it again with its language", () => {
    const code = Markdown.codeBlock("let a = 1\nlet b = 2\nlet c = 3\nlet d = 4", "js")
    expect(cut(`Look:\n${code}\nDone.`, 34)).toEqual([
      "Look:\n```js\nlet a = 1\n```",
      "```js\nlet b = 2\nlet c = 3\n```",
      "```js\nlet d = 4\n```\nDone.",
    ])
  })

  it("finds the language of a block whose lines end in CRLF", () => {
    const code = "```js\r\nlet a = 1\r\nlet b = 2\r\n```"
    expect(cut(code, 24)).toEqual(["```js\nlet a = 1\n```", "```js\nlet b = 2\n```"])
  })

  it("moves a block of code that fits into a part of its own rather than cut it", () => {
    const code = Markdown.codeBlock("let a = 1\nlet b = 2", "js")
    expect(cut(`${"word ".repeat(5)}\n${code}`, 40)).toEqual(["word word word word word", code])
  })

  it("cuts a line of code that fits no part, within the line", () => {
    expect(cut(Markdown.codeBlock("abcdefghijkl"), 14)).toEqual([
      "```\nabcdef\n```",
      "```\nghijkl\n```",
    ])
  })

  it("takes a limit that holds no fence for a limit of text", () => {
    expect(cut("```\nab\n```", 5)).toEqual(["```", "ab", "```"])
  })

  it("counts as Discord does, up to 2000 by default", () => {
    expect(splitContent("😀".repeat(2000))).toHaveLength(1)
    expect(splitContent("😀".repeat(2001))).toHaveLength(2)
    expect(splitContent("")).toEqual([])
    expect(splitContent(" \n ")).toEqual([])
    expect(cut("abc", 0)).toEqual(["a", "b", "c"])
    expect(cut("abc", 2.9)).toEqual(["ab", "c"])
  })

  it("keeps the indentation of code and the lines between", () => {
    const lines = ["if (a) {", "  b()", "", "  c()", "}"]
    const parts = cut(Markdown.codeBlock(lines.join("\n")), 24)
    expect(parts).toEqual(["```\nif (a) {\n  b()\n```", "```\n  c()\n}\n```"])
  })

  it("gets through a long text of nothing but marks", () => {
    for (const piece of ["a ", "**", "||a", "```\n", "`", "[", "<", "https://", "\\", "👩‍👩‍👧"]) {
      const text = piece.repeat(Math.ceil(100_000 / piece.length))
      expect(isPartOf(dense(text), dense(splitContent(text).join("")))).toBe(true)
    }
  })
})

import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"

import { Markdown, WebhookName } from "../../src/index.js"
import { runs } from "../support/laws.js"
import { growth, linear } from "./growth.js"
import { markup } from "../model/markdown/texts.js"

const functions: Readonly<Record<string, (text: string) => unknown>> = {
  escape: Markdown.escape,
  bold: Markdown.bold,
  spoiler: Markdown.spoiler,
  code: Markdown.code,
  codeBlock: Markdown.codeBlock,
  quote: Markdown.quote,
  heading: (text) => Markdown.heading(text),
  subtext: Markdown.subtext,
  list: (text) => Markdown.list([text, [text]]),
  url: (text) => Markdown.url(text, { preview: false }),
  link: (text) => Markdown.link(text, text),
  truncate: (text) => Markdown.truncate(text, text.length - 2),
  "WebhookName.fit": WebhookName.fit,
  splitContent: (text) => Markdown.splitContent(text),
  "splitContent with a high limit": (text) => Markdown.splitContent(text, { limit: 50_000 }),
}

/** Each was quadratic, or is what a function that looks ahead would read again and again. */
const hostile = [
  "\r",
  "\r\t",
  "\u2028",
  "\u2029",
  " ",
  "\n",
  " \n",
  "\t",
  "#",
  "# ",
  "0",
  "[](p",
  "[",
  "[a](",
  "<",
  "<http://",
  "http://,",
  ":a",
  "@",
  "_",
  "\\",
  "`",
  "``a",
  "```",
  "```a```",
  "```js\n",
  "||a",
  "a ",
  "a**b ",
  "e\u0301\u0301",
  "\u200d",
  "👩‍",
]

/** Code units. */
const size = 8000

const repeated = (piece: string) => (length: number) =>
  piece.repeat(Math.ceil(length / piece.length))

/** The functions whose work grows faster than a text made of this piece. */
function quadratic(piece: string, end = ""): ReadonlyArray<string> {
  const textOf = repeated(piece)
  return Object.entries(functions)
    .map(([name, use]) => ({ name, ratio: growth((length) => use(textOf(length) + end), size) }))
    .filter(({ ratio }) => ratio > linear)
    .map(({ name, ratio }) => `${name}: ${ratio.toFixed(1)} times the work for 4 times the text`)
}

describe("the work of Markdown's functions", () => {
  it.each(hostile)("grows with the length of a text of %j", (piece) => {
    expect(quadratic(piece)).toEqual([])
    expect(quadratic(piece, "\u0000\n")).toEqual([])
  })

  it("grows with the length of any repeated text", () => {
    fc.assert(
      fc.property(
        markup.filter((text) => text !== ""),
        (piece) => {
          expect(quadratic(piece)).toEqual([])
        },
      ),
      { numRuns: runs(30) },
    )
  })
})

describe("growth", () => {
  it("distinguishes quadratic from linear work", () => {
    const text = repeated("\t")
    expect(growth((length) => text(length).replace(/\s*\n/g, ""), 3000)).toBeGreaterThan(linear)
    expect(growth((length) => text(length).replace(/[\t\n]/g, ""), size)).toBeLessThan(linear)
  })
})

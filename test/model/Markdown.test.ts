import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as fc from "effect/FastCheck"

import { Markdown } from "../../src/index.js"
import { kinds, read, shown } from "./markdown/reader.js"
import { anyText, unified } from "./markdown/texts.js"
import { runs } from "../support/laws.js"

// `read` parses as Discord's client does, independently of `src`; `shown` is the text that a user sees.
const visible = (text: string): string => text.replaceAll("\u200b", "")
const moment = DateTime.unsafeMake("2026-01-01T00:00:00.999Z")

/** What is written, and how Discord is expected to read it. */
const formats: ReadonlyArray<readonly [actual: string, written: string, kinds: Array<string>]> = [
  [Markdown.bold("a"), "**a**", ["bold"]],
  [Markdown.italic("a"), "*a*", ["italic"]],
  [Markdown.underline("a"), "__a__", ["underline"]],
  [Markdown.strikethrough("a"), "~~a~~", ["strikethrough"]],
  [Markdown.spoiler("a"), "||a||", ["spoiler"]],
  [Markdown.bold(Markdown.italic("a")), "***a***", ["bold", "italic"]],
  [Markdown.italic(Markdown.bold("a")), "***a***", ["bold", "italic"]],
  [Markdown.italic(`a ${Markdown.bold("b")}`), "*a **b***", ["italic", "bold"]],
  [Markdown.bold(`a ${Markdown.italic("b")}`), "**a *b***", ["bold", "italic"]],
  [Markdown.underline(Markdown.bold("a")), "__**a**__", ["underline", "bold"]],
  [Markdown.spoiler(Markdown.code("a")), "||`a`||", ["spoiler", "code"]],
  [Markdown.strikethrough(Markdown.spoiler("a")), "~~||a||~~", ["strikethrough", "spoiler"]],
  [Markdown.italic(" a\n"), " *a*\n", ["italic"]],
  [`${Markdown.italic("a")}b`, "*a*b", ["italic"]],

  [Markdown.code("a b"), "`a b`", ["code"]],
  [Markdown.code("a`b"), "`` a`b ``", ["code"]],
  [Markdown.code("`"), "`` ` ``", ["code"]],
  [Markdown.code("``"), "`` `\u200b` ``", ["code"]],
  [Markdown.codeBlock("a"), "```\na\n```", ["block"]],
  [Markdown.codeBlock("a", "ts"), "```ts\na\n```", ["block"]],
  [Markdown.codeBlock("a", "objective-c++"), "```objective-c++\na\n```", ["block"]],
  [Markdown.codeBlock("a", "no language"), "```\na\n```", ["block"]],
  [Markdown.codeBlock("a", "js\n```"), "```\na\n```", ["block"]],
  [Markdown.codeBlock("a\r\nb", "ts"), "```ts\na\nb\n```", ["block"]],
  [Markdown.codeBlock("\r\n\r"), "```\n\u200b\n```", ["block"]],
  [Markdown.codeBlock("", "ts"), "```ts\n\u200b\n```", ["block"]],
  [Markdown.codeBlock("```"), "```\n`\u200b``\n```", ["block"]],
  [Markdown.codeBlock("`````"), "```\n`\u200b`\u200b`\u200b``\n```", ["block"]],

  [Markdown.heading("a"), "# a", ["heading"]],
  [Markdown.heading("a\nb", 2), "## a b", ["heading"]],
  [Markdown.heading("a\r\nb\rc", 2), "## a b c", ["heading"]],
  [Markdown.heading("Learn C#", 3), "### Learn C\\#", ["heading"]],
  [Markdown.heading("a ##"), "# a \\#\\#", ["heading"]],
  [Markdown.subtext("a\n\n b"), "-# a b", ["subtext"]],
  [Markdown.quote("a"), "> a", ["quote"]],
  [Markdown.quote("a\n\nb"), "> a\n> \n> b", ["quote", "quote", "quote"]],
  [Markdown.quote("to be\r\nor not\rto be"), "> to be\n> or not\n> to be", Array(3).fill("quote")],
  [Markdown.quote("a\u2028b"), "> a\u2028b", ["quote"]],
  [Markdown.blockQuote("a\nb"), ">>> a\nb", ["quote"]],
  [Markdown.list(["a", "b"]), "- a\n- b", ["item", "item"]],
  [Markdown.list(["a", ["b", ["c"]], "d"]), "- a\n  - b\n    - c\n- d", Array(4).fill("item")],
  [Markdown.list(["a\nb"]), "- a\n  b", ["item"]],
  [Markdown.list(["a\r\nb", ["c\rd"]]), "- a\n  b\n  - c\n    d", ["item", "item"]],
  [Markdown.orderedList(["a", "b"]), "1. a\n2. b", ["item", "item"]],
  [
    Markdown.orderedList(["a", ["b", "c"], "d"]),
    "1. a\n   1. b\n   2. c\n2. d",
    Array(4).fill("item"),
  ],
  [Markdown.list([]), "", []],

  [Markdown.link("a", "https://b.c"), "[a](https://b.c)", ["link"]],
  [
    Markdown.link("a", "https://b.c/d (e)\\<f>", { preview: false }),
    "[a](<https://b.c/d%20%28e%29%5C%3Cf%3E>)",
    ["link"],
  ],
  [Markdown.link("a [b](c)", "https://d.e"), "[a (b)(c)](https://d.e)", ["link"]],
  [Markdown.link(Markdown.escape("[a]"), "https://b.c"), "[(a)](https://b.c)", ["link"]],
  [Markdown.link(Markdown.bold("a"), "https://b.c"), "[**a**](https://b.c)", ["link", "bold"]],
  [Markdown.url("https://a.b"), "https://a.b", ["link"]],
  [Markdown.url("https://a.b/c>d", { preview: false }), "<https://a.b/c%3Ed>", ["link"]],

  [Markdown.user("1"), "<@1>", ["mention"]],
  [Markdown.role("2"), "<@&2>", ["mention"]],
  [Markdown.channel("3"), "<#3>", ["mention"]],
  [Markdown.command("airhorn play", "4"), "</airhorn play:4>", ["mention"]],
  [Markdown.everyone, "@everyone", ["mention"]],
  [Markdown.here, "@here", ["mention"]],
  [Markdown.navigation("customize"), "<id:customize>", ["mention"]],
  [Markdown.navigation("browse"), "<id:browse>", ["mention"]],
  [Markdown.navigation("guide"), "<id:guide>", ["mention"]],
  [Markdown.navigation("linked-roles", "5"), "<id:linked-roles:5>", ["mention"]],

  [Markdown.time(moment), "<t:1767225600>", ["time"]],
  [Markdown.time(moment, "shortTime"), "<t:1767225600:t>", ["time"]],
  [Markdown.time(moment, "mediumTime"), "<t:1767225600:T>", ["time"]],
  [Markdown.time(moment, "shortDate"), "<t:1767225600:d>", ["time"]],
  [Markdown.time(moment, "longDate"), "<t:1767225600:D>", ["time"]],
  [Markdown.time(moment, "longDateShortTime"), "<t:1767225600:f>", ["time"]],
  [Markdown.time(moment, "fullDateShortTime"), "<t:1767225600:F>", ["time"]],
  [Markdown.time(moment, "shortDateShortTime"), "<t:1767225600:s>", ["time"]],
  [Markdown.time(moment, "shortDateMediumTime"), "<t:1767225600:S>", ["time"]],
  [Markdown.time(moment, "relative"), "<t:1767225600:R>", ["time"]],
  [Markdown.time(DateTime.unsafeMake(-1), "relative"), "<t:-1:R>", ["time"]],
  [
    Markdown.time(DateTime.unsafeMakeZoned(moment, { timeZone: "Asia/Tokyo" })),
    "<t:1767225600>",
    ["time"],
  ],

  [Markdown.emoji({ id: "6", name: "lul" }), "<:lul:6>", ["emoji"]],
  [Markdown.emoji({ id: "6", name: "lul", animated: true }), "<a:lul:6>", ["emoji"]],
  [Markdown.emoji({ id: "6" }), "<:emoji:6>", ["emoji"]],
  [Markdown.emoji({ name: "🔥" }), "🔥", []],
]

describe("what is written, and how Discord reads it", () => {
  it.each(formats)("%j", (actual, written, expected) => {
    expect(actual).toBe(written)
    expect(kinds(read(actual))).toEqual(expected)
  })

  it("formats nothing where there is nothing", () => {
    const { bold, code, italic, spoiler, strikethrough, underline } = Markdown
    const empty = [bold, italic, underline, strikethrough, spoiler, code].map((of) => of(""))
    expect(empty).toEqual(["", "", "", "", "", ""])
    expect(bold(" ")).toBe(" ")
  })
})

describe("code", () => {
  it("shows any text as it is, and nothing gets out of it", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(text.trim() !== "")
        const nodes = read(`a ${Markdown.code(text)} z`, false)
        expect(kinds(nodes)).toEqual(["code"])
        expect(visible(shown(nodes))).toBe(visible(unified(`a ${text.trim()} z`)))
      }),
      { numRuns: runs(5000) },
    )
  })

  it("of a block shows any text but for empty lines around it", () => {
    const language = fc.constantFrom("", "js", "c++", "no language", "```")
    fc.assert(
      fc.property(anyText, language, (text, name) => {
        const nodes = read(`a ${Markdown.codeBlock(text, name)} z`, false)
        expect(kinds(nodes)).toEqual(["block"])
        expect(visible(shown(nodes))).toBe(
          visible(`a ${unified(text).replaceAll(/^\n+|\n+$/g, "")} z`),
        )
      }),
      { numRuns: runs(5000) },
    )
  })
})

describe("what stands on a line", () => {
  it("stays in one heading, subtext or item for any plain text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(text.trim() !== "")
        const plain = Markdown.escape(text.trim())
        const of = (written: string) =>
          kinds(read(written)).filter((kind) => kind !== "link" && kind !== "item")
        expect(of(`${Markdown.heading(plain)}\nnext`)).toEqual(["heading"])
        expect(of(`${Markdown.subtext(plain)}\nnext`)).toEqual(["subtext"])
        expect(of(`${Markdown.list([plain])}\nnext`)).toEqual([])
        expect(of(`${Markdown.quote(plain)}\nnext`)).toEqual(
          Array.from(plain.split("\n"), () => "quote"),
        )
      }),
      { numRuns: runs(3000) },
    )
  })
})

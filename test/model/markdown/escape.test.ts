import { describe, expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"

import { Markdown } from "../../../src/index.js"
import { kinds, pings, read, shown } from "./reader.js"
import { anyText, unified } from "./texts.js"
import { runs } from "../../support/laws.js"

/** Zero-width spaces are not seen, and an address is parted by a space from what follows it. */
const seen = (text: string): string =>
  text
    .replaceAll(/[\u200b ]/g, "")
    .replaceAll(/%[0-9A-F]{2}/g, (hex) => String.fromCharCode(Number.parseInt(hex.slice(1), 16)))

/** An address is shown without its angle brackets. */
const written = (text: string): string =>
  seen(unified(text).replaceAll(/<(https?:\/\/[^\s<>]+)>/g, "$1"))

describe("escape", () => {
  it("leaves no markup but links, and shows what was written", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const nodes = read(Markdown.escape(text))
        expect(kinds(nodes).filter((kind) => kind !== "link")).toEqual([])
        expect(seen(shown(nodes))).toBe(written(text))
      }),
      { numRuns: runs(5000) },
    )
  })

  it("contains no mention, even for a reader that ignores backslashes", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(pings(Markdown.escape(text))).toEqual([])
        expect(pings(Markdown.escape(text).replaceAll("\\", ""))).toEqual([])
      }),
      { numRuns: runs(5000) },
    )
  })

  const formats = {
    bold: Markdown.bold,
    italic: Markdown.italic,
    underline: Markdown.underline,
    strikethrough: Markdown.strikethrough,
    spoiler: Markdown.spoiler,
  }
  for (const [kind, format] of Object.entries(formats)) {
    it(`does not get out of ${kind}`, () => {
      fc.assert(
        fc.property(anyText, (text) => {
          const nodes = read(`a ${format(Markdown.escape(text))} z`, false)
          const found = kinds(nodes).filter((name) => name !== "link")
          expect(found).toEqual(text.trim() === "" ? [] : [kind])
          expect(seen(shown(nodes))).toBe(`a${written(text)}z`)
        }),
        { numRuns: runs(2000) },
      )
    })
  }

  it("keeps addresses as links to the same place", () => {
    const links = (text: string) =>
      read(Markdown.escape(text)).flatMap((node) => (node.kind === "link" ? [node.shown] : []))
    expect(links("see https://example.com/snake_case_name?a=(b)&c=d.")).toEqual([
      "https://example.com/snake_case_name?a=(b)&c=d",
    ])
    expect(links("<https://example.com/a_b>, or *http://x.example/*")).toEqual([
      "https://example.com/a_b",
      "http://x.example/%2A",
    ])
    expect(links("https://example.com/__init__.py")).toEqual([
      "https://example.com/%5F%5Finit%5F%5F.py",
    ])
    expect(links("https://example.com/a<@1>")).toEqual(["https://example.com/a"])
    expect(links("[click](https://example.com)")).toEqual(["https://example.com"])
  })

  it("writes a backslash before every mark", () => {
    expect(Markdown.escape("*a* _b_ ~c~ |d| `e` \\ [f]")).toBe(
      "\\*a\\* \\_b\\_ \\~c\\~ \\|d\\| \\`e\\` \\\\ \\[f]",
    )
    expect(Markdown.escape("> a\n  # b\n- c\n-# d\n12. e\n+ f")).toBe(
      "\\> a\n  \\# b\n\\- c\n\\-# d\n12\\. e\n\\+ f",
    )
    expect(Markdown.escape("a > b # c - d 1. e: 12:30, mail@example.com")).toBe(
      "a > b # c - d 1. e: 12:30, mail@example.com",
    )
    expect(Markdown.escape("@everyone <@1> <#2> :tada:")).toBe(
      "\\@\u200beveryone \\<\\@\u200b1> \\<#2> \\:tada:",
    )
  })

  it("marks the start of every line, after any line terminator", () => {
    expect(Markdown.escape("a\r\n# b\r- c\n1. d")).toBe("a\n\\# b\n\\- c\n1\\. d")
    // No line end to Discord, so the number sign is no heading.
    expect(Markdown.escape("a\u2028# b")).toBe("a\u2028# b")
  })

  it("reads what Discord reads, so that the laws above can fail", () => {
    const found = (text: string) => kinds(read(text))
    expect(found("**a** *b* _c_ __d__ ~~e~~ ||f|| `g`")).toEqual([
      "bold",
      "italic",
      "italic",
      "underline",
      "strikethrough",
      "spoiler",
      "code",
    ])
    expect(found("# a\n> b\n- c\n1. d\n-# e\n```js\nf\n```")).toEqual([
      "heading",
      "quote",
      "item",
      "item",
      "subtext",
      "block",
    ])
    expect(
      found("<@1> <@&2> <#3> </a b:4> <id:guide> @here <t:5:R> <:x:6> :x: [a](https://b.c)"),
    ).toEqual([...Array.from({ length: 6 }, () => "mention"), "time", "emoji", "emoji", "link"])
    expect(found("snake_case_name 2 * 3 * 4 a@b.c 12:30")).toEqual([])
    expect(pings("a @everyone b <@!1> <@&2> <#3>")).toEqual(["@everyone", "<@!1>", "<@&2>"])
  })
})

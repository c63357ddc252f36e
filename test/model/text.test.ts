import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"

import { Component } from "../../src/index.js"
import type { MessageCreate } from "../../src/index.js"
import { encode } from "../../src/model/MessageCreate.js"
import { character } from "../support/character.js"
import { faults } from "./faults.js"

/** `"🎉".slice(0, 1)` */
const half = "\ud83c"

const texts: ReadonlyArray<readonly [path: string, message: MessageCreate.MessageCreate]> = [
  ["content", { content: `a${half}` }],
  ["username", { username: half }],
  ["avatarUrl", { avatarUrl: `https://a.example/${half}` }],
  ["threadName", { content: "a", threadName: half }],
  ["embeds[0].title", { embeds: [{ title: half }] }],
  ["embeds[0].description", { embeds: [{ description: half }] }],
  ["embeds[0].url", { embeds: [{ title: "a", url: `https://a.example/${half}` }] }],
  ["embeds[0].author.name", { embeds: [{ author: { name: half } }] }],
  ["embeds[0].footer.text", { embeds: [{ footer: { text: half } }] }],
  ["embeds[0].fields[0].name", { embeds: [{ fields: [{ name: half, value: "a" }] }] }],
  ["embeds[0].fields[0].value", { embeds: [{ fields: [{ name: "a", value: half }] }] }],
  ["attachments[0].description", { content: "a", attachments: [{ id: 0, description: half }] }],
  [
    "poll.question.text",
    { poll: { question: { text: half }, answers: [{ pollMedia: { text: "a" } }] } },
  ],
  ["components[0].content", { components: [Component.text(half)] }],
  [
    "components[0].components[0].customId",
    { components: [Component.actionRow(Component.button(half, "primary"))] },
  ],
]

describe("outgoing text", () => {
  it.effect.each(texts)("has no half of a character: %s", ([path, message]) =>
    Effect.gen(function* () {
      const found = yield* faults(encode(message))
      expect(found.map((issue) => issue.path)).toEqual([path])
      expect(found[0]?.message).toContain("half a character")
    }),
  )
})

const contentFaults = (content: string) => Effect.runSync(faults(encode({ content })))

describe("malformed", () => {
  it("names the index of the first half, and accepts any code points", () => {
    expect(contentFaults(`🎉a${half}`)[0]?.message).toContain("index 3")
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(contentFaults(`a${text}`)).toEqual([])
      }),
    )
  })
})

describe("a content beside Components V2", () => {
  it("is none if it is white space and nothing else", () => {
    const besideComponents = (content: string) =>
      Effect.runSync(faults(encode({ content, components: [Component.text("a")] })))
    for (const text of ["", " ", "\r\n\t", "\u00a0\u3000\u2028"]) {
      expect(besideComponents(text)).toEqual([])
    }
    for (const text of [" a ", "\u200b", "\ufeff", "\u2800"]) {
      expect(besideComponents(text)).toMatchObject([{ path: "content" }])
    }
  })
})

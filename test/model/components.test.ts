import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"

import { Component, MessageCreate } from "../../src/index.js"
import { faults } from "./faults.js"

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../golden/requests/${name}.json`, import.meta.url), "utf8"))

const text = Component.text("hello")
const link = Component.linkButton("https://example.com")
const role = Component.roleSelect("role")
const thumbnail = Component.thumbnail("https://example.com/cat.png")
const letters = ["a", "b", "c"].map((letter) => ({ label: letter, value: letter }))

/** One of each constructor, with everything it takes. */
const everyKind: ReadonlyArray<Component.ComponentCreate> = [
  Component.actionRow(
    Component.button("go", "primary", {
      label: "Go",
      emoji: { name: "🚀" },
      disabled: true,
      id: 1,
    }),
    Component.button("wait", "secondary", { label: "Wait" }),
    Component.button("yes", "success", { label: "Yes" }),
    Component.button("no", "danger", { emoji: { id: "1102600212839804936", name: "no" } }),
    Component.linkButton("https://example.com", { label: "Open" }),
  ),
  Component.actionRow(Component.premiumButton("1088510058284990888", { disabled: false })),
  Component.actionRow(
    Component.select(
      "size",
      [{ label: "Small", value: "s", description: "Fits", emoji: { name: "🐁" }, default: true }],
      { placeholder: "Size", minValues: 0, maxValues: 1 },
    ),
  ),
  Component.actionRow(
    Component.userSelect("who", {
      maxValues: 2,
      defaultValues: [{ id: "1102600212839804937", type: "user" }],
    }),
  ),
  Component.actionRow(
    Component.roleSelect("team", {
      defaultValues: [{ id: "1102600212839804938", type: "role" }],
    }),
  ),
  Component.actionRow(
    Component.mentionableSelect("audience", {
      minValues: 0,
      maxValues: 25,
      defaultValues: [
        { id: "1102600212839804937", type: "user" },
        { id: "1102600212839804938", type: "role" },
      ],
    }),
  ),
  Component.actionRow(
    Component.channelSelect("where", {
      channelTypes: [Component.ChannelType.Text, Component.ChannelType.Forum],
      defaultValues: [{ id: "1012345678900020080", type: "channel" }],
      disabled: true,
    }),
  ),
  Component.section(
    [Component.text("# Cats", { id: 2 }), Component.text("Two of them")],
    Component.thumbnail("attachment://cat.png", { description: "A cat", spoiler: true }),
  ),
  Component.mediaGallery(
    "https://example.com/cat.png",
    Component.galleryItem("attachment://cat.png", { description: "Asleep", spoiler: true }),
  ),
  Component.file("attachment://report.pdf", { spoiler: true }),
  Component.separator({ divider: false, spacing: 2 }),
  Component.container([Component.section([text], link)], { accentColor: 0, spoiler: true }),
]

describe("the constructors of components", () => {
  it.effect("write what Discord documents, one of each kind", () =>
    Effect.map(MessageCreate.encode({ components: everyKind }), (wire) => {
      expect(wire).toStrictEqual(golden("message-everyComponent"))
    }),
  )

  it("between them make every kind that there is", () => {
    const kinds = new Set<unknown>()
    JSON.stringify(everyKind, (key, value: unknown) => {
      if (key === "type" && typeof value === "number") kinds.add(value)
      return value
    })
    expect(kinds).toEqual(new Set(Object.values(Component.Type)))
  })

  it("take a gallery's items as URLs or as objects", () => {
    expect(
      Component.mediaGallery("https://a.example", Component.galleryItem("https://b.example")),
    ).toEqual({
      type: 12,
      items: [{ media: { url: "https://a.example" } }, { media: { url: "https://b.example" } }],
    })
  })
})

describe("what does not compile", () => {
  it("is a nesting that Discord rejects", () => {
    // @ts-expect-error -- a row does not mix buttons and selects
    Component.actionRow(link, role)
    // @ts-expect-error -- a row holds one select at most
    Component.actionRow(role, Component.userSelect("who"))
    // @ts-expect-error -- a row holds no text
    Component.actionRow(text)
    // @ts-expect-error -- a section holds texts only
    Component.section([link], thumbnail)
    // @ts-expect-error -- a section has an accessory
    Component.section([text])
    // @ts-expect-error -- and it is no select
    Component.section([text], role)
    // @ts-expect-error -- a container holds no container
    Component.container([Component.container([text])])
    // @ts-expect-error -- a thumbnail stands beside a section only
    Component.container([thumbnail])
    // @ts-expect-error -- a gallery holds media only
    Component.mediaGallery(text)
    // @ts-expect-error -- a user is no role
    Component.userSelect("who", { defaultValues: [{ id: "1", type: "role" }] })
    // @ts-expect-error -- Discord writes a premium button's label
    Component.premiumButton("1", { label: "Buy" })
    // @ts-expect-error -- a link has no customId
    Component.linkButton("https://example.com", { customId: "a" })
    // @ts-expect-error -- there are two spacings
    Component.separator({ spacing: 3 })
    expectTypeOf(link).not.toExtend<Component.ComponentCreate>()
    expectTypeOf(thumbnail).not.toExtend<Component.ComponentCreate>()
    expectTypeOf(role).not.toExtend<Component.ComponentCreate>()
    expectTypeOf(Component.container([text])).toExtend<Component.ComponentCreate>()
  })

  it("is exactly a channel type that a select does not accept", () => {
    type Known = NonNullable<Component.ChannelSelect["channelTypes"]>[number]
    type Named = (typeof Component.ChannelType)[keyof typeof Component.ChannelType]
    expectTypeOf<Named>().toEqualTypeOf<Known>()
  })

  it("leaves a row of buttons that were counted at run time", () => {
    const row = Component.actionRow(
      ...letters.map(({ value }) => Component.button(value, "primary")),
    )
    expect(row.components).toHaveLength(3)
  })
})

describe("the figures of a select", () => {
  const refused = (select: Component.Select) =>
    faults(MessageCreate.encode({ components: [Component.actionRow(select)] }))
  const at = (field: string) => `components[0].components[0].${field}`
  const ids = (n: number) => Array.from({ length: n }, (_, index) => `${index}`)
  const users = (n: number) => ids(n).map((id) => ({ id, type: "user" as const }))

  it.effect("let choose as many as there are options, and no more", () =>
    Effect.gen(function* () {
      expect(yield* refused(Component.select("a", letters, { maxValues: 3 }))).toEqual([])
      expect(yield* refused(Component.select("a", letters, { maxValues: 4 }))).toEqual([
        { path: at("maxValues"), message: "at most the 3 options, got 4" },
      ])
      const several = { minValues: 25, maxValues: 25 }
      expect(yield* refused(Component.userSelect("a", several))).toEqual([])
    }),
  )

  it.effect("require at most as many choices as there are options", () =>
    Effect.gen(function* () {
      const range = (minValues: number, maxValues: number) =>
        refused(Component.channelSelect("a", { minValues, maxValues }))
      expect(yield* range(2, 2)).toEqual([])
      expect(yield* range(3, 2)).toEqual([
        { path: at("minValues"), message: "at most 2 (maxValues), got 3" },
      ])
      // One may be chosen unless it is said.
      expect(yield* refused(Component.userSelect("a", { minValues: 1 }))).toEqual([])
      expect(yield* refused(Component.userSelect("a", { minValues: 2 }))).toEqual([
        { path: at("minValues"), message: "at most 1 (maxValues), got 2" },
      ])
    }),
  )

  it.effect("take as many defaults as may be chosen, one by default", () =>
    Effect.gen(function* () {
      const defaults = (n: number, maxValues?: number) =>
        refused(Component.userSelect("a", { maxValues, defaultValues: users(n) }))
      expect(yield* defaults(1)).toEqual([])
      expect(yield* defaults(2)).toEqual([
        { path: at("defaultValues"), message: "at most 1 (maxValues), got 2" },
      ])
      expect(yield* defaults(2, 2)).toEqual([])
      expect(yield* defaults(3, 2)).toEqual([
        { path: at("defaultValues"), message: "at most 2 (maxValues), got 3" },
      ])
    }),
  )

  it.effect("distinguish options by their value", () =>
    Effect.gen(function* () {
      const twice = [...letters, { label: "another b", value: "b" }]
      expect(yield* refused(Component.select("a", twice))).toEqual([
        { path: at("options[3].value"), message: "is that of another option" },
      ])
    }),
  )
})

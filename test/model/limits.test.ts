import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

import { Component, MessageCreate, MessageEdit, Poll, WebhookModify } from "../../src/index.js"
import type { Attachment, Embed } from "../../src/index.js"
import { faults } from "./faults.js"

/** A limit of Discord: `build(n)` is a message with `n` of it, rejected at `path` when n is over. */
interface Limit {
  readonly name: string
  readonly path: string
  readonly max: number
  readonly min?: number
  readonly build: (n: number) => MessageCreate.MessageCreate
}

const times = <A>(n: number, make: (index: number) => A): Array<A> =>
  Array.from({ length: n }, (_, index) => make(index))
const x = (n: number) => "x".repeat(n)
const url = (n: number, start = "https://example.com/") => start + x(n - start.length)
const link = (n = 24) => Component.linkButton(url(n), { label: "open" })
const button = (customId: string) => Component.button(customId, "primary", { label: "press" })
const embed = (part: Embed.EmbedCreate) => ({ embeds: [part] })
const attachment = (part: Partial<Attachment.AttachmentCreate>) => ({
  content: "file",
  attachments: [{ id: 0, ...part }],
})
const poll = (part: Partial<Poll.PollCreate>) => ({
  poll: { ...Poll.make("Lunch?", ["Pizza"]), ...part },
})
const row = (...items: Array<Component.Button> | [Component.Select]) => ({
  components: [Component.actionRow(...items)],
})
const options = (n: number) => times(n, (index) => ({ label: `${index}`, value: `${index}` }))
const spread = (n: number) => {
  const half = Math.floor(n / 2)
  return {
    embeds: [
      { description: x(half) },
      { footer: { text: x(2000) }, description: x(n - half - 2000) },
    ],
  }
}

const limits: ReadonlyArray<Limit> = [
  { name: "content", path: "content", max: 2000, build: (n) => ({ content: x(n) }) },
  {
    name: "username",
    path: "username",
    min: 1,
    max: 80,
    build: (n) => ({ content: "a", username: x(n) }),
  },
  {
    name: "avatar URL",
    path: "avatarUrl",
    max: 2048,
    build: (n) => ({ content: "a", avatarUrl: url(n) }),
  },
  {
    name: "thread name",
    path: "threadName",
    min: 1,
    max: 100,
    build: (n) => ({ content: "a", threadName: x(n) }),
  },
  {
    name: "tags",
    path: "appliedTags",
    max: 5,
    build: (n) => ({ content: "a", appliedTags: times(n, String) }),
  },

  {
    name: "embeds",
    path: "embeds",
    max: 10,
    build: (n) => ({ embeds: times(n, () => ({ title: "a" })) }),
  },
  { name: "embed title", path: "embeds[0].title", max: 256, build: (n) => embed({ title: x(n) }) },
  {
    name: "embed description",
    path: "embeds[0].description",
    max: 4096,
    build: (n) => embed({ description: x(n) }),
  },
  { name: "embed URL", path: "embeds[0].url", max: 2048, build: (n) => embed({ url: url(n) }) },
  {
    name: "embed colour",
    path: "embeds[0].color",
    min: 0,
    max: 0xffffff,
    build: (n) => embed({ color: n }),
  },
  {
    name: "embed author",
    path: "embeds[0].author.name",
    max: 256,
    build: (n) => embed({ author: { name: x(n) } }),
  },
  {
    name: "embed author icon",
    path: "embeds[0].author.iconUrl",
    max: 2048,
    build: (n) => embed({ author: { name: "a", iconUrl: url(n, "attachment://") } }),
  },
  {
    name: "embed footer",
    path: "embeds[0].footer.text",
    max: 2048,
    build: (n) => embed({ footer: { text: x(n) } }),
  },
  {
    name: "embed image URL",
    path: "embeds[0].image.url",
    max: 2048,
    build: (n) => embed({ image: { url: url(n) } }),
  },
  {
    name: "embed image description",
    path: "embeds[0].thumbnail.description",
    max: 4096,
    build: (n) => embed({ thumbnail: { url: url(30), description: x(n) } }),
  },
  {
    name: "embed fields",
    path: "embeds[0].fields",
    max: 25,
    build: (n) => embed({ fields: times(n, () => ({ name: "a", value: "b" })) }),
  },
  {
    name: "embed field name",
    path: "embeds[0].fields[1].name",
    max: 256,
    build: (n) =>
      embed({
        fields: [
          { name: "a", value: "b" },
          { name: x(n), value: "b" },
        ],
      }),
  },
  {
    name: "embed field value",
    path: "embeds[0].fields[0].value",
    max: 1024,
    build: (n) => embed({ fields: [{ name: "a", value: x(n) }] }),
  },
  { name: "all embeds together", path: "embeds", max: 6000, build: spread },

  {
    name: "mentioned users",
    path: "allowedMentions.users",
    max: 100,
    build: (n) => ({ content: "a", allowedMentions: { users: times(n, String) } }),
  },
  {
    name: "mentioned roles",
    path: "allowedMentions.roles",
    max: 100,
    build: (n) => ({ content: "a", allowedMentions: { roles: times(n, String) } }),
  },

  {
    name: "attachments",
    path: "attachments",
    max: 10,
    build: (n) => ({ content: "a", attachments: times(n, (id) => ({ id })) }),
  },
  {
    name: "file name",
    path: "attachments[0].filename",
    min: 1,
    max: 1024,
    build: (n) => attachment({ filename: x(n) }),
  },
  {
    name: "file title",
    path: "attachments[0].title",
    max: 1024,
    build: (n) => attachment({ title: x(n) }),
  },
  {
    name: "file description",
    path: "attachments[0].description",
    max: 1024,
    build: (n) => attachment({ description: x(n) }),
  },
  {
    name: "waveform",
    path: "attachments[0].waveform",
    max: 400,
    build: (n) => attachment({ waveform: x(n) }),
  },
  {
    name: "voice duration",
    path: "attachments[0].durationSecs",
    min: 0,
    max: 2_147_483_647,
    build: (n) => attachment({ durationSecs: n }),
  },

  {
    name: "poll question",
    path: "poll.question.text",
    min: 1,
    max: 300,
    build: (n) => poll({ question: { text: x(n) } }),
  },
  {
    name: "poll answer",
    path: "poll.answers[0].pollMedia.text",
    min: 1,
    max: 55,
    build: (n) => poll({ answers: [{ pollMedia: { text: x(n) } }] }),
  },
  {
    name: "poll answers",
    path: "poll.answers",
    min: 1,
    max: 10,
    build: (n) => poll({ answers: times(n, (index) => ({ pollMedia: { text: `${index}` } })) }),
  },
  {
    name: "poll duration",
    path: "poll.duration",
    min: 1,
    max: 768,
    build: (duration) => poll({ duration }),
  },

  {
    name: "rows without the V2 flag",
    path: "components",
    max: 5,
    build: (n) => ({ components: times(n, () => Component.actionRow(link())) }),
  },
  {
    name: "buttons in a row",
    path: "components[0].components",
    min: 1,
    max: 5,
    build: (n) => row(...times(n, () => link())),
  },
  {
    name: "link of a button",
    path: "components[0].components[0].url",
    max: 512,
    build: (n) => row(link(n)),
  },
  {
    name: "label of a button",
    path: "components[0].components[0].label",
    max: 80,
    build: (n) => row(Component.linkButton(url(30), { label: x(n) })),
  },
  {
    name: "customId",
    path: "components[0].components[0].customId",
    min: 1,
    max: 100,
    build: (n) => row(button(x(n))),
  },
  {
    name: "name of an emoji",
    path: "components[0].components[0].emoji.name",
    max: 32,
    build: (n) => row(Component.linkButton(url(30), { emoji: { name: x(n) } })),
  },
  {
    name: "component id",
    path: "components[0].id",
    min: 0,
    max: 2_147_483_647,
    build: (id) => ({ components: [Component.separator({ id })] }),
  },
  {
    name: "options of a select",
    path: "components[0].components[0].options",
    min: 1,
    max: 25,
    build: (n) => row(Component.select("a", options(n))),
  },
  {
    name: "label of an option",
    path: "components[0].components[0].options[0].label",
    min: 1,
    max: 100,
    build: (n) => row(Component.select("a", [{ label: x(n), value: "a" }])),
  },
  {
    name: "value of an option",
    path: "components[0].components[0].options[0].value",
    min: 1,
    max: 100,
    build: (n) => row(Component.select("a", [{ label: "a", value: x(n) }])),
  },
  {
    name: "description of an option",
    path: "components[0].components[0].options[0].description",
    max: 100,
    build: (n) => row(Component.select("a", [{ label: "a", value: "a", description: x(n) }])),
  },
  {
    name: "placeholder",
    path: "components[0].components[0].placeholder",
    max: 150,
    build: (n) => row(Component.select("a", options(1), { placeholder: x(n) })),
  },
  {
    name: "fewest choices",
    path: "components[0].components[0].minValues",
    min: 0,
    max: 25,
    build: (minValues) => row(Component.select("a", options(25), { minValues, maxValues: 25 })),
  },
  {
    name: "most choices",
    path: "components[0].components[0].maxValues",
    min: 1,
    max: 25,
    build: (maxValues) => row(Component.select("a", options(25), { maxValues })),
  },
  {
    name: "default values of a select",
    path: "components[0].components[0].defaultValues",
    max: 25,
    build: (n) =>
      row(
        Component.userSelect("a", {
          maxValues: 25,
          defaultValues: times(n, (id) => ({ id: `${id}`, type: "user" })),
        }),
      ),
  },

  {
    name: "components, nested ones counted",
    path: "components",
    max: 40,
    build: (n) => ({
      components: [
        Component.container([Component.section([Component.text("a")], link())]),
        Component.actionRow(link()),
        ...times(n - 6, () => Component.text("a")),
      ],
    }),
  },
  {
    name: "all text components together",
    path: "components",
    max: 4000,
    build: (n) => ({
      components: [Component.text(x(1000)), Component.container([Component.text(x(n - 1000))])],
    }),
  },
  {
    name: "text component",
    path: "components[0].content",
    min: 1,
    max: 4000,
    build: (n) => ({ components: [Component.text(x(n))] }),
  },
  {
    name: "texts of a section",
    path: "components[0].components",
    min: 1,
    max: 3,
    build: (n) => ({
      components: [
        Component.section(
          times(n, () => Component.text("a")),
          link(),
        ),
      ],
    }),
  },
  {
    name: "description of a thumbnail",
    path: "components[0].accessory.description",
    min: 1,
    max: 1024,
    build: (n) => ({
      components: [
        Component.section(
          [Component.text("a")],
          Component.thumbnail(url(30), { description: x(n) }),
        ),
      ],
    }),
  },
  {
    name: "items of a gallery",
    path: "components[0].items",
    min: 1,
    max: 10,
    build: (n) => ({ components: [Component.mediaGallery(...times(n, () => url(30)))] }),
  },
  {
    name: "description in a gallery",
    path: "components[0].items[0].description",
    min: 1,
    max: 1024,
    build: (n) => ({
      components: [Component.mediaGallery({ media: { url: url(30) }, description: x(n) })],
    }),
  },
  {
    name: "URL of a file",
    path: "components[0].file.url",
    max: 2048,
    build: (n) => ({ components: [Component.file(url(n, "attachment://"))] }),
  },
  {
    name: "accent colour",
    path: "components[0].accentColor",
    min: 0,
    max: 0xffffff,
    build: (accentColor) => ({
      components: [Component.container([Component.text("a")], { accentColor })],
    }),
  },
]

describe("the limits of a message", () => {
  for (const { build, max, min, name, path } of limits) {
    it.effect(`${name}: ${max} is accepted, ${max + 1} is rejected at ${path}`, () =>
      Effect.gen(function* () {
        expect(yield* faults(MessageCreate.encode(build(max)))).toEqual([])
        const refused = yield* faults(MessageCreate.encode(build(max + 1)))
        // One field named, with the figure. (A single text over 4000 is also over all texts.)
        expect(refused[0]?.path).toBe(path)
        expect(refused[0]?.message).toContain(`got ${max + 1}`)
        expect(refused[0]?.message).toContain(String(max))
      }),
    )
    if (min === undefined) continue
    it.effect(`${name}: ${min} is accepted, ${min - 1} is rejected at ${path}`, () =>
      Effect.gen(function* () {
        expect(yield* faults(MessageCreate.encode(build(min)))).toEqual([])
        const refused = yield* faults(MessageCreate.encode(build(min - 1)))
        expect(refused.map((issue) => issue.path)).toEqual([path])
        expect(refused[0]?.message).toContain(`got ${min - 1}`)
      }),
    )
  }

  it.effect("40 components in one container are one too many, 39 are not", () =>
    Effect.gen(function* () {
      const inside = (n: number) => ({
        components: [Component.container(times(n, () => Component.text("a")))],
      })
      expect(yield* faults(MessageCreate.encode(inside(39)))).toEqual([])
      expect(yield* faults(MessageCreate.encode(inside(40)))).toEqual([
        { path: "components", message: "at most 40 components, got 41, nested ones counted" },
      ])
    }),
  )
})

describe("counting", () => {
  it.effect("counts code points, not UTF-16 units", () =>
    Effect.gen(function* () {
      expect(yield* faults(MessageCreate.encode({ content: "😀".repeat(2000) }))).toEqual([])
      expect(yield* faults(MessageCreate.encode({ content: "😀".repeat(2001) }))).toEqual([
        { path: "content", message: "at most 2000 code points, got 2001" },
      ])
    }),
  )

  it.effect("counts a family of emoji as its code points", () =>
    Effect.gen(function* () {
      const family = "👨‍👩‍👧" // five code points
      expect(yield* faults(MessageCreate.encode({ content: family.repeat(400) }))).toEqual([])
      expect(
        (yield* faults(MessageCreate.encode({ content: `${family.repeat(400)}a` })))[0]?.message,
      ).toBe("at most 2000 code points, got 2001")
    }),
  )

  it.effect("does not count the outer whitespace of embed texts, but does that of content", () =>
    Effect.gen(function* () {
      const padded = (n: number) => ` \n${x(n)}\t `
      expect(yield* faults(MessageCreate.encode(embed({ title: padded(256) })))).toEqual([])
      expect((yield* faults(MessageCreate.encode(embed({ title: padded(257) }))))[0]?.message).toBe(
        "at most 256 code points, got 257",
      )
      expect(
        yield* faults(
          MessageCreate.encode({
            embeds: spread(6000).embeds.map((part) => ({ ...part, title: "   " })),
          }),
        ),
      ).toEqual([])
      expect(yield* faults(MessageCreate.encode({ content: padded(1999) }))).toHaveLength(1)
    }),
  )

  it.effect("adds up every text of every embed", () =>
    Effect.gen(function* () {
      const parts = (n: number): Embed.EmbedCreate => ({
        title: x(10),
        description: x(n - 150),
        author: { name: x(20) },
        footer: { text: x(30) },
        fields: [{ name: x(40), value: x(50) }],
      })
      expect(yield* faults(MessageCreate.encode({ embeds: [parts(3000), parts(3000)] }))).toEqual(
        [],
      )
      expect(yield* faults(MessageCreate.encode({ embeds: [parts(3000), parts(3001)] }))).toEqual([
        { path: "embeds", message: "at most 6000 code points, got 6001 over all embeds" },
      ])
    }),
  )
})

describe("the limits of an edit and of a webhook", () => {
  it.effect("are those of a message", () =>
    Effect.gen(function* () {
      expect(yield* faults(MessageEdit.encode({ content: x(2000) }))).toEqual([])
      expect(
        yield* faults(
          MessageEdit.encode({ content: x(2001), embeds: times(11, () => ({ title: "a" })) }),
        ),
      ).toEqual([
        { path: "content", message: "at most 2000 code points, got 2001" },
        { path: "embeds", message: "at most 10 embeds, got 11" },
      ])
      expect(
        yield* faults(MessageEdit.encode({ attachments: times(11, (id) => ({ id })) })),
      ).toEqual([{ path: "attachments", message: "at most 10 attachments, got 11" }])
    }),
  )

  it.effect("hold for the name of a webhook", () =>
    Effect.gen(function* () {
      expect(yield* faults(WebhookModify.encode({ name: x(80) }))).toEqual([])
      expect(yield* faults(WebhookModify.encode({ name: x(81) }))).toEqual([
        { path: "name", message: "at most 80 code points, got 81" },
      ])
      expect(Exit.isFailure(yield* Effect.exit(WebhookModify.encode({ name: "  " })))).toBe(true)
    }),
  )
})

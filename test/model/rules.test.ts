import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

import {
  AllowedMentions,
  Component,
  MessageCreate,
  MessageEdit,
  MessageFlags,
  Poll,
  WebhookModify,
} from "../../src/index.js"
import { faults } from "./faults.js"

const text = Component.text("hello")
const link = Component.linkButton("https://example.com")
const thumbnail = Component.thumbnail("https://example.com/a.png")
const { IsComponentsV2, SuppressEmbeds } = MessageFlags.Flag

/** Rules that involve several fields or no number: `bad` is rejected at `path`, `good` is not. */
interface Rule {
  readonly name: string
  readonly good: unknown
  readonly bad: unknown
  readonly path: string
  readonly says: RegExp
}

const v2Says = /cannot go with Components V2/

const rules: ReadonlyArray<Rule> = [
  {
    name: "a username is not like Discord's",
    good: { username: "Clydesdale".replace("Clyde", "Clide") },
    bad: { username: "my CLYDE bot" },
    path: "username",
    says: /must not contain "clyde"/,
  },
  {
    name: "a username does not contain discord",
    good: { username: "discor d" },
    bad: { username: "DisCord" },
    path: "username",
    says: /must not contain "discord"/,
  },
  {
    name: "a username is more than whitespace",
    good: { username: " a " },
    bad: { username: "   " },
    path: "username",
    says: /at least 1 code point, got 0/,
  },
  {
    name: "an avatar is an http URL",
    good: { avatarUrl: "HTTPS://example.com/ü.png" },
    bad: { avatarUrl: "attachment://a.png" },
    path: "avatarUrl",
    says: /http or https/,
  },
  {
    name: "a URL has a host",
    good: { embeds: [{ url: "http://example.com" }] },
    bad: { embeds: [{ url: "https://" }] },
    path: "embeds[0].url",
    says: /http or https/,
  },
  {
    name: "the URL of an author is no attachment",
    good: { embeds: [{ author: { name: "a", iconUrl: "attachment://a b.png" } }] },
    bad: { embeds: [{ author: { name: "a", url: "attachment://a.png" } }] },
    path: "embeds[0].author.url",
    says: /http or https/,
  },
  {
    name: "an image is http, https or an attachment",
    good: { embeds: [{ image: { url: "attachment://a.png" } }] },
    bad: { embeds: [{ image: { url: "data:image/png;base64,AAAA" } }] },
    path: "embeds[0].image.url",
    says: /http, https or attachment/,
  },
  {
    name: "a field has a value",
    good: { embeds: [{ fields: [{ name: "", value: "" }] }] },
    bad: { embeds: [{ fields: [{ name: "a" }] }] },
    path: "embeds[0].fields[0].value",
    says: /is missing/,
  },
  {
    name: "a footer has a text",
    good: { embeds: [{ footer: { text: "a" } }] },
    bad: { embeds: [{}, { footer: { iconUrl: "https://example.com" } }] },
    path: "embeds[1].footer.text",
    says: /is missing/,
  },
  {
    name: "a timestamp is a DateTime",
    good: { embeds: [{ timestamp: DateTime.unsafeMake(0) }] },
    bad: { embeds: [{ timestamp: 1_769_860_800_000 }] },
    path: "embeds[0].timestamp",
    says: /expected a DateTime, a valid Date \(new Date\(milliseconds\)\).*, got 1769860800000/,
  },
  {
    name: "a timestamp is a valid Date",
    good: { embeds: [{ timestamp: new Date(0) }] },
    bad: { embeds: [{ timestamp: new Date(Number.NaN) }] },
    path: "embeds[0].timestamp",
    says: /a valid Date .* got a Date/,
  },
  {
    name: "a timestamp in ISO 8601 has a zone",
    good: { embeds: [{ timestamp: "2026-01-31T12:00:00.5+02:00" }] },
    bad: { embeds: [{ timestamp: "2026-01-31T12:00:00" }] },
    path: "embeds[0].timestamp",
    says: /with a zone \(2026-01-31T12:00:00Z\), got "2026-01-31T12:00:00"/,
  },
  {
    name: "a timestamp is a time",
    good: { embeds: [{ timestamp: "2026-01-31T12:00Z" }] },
    bad: { embeds: [{ timestamp: "yesterdayT25:00Z" }] },
    path: "embeds[0].timestamp",
    says: /ISO 8601/,
  },
  {
    name: "a colour is a colour",
    good: { embeds: [{ color: "#5865F2" }] },
    bad: { embeds: [{ color: "blurple" }] },
    path: "embeds[0].color",
    says: /0x5865f2 or #5865f2|expected a number or/,
  },
  {
    name: "mentions are either of a kind or listed: users",
    good: { allowedMentions: { parse: ["roles", "everyone"], users: ["1"] } },
    bad: { allowedMentions: { parse: ["users"], users: ["1"] } },
    path: "allowedMentions.users",
    says: /parse contains "users"/,
  },
  {
    name: "mentions are either of a kind or listed: roles",
    good: { allowedMentions: { parse: ["roles"], roles: [] } },
    bad: { allowedMentions: { parse: ["roles"], roles: ["1"] } },
    path: "allowedMentions.roles",
    says: /parse contains "roles"/,
  },
  {
    name: "mentioned ids do not repeat",
    good: { allowedMentions: { users: ["1"], roles: ["1"] } },
    bad: { allowedMentions: { users: ["1", "2", "1", "1"] } },
    path: "allowedMentions.users",
    says: /must not repeat: 1$/,
  },
  {
    name: "mentions are of a known kind",
    good: { allowedMentions: AllowedMentions.none },
    bad: { allowedMentions: { parse: ["users", "here"] } },
    path: "allowedMentions.parse[1]",
    says: /expected "everyone", "roles" or "users", got "here"/,
  },
  {
    name: "a tag is a snowflake",
    good: { appliedTags: ["1"] },
    bad: { appliedTags: ["1", "bug"] },
    path: "appliedTags[1]",
    says: /must be a snowflake/,
  },
  {
    name: "the id of an attachment is a number or a snowflake",
    good: { attachments: [{ id: 0 }, { id: "42" }] },
    bad: { attachments: [{ id: "cat.png" }] },
    path: "attachments[0].id",
    says: /must be a snowflake/,
  },
  {
    name: "a poll answer's emoji is either custom or Unicode",
    good: { poll: Poll.make("?", [{ text: "a", emoji: { id: "1" } }]) },
    bad: { poll: Poll.make("?", [{ text: "a", emoji: {} }]) },
    path: "poll.answers[0].pollMedia.emoji",
    says: /either id or name/,
  },
  {
    name: "a poll lasts whole hours",
    good: { poll: Poll.make("?", ["a"], { duration: 2 }) },
    bad: { poll: Poll.make("?", ["a"], { duration: 1.5 }) },
    path: "poll.duration",
    says: /a whole number of hours from 1 to 768, got 1\.5/,
  },

  {
    name: "Components V2 stand without content",
    good: { content: "", components: [text] },
    bad: { content: "a", components: [text] },
    path: "content",
    says: v2Says,
  },
  {
    name: "Components V2 stand without embeds",
    good: { embeds: [], components: [text] },
    bad: { embeds: [{ title: "a" }], components: [text] },
    path: "embeds",
    says: v2Says,
  },
  {
    name: "Components V2 stand without a poll",
    good: { components: [text], flags: SuppressEmbeds },
    bad: { poll: Poll.make("?", ["a"]), components: [text] },
    path: "poll",
    says: v2Says,
  },
  {
    name: "the V2 flag alone means the same",
    good: { content: "a", components: [Component.actionRow(link)] },
    bad: { content: "a", components: [Component.actionRow(link)], flags: IsComponentsV2 },
    path: "content",
    says: v2Says,
  },
  {
    name: "six rows need the V2 flag",
    good: {
      components: Array.from({ length: 6 }, () => Component.actionRow(link)),
      flags: IsComponentsV2,
    },
    bad: { components: Array.from({ length: 6 }, () => Component.actionRow(link)) },
    path: "components",
    says: /at most 5 rows, got 6 \(40 components with IsComponentsV2\)/,
  },
  {
    name: "a row does not mix buttons and selects",
    good: {
      components: [Component.actionRow(Component.select("a", [{ label: "a", value: "a" }]))],
    },
    bad: {
      components: [
        { type: 1, components: [link, Component.select("a", [{ label: "a", value: "a" }])] },
      ],
    },
    path: "components[0].components",
    says: /buttons, or one select alone/,
  },
  {
    name: "a row holds one select at most",
    good: { components: [Component.actionRow({ type: 6, customId: "a" })] },
    bad: {
      components: [
        { type: 1, components: [Component.roleSelect("a"), Component.mentionableSelect("b")] },
      ],
    },
    path: "components[0].components",
    says: /buttons, or one select alone/,
  },
  {
    name: "customIds are unique, wherever they are",
    good: {
      components: [
        Component.actionRow(Component.button("a", "primary"), Component.button("b", "danger")),
      ],
    },
    bad: {
      components: [
        Component.actionRow(Component.button("a", "primary")),
        Component.container([Component.section([text], Component.button("a", "secondary"))]),
      ],
    },
    path: "components[1].components[0].accessory.customId",
    says: /must be unique in the message, got a twice/,
  },
  {
    name: "component ids are unique, but 0 is none",
    good: {
      components: [
        Component.text("a", { id: 0 }),
        Component.text("b", { id: 0 }),
        Component.text("c", { id: 1 }),
      ],
    },
    bad: {
      components: [
        Component.text("a", { id: 1 }),
        Component.container([Component.text("b", { id: 1 })]),
      ],
    },
    path: "components[1].components[0].id",
    says: /must be unique in the message, got 1 twice/,
  },
  {
    name: "a link button has a URL, and no customId",
    good: { components: [Component.actionRow({ type: 2, style: 5, url: "https://example.com" })] },
    bad: {
      components: [
        { type: 1, components: [{ type: 2, style: 5, url: "https://example.com", customId: "a" }] },
      ],
    },
    path: "components[0].components[0].customId",
    says: /not a known field/,
  },
  {
    name: "an interactive button has no URL",
    good: {
      components: [Component.actionRow(Component.button("a", "primary", { disabled: true }))],
    },
    bad: {
      components: [
        { type: 1, components: [{ type: 2, style: 1, customId: "a", url: "https://example.com" }] },
      ],
    },
    path: "components[0].components[0].url",
    says: /not a known field/,
  },
  {
    name: "a premium button has neither label nor emoji",
    good: { components: [Component.actionRow({ type: 2, style: 6, skuId: "1" })] },
    bad: { components: [{ type: 1, components: [{ type: 2, style: 6, skuId: "1", label: "a" }] }] },
    path: "components[0].components[0].label",
    says: /not a known field/,
  },
  {
    name: "a button has a style that exists",
    good: { components: [Component.actionRow(Component.button("a", "secondary"))] },
    bad: { components: [{ type: 1, components: [{ type: 2, style: 7, customId: "a" }] }] },
    path: "components[0].components[0].style",
    says: /expected 1, 2, 3, 4, 5 or 6, got 7/,
  },
  {
    name: "an emoji has an id or a name",
    good: {
      components: [
        Component.actionRow(Component.linkButton("https://a.example", { emoji: { id: "1" } })),
      ],
    },
    bad: {
      components: [
        Component.actionRow(
          Component.linkButton("https://a.example", { emoji: { animated: true } }),
        ),
      ],
    },
    path: "components[0].components[0].emoji",
    says: /needs an id or a name/,
  },
  {
    name: "a section has an accessory",
    good: { components: [Component.section([text], thumbnail)] },
    bad: { components: [{ type: 9, components: [text] }] },
    path: "components[0].accessory",
    says: /is missing/,
  },
  {
    name: "a section holds texts only",
    good: { components: [Component.section([text, text], link)] },
    bad: { components: [{ type: 9, components: [text, link], accessory: link }] },
    path: "components[0].components[1].type",
    says: /expected 10, got 2/,
  },
  {
    name: "a thumbnail stands only beside a section",
    good: { components: [Component.section([text], thumbnail)] },
    bad: { components: [thumbnail] },
    path: "components[0].type",
    says: /expected 1, 9, 10, 12, 13, 14 or 17, got 11/,
  },
  {
    name: "a container holds no container",
    good: { components: [Component.container([text])] },
    bad: { components: [{ type: 17, components: [{ type: 17, components: [text] }] }] },
    path: "components[0].components[0].type",
    says: /expected 1, 9, 10, 12, 13 or 14, got 17/,
  },
  {
    name: "a file is sent along",
    good: { components: [Component.file("attachment://report.pdf")] },
    bad: { components: [Component.file("https://example.com/report.pdf")] },
    path: "components[0].file.url",
    says: /must be an attachment:\/\/ URL/,
  },
  {
    name: "a gallery shows pictures from anywhere",
    good: {
      components: [Component.mediaGallery("https://example.com/a.png", "attachment://b.png")],
    },
    bad: { components: [Component.mediaGallery("https://example.com/a.png", "b.png")] },
    path: "components[0].items[1].media.url",
    says: /http, https or attachment/,
  },
]

describe("the rules of a message", () => {
  for (const { bad, good, name, path, says } of rules) {
    it.effect(name, () =>
      Effect.gen(function* () {
        expect(yield* faults(MessageCreate.encode(good as MessageCreate.MessageCreate))).toEqual([])
        const refused = yield* faults(MessageCreate.encode(bad as MessageCreate.MessageCreate))
        expect(refused).toHaveLength(1)
        expect(refused[0]?.path).toBe(path)
        expect(refused[0]?.message).toMatch(says)
      }),
    )
  }

  it.effect("a text that is read as a user writes it takes plain strings for ids", () =>
    Effect.map(
      MessageCreate.encode({
        content: "hi",
        allowedMentions: { users: ["175928847299117063"] },
        appliedTags: ["1"],
      }),
      (wire) => expect(wire.allowed_mentions?.users).toEqual(["175928847299117063"]),
    ),
  )
})

describe("what is empty, and what needs a query", () => {
  it("is empty without content, embeds, components and poll", () => {
    expect(MessageCreate.isEmpty({})).toBe(true)
    expect(
      MessageCreate.isEmpty({
        content: "",
        embeds: [],
        components: [],
        username: "a",
        attachments: [],
      }),
    ).toBe(true)
    expect(MessageCreate.isEmpty({ content: undefined, poll: undefined })).toBe(true)
    expect(MessageCreate.isEmpty({ content: "a" })).toBe(false)
    expect(MessageCreate.isEmpty({ embeds: [{ title: "a" }] })).toBe(false)
    expect(MessageCreate.isEmpty({ components: [text] })).toBe(false)
    expect(MessageCreate.isEmpty({ poll: Poll.make("?", ["a"]) })).toBe(false)
  })

  it("has components when there is one", () => {
    expect(MessageCreate.hasComponents({ components: [text] })).toBe(true)
    expect(MessageCreate.hasComponents({ components: [] })).toBe(false)
    expect(MessageCreate.hasComponents({})).toBe(false)
    expect(MessageEdit.hasComponents({ components: [text] })).toBe(true)
    expect(MessageEdit.hasComponents({ components: null })).toBe(false)
    expect(MessageEdit.hasComponents({})).toBe(false)
  })
})

describe("the flag of Components V2", () => {
  it.effect("is set automatically, beside the given flags", () =>
    Effect.gen(function* () {
      const flags = (message: MessageCreate.MessageCreate) =>
        Effect.map(MessageCreate.encode(message), (wire) => wire.flags)
      expect(yield* flags({ components: [text] })).toBe(IsComponentsV2)
      expect(
        yield* flags({ components: [Component.actionRow(link), text], flags: SuppressEmbeds }),
      ).toBe(IsComponentsV2 | SuppressEmbeds)
      expect(yield* flags({ components: [Component.actionRow(link)] })).toBe(undefined)
      expect(yield* flags({ components: [text], flags: IsComponentsV2 })).toBe(IsComponentsV2)
    }),
  )

  it.effect("is set for Discord's kinds of Components V2, and for no unknown kind", () =>
    Effect.gen(function* () {
      for (const type of [9, 10, 11, 12, 13, 14, 17]) {
        const components = [Component.raw({ type, novelty: true })]
        expect((yield* MessageCreate.encode({ components })).flags).toBe(IsComponentsV2)
      }
      const novelty = Component.raw({ type: 99, novelty: true })
      for (const components of [[novelty], [novelty, Component.actionRow(link)]]) {
        const wire = yield* MessageCreate.encode({ content: "a", components })
        expect(wire).toMatchObject({ content: "a" })
        expect(wire).not.toHaveProperty("flags")
        expect(yield* MessageEdit.encode({ content: "a", components })).not.toHaveProperty("flags")
        const both = { content: "a", components, flags: IsComponentsV2 }
        expect(yield* faults(MessageCreate.encode(both))).toHaveLength(1)
      }
      // Unknown kinds are not rows, so five rows may stand beside them.
      const rows = Array.from({ length: 5 }, () => Component.actionRow(link))
      expect(yield* MessageCreate.encode({ components: [novelty, ...rows] })).toBeDefined()
    }),
  )

  it.effect("is set in an edit, too, which has to clear the rest", () =>
    Effect.gen(function* () {
      const edit = { components: [text], content: null, embeds: [], poll: null }
      expect((yield* MessageEdit.encode(edit)).flags).toBe(IsComponentsV2)
      expect((yield* MessageEdit.encode({ ...edit, flags: null })).flags).toBe(IsComponentsV2)
      expect(yield* faults(MessageEdit.encode({ ...edit, content: "still here" }))).toHaveLength(1)
    }),
  )
})

describe("an edit", () => {
  it.effect("distinguishes absent fields from cleared ones", () =>
    Effect.gen(function* () {
      expect(yield* MessageEdit.encode({})).toStrictEqual({})
      expect(yield* MessageEdit.encode({ content: undefined, embeds: undefined })).toStrictEqual({})
      expect(yield* MessageEdit.encode({ content: null, embeds: null })).toStrictEqual({
        content: null,
        embeds: null,
      })
    }),
  )

  it.effect("does not accept fields that cannot be edited", () =>
    Effect.map(
      faults(MessageEdit.encode({ username: "a", tts: true } as MessageEdit.MessageEdit)),
      (refused) => {
        expect(refused.map((issue) => issue.path)).toEqual(["username", "tts"])
      },
    ),
  )
})

describe("a change of the webhook", () => {
  it.effect("takes a data URI of a picture, or null", () =>
    Effect.gen(function* () {
      const avatar = "data:image/png;base64,iVBORw0KGgo="
      expect(yield* WebhookModify.encode({ avatar })).toStrictEqual({ avatar })
      expect(yield* WebhookModify.encode({ avatar: null })).toStrictEqual({ avatar: null })
      expect(yield* WebhookModify.encode({ name: "a", avatar: undefined })).toStrictEqual({
        name: "a",
      })
      for (const bad of [
        "https://example.com/a.png",
        "data:text/plain;base64,AAAA",
        "data:image/png;base64,",
      ]) {
        expect((yield* faults(WebhookModify.encode({ avatar: bad })))[0]?.path).toBe("avatar")
      }
    }),
  )

  it.effect("moves no webhook to another channel", () =>
    Effect.map(
      faults(WebhookModify.encode({ channelId: "1" } as WebhookModify.WebhookModify)),
      (refused) => {
        expect(refused).toEqual([{ path: "channelId", message: "is not a known field" }])
      },
    ),
  )
})

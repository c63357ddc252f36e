/** Components, polls, flags, embeds and long texts: what arrives is what was meant. */
import { describe, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { pipe } from "effect/Function"
import * as Logger from "effect/Logger"
import {
  AllowedMentions,
  Component,
  Embed,
  FileUpload,
  Markdown,
  Message,
  MessageFlags,
  Poll,
  Webhook,
} from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { Transport, TestEnvironment } from "./environment.js"

const link = Component.linkButton("https://example.com/", { label: "Open" })
const choices = ["small", "large"].map((value) => ({ label: value, value }))
const user = { id: "1102600212839804937", type: "user" } as const
const role = { id: "1102600212839804938", type: "role" } as const
const channel = { id: "1012345678900020080", type: "channel" } as const

/** Of every kind, what any webhook may send. */
const plain: Readonly<Record<string, Component.ComponentCreate>> = {
  "a row of link buttons": Component.actionRow(link, { ...link, disabled: true }),
  "a text": Component.text("# Release 1.4"),
  "a section with a thumbnail": Component.section(
    [Component.text("A cat"), Component.text("asleep")],
    Component.thumbnail("https://example.com/cat.png", { description: "A cat", spoiler: true }),
  ),
  "a section with a button": Component.section([Component.text("The log")], link),
  "a gallery": Component.mediaGallery(
    "https://example.com/a.png",
    Component.galleryItem("https://example.com/b.png", { description: "B", spoiler: true }),
  ),
  "a separator": Component.separator({ divider: false, spacing: 2 }),
  "a container": Component.container([Component.text("inside"), Component.actionRow(link)], {
    accentColor: 0x57f287,
    spoiler: true,
  }),
}

/** What only a webhook may send that an application owns, beside a text. */
const interactive: Readonly<Record<string, Component.ActionRow>> = {
  buttons: Component.actionRow(
    Component.button("a", "primary", { label: "A", emoji: { name: "🔥" } }),
    Component.button("b", "secondary", { label: "B" }),
    Component.button("c", "success", { label: "C" }),
    Component.button("d", "danger", { label: "D", disabled: true }),
  ),
  "a premium button": Component.actionRow(Component.premiumButton("1088510058284990888")),
  "a select": Component.actionRow(
    Component.select("size", choices, { placeholder: "Size", minValues: 0, maxValues: 2 }),
  ),
  "a select of users": Component.actionRow(Component.userSelect("u", { defaultValues: [user] })),
  "a select of roles": Component.actionRow(Component.roleSelect("r", { defaultValues: [role] })),
  "a select of both": Component.actionRow(
    Component.mentionableSelect("m", { maxValues: 2, defaultValues: [user, role] }),
  ),
  "a select of channels": Component.actionRow(
    Component.channelSelect("c", {
      channelTypes: [Component.ChannelType.Text],
      defaultValues: [channel],
    }),
  ),
}

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly webhook: DiscordSimulator.SimulatedWebhook
  readonly hook: Webhook.Webhook
}

export function messages(transport: Transport): void {
  const story = <E>(
    name: string,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment>,
    options: DiscordSimulator.WebhookOptions = {},
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook(options)
        const hook = yield* Webhook.fromUrl(webhook.url)
        yield* test({ discord, webhook, hook })
      }).pipe(Effect.provide([transport({}), Logger.remove(Logger.defaultLogger)])),
    )

  describe("components", () => {
    for (const [name, component] of Object.entries(plain)) {
      story(`${name} comes back as it was sent, and can be edited`, ({ discord, hook }) =>
        Effect.gen(function* () {
          const sent = yield* Webhook.send(hook, { components: [component] })
          expect((yield* Webhook.getMessage(hook, sent.id)).components).toMatchObject([component])
          const edited = yield* Webhook.editMessage(hook, sent.id, {
            components: [component, Component.text("more")],
          })
          expect(isV2(edited)).toBe(true)
          expect(edited.components).toMatchObject([component, { content: "more" }])
          const queries = (yield* discord.traffic).map(({ query }) => query["with_components"])
          expect(queries).toEqual(["true", undefined, "true"])
        }),
      )
    }

    for (const [name, row] of Object.entries(interactive)) {
      story(
        `from a webhook of an application: ${name} as it was sent`,
        ({ hook }) =>
          Effect.gen(function* () {
            const sent = yield* Webhook.send(hook, { content: "choose", components: [row] })
            expect(sent).toMatchObject({ content: "choose", components: [row] })
            expect(isV2(sent)).toBe(false)
            const framed = [Component.container([Component.text("choose"), row])]
            const laidOut = yield* Webhook.send(hook, { components: framed })
            expect(laidOut.components).toMatchObject(framed)
          }),
        { applicationOwned: true },
      )
    }

    story("that are interactive fail from another webhook, with their path", ({ hook }) =>
      Effect.gen(function* () {
        const rows = Object.values(interactive).slice(0, 5)
        const error = yield* Effect.flip(Webhook.send(hook, { content: "a", components: rows }))
        expect(error).toMatchObject({ _tag: "WebhookBadRequest", code: 50035 })
        expect(error.message).toContain("components[0].components[0]")
      }),
    )

    story("show files that are sent along, wherever a component may", ({ hook }) =>
      Effect.gen(function* () {
        const files = [
          FileUpload.fromText("report.txt", "all is well"),
          FileUpload.fromBytes("cat.png", new Uint8Array([137, 80, 78, 71])),
        ]
        const components = [
          Component.file("attachment://report.txt", { spoiler: true }),
          Component.mediaGallery("attachment://cat.png"),
          Component.section([Component.text("A cat")], Component.thumbnail("attachment://cat.png")),
        ]
        const sent = yield* Webhook.send(hook, { components, files })
        expect(isV2(sent)).toBe(true)
        expect(sent.components.map(({ type }) => type)).toEqual([13, 12, 9])
        expect(sent.components[0]).toMatchObject({ name: "report.txt", size: 11, spoiler: true })
        const missing = [Component.file("attachment://none.txt")]
        const error = yield* Effect.flip(Webhook.send(hook, { components: missing, files }))
        const path = "components[0].file.url"
        expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path }] })
      }),
    )

    story("forty of them go, and what is one too many is not even sent", ({ discord, hook }) =>
      Effect.gen(function* () {
        const texts = (n: number) => ({ components: Arr.makeBy(n, (i) => Component.text(`${i}`)) })
        expect((yield* Webhook.send(hook, texts(40))).components).toHaveLength(40)
        const error = yield* Effect.flip(Webhook.send(hook, texts(41)))
        expect(error).toMatchObject({
          _tag: "WebhookValidationError",
          issues: [{ path: "components" }],
        })
        expect((yield* discord.statistics).requests).toBe(1)
      }),
    )

    story("replace the content of a message when an edit clears it", ({ hook }) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "old", embeds: [{ title: "old" }] })
        const components = [Component.text("new")]
        const edit = { content: null, embeds: null, components }
        const edited = yield* Webhook.editMessage(hook, id, edit)
        expect(edited).toMatchObject({ content: "", embeds: [], components })
        expect(isV2(edited)).toBe(true)
      }),
    )
  })

  describe("polls", () => {
    story("are returned with question, options and settings, without votes", ({ hook }) =>
      Effect.gen(function* () {
        const answers = ["Salad", { text: "Pizza", emoji: { name: "🍕" } }, "Rice"]
        const poll = Poll.make("Lunch?", answers, { duration: "3 days", allowMultiselect: true })
        const sent = yield* Webhook.send(hook, { content: "Vote!", poll })
        const read = yield* Webhook.getMessage(hook, sent.id)
        expect(read.content).toBe("Vote!")
        expect(read.poll).toMatchObject({
          question: poll.question,
          answers: poll.answers,
          allowMultiselect: true,
        })
        expect(read.poll?.answers.map(({ answerId }) => answerId)).toEqual([1, 2, 3])
        const lasts = read.poll?.expiry && DateTime.distance(read.timestamp, read.poll.expiry)
        expect(lasts).toBe(3 * 24 * 3_600_000)
      }),
    )
  })

  describe("flags", () => {
    story("given by name are set, and hide embeds until an edit shows them", ({ hook }) =>
      Effect.gen(function* () {
        const { flags, id } = yield* Webhook.send(hook, {
          content: "https://example.com",
          flags: ["SuppressEmbeds", "SuppressNotifications"],
        })
        expect(MessageFlags.names(flags)).toEqual(["SuppressEmbeds", "SuppressNotifications"])
        const shown = yield* Webhook.editMessage(hook, id, { flags: ["SuppressNotifications"] })
        expect(MessageFlags.has(shown.flags, MessageFlags.Flag.SuppressEmbeds)).toBe(false)
      }),
    )
  })

  describe("mentions", () => {
    story("notify users only by default", ({ discord, hook }) =>
      Effect.gen(function* () {
        const content = `${Markdown.everyone} ${Markdown.user(user.id)} ${Markdown.role(role.id)}`
        const sent = yield* Webhook.send(hook, { content })
        expect(sent.mentionEveryone).toBe(false)
        expect(sent.mentions.map(({ id }) => id)).toEqual([user.id])
        expect(sent.mentionRoles).toEqual([])
        const all = { content, allowedMentions: AllowedMentions.all }
        expect((yield* Webhook.send(hook, all)).mentionEveryone).toBe(true)
        const quiet = yield* Webhook.send(hook, { content: Markdown.escape(content) })
        expect(quiet).toMatchObject({ mentionEveryone: false, mentions: [], mentionRoles: [] })
        const told = (yield* discord.traffic).map(({ body }) => Object(body)["allowed_mentions"])
        expect(told[0]).toEqual({ parse: ["users"] })
      }),
    )
  })

  describe("texts", () => {
    story(
      "too long for one message arrive as several, in order and whole",
      ({ discord, hook, webhook }) =>
        Effect.gen(function* () {
          const code = Markdown.codeBlock(Arr.makeBy(300, (i) => `step ${i}`).join("\n"), "sh")
          const text = `${"A sentence of six words here. ".repeat(90)}\n\n${code}\n\nThe end.`
          const parts = Markdown.splitContent(text)
          yield* Effect.forEach(parts, (content) => Webhook.send(hook, { content }))
          const stored = (yield* discord.messages(webhook)).map(({ content }) => content)
          expect(stored).toEqual(parts)
          expect(parts.length).toBe(3)
          expect(stored.join("").match(/step \d+/g)).toHaveLength(300)
        }),
    )

    story("of embeds built in a pipe come back", ({ hook }) =>
      Effect.gen(function* () {
        const embed = pipe(
          Embed.empty,
          Embed.title("Deployed"),
          Embed.color("#57f287"),
          Embed.author("Ada", { url: "https://example.com/" }),
          Embed.field("Version", "1.4.0", { inline: true }),
          Embed.field("Region", "eu"),
        )
        const sent = yield* Webhook.send(hook, { embeds: [embed] })
        const [stored] = (yield* Webhook.getMessage(hook, sent.id)).embeds
        expect(stored).toMatchObject({ ...embed, color: 0x57f287 })
      }),
    )
  })

  describe("what was received", () => {
    const files = [FileUpload.fromText("chart.png", "pixels")]
    const embed: Embed.EmbedCreate = {
      title: "Build 7",
      color: 0xfee75c,
      image: { url: "attachment://chart.png", description: "Times" },
      fields: [{ name: "state", value: "running", inline: true }],
    }

    story("is edited in one field, and the rest stays", ({ hook }) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "Build", embeds: [embed], files })
        const read = yield* Webhook.getMessage(hook, id)
        const embeds = read.embeds.map(Embed.title("Build 7 is done"))
        yield* Webhook.editMessage(hook, id, { ...read, embeds })
        const after = yield* Webhook.getMessage(hook, id)
        const { editedTimestamp, ...rest } = after
        expect(editedTimestamp).toBeDefined()
        expect(rest).toEqual({
          ...read,
          embeds: read.embeds.map((one) => ({ ...one, title: "Build 7 is done" })),
        })
      }),
    )

    story("is edited back after a change", ({ hook }) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "Build", embeds: [embed], files })
        const before = yield* Webhook.getMessage(hook, id)
        yield* Webhook.editMessage(hook, id, { content: "gone", embeds: [] })
        const restored = yield* Webhook.editMessage(hook, id, Message.toEdit(before))
        const { editedTimestamp: _, ...rest } = restored
        expect(rest).toEqual(before)
      }),
    )

    story("is sent to another place, whole or in parts", ({ hook }) =>
      Effect.gen(function* () {
        const card = Component.container([Component.text("A card")], { accentColor: 1 })
        const first = yield* Webhook.send(hook, { components: [card, Component.separator()] })
        const second = yield* Webhook.send(hook, { components: first.components })
        const third = yield* Webhook.send(hook, first)
        expect([second.components, third.components]).toEqual([first.components, first.components])
        const poll = Poll.make("Lunch?", ["Salad", "Rice"], { duration: "3 days" })
        const vote = yield* Webhook.send(hook, { content: "Vote!", poll })
        const copy = yield* Webhook.send(hook, { ...vote, username: "Mirror" })
        expect(copy).toMatchObject({ content: "Vote!", author: { username: "Mirror" } })
        expect(copy.poll?.answers).toEqual(vote.poll?.answers)
        const lasts = copy.poll?.expiry && DateTime.distance(copy.timestamp, copy.poll.expiry)
        expect(lasts).toBe(3 * 24 * 3_600_000)
      }),
    )
  })
}

function isV2({ flags }: Message.Message): boolean {
  return MessageFlags.has(flags, MessageFlags.Flag.IsComponentsV2)
}

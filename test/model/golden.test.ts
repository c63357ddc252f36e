import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import {
  AllowedMentions,
  Component,
  DiscordApiBody,
  Message,
  MessageCreate,
  MessageEdit,
  MessageFlags,
  Poll,
  WebhookInfo,
  WebhookModify,
} from "../../src/index.js"

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8"))

const noon = DateTime.unsafeMake("2026-01-31T12:00:00Z")

describe("requests", () => {
  const messages: Record<string, MessageCreate.MessageCreate> = {
    content: { content: "hello" },
    embeds: {
      content: "Deployed :tada:",
      username: "Builds",
      avatarUrl: "https://example.com/builds.png",
      embeds: [
        {
          title: "Deployed",
          description: "All is well",
          url: "https://example.com/deploys/7",
          color: "#57f287",
          timestamp: noon,
          author: {
            name: "Ada",
            url: "https://example.com/ada",
            iconUrl: "https://example.com/ada.png",
          },
          footer: { text: "by effect-discord", iconUrl: "attachment://logo.png" },
          image: { url: "attachment://chart.png", description: "Requests per second, rising" },
          thumbnail: { url: "https://example.com/thumb.png" },
          fields: [
            { name: "version", value: "1.4.0", inline: true },
            { name: "region", value: "eu" },
          ],
        },
      ],
      attachments: [
        { id: 0, filename: "logo.png" },
        {
          id: "1",
          filename: "chart.png",
          description: "Requests per second, rising",
          isSpoiler: true,
        },
      ],
      tts: false,
    },
    quiet: {
      content: "@everyone <@175928847299117063>",
      allowedMentions: AllowedMentions.none,
      flags: MessageFlags.combine(
        MessageFlags.Flag.SuppressEmbeds,
        MessageFlags.Flag.SuppressNotifications,
      ),
    },
    mentions: {
      content: "<@175928847299117063>",
      allowedMentions: {
        parse: ["everyone"],
        users: ["175928847299117063"],
        roles: [],
        repliedUser: false,
      },
    },
    thread: {
      content: "first post",
      threadName: "Release 1.4",
      appliedTags: ["1102600212839804939"],
    },
    poll: {
      poll: Poll.make("Lunch?", ["Salad", { text: "Pizza", emoji: { name: "🍕" } }], {
        duration: 4,
        allowMultiselect: true,
      }),
    },
    rows: {
      content: "pick",
      components: [
        Component.actionRow(
          Component.linkButton("https://example.com", { label: "Open", emoji: { name: "📖" } }),
          Component.button("approve", "success", { label: "Approve", disabled: true }),
        ),
        Component.actionRow(
          Component.select("size", [{ label: "Small", value: "s", default: true }], {
            maxValues: 1,
            minValues: 0,
          }),
        ),
        Component.actionRow({
          type: Component.Type.ChannelSelect,
          customId: "where",
          channelTypes: [0, 5],
          defaultValues: [{ id: "1012345678900020080", type: "channel" }],
        }),
      ],
    },
    componentsV2: {
      components: [
        Component.text("# Release 1.4", { id: 7 }),
        Component.separator({ spacing: 2, divider: true }),
        Component.container(
          [
            Component.section(
              [Component.text("A cat")],
              Component.thumbnail("https://example.com/cat.png", {
                description: "A cat",
                spoiler: true,
              }),
            ),
            Component.mediaGallery("attachment://cat-1.png", {
              media: { url: "attachment://cat-2.png" },
              description: "Another cat",
            }),
            Component.actionRow(Component.linkButton("https://example.com")),
          ],
          { accentColor: "#57f287" },
        ),
        Component.file("attachment://report.pdf"),
      ],
      flags: MessageFlags.Flag.SuppressNotifications,
    },
    leftOut: { content: "x", username: undefined, embeds: undefined, flags: undefined },
  }

  for (const [name, message] of Object.entries(messages)) {
    it.effect(`message: ${name}`, () =>
      Effect.map(MessageCreate.encode(message), (wire) => {
        expect(wire).toStrictEqual(read(`requests/message-${name}`))
      }),
    )
  }

  const edits: Record<string, MessageEdit.MessageEdit> = {
    content: { content: "hello, world" },
    clear: { content: null, embeds: [], components: null, attachments: [], poll: undefined },
    keepFiles: {
      attachments: [{ id: "1157854643037163610", description: "still here" }, { id: 0 }],
    },
    toComponentsV2: {
      content: null,
      embeds: [],
      poll: null,
      components: [Component.text("now in V2")],
    },
    unsuppress: { flags: 0 },
  }

  for (const [name, edit] of Object.entries(edits)) {
    it.effect(`edit: ${name}`, () =>
      Effect.map(MessageEdit.encode(edit), (wire) => {
        expect(wire).toStrictEqual(read(`requests/edit-${name}`))
      }),
    )
  }

  it.effect("webhook", () =>
    Effect.map(WebhookModify.encode({ name: "Builds", avatar: null }), (wire) => {
      expect(wire).toStrictEqual(read("requests/webhook-modify"))
    }),
  )
})

describe("responses", () => {
  const message = (name: string) => Message.decode(read(`responses/${name}`))

  it.effect("a plain message of a webhook, whose author has four keys", () =>
    Effect.map(message("message"), (found) => {
      expect(found.author).toEqual({
        id: "1075043298462896128",
        username: "Builds",
        discriminator: "0000",
        bot: true,
      })
      expect(DateTime.formatIso(found.timestamp)).toBe("2026-01-31T17:27:07.299Z")
      expect("editedTimestamp" in found).toBe(false)
      expect(found.mentions[0]).toMatchObject({
        globalName: "Ada",
        accentColor: 5793266,
        primaryGuild: { tag: "DISC", identityEnabled: true },
        avatarDecoration: { skuId: "1144058844004233369" },
      })
      expect(found.attachments).toMatchObject([
        {
          filename: "cat.png",
          size: 1234567,
          contentType: "image/png",
          width: 640,
          placeholderVersion: 1,
        },
        { filename: "notes.txt", size: 12 },
      ])
      expect("width" in (found.attachments[1] ?? {})).toBe(false)
      expect(MessageFlags.names(found.flags)).toEqual(["SuppressNotifications"])
      expect(found.mentionRoles).toEqual(["1102600212839804938"])
      expect(found).toMatchObject({
        webhookId: found.author.id,
        tts: false,
        pinned: false,
        components: [],
      })
    }),
  )

  it.effect("embeds, one of a kind that does not exist yet", () =>
    Effect.map(message("message-embeds"), (found) => {
      expect(found.embeds[0]).toMatchObject({
        type: "rich",
        title: "Deployed",
        color: 5763719,
        fields: [
          { name: "version", value: "1.4.0", inline: true },
          { name: "region", value: "eu", inline: false },
        ],
        author: {
          name: "Ada",
          proxyIconUrl: "https://images-ext-1.discordapp.net/external/x/ada.png",
        },
        thumbnail: { width: 64, contentType: "image/png" },
      })
      expect(found.embeds[0]?.timestamp).toEqual(noon)
      expect(found.embeds[1]).toEqual({
        type: "hologram",
        provider: { name: "Tomorrow" },
        fields: [],
      })
      // Docs: components and flags may be absent.
      expect(found).toMatchObject({ components: [], flags: 0, applicationId: "310270644849737729" })
      expect(found.editedTimestamp && DateTime.formatIso(found.editedTimestamp)).toBe(
        "2026-01-31T12:05:00.500Z",
      )
    }),
  )

  it.effect("a poll with its votes", () =>
    Effect.map(message("message-poll"), ({ poll }) => {
      expect(poll).toMatchObject({
        question: { text: "Lunch?" },
        answers: [
          { answerId: 1, pollMedia: { text: "Pizza", emoji: { name: "🍕" } } },
          { answerId: 2, pollMedia: { text: "Salad" } },
        ],
        allowMultiselect: false,
        results: { isFinalized: false, answerCounts: [{ id: 1, count: 3, meVoted: false }] },
      })
    }),
  )

  it.effect("the result of a poll, whose message is gone", () =>
    Effect.map(message("message-poll-result"), (found) => {
      expect(found.type).toBe(46)
      expect(found.embeds[0]?.type).toBe("poll_result")
      expect(found.messageReference).toMatchObject({ type: 0, messageId: "1199427341234567892" })
      expect("referencedMessage" in found).toBe(false)
    }),
  )

  it.effect("components V2, one of a kind that does not exist yet", () =>
    Effect.map(message("message-components"), ({ components, flags }) => {
      expect(MessageFlags.has(flags, MessageFlags.Flag.IsComponentsV2)).toBe(true)
      expect(components.map((component) => component.type)).toEqual([10, 14, 17, 12, 13, 1])
      expect(components[0]).toEqual({ type: 10, id: 1, content: "# Release 1.4" })
      expect(components[2]).toMatchObject({
        type: 17,
        spoiler: false,
        components: [
          {
            type: 9,
            components: [{ content: "A cat" }],
            accessory: { type: 11, media: { width: 64, contentType: "image/png" } },
          },
          {
            type: 1,
            components: [
              { style: 5, url: "https://example.com" },
              { style: 1, customId: "approve", disabled: false },
            ],
          },
          { type: "unknown", raw: { type: 99, id: 10, sparkle: { level: 7 } } },
        ],
      })
      expect("accentColor" in (components[2] ?? {})).toBe(false)
      expect(components[3]).toMatchObject({
        items: [{ description: "The cat again", spoiler: true }],
      })
      expect(components[4]).toMatchObject({
        name: "report.pdf",
        size: 2048,
        file: { attachmentId: "1157854643037163610" },
      })
      expect(components[5]).toMatchObject({
        components: [{ type: 3, customId: "size", options: [{ default: true }] }],
      })
    }),
  )

  it.effect("a forwarded message, whose snapshot may have next to nothing", () =>
    Effect.map(message("message-forwarded"), (found) => {
      expect(found.messageReference).toMatchObject({ type: 1, guildId: "197038439483310086" })
      expect(found.messageSnapshots?.[0]?.message).toMatchObject({
        type: 0,
        content: "the original",
        stickerItems: [{ name: "Wave", formatType: 3 }],
      })
      expect(found.messageSnapshots?.[1]?.message).toEqual({
        type: 0,
        content: "",
        mentions: [],
        mentionRoles: [],
        attachments: [],
        embeds: [],
        components: [],
        flags: 0,
      })
    }),
  )

  it.effect("the first message of a thread", () =>
    Effect.map(message("message-thread"), (found) => {
      expect(found.channelId).toBe(found.id)
      expect(found.thread).toMatchObject({
        name: "Release 1.4",
        parentId: "1012345678900020080",
        appliedTags: ["1102600212839804939"],
        threadMetadata: { archived: false, autoArchiveDuration: 4320 },
      })
      expect(found.reactions).toEqual([
        {
          emoji: { name: "🔥" },
          count: 2,
          countDetails: { burst: 0, normal: 2 },
          burstColors: [],
          me: false,
          meBurst: false,
        },
      ])
    }),
  )

  it.effect("a reply to a webhook's message, by an interaction", () =>
    Effect.map(message("message-reply"), (found) => {
      expect(found).toMatchObject({
        type: 19,
        nonce: 1199427341234,
        messageReference: { type: 0 },
        referencedMessage: { content: "hello", webhookId: "1075043298462896128" },
        interactionMetadata: { type: 2, name: "thank", user: { username: "ada" } },
        interaction: { name: "thank" },
        mentionChannels: [{ name: "news" }],
      })
    }),
  )

  it.effect("a webhook, whose token stays secret", () =>
    Effect.map(WebhookInfo.decode(read("responses/webhook")), (webhook) => {
      expect(webhook).toMatchObject({ type: 1, name: "Builds", guildId: "197038439483310086" })
      expect("user" in webhook || "applicationId" in webhook).toBe(false)
      expect(webhook.token && Redacted.value(webhook.token)).toMatch(/^a-secret-token/)
      expect(JSON.stringify(webhook)).not.toContain("secret")
      expect(inspect(webhook, { depth: 9 })).not.toContain("secret")
    }),
  )

  it.effect("a channel follower, without a name", () =>
    Effect.map(WebhookInfo.decode(read("responses/webhook-follower")), (webhook) => {
      expect(webhook).toMatchObject({
        type: 2,
        sourceGuild: { name: "Guildy name" },
        sourceChannel: { name: "announcements" },
        user: { username: "ada" },
      })
      expect("name" in webhook).toBe(false)
    }),
  )
})

describe("refusals", () => {
  const refusal = (name: string) =>
    Option.getOrThrow(DiscordApiBody.fromUnknown(read(`responses/${name}`)))

  it("a form with a tree of errors", () => {
    expect(refusal("error-form")).toEqual({
      omitted: 0,
      code: 50035,
      message: "Invalid Form Body",
      fields: [
        { path: "", code: "FORM_LEVEL", message: "Something about all of it" },
        {
          path: "embeds[0].author.iconUrl",
          code: "URL_TYPE_INVALID_SCHEME",
          message: `Scheme "ftp" is not supported. Scheme must be one of ('http', 'https').`,
        },
        {
          path: "embeds[0].fields[2].name",
          code: "BASE_TYPE_REQUIRED",
          message: "This field is required",
        },
        {
          path: "embeds[0].fields[2].name",
          code: "BASE_TYPE_BAD_LENGTH",
          message: "Must be between 1 and 256 in length.",
        },
        {
          path: "embeds",
          code: "MAX_EMBED_SIZE_EXCEEDED",
          message: "Embed size exceeds maximum size of 6000",
        },
        { path: "username", code: "40033", message: `Username cannot contain "discord"` },
      ],
    })
  })

  it("an unknown webhook", () => {
    expect(refusal("error-unknown-webhook")).toEqual({
      omitted: 0,
      code: 10015,
      message: "Unknown Webhook",
      fields: [],
    })
  })

  it("the form of old API versions", () => {
    expect(refusal("error-old-form")).toEqual({
      omitted: 0,
      code: 0,
      message: "Invalid Form Body",
      fields: [
        { path: "embeds[0]", message: "is refused" },
        { path: "avatarUrl", message: "Not a well formed URL." },
        { path: "avatarUrl", message: "Scheme must be http." },
      ],
    })
  })

  it("a rate limit", () => {
    expect(DiscordApiBody.rateLimitFromUnknown(read("responses/rate-limit"))).toEqual(
      Option.some({ message: "You are being rate limited.", retryAfter: 0.345, global: false }),
    )
    expect(
      DiscordApiBody.rateLimitFromUnknown(read("responses/rate-limit-slowmode")),
    ).toMatchObject(Option.some({ code: 20016, retryAfter: 21600.5 }))
  })

  it("a block at the edge, which is no rate limit", () => {
    const body = read("responses/rate-limit-block")
    expect(DiscordApiBody.rateLimitFromUnknown(body)).toEqual(Option.none())
    expect(DiscordApiBody.fromUnknown(body)).toMatchObject(Option.some({ code: 0, fields: [] }))
  })
})

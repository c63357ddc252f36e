import { assert, describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import {
  Component,
  Embed,
  Issue,
  Message,
  MessageCreate,
  MessageEdit,
  Poll,
  Snowflake,
} from "../../src/index.js"
import { runs } from "../support/laws.js"

type Json = Readonly<Record<string, unknown>>

const golden = (name: string): Json =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as Json

const decode = Schema.decodeUnknownSync(Message.Message)
const encoded = (message: MessageCreate.MessageCreate): Json =>
  Effect.runSync(MessageCreate.encode(message)) as object as Json
const encodedEdit = (edit: MessageEdit.MessageEdit): Json =>
  Effect.runSync(MessageEdit.encode(edit)) as object as Json

const issues = (message: MessageCreate.MessageCreate) =>
  Issue.fromParseError(Effect.runSync(Effect.flip(MessageCreate.encode(message))))

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What Discord adds to a picture or a file. */
const found = {
  proxy_url: "https://images-ext-1.discordapp.net/external/x",
  width: 64,
  height: 64,
  content_type: "image/png",
  placeholder: "KxgGDYJ3",
  placeholder_version: 1,
  flags: 0,
}

/** The response to a message that was sent, as Discord fills it in. */
function received(wire: Json): Json {
  return {
    ...wire,
    id: "1199427341234567891",
    channel_id: "1012345678900020080",
    author: { id: "1075043298462896128", username: "Builds", avatar: null },
    timestamp: "2026-01-31T12:00:00.000000+00:00",
    edited_timestamp: null,
    mentions: [],
    attachments: [],
    webhook_id: "1075043298462896128",
    embeds: listOf(wire["embeds"]).map(receivedEmbed),
    components: listOf(wire["components"]).map(receivedComponent()),
    ...(isRecord(wire["poll"]) ? { poll: receivedPoll(wire["poll"]) } : {}),
  }
}

function listOf(value: unknown): ReadonlyArray<Json> {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function receivedEmbed(embed: Json): Json {
  const added: Record<string, unknown> = { type: "rich", flags: 0, content_scan_version: 0 }
  for (const key of ["image", "thumbnail"]) {
    if (isRecord(embed[key])) added[key] = { ...embed[key], ...found }
  }
  for (const key of ["author", "footer"]) {
    if (isRecord(embed[key])) added[key] = { ...embed[key], proxy_icon_url: found.proxy_url }
  }
  return { ...embed, ...added }
}

function receivedComponent(): (component: Json) => Json {
  let next = 1_000_000
  const add = (component: Json): Json => {
    const { accessory, components, file, id, items, media } = component
    const type = component["type"]
    return {
      ...component,
      id: typeof id === "number" && id !== 0 ? id : next++,
      ...(components === undefined ? {} : { components: listOf(components).map(add) }),
      ...(isRecord(accessory) ? { accessory: add(accessory) } : {}),
      ...(isRecord(media) ? { media: { ...media, ...found } } : {}),
      ...(items === undefined
        ? {}
        : {
            items: listOf(items).map((one) => ({
              ...one,
              media: { ...Object(one["media"]), ...found },
            })),
          }),
      ...(type === 13 && isRecord(file) ? receivedFile(String(file["url"])) : {}),
    }
  }
  return add
}

function receivedFile(url: string): Json {
  const name = url.slice("attachment://".length)
  return {
    name,
    size: 11,
    file: { url: `https://cdn.discordapp.com/attachments/1/2/${name}?ex=1`, ...found },
  }
}

function receivedPoll({ duration, ...poll }: Json): Json {
  const expiry = DateTime.add(DateTime.unsafeMake("2026-01-31T12:00:00Z"), {
    hours: typeof duration === "number" ? duration : 24,
  })
  return {
    ...poll,
    expiry: DateTime.formatIso(expiry),
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [{ id: 1, count: 2, me_voted: false }] },
    answers: listOf(poll["answers"]).map((answer, index) => ({
      answer_id: index + 1,
      poll_media: receivedAnswer(Object(answer["poll_media"])),
    })),
  }
}

function receivedAnswer({ emoji, ...media }: Json): Json {
  return isRecord(emoji)
    ? { ...media, emoji: { id: null, name: "custom", animated: false, ...emoji } }
    : media
}

/** Paths of `before` whose value is another in `after`, or that it lacks; empty text and `false` are defaults. */
function lost(before: unknown, after: unknown, path = ""): ReadonlyArray<string> {
  if (Array.isArray(before)) {
    return before.flatMap((item, index) =>
      lost(item, Reflect.get(Object(after), index), `${path}[]`),
    )
  }
  if ((before === "" || before === false) && after === undefined) return []
  if (!isRecord(before)) return Object.is(before, after) ? [] : [path]
  return Object.entries(before).flatMap(([key, inner]) =>
    lost(inner, Reflect.get(Object(after), key), path === "" ? key : `${path}.${key}`),
  )
}

/** What `Message.toCreate` documents as omitted; for a component's id 0 Discord chooses one. */
const leftOut =
  /^(username|avatar_url|allowed_mentions|attachments|thread_name|applied_tags)\b|\.id$|^flags$|^poll\.duration$/

describe("a message that was received", () => {
  it("can be sent again, and has all that was sent before", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(MessageCreate.MessageCreate), (message) => {
        const wire = JSON.parse(JSON.stringify(encoded(message))) as Json
        const first = decode(received(wire))
        const again = encoded(Message.toCreate(first))
        const missing = lost(wire, JSON.parse(JSON.stringify(again)))
        expect(missing.filter((path) => !leftOut.test(path))).toEqual([])
        expect(again["flags"] ?? 0).toBe(wire["flags"] ?? 0)
        // From here on nothing changes any more.
        expect(encoded(Message.toCreate(decode(received(again))))).toEqual(again)
        expect(encodedEdit(Message.toEdit(first))).toMatchObject({
          content: wire["content"] === undefined || wire["content"] === "" ? null : wire["content"],
        })
      }),
      { numRuns: runs(300) },
    )
  })

  it("is rejected for its values only, for any received message", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(Message.Message), (generated) => {
        const embeds = generated.embeds.map((embed) => ({ ...embed, type: "rich" }))
        const message = { ...generated, embeds }
        const create = Effect.either(MessageCreate.encode(Message.toCreate(message)))
        const edit = Effect.either(MessageEdit.encode(Message.toEdit(message)))
        for (const result of [Effect.runSync(create), Effect.runSync(edit)]) {
          const rejected = result._tag === "Left" ? Issue.fromParseError(result.left) : []
          expect(rejected.filter(({ message: text }) => /known field|expected/.test(text))).toEqual(
            [],
          )
        }
      }),
      { numRuns: runs(300) },
    )
  })
})

const fullEmbeds = decode(golden("responses/message-embeds"))
const fullComponents = decode(golden("responses/message-components"))
const fullPoll = decode(golden("responses/message-poll"))
const forward = decode(golden("responses/message-forwarded"))

/** Lines that people write; that they compile is half of the test. */
describe("a natural line", () => {
  const { components } = fullComponents
  const { embeds } = fullEmbeds
  const { poll } = fullPoll
  const [first = { type: "rich", fields: [] }] = embeds
  const [snapshot] = forward.messageSnapshots ?? []
  const sends: Readonly<Record<string, MessageCreate.MessageCreate>> = {
    embeds: { embeds },
    "one embed": { embeds: [first] },
    "an embed with another title": { embeds: [{ ...first, title: "changed" }] },
    "an embed through a combinator": { embeds: [Embed.title(first, "changed")] },
    "an embed and one more": { embeds: [...embeds, { title: "more" }] },
    components: { components },
    "components and one more": { components: [...components, Component.text("more")] },
    "a component in a container": {
      components: [Component.container([Component.text("more"), ...listOfText(components)])],
    },
    poll: poll === undefined ? {} : { poll },
    "a poll that lasts longer": poll === undefined ? {} : { poll: { ...poll, duration: 48 } },
    snapshot: snapshot === undefined ? {} : Message.toCreate(snapshot.message),
    content: { content: fullEmbeds.content, embeds, tts: fullEmbeds.tts },
    copy: Message.toCreate(fullEmbeds),
  }
  const edits: Readonly<Record<string, MessageEdit.MessageEdit>> = {
    "all of it": Message.toEdit(fullEmbeds),
    "with other content": { ...Message.toEdit(fullEmbeds), content: "changed" },
    embeds: { embeds: embeds.map((embed) => ({ ...embed, color: 1 })) },
    components: { components },
    attachments: { attachments: fullEmbeds.attachments },
  }

  for (const [name, message] of Object.entries(sends)) {
    it(`sends: ${name}`, () => {
      expect(Object.keys(encoded(message)).length).toBeGreaterThan(0)
    })
  }

  for (const [name, edit] of Object.entries(edits)) {
    it(`edits: ${name}`, () => {
      expect(Object.keys(encodedEdit(edit)).length).toBeGreaterThan(0)
    })
  }
})

function listOfText(components: ReadonlyArray<Component.Component>) {
  return components.flatMap((one) => (one.type === Component.Type.TextDisplay ? [one] : []))
}

describe("what is sent of a received message", () => {
  it("is all of it that Discord takes: embeds", () => {
    expect(encoded(Message.toCreate(fullEmbeds))).toEqual(golden("requests/copy-embeds"))
  })

  it("is all of it that Discord takes: components", () => {
    expect(encoded(Message.toCreate(fullComponents))).toEqual(golden("requests/copy-components"))
  })

  it("is a poll with its duration, and without votes", () => {
    expect(encoded(Message.toCreate(fullPoll))["poll"]).toEqual(golden("requests/copy-poll"))
  })

  it("is what a forward forwarded", () => {
    const content = forward.messageSnapshots?.[0]?.message.content
    expect(content).not.toBe("")
    expect(Message.toCreate(forward)).toMatchObject({ content })
  })

  it("has no previews of links, unless an embed is made of one", () => {
    const preview: Embed.Embed = { type: "link", title: "A page", fields: [] }
    expect(encoded({ content: "a", embeds: [preview] })).toEqual({ content: "a", embeds: [] })
    expect(MessageCreate.isEmpty({ embeds: [preview] })).toBe(true)
    expect(encoded({ embeds: [Embed.fromReceived(preview)] })).toEqual({
      embeds: [{ title: "A page", fields: [] }],
    })
  })

  it("is rejected at the place where the caller wrote it, for a typo too", () => {
    const preview: Embed.Embed = { type: "link", fields: [] }
    const tooLong: Embed.Embed = { type: "rich", title: "x".repeat(257), fields: [] }
    expect(issues({ embeds: [preview, tooLong] })).toEqual([
      { path: "embeds[1].title", message: "at most 256 code points, got 257" },
    ])
    const typo = { ...tooLong, title: "a", titel: "b" }
    expect(issues({ embeds: [typo] })).toEqual([
      { path: "embeds[0].titel", message: "is not a known field: did you mean title?" },
    ])
  })

  it("preserves a component that this version does not decode", () => {
    const next = { type: 99, id: 1, wobble: [true] }
    const { components } = decode({ ...golden("responses/message"), components: [next] })
    expect(encoded({ components })).toMatchObject({ components: [next] })
    expect(encoded({ components: [Component.raw(next)] })).toMatchObject({ components: [next] })
  })

  it("is a poll of 24 hours when it stands alone, and of its duration with its start", () => {
    const { poll } = fullPoll
    assert(poll)
    expect(Poll.fromReceived(poll)).not.toHaveProperty("duration")
    const start = DateTime.subtract(poll.expiry ?? fullPoll.timestamp, { hours: 5 })
    expect(Poll.fromReceived(poll, { start }).duration).toBe(5)
  })
})

describe("the edit of a received message", () => {
  const { channel_id: channel, id } = golden("responses/message")
  const cdn = (channelId: unknown, fileId: unknown) =>
    `https://cdn.discordapp.com/attachments/${String(channelId)}/${String(fileId)}/chart.png?ex=1`
  const shows = (url: string) => {
    const message = decode({
      ...golden("responses/message"),
      // An id carries its moment: that of the message.
      timestamp: DateTime.formatIso(Snowflake.timestamp(String(id))),
      embeds: [{ type: "rich", url, image: { url }, footer: { text: "a", icon_url: url } }],
      components: [{ type: 12, items: [{ media: { url } }] }],
    })
    return Message.toEdit(message)
  }

  it("names its own files again, where a picture shows them", () => {
    expect(shows(cdn(channel, id))).toMatchObject({
      embeds: [
        {
          url: cdn(channel, id),
          image: { url: "attachment://chart.png" },
          footer: { iconUrl: "attachment://chart.png" },
        },
      ],
      components: [{ items: [{ media: { url: "attachment://chart.png" } }] }],
    })
  })

  it("leaves pictures of other channels and other messages as they are", () => {
    for (const url of [cdn("1", id), cdn(channel, "1"), "https://example.com/chart.png"]) {
      expect(shows(url)).toMatchObject({ embeds: [{ image: { url } }] })
    }
  })

  it("repeats the mentions, sends all flags, and clears what is empty", () => {
    const message = decode({
      ...golden("responses/message"),
      content: "",
      embeds: [],
      flags: 36,
      mention_everyone: true,
      mentions: [{ id: "1" }, { id: "1" }],
      mention_roles: ["2"],
    })
    expect(encodedEdit(Message.toEdit(message))).toEqual({
      content: null,
      embeds: [],
      components: [],
      attachments: [
        { id: "1157854643037163610", description: "A cat" },
        { id: "1157854643037163611" },
      ],
      flags: 36,
      allowed_mentions: { parse: ["everyone"], users: ["1"], roles: ["2"] },
    })
  })

  it("leaves embeds alone when all of them are previews", () => {
    const embeds = [{ type: "link", title: "A page" }]
    const message = decode({ ...golden("responses/message"), embeds })
    expect(Message.toEdit(message)).not.toHaveProperty("embeds")
  })
})

describe("a received embed without content", () => {
  it.each([{}, { type: "rich" }, { title: "", fields: [] }])("is omitted: %j", (embed) => {
    const message = decode({ ...received({ content: "hi" }), embeds: [embed, { title: "kept" }] })
    for (const wire of [encoded(Message.toCreate(message)), encodedEdit(Message.toEdit(message))]) {
      expect(listOf(wire["embeds"])).toMatchObject([{ title: "kept" }])
    }
    expect(encoded({ content: "hi", embeds: message.embeds })["embeds"]).toHaveLength(1)
  })
})

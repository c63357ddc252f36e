/**
 * What Discord accepts and rejects beyond its documentation, each with the public source that reports
 * it. The SDK and the simulator share no code, so each fact is written for both: as the message of a
 * user, and as the JSON on the wire.
 */
import type { Webhook } from "../../src/index.js"
import { FileUpload } from "../../src/index.js"

export interface Fact {
  readonly fact: string
  readonly source: string
  readonly message: Webhook.MessageInput
  readonly wire: Readonly<Record<string, unknown>>
  readonly files?: ReadonlyArray<File>
  /** Where the message is wrong for the SDK; absent when Discord accepts it. */
  readonly path?: string
  /** What the simulator responds: where and why, or its JSON error code, or "without a picture". */
  readonly rejection?: string | number
}

const dotless = "bugsink/bugsink#280, KocproZ/jenkins-discord#6"
const emptyFields = "discordjs/discord.js#10744, hikari-py/hikari#2105"
const references = "discord-api-docs#2102, bwmarrin/discordgo#810, discordjs/discord.js#7253"
const empty = "discord-api-docs: Execute Webhook, JSON error 50006"
const invalidUrl = "URL_TYPE_INVALID_URL"

const png = new File(["png"], "a chart.png", { type: "image/png" })
const chart = FileUpload.fromText("a chart.png", "png")
const voice = "discord-api-docs: Voice Messages; kordlib/kord#963, Pycord-Development/pycord#2571"
const ogg = new File(["ogg"], "voice.ogg", { type: "audio/ogg" })
const waveform = FileUpload.waveform([0, 0.5, 1])
const spoken = FileUpload.fromText("voice.ogg", "ogg", {
  contentType: "audio/ogg",
  durationSecs: 1.5,
  waveform,
})
const sound = [{ id: "0", duration_secs: 1.5, waveform: "AID/" }]
const flags = 1 << 13
const text = { type: 10, content: "text" } as const

export const facts: ReadonlyArray<Fact> = [
  {
    fact: "the name and the value of a field may be empty",
    source: emptyFields,
    message: { embeds: [{ fields: [{ name: "", value: "" }] }] },
    wire: { embeds: [{ fields: [{ name: "", value: "" }] }] },
  },
  ...["http://bugsink:8000", "https://localhost/a", "http://user@host/a.b"].map((url): Fact => ({
    fact: `the host of an embed's URL needs a dot: ${url}`,
    source: dotless,
    message: { embeds: [{ title: "a", url }] },
    wire: { embeds: [{ title: "a", url }] },
    path: "embeds[0].url",
    rejection: `embeds.0.url ${invalidUrl}`,
  })),
  {
    fact: "the host of an embed's picture needs a dot",
    source: dotless,
    message: { embeds: [{ image: { url: "http://grafana:3000/a.png" } }] },
    wire: { embeds: [{ image: { url: "http://grafana:3000/a.png" } }] },
    path: "embeds[0].image.url",
    rejection: `embeds.0.image.url ${invalidUrl}`,
  },
  ...["http://127.0.0.1:8000", "http://[::1]/", "https://a.example?b=c"].map((url): Fact => ({
    fact: `an address of numbers, or a domain, is a host: ${url}`,
    source: dotless,
    message: { embeds: [{ title: "a", url }] },
    wire: { embeds: [{ title: "a", url }] },
  })),
  ...["https://a.example/b c", "https://a.example/b\n", "https://a.example/\tb"].map(
    (url): Fact => ({
      fact: `a URL has no blanks and line ends: ${JSON.stringify(url)}`,
      source: "discord-api-docs: error code URL_TYPE_INVALID_URL",
      message: { embeds: [{ title: "a", url }] },
      wire: { embeds: [{ title: "a", url }] },
      path: "embeds[0].url",
      rejection: `embeds.0.url ${invalidUrl}`,
    }),
  ),
  ...["here", "everyone", " here "].map((username): Fact => ({
    fact: `a username is not ${JSON.stringify(username)}`,
    source: "MinnDevelopment/discord-webhooks#100",
    message: { content: "a", username },
    wire: { content: "a", username },
    path: "username",
    rejection: "username USERNAME_INVALID",
  })),
  ...["Discord news", "my CLYDE"].map((username): Fact => ({
    fact: `a username does not contain "clyde" or "discord": ${username}`,
    source: "discord-relay-chat/drc#6, python-discord/bot#1009",
    message: { content: "a", username },
    wire: { content: "a", username },
    path: "username",
    rejection: "username USERNAME_INVALID_CONTAINS",
  })),
  ...["@here", "a#b: ```", "hereby"].map((username): Fact => ({
    fact: `a username may be ${username}`,
    source: "discord-api-docs#4293",
    message: { content: "a", username },
    wire: { content: "a", username },
  })),
  ...[" ", "\n\t", "\u3000"].map((content): Fact => ({
    fact: `content of white space is no content: ${JSON.stringify(content)}`,
    source: empty,
    message: { content },
    wire: { content },
    path: "",
    rejection: 50006,
  })),
  {
    fact: "content of a zero-width space is content",
    source: empty,
    message: { content: "\u200b" },
    wire: { content: "\u200b" },
  },
  ...[{}, { title: " " }, { fields: [] }].map((embed): Fact => ({
    fact: `an embed is not empty: ${JSON.stringify(embed)}`,
    source: "discord-api-docs: error code BASE_TYPE_REQUIRED",
    message: { embeds: [{ title: "a" }, embed] },
    wire: { embeds: [{ title: "a" }, embed] },
    path: "embeds[1]",
    rejection: "embeds.1.description BASE_TYPE_REQUIRED",
  })),
  {
    fact: "a file's blanks become underscores, and attachment:// names the new name",
    source: references,
    message: { embeds: [{ image: { url: "attachment://a_chart.png" } }], files: [chart] },
    wire: { embeds: [{ image: { url: "attachment://a_chart.png" } }] },
    files: [png],
  },
  ...["a chart.png", "a%20chart.png", "A_chart.png", "other.png"].map((name): Fact => ({
    fact: `attachment://${name} does not name a chart.png`,
    source: references,
    message: { embeds: [{ image: { url: `attachment://${name}` } }], files: [chart] },
    wire: { embeds: [{ image: { url: `attachment://${name}` } }] },
    files: [png],
    path: "embeds[0].image.url",
    rejection: "without a picture",
  })),
  {
    fact: "a voice message is an audio file with duration and waveform",
    source: voice,
    message: { flags: ["IsVoiceMessage"], files: [spoken] },
    wire: { flags, attachments: sound },
    files: [ogg],
  },
  {
    fact: "a voice message has no content",
    source: voice,
    message: { flags: ["IsVoiceMessage"], content: "a", files: [spoken] },
    wire: { flags, content: "a", attachments: sound },
    files: [ogg],
    path: "content",
    rejection: 50159,
  },
  {
    fact: "a voice message has one file",
    source: voice,
    message: { flags: ["IsVoiceMessage"], files: [spoken, chart] },
    wire: { flags, attachments: sound },
    files: [ogg, png],
    path: "files",
    rejection: 50160,
  },
  {
    fact: "the file of a voice message is of sound",
    source: voice,
    message: {
      flags: ["IsVoiceMessage"],
      files: [FileUpload.fromText("a.png", "png", { durationSecs: 1.5, waveform })],
    },
    wire: { flags, attachments: sound },
    files: [png],
    path: "files[0].contentType",
    rejection: 50160,
  },
  {
    fact: "the file of a voice message has a waveform",
    source: voice,
    message: {
      flags: ["IsVoiceMessage"],
      files: [
        FileUpload.fromText("voice.ogg", "ogg", { contentType: "audio/ogg", durationSecs: 1.5 }),
      ],
    },
    wire: { flags, attachments: [{ id: "0", duration_secs: 1.5 }] },
    files: [ogg],
    path: "files[0].waveform",
    rejection: 50161,
  },
  {
    fact: "a component shows files of the message only",
    source: "discord-api-docs: Component Reference, File",
    message: {
      components: [text, { type: 13, file: { url: "attachment://b.txt" } }],
      files: [chart],
    },
    wire: {
      flags: 1 << 15,
      components: [text, { type: 13, file: { url: "attachment://b.txt" } }],
    },
    files: [png],
    path: "components[1].file.url",
    rejection: "components.1.file.url UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
  },
]

import { pixel } from "./files.js"

const v2 = 1 << 15
const png = "https://a.b/c.png"
const note = new File(["ahoy"], "a.txt", { type: "text/plain" })
const picture = new File([pixel], "SPOILER_a.gif", { type: "image/gif" })

const fullEmbed = {
  title: "t",
  description: "d",
  url: "https://a.b",
  timestamp: "2026-01-02T03:04:05.678+02:00",
  color: 0x5865f2,
  footer: { text: "f", icon_url: png },
  image: { url: png },
  thumbnail: { url: png },
  author: { name: "n", url: "https://a.b", icon_url: png },
  fields: [
    { name: "n", value: "v" },
    { name: "n", value: "v", inline: true },
  ],
}

const options = [{ label: "l", value: "v", description: "d", emoji: { name: "🔥" } }]

const rows = [
  {
    type: 1,
    components: [
      {
        type: 2,
        style: 1,
        custom_id: "a",
        label: "l",
        emoji: { id: "1", name: "n", animated: true },
      },
      { type: 2, style: 5, url: "https://a.b", label: "l", disabled: true },
      { type: 2, style: 6, sku_id: "2" },
    ],
  },
  { type: 1, components: [{ type: 3, custom_id: "b", options, placeholder: "p" }] },
  { type: 1, components: [{ type: 5, custom_id: "c" }] },
  { type: 1, components: [{ type: 8, custom_id: "d", channel_types: [0] }] },
]

const layout = [
  { type: 10, content: "t" },
  { type: 14 },
  {
    type: 17,
    accent_color: 1,
    components: [
      {
        type: 9,
        components: [{ type: 10, content: "t" }],
        accessory: { type: 11, media: { url: png } },
      },
      { type: 12, items: [{ media: { url: png }, description: "alt" }] },
      { type: 13, file: { url: "attachment://a.txt" } },
      rows[0],
    ],
  },
]

/** A body and its files. */
export type Body = readonly [name: string, body: object, ...files: ReadonlyArray<File>]

/** Bodies that together use every field of a message. */
export const bodies: ReadonlyArray<Body> = [
  ["content", { content: "<@1> <@&2> @here", allowed_mentions: { parse: ["everyone", "roles"] } }],
  ["an identity", { content: "a", username: "u", avatar_url: png, tts: true, flags: 4 }],
  ["embeds", { embeds: [fullEmbed, { title: "t" }] }],
  ["components", { content: "a", components: rows }],
  ["Components V2", { flags: v2, components: layout }, note],
  [
    "files",
    {
      embeds: [{ image: { url: "attachment://SPOILER_a.gif" } }],
      attachments: [{ id: "0", description: "alt", title: "t" }],
    },
    note,
    picture,
    picture,
  ],
  [
    "a poll",
    {
      poll: {
        question: { text: "q" },
        answers: [{ poll_media: { text: "a", emoji: { id: null, name: "🔥" } } }],
        allow_multiselect: true,
      },
    },
  ],
]

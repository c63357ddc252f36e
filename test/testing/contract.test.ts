import { expect } from "@effect/vitest"
import { Effect } from "effect"
import { Fault } from "../../src/testing/index.js"
import { pixel } from "./files.js"
import { bent, objections, oracle } from "./oracle.js"
import {
  editMessage,
  getMessage,
  getWebhook,
  modifyWebhook,
  raw,
  send,
  withFiles,
} from "./request.js"
import { story } from "./story.js"

const free = {
  limits: { execute: "none", getMessage: "none", getWebhook: "none" },
  globalLimit: "none",
} as const
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

/** Bodies that between them use everything a webhook can say. */
const messages: ReadonlyArray<readonly [name: string, body: object]> = [
  ["content", { content: "<@1> <@&2> @here", allowed_mentions: { parse: ["everyone", "roles"] } }],
  ["an identity", { content: "a", username: "u", avatar_url: png, tts: true, flags: 4 }],
  ["embeds", { embeds: [fullEmbed, { title: "t" }] }],
  ["components", { content: "a", components: rows }],
  ["Components V2", withFiles({ flags: v2, components: layout }, note)],
  [
    "files",
    withFiles(
      {
        embeds: [{ image: { url: "attachment://SPOILER_a.gif" } }],
        attachments: [{ id: "0", description: "alt", title: "t" }],
      },
      note,
      picture,
      picture,
    ),
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

story("every message the simulator answers is one of Discord's", free, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ applicationOwned: true })
    const thread = yield* simulator.createThread(hook)
    for (const [name, body] of messages) {
      for (const query of [{}, { thread_id: thread.id }]) {
        const sent = yield* send(hook, body, query)
        expect([name, sent.status]).toEqual([name, 200])
        const read = yield* getMessage(hook, sent.body.id, query)
        const edited = yield* editMessage(hook, sent.body.id, { flags: 4 }, query)
        for (const answer of [sent, read, edited]) {
          const found = objections(oracle.MessageResponseSchema, bent(answer.body))
          expect([name, answer.status, found]).toEqual([name, 200, []])
        }
      }
    }
  }),
)

story("every webhook the simulator answers is one of Discord's", free, (simulator) =>
  Effect.gen(function* () {
    const avatar = "data:image/gif;base64,aGk="
    const plain = yield* simulator.createWebhook()
    const owned = yield* simulator.createWebhook({ applicationOwned: true })
    for (const [hook, schema] of [
      [plain, oracle.GuildIncomingWebhookResponseSchema],
      [owned, oracle.ApplicationIncomingWebhookResponseSchema],
    ] as const) {
      for (const request of [getWebhook(hook), modifyWebhook(hook, { avatar })]) {
        expect(objections(schema, bent((yield* request).body))).toEqual([])
      }
    }
  }),
)

story("every error the simulator answers has Discord's form", { globalLimit: 10 }, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const answers = [
      yield* send(hook, {}),
      yield* send(hook, { content: "x".repeat(2001), embeds: [{ title: 1 }] }),
      yield* send({ ...hook, token: "wrong" }),
      yield* getMessage(hook, "1"),
      yield* raw("GET", "/api/v10/nowhere"),
      yield* raw("POST", `/api/v10/webhooks/${hook.id}/${hook.token}`, { body: "{" }),
    ]
    for (const { body } of answers) {
      expect(objections(oracle.ErrorResponseSchema, bent(body))).toEqual([])
    }
    yield* simulator.limitShared(hook, { retryAfter: "1 second" })
    const limited = [yield* send(hook), yield* send(hook), yield* send(hook), yield* send(hook)]
    limited.push(yield* send(hook))
    expect(limited.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429])
    for (const { body } of limited) {
      expect(objections(oracle.RatelimitedResponseSchema, bent(body))).toEqual([])
    }
  }),
)

story("the oracle objects to what is not Discord's", free, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    yield* simulator.inject(
      Fault.alter((response) => ({ ...response, body: response.body.replace("channel_id", "c") })),
    )
    const { body } = yield* send(hook)
    expect(objections(oracle.MessageResponseSchema, bent(body))).not.toEqual([])
  }),
)

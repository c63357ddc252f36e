import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { Message, Strategy, Webhook } from "../../src/index.js"
import { network, recordingLimiter, withHook } from "../rest/network.js"

const json: unknown = JSON.parse(
  readFileSync(new URL("../golden/responses/message.json", import.meta.url), "utf8"),
)
const message = Schema.decodeUnknownSync(Message.Message)({
  ...Object(json),
  content: "hello",
  embeds: [{ type: "rich", title: "a" }],
  attachments: [{ id: "7", filename: "a.txt", description: "old" }, { id: "8" }],
  flags: 4,
})

/** The JSON that an operation sends. */
const bodyOf = (operation: (hook: Webhook.Webhook) => Webhook.Operation<unknown>) =>
  Effect.gen(function* () {
    const net = network({ answer: 200, body: json })
    yield* withHook(operation).pipe(
      Effect.provide(Layer.mergeAll(net.layer, recordingLimiter().layer, Strategy.layerReactive)),
    )
    return net.sent[0]?.body
  })

const sent = (changes: Webhook.MessageInput) =>
  bodyOf((hook) => Webhook.send(hook, { ...message, ...changes }))

const edited = (changes: Webhook.EditInput) =>
  bodyOf((hook) => Webhook.editMessage(hook, "7", { ...message, ...changes }))

/** Each line changes one field of a message as it was received. */
describe("a whole message that was received", () => {
  it.effect("is sent with what a program added, cleared or changed", () =>
    Effect.gen(function* () {
      expect(yield* sent({ username: "Mirror" })).toMatchObject({
        content: "hello",
        username: "Mirror",
      })
      expect(yield* sent({ content: "new" })).toMatchObject({
        content: "new",
        embeds: [{ title: "a" }],
      })
      expect(yield* sent({ flags: ["SuppressNotifications"] })).toMatchObject({ flags: 1 << 12 })
      const withoutEmbeds = yield* sent({ embeds: undefined })
      expect(withoutEmbeds).toMatchObject({ content: "hello" })
      expect(withoutEmbeds).not.toHaveProperty("embeds")
      expect(yield* sent({ poll: undefined })).not.toHaveProperty("poll")
      expect(yield* sent({})).not.toHaveProperty("attachments")
    }),
  )

  it.effect("is edited with what a program cleared or changed", () =>
    Effect.gen(function* () {
      expect(yield* edited({ content: null })).toMatchObject({
        content: null,
        embeds: [{ title: "a" }],
      })
      expect(yield* edited({ embeds: null })).toMatchObject({ content: "hello", embeds: null })
      expect(yield* edited({ embeds: [] })).toMatchObject({ embeds: [] })
      expect(yield* edited({ flags: [] })).toMatchObject({ flags: 0 })
      const attachments = message.attachments.slice(0, 1)
      expect(yield* edited({ attachments })).toHaveProperty("attachments", [
        { id: "7", description: "old" },
      ])
      expect(yield* edited({ files: [{ id: "8" }] })).toMatchObject({ attachments: [{ id: "8" }] })
    }),
  )

  it.effect("lists no files where it shows one, since the list would be short of it", () =>
    Effect.gen(function* () {
      const url = `https://cdn.discordapp.com/attachments/${message.channelId}/9/a.png`
      const embeds = [{ type: "rich", fields: [], image: { url } }]
      expect(yield* edited({ embeds })).not.toHaveProperty("attachments")
    }),
  )

  it.effect("with a typo is rejected for it", () =>
    Effect.gen(function* () {
      const typo = { contnt: "new" }
      expect(yield* Effect.either(sent(typo as Webhook.MessageInput))).toMatchObject({
        left: { _tag: "WebhookValidationError", issues: [{ path: "contnt" }] },
      })
    }),
  )

  it.effect("that untyped code has broken is left for the Schema to reject", () =>
    Effect.gen(function* () {
      for (const [path, broken] of [
        ["embeds", { embeds: {} }],
        ["components", { components: 5 }],
        ["timestamp", { timestamp: "now" }],
      ] as const) {
        const result = yield* Effect.either(sent(broken as unknown as Webhook.MessageInput))
        expect(result).toMatchObject({ left: { _tag: "WebhookValidationError" } })
        expect(result).toHaveProperty(
          "left.issues",
          expect.arrayContaining([expect.objectContaining({ path })]),
        )
      }
    }),
  )
})

/** Against real Discord, only when `DISCORD_WEBHOOK_URL` is set. Leaves nothing behind. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"

const isSet = process.env["DISCORD_WEBHOOK_URL"] !== undefined

const embed = {
  title: "effect-discord",
  description: "A live test; this message deletes itself.",
  color: 0x5865f2,
  fields: [{ name: "name", value: "value", inline: true }],
}

describe.skipIf(!isSet)("real Discord", () => {
  it.live(
    "sends, edits, reads and deletes a message",
    () =>
      Effect.gen(function* () {
        const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
        expect((yield* Webhook.get(hook)).id).toBe(hook.id)
        const { id } = yield* Webhook.send(hook, { content: "live", embeds: [embed] })
        yield* Effect.gen(function* () {
          const edited = yield* Webhook.editMessage(hook, id, { content: "live, edited" })
          expect(edited).toMatchObject({ id, content: "live, edited", embeds: [embed] })
          const read = yield* Webhook.getMessage(hook, id)
          expect(read).toMatchObject({ id, content: "live, edited", webhookId: hook.id })
        }).pipe(Effect.ensuring(Effect.orDie(Webhook.deleteMessage(hook, id))))
        const gone = yield* Effect.flip(Webhook.getMessage(hook, id))
        expect(gone._tag).toBe("WebhookMessageNotFound")
      }).pipe(Effect.provide(NodeDiscord.layer)),
    60_000,
  )

  it.live(
    "sends a burst in order, without a lost message",
    () =>
      Effect.gen(function* () {
        const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
        const texts = Array.from({ length: 8 }, (_, index) => `live burst ${index + 1}`)
        const sent = yield* Effect.forEach(texts, (content) => Webhook.send(hook, { content }), {
          concurrency: "unbounded",
        })
        yield* Effect.forEach(sent, ({ id }) => Webhook.deleteMessage(hook, id), { discard: true })
        const ids = sent.map(({ id }) => BigInt(id))
        expect(ids.every((id, index) => index === 0 || id > ids[index - 1]!)).toBe(true)
        expect(sent.map(({ content }) => content)).toEqual(texts)
      }).pipe(Effect.provide(NodeDiscord.layer)),
    120_000,
  )
})

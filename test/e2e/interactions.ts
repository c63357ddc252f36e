/** Responses to interactions, over any transport. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  Component,
  FileUpload,
  InteractionWebhook,
  MessageFlags,
  RateLimiter,
} from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { Transport, TestEnvironment } from "./environment.js"

interface Harness {
  readonly discord: DiscordSimulator.Service
  readonly made: DiscordSimulator.SimulatedInteraction
  readonly interaction: InteractionWebhook.InteractionWebhook
}

export const interactions = (transport: Transport): void => {
  const story = <E>(
    name: string,
    options: DiscordSimulator.InteractionOptions,
    test: (harness: Harness) => Effect.Effect<void, E, TestEnvironment>,
  ): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const made = yield* discord.createInteraction(options)
        const interaction = yield* InteractionWebhook.make(made)
        yield* test({ discord, made, interaction })
      }).pipe(Effect.provide(transport({}))),
    )

  describe("interactions", () => {
    story(
      "a deferred response is read, filled in with a file, and deleted",
      {},
      ({ interaction }) =>
        Effect.gen(function* () {
          const before = yield* InteractionWebhook.getMessage(interaction, "@original")
          expect(MessageFlags.has(before.flags, MessageFlags.Flag.Loading)).toBe(true)
          const after = yield* InteractionWebhook.editMessage(interaction, "@original", {
            content: "done",
            files: [FileUpload.fromText("a.txt", "hello")],
          })
          expect(after).toMatchObject({
            id: before.id,
            content: "done",
            flags: 0,
            attachments: [{ filename: "a.txt", size: 5 }],
          })
          yield* InteractionWebhook.deleteMessage(interaction, "@original")
          const gone = InteractionWebhook.getMessage(interaction, "@original")
          expect(yield* Effect.flip(gone)).toMatchObject({
            _tag: "WebhookMessageNotFound",
            code: 10008,
          })
        }),
    )

    story(
      "follow-ups are sent, ephemeral or not, edited and deleted",
      { response: {} },
      (harness) =>
        Effect.gen(function* () {
          const { discord, interaction, made } = harness
          const components = [
            Component.actionRow(Component.button("again", "primary", { label: "Again" })),
          ]
          const sent = yield* InteractionWebhook.send(interaction, { content: "one", components })
          const secret = yield* InteractionWebhook.send(interaction, {
            content: "two",
            flags: ["Ephemeral"],
            files: [FileUpload.fromText("b.txt", "b")],
          })
          expect(MessageFlags.names(secret.flags)).toEqual(["Ephemeral"])
          const edited = yield* InteractionWebhook.editMessage(interaction, sent.id, {
            content: "edited",
          })
          expect(yield* InteractionWebhook.getMessage(interaction, sent.id)).toEqual(edited)
          expect(edited.components).toMatchObject(components)
          yield* InteractionWebhook.deleteMessage(interaction, secret.id)
          expect(yield* discord.messages(made)).toMatchObject([{ type: 20 }, { content: "edited" }])
          const traffic = yield* discord.traffic
          // Application-owned: Discord honours the components without being asked to.
          expect(traffic.map(({ query }) => query)).toEqual([
            { wait: "true" },
            { wait: "true" },
            {},
            {},
            {},
          ])
        }),
    )

    story(
      "too early is not the end; a token that is not valid is",
      { response: "none" },
      (harness) =>
        Effect.gen(function* () {
          const { discord, interaction, made } = harness
          const early = yield* Effect.flip(InteractionWebhook.send(interaction, { content: "x" }))
          expect(early).toMatchObject({
            _tag: "WebhookInteractionError",
            reason: "notResponded",
            code: 10015,
          })
          yield* discord.respond(made, { content: "pong" })
          yield* InteractionWebhook.send(interaction, { content: "x" })

          const stranger = yield* InteractionWebhook.make({
            applicationId: (yield* discord.createWebhook()).id,
            token: made.token,
          })
          const expired = { _tag: "WebhookInteractionError", reason: "expired", code: 50027 }
          const sending = InteractionWebhook.send(stranger, { content: "x" })
          expect(yield* Effect.flip(sending)).toMatchObject({ ...expired, remembered: false })
          const before = (yield* discord.traffic).length
          expect(yield* Effect.flip(sending)).toMatchObject({ ...expired, remembered: true })
          expect((yield* discord.traffic).length).toBe(before)
          const { deadWebhooks } = yield* Effect.flatMap(
            RateLimiter.RateLimiter,
            (limiter) => limiter.snapshot,
          )
          expect(deadWebhooks).toBe(1)
        }),
    )
  })
}

import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerProactive,
)

describe("Webhook", () => {
  it.effect("sends, reads, edits and deletes a message", () =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.DiscordSimulator
      const { url } = yield* simulator.createWebhook()
      const hook = yield* Webhook.fromUrl(url)
      const message = yield* Webhook.send(hook, { content: "hello" })
      expect(message.content).toBe("hello")
      const edited = yield* Webhook.editMessage(hook, message.id, { content: "hello, world" })
      expect(edited.content).toBe("hello, world")
      expect((yield* Webhook.getMessage(hook, message.id)).content).toBe("hello, world")
      yield* Webhook.deleteMessage(hook, message.id)
      const gone = yield* Effect.flip(Webhook.getMessage(hook, message.id))
      expect(gone._tag).toBe("MessageNotFound")
    }).pipe(Effect.provide(layer)),
  )
})

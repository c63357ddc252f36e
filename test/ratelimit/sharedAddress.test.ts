/** Other clients behind the same IP address leave less of the global limit than is assumed. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, within } from "../scenarios/harness.js"

/** Sends 150 messages through 10 webhooks; returns the number of global 429 responses. */
const drain = (strategy: Layer.Layer<Strategy.Strategy>) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const webhooks = yield* Effect.replicateEffect(simulator.createWebhook(), 10)
    // The first window of 25 is full at once, and the sixth begins 5 seconds later.
    yield* within(
      "5.5 seconds",
      Effect.forEach(
        webhooks,
        ({ url }) =>
          Effect.flatMap(Webhook.fromUrl(url), (hook) =>
            Effect.forEach(
              Array.from({ length: 15 }, (_, at) => String(at)),
              (content) => Webhook.send(hook, { content }),
            ),
          ),
        { concurrency: "unbounded" },
      ),
    )
    for (const made of webhooks) {
      const texts = contents(yield* simulator.messages(made))
      expect(texts).toEqual(texts.map((_, at) => String(at)))
    }
    return (yield* simulator.statistics).limited.global
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        DiscordSimulator.layerTestWith({
          globalLimit: 25,
          limits: { execute: "none" },
          latency: "20 millis",
        }),
        RateLimiter.layerMemory,
        strategy,
      ),
    ),
  )

describe("a global limit that others share", () => {
  it.effect(
    "costs the adaptive strategy one 429 for each request in flight, and then nothing",
    () =>
      Effect.gen(function* () {
        expect(yield* drain(Strategy.layerAdaptive)).toBeLessThanOrEqual(10)
      }),
  )

  it.effect("is not learned by other strategies", () =>
    Effect.gen(function* () {
      expect(yield* drain(Strategy.layerProactive)).toBeGreaterThan(20)
    }),
  )
})

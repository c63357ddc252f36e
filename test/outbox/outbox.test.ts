import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, newHook } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"

const world = (worker: Outbox.WorkerOptions = {}, options: Outbox.Options = {}) =>
  Outbox.worker(worker).pipe(
    Layer.provideMerge(Outbox.layerMemory(options)),
    Layer.provideMerge(
      Layer.mergeAll(
        DiscordSimulator.layerTestWith({}),
        RateLimiter.layerMemory,
        Strategy.layerAdaptive,
      ),
    ),
  )

describe("the outbox in memory", () => {
  it.effect("sends the entries of a webhook in the order of acceptance", () =>
    VirtualClock.run(
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        const ids = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => index),
          (index) => Outbox.send(hook, { content: `message ${index}` }),
        )
        const delivered = yield* Effect.forEach(ids, Outbox.await)
        const messages = yield* simulator.messages(made)
        expect(contents(messages)).toEqual(ids.map((_, index) => `message ${index}`))
        expect(delivered.map(({ messageId }) => messageId)).toEqual(messages.map(({ id }) => id))
        const stats = yield* Outbox.stats
        expect(stats).toMatchObject({ ready: 0, sending: 0, sent: 20, dead: 0 })
      }).pipe(Effect.provide(world())),
    ),
  )

  it.effect("edits and deletes what another entry sends", () =>
    VirtualClock.run(
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        const first = yield* Outbox.send(hook, { content: "one" })
        const second = yield* Outbox.send(hook, { content: "two" })
        const edit = yield* Outbox.edit(hook, first, { content: "one, edited" })
        const removal = yield* Outbox.delete(hook, second)
        yield* Outbox.await(removal)
        expect(contents(yield* simulator.messages(made))).toEqual(["one, edited"])
        expect((yield* Outbox.get(edit)).messageId).toBe((yield* Outbox.get(first)).messageId)
      }).pipe(Effect.provide(world())),
    ),
  )
})

/** Webhooks of one channel share a limit that no header shows. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { responded } from "../../src/ratelimit/Permit.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, within } from "../scenarios/harness.js"
import { isThorough } from "../support/laws.js"
import { makeMachine } from "./machine.js"
import { adaptive } from "./model/policies.js"
import { limited, response, route } from "./responses.js"

const minute = 60_000

const world = Layer.mergeAll(
  DiscordSimulator.layerTestWith({
    globalLimit: "none",
    hiddenLimit: { limit: 30, period: "60 seconds" },
    latency: "50 millis",
  }),
  RateLimiter.layerMemory,
  Strategy.layerAdaptive,
)

const newWebhooks = Effect.fn(function* (count: number) {
  const simulator = yield* DiscordSimulator.DiscordSimulator
  const first = yield* simulator.createWebhook()
  const others = yield* Effect.replicateEffect(
    simulator.createWebhook({ channelId: first.channelId }),
    count - 1,
  )
  return yield* Effect.forEach([first, ...others], (made) =>
    Effect.map(Webhook.fromUrl(made.url), (hook) => ({ hook, made })),
  )
})

/** Sends 240 messages, of which the second webhook has twice as many as the first and so on. */
const drain = (count: number) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const webhooks = yield* newWebhooks(count)
    const parts = (count * (count + 1)) / 2
    const sending = Effect.forEach(
      webhooks,
      ({ hook }, index) =>
        Effect.forEach(
          Array.from({ length: (240 * (index + 1)) / parts }, (_, at) => String(at)),
          (content) => Webhook.send(hook, { content }),
        ),
      { concurrency: "unbounded" },
    )
    // 8 windows of 30, of which the last begins after 7 minutes.
    yield* within("440 seconds", sending)
    for (const { made } of webhooks) {
      const texts = contents(yield* simulator.messages(made))
      expect(texts).toEqual(texts.map((_, at) => String(at)))
    }
    return (yield* simulator.statistics).limitedByHidden
  }).pipe(Effect.provide(world))

describe("the hidden limit of a channel", () => {
  for (const count of isThorough ? [1, 2, 5] : [2]) {
    it.effect(`costs ${count} webhooks a 429 each, and then nothing`, () =>
      Effect.gen(function* () {
        expect(yield* drain(count)).toBeLessThanOrEqual(count)
      }),
    )
  }

  it.effect("is learned from the webhooks themselves when messages are sent without waiting", () =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.DiscordSimulator
      const webhooks = yield* newWebhooks(2)
      for (const { hook } of webhooks) yield* within("1 second", Webhook.get(hook))
      const sending = Effect.forEach(
        webhooks,
        ({ hook }, index) =>
          Effect.replicateEffect(
            Webhook.send(hook, { content: "hi" }, { wait: false }),
            30 + 90 * index,
          ),
        { concurrency: "unbounded" },
      )
      yield* within("260 seconds", sending)
      expect((yield* simulator.statistics).limitedByHidden).toBeLessThanOrEqual(2)
    }).pipe(Effect.provide(world)),
  )
})

const granted = (): void => {}

/** A limiter whose webhooks are driven by hand; each response contains the channel. */
const limiter = () => {
  const { machine, submit: submitAt } = makeMachine()
  const submit = (webhookId: string, now: number, policy: Policy = adaptive) =>
    submitAt(now, { webhookId, policy, ordered: false, resume: granted })
  const answered = (channelId: string) => responded(response({ channelId }))
  return { answered, machine, submit }
}

describe("webhooks of one channel in the limiter", () => {
  it("wait for a 429 of another, and go by arrival when it ends", () => {
    const { answered, machine, submit } = limiter()
    for (const id of ["1", "2"]) machine.settle(submit(id, 0), answered("7"), 10)
    machine.settle(submit("1", 100), limited(minute - 100, "shared", { remaining: 3 }), 110)
    const waiting = ["2", "1", "2"].map((id, index) => submit(id, 200 + index))
    expect(waiting.map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting"])
    machine.wake(waiting[1]!.bucket, minute + 200)
    expect(waiting.map(({ state }) => state)).toEqual(["granted", "waiting", "granted"])
  })

  it("do not wait for webhooks of other channels", () => {
    const { answered, machine, submit } = limiter()
    machine.settle(submit("1", 0), answered("7"), 10)
    machine.settle(submit("2", 0), answered("8"), 10)
    machine.settle(submit("1", 100), limited(minute, "shared", { remaining: 3 }), 110)
    expect(submit("2", 200).state).toBe("held")
  })

  it("go on when one with a request in flight turns out to be of another channel", () => {
    const { answered, machine, submit } = limiter()
    const alone: Policy = {
      ...adaptive,
      shouldWait: ({ channelInFlight }) => channelInFlight > 0,
      calculateWait: () => 0,
    }
    for (const id of ["1", "2"]) machine.settle(submit(id, 0, alone), answered("7"), 10)
    const moved = submit("2", 20, alone)
    const waiting = submit("1", 20, alone)
    expect([moved.state, waiting.state]).toEqual(["held", "waiting"])
    machine.settle(moved, answered("8"), 30)
    expect(waiting.state).toBe("granted")
  })

  it("show what has been learned for all of them, until that is cleared", () => {
    const { answered, machine, submit } = limiter()
    const beliefs = (webhookId: string) => {
      const bucket = machine.find(route({ webhookId }), minute)!
      return adaptive.explain!(bucket.withMemoryOf(adaptive).memory)
    }
    for (const id of ["1", "2"]) machine.settle(submit(id, 0), answered("7"), 10)
    for (let index = 0; index < 28; index += 1)
      machine.settle(submit("1", index * 2000 + 20), answered("7"), index * 2000 + 30)
    machine.settle(submit("1", 57_000), limited(3000, "shared", { remaining: 3 }), 57_010)
    expect(beliefs("2")).toMatchObject({ hiddenLimit: { limit: 30, periodMillis: minute } })
    for (const id of ["1", "2"]) machine.clear(minute, route({ webhookId: id }))
    expect(beliefs("2")).toMatchObject({ hiddenLimit: null })
  })
})

/** The outbox stores a request, but no token: not in its entries, errors, logs, spans or metrics. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { FileUpload, RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import type { Webhook } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { newHook } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { finder, makeRecorder, record, recordedTexts } from "./detector.js"

const echoing = (status: number, code: number, url: string): Fault.Fault =>
  Fault.respond({ status, body: { message: `bad ${url}`, code, errors: { [url]: url } } })

/** How Discord or the network fails, with the URL in every text. */
const mishaps: ReadonlyArray<readonly [name: string, fault: (url: string) => Fault.Fault]> = [
  ["a message is rejected", (url) => echoing(400, 50035, url)],
  ["a permission is missing", (url) => echoing(403, 50013, url)],
  ["the webhook is gone", (url) => echoing(404, 10015, url)],
  ["the token is invalid", (url) => echoing(401, 50027, url)],
  ["an unknown code comes", (url) => echoing(418, 1, url)],
  ["Discord fails", (url) => echoing(500, 0, url)],
  ["a limit is met", (url) => echoing(429, 0, url)],
  ["the connection breaks", () => Fault.resetAfter],
  ["the connection is refused", () => Fault.refuseConnection],
  ["there is no response", () => Fault.neverRespond],
  [
    "the response is not JSON",
    (url) => Fault.alter((response) => ({ ...response, body: `<p>${url}</p>` })),
  ],
]

/** Everything that a program can ask an outbox for. */
const useEverything = (hook: Webhook.Webhook) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox.Outbox
    const engine = yield* Outbox.Engine
    const options = { key: "k" }
    const sent = yield* Outbox.send(
      hook,
      { content: "x", files: [FileUpload.fromText("a.txt", "hello")] },
      options,
    )
    const edit = yield* Outbox.edit(hook, sent, { content: "y" })
    const thread = yield* Outbox.createThread(hook, { name: "x" }, { content: "x" })
    const removal = yield* Outbox.delete(hook, sent, { expires: "1 minute" })
    const ids = [sent, edit, thread, removal]
    const results = yield* Effect.forEach(ids, (id) => Effect.exit(Outbox.await(id)))
    const rejected = yield* Effect.all([
      Effect.either(Outbox.send(hook, { content: "y" }, options)),
      Effect.either(Outbox.send(hook, { content: "z".repeat(3000) })),
      Effect.either(Outbox.send(hook, { content: "y" }, { key: "" })),
      Effect.either(Outbox.await("outbox-0")),
      Effect.either(Outbox.get("outbox-0")),
    ])
    expect(rejected.map(({ _tag }) => _tag)).toEqual(Array(5).fill("Left"))
    const all = yield* engine.store.list({
      state: undefined,
      webhookId: undefined,
      after: undefined,
      limit: 100,
    })
    const files = yield* engine.store.files(sent)
    const listed = yield* Outbox.list()
    const stats = yield* Outbox.stats
    yield* Outbox.retry(...ids)
    yield* Outbox.pause()
    return [outbox, engine, results, rejected, all, files, listed, stats]
  })

describe("the token is nowhere", () => {
  it.effect.each(mishaps)("in the outbox, when %s", ([, fault]) =>
    Effect.gen(function* () {
      const recorder = yield* makeRecorder
      const token = yield* VirtualClock.run(
        Effect.gen(function* () {
          const simulator = yield* DiscordSimulator.DiscordSimulator
          const { hook, made } = yield* newHook(simulator)
          yield* simulator.inject(fault(made.url), { times: 3 })
          const live = Outbox.worker({
            inDoubt: "hold",
            drainTimeout: "1 second",
            backoff: { max: "5 seconds" },
          }).pipe(Layer.provideMerge(Outbox.layerMemory()))
          yield* record(recorder, Effect.provide(useEverything(hook), live))
          return made.token
        }).pipe(
          Effect.provide([
            DiscordSimulator.layerTest,
            RateLimiter.layerMemory,
            Strategy.layerProactive,
            RestConfig.layerWith({ timeout: "5 seconds" }),
          ]),
        ),
      )
      const texts = yield* recordedTexts(recorder)
      expect(texts.length).toBeGreaterThan(10)
      expect(texts.some((text) => text.includes("Outbox.deliver"))).toBe(true)
      expect(texts.filter(finder(token.value))).toEqual([])
    }),
  )
})

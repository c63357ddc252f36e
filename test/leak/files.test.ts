/** An error about a file contains no token, for any failure of its source. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { recordedTexts, finder, makeRecorder, record } from "./detector.js"

const sized = (size: number, stream: Stream.Stream<Uint8Array, unknown>) =>
  FileUpload.fromStream("a.bin", { size, stream })

const bytes = Stream.make(new Uint8Array(5))

/** Failures of a source whose errors contain the URL. */
const ways: Readonly<Record<string, (url: string) => FileUpload.FileUpload>> = {
  "a source that fails with the URL": (url) => sized(9, Stream.concat(bytes, Stream.fail(url))),
  "a source that fails with an error of the URL": (url) =>
    sized(9, Stream.fail(Object.assign(new Error(url), { reason: url, _tag: url, name: url }))),
  "a source that throws the URL": (url) => sized(9, Stream.die(new Error(url))),
  "a source that ends too early": () => sized(9, bytes),
  "a source that is too long": () => sized(3, bytes),
  "a source with a wrong size": () => sized(-1, bytes),
  "a file over the limit": () => sized(1e9, bytes),
  "a file that arrives": () => sized(5, bytes),
}

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerReactive,
)

describe("no token is in anything that is seen of", () => {
  for (const [name, make] of Object.entries(ways)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const discord = yield* DiscordSimulator.DiscordSimulator
        const webhook = yield* discord.createWebhook()
        const hook = yield* Webhook.fromUrl(webhook.url)
        const recorder = yield* makeRecorder
        const file = make(webhook.url)
        const act = record(
          recorder,
          Webhook.send(hook, { content: "x", files: [file] }).pipe(
            FileUpload.withProgress((progress) => Effect.logInfo("uploading", progress)),
          ),
        )
        // Its second attempt reads again.
        yield* discord.inject(Fault.text(503, webhook.url))
        const fiber = yield* Effect.fork(RestConfig.withOptions({ retry: "atLeastOnce" })(act))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        const texts = yield* recordedTexts(recorder)
        expect(texts.length).toBeGreaterThan(10)
        expect(texts.filter(finder(webhook.token))).toEqual([])
      }).pipe(Effect.provide(layer)),
    )
  }
})

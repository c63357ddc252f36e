/** The token appears nowhere in the operations of threads and of other services. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { describe, expect } from "vitest"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { recordedTexts, finder, makeRecorder, record } from "./detector.js"

const sender = {
  id: 1815,
  login: "ada",
  html_url: "https://github.com/ada",
  avatar_url: "https://github.com/ada.png",
}

type Act = (hook: Webhook.Webhook, secret: string) => Webhook.Operation<unknown>

const operations: ReadonlyArray<readonly [name: string, act: Act]> = [
  ["createThread", (hook) => Webhook.createThread(hook, { name: "x" }, { content: "x" })],
  ["sendToThread", (hook) => Webhook.sendToThread(hook, "42", { content: "x" })],
  ["sendSlack", (hook) => Webhook.sendSlack(hook, { text: "x" })],
  ["sendGitHub", (hook) => Webhook.sendGitHub(hook, "push", { sender })],
  // What is refused before sending holds the secret where it should not.
  [
    "createThread with a bad name",
    (hook, secret) => Webhook.createThread(hook, { name: secret.repeat(9) }, { content: "x" }),
  ],
  ["sendToThread to no id", (hook, secret) => Webhook.sendToThread(hook, secret, { content: "x" })],
  [
    "sendSlack with a bad colour",
    (hook, secret) =>
      Webhook.sendSlack(hook, { attachments: [{ color: `#${secret}` }], iconUrl: secret }),
  ],
  [
    "sendGitHub with a bad name",
    (hook, secret) => Webhook.sendGitHub(hook, `${secret} ${secret}`, { sender }),
  ],
]

const codes: ReadonlyArray<readonly [status: number, code: number]> = [
  [404, 10003],
  [404, 10087],
  [400, 40058],
  [400, 40066],
  [400, 40067],
  [403, 50001],
  [400, 50008],
  [403, 50013],
  [400, 50083],
  [400, 160005],
  [400, 160006],
  [400, 200001],
  [400, 220001],
  [400, 220002],
  [400, 220003],
  [400, 220004],
  [429, 20016],
]

describe("the token is nowhere", () => {
  it.effect.each(operations)("after %s, with any response", ([, act]) =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const recorder = yield* makeRecorder
      const tags = new Set<string>()
      const webhook = yield* discord.createWebhook()
      const hook = yield* Webhook.fromUrl(webhook.url)
      const { token, url } = webhook
      yield* record(recorder, act(hook, token))
      for (const [status, code] of codes) {
        const message = `refused: ${url} ${encodeURIComponent(url)}`
        const body = { code, message, retry_after: 1, global: false }
        yield* discord.inject(Fault.respond({ status, body }))
        const exit = yield* record(recorder, act(hook, token))
        if (Exit.isFailure(exit) && exit.cause._tag === "Fail") tags.add(exit.cause.error._tag)
        yield* discord.clearFaults
      }
      const texts = yield* recordedTexts(recorder)
      expect(texts.length).toBeGreaterThan(10)
      expect(texts.filter(finder(token))).toEqual([])
      expect(
        [...tags].some((tag) => tag === "WebhookThreadError" || tag === "WebhookValidationError"),
      ).toBe(true)
    }).pipe(
      RestConfig.withOptions({ maxRateLimitAttempts: 1 }),
      Effect.provide([
        DiscordSimulator.layerTestWith({ globalLimit: "none", limits: { execute: "none" } }),
        RateLimiter.layerMemory,
        Strategy.layerReactive,
      ]),
    ),
  )
})

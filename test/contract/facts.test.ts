/** Facts from issue threads: what they report holds for the SDK and for the simulator. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { leaves, send, withFiles } from "../testing/request.js"
import { type Fact, facts } from "./facts.js"

const environment = Layer.mergeAll(
  DiscordSimulator.layerTestWith({ limits: { execute: "none" }, globalLimit: "none" }),
  RateLimiter.layerMemory,
  Strategy.layerReactive,
)

/** The paths that the SDK finds fault with, before anything is sent. */
const issuesOf = ({ message }: Fact) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const hook = yield* simulator.createWebhook()
    const made = yield* Webhook.fromUrl(hook.url)
    const result = yield* Effect.either(Webhook.send(made, message))
    if (result._tag === "Right") return undefined
    expect(yield* simulator.traffic).toEqual([])
    return result.left._tag === "WebhookValidationError"
      ? result.left.issues.map(({ path }) => path)
      : result.left._tag
  })

const rejectionOf = ({ files, wire }: Fact) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const hook = yield* simulator.createWebhook()
    const body = files === undefined ? wire : withFiles(wire, ...files)
    const response = yield* send(hook, body, { with_components: "true" })
    if (response.status === 200) {
      const refers = JSON.stringify(wire).includes("attachment://")
      return refers && !response.text.includes('"image":') ? "without a picture" : undefined
    }
    const { code } = response.body
    return code === 50035 ? leaves(response).join(", ") : code
  })

for (const each of facts) {
  it.effect(`${each.fact} (${each.source})`, () =>
    Effect.gen(function* () {
      expect(yield* issuesOf(each)).toEqual(each.path === undefined ? undefined : [each.path])
      expect(yield* rejectionOf(each)).toEqual(each.rejection)
    }).pipe(Effect.provide(environment)),
  )
}

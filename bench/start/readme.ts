/** The README's program, by the client of `NodeDiscord`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { RestConfig, Webhook } from "effect-discord"
import { NodeDiscord } from "effect-discord/node"
import { delivered } from "./delivered.js"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  yield* Webhook.send(hook, { content: "Deploying ..." })
  yield* Effect.sync(delivered)
}).pipe(RestConfig.withOptions({ baseUrl: process.env["BASE_URL"] ?? "" }))

program.pipe(Effect.provide(NodeDiscord.layer), NodeRuntime.runMain)

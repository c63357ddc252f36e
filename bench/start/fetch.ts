/** One message over the platform's client for `fetch`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect-discord/RateLimiter"
import * as RestConfig from "effect-discord/RestConfig"
import * as Strategy from "effect-discord/Strategy"
import * as Webhook from "effect-discord/Webhook"
import { delivered } from "./delivered.js"

const discord = Layer.mergeAll(FetchHttpClient.layer, RateLimiter.layer, Strategy.layerAdaptive)

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  yield* Webhook.send(hook, { content: "Deploying ..." })
  yield* Effect.sync(delivered)
}).pipe(RestConfig.withOptions({ baseUrl: process.env["BASE_URL"] ?? "" }))

void Effect.runPromise(Effect.provide(program, discord))

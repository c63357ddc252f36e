import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { DiscordConfig, DiscordREST, DiscordRESTMemoryLive } from "dfx"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { delivered } from "../delivered.js"

const [id = "", token = ""] = (process.env["DISCORD_WEBHOOK_URL"] ?? "").split("/").slice(-2)
const config = DiscordConfig.layer({
  token: Redacted.make("none"),
  rest: { baseUrl: process.env["BASE_URL"] ?? "" },
})

const program = Effect.gen(function* () {
  const rest = yield* DiscordREST
  yield* rest.executeWebhook(id, token, {
    params: { wait: true },
    payload: { content: "Deploying ..." },
  })
  yield* Effect.sync(delivered)
})

void Effect.runPromise(
  Effect.provide(program, Layer.provide(DiscordRESTMemoryLive, [config, FetchHttpClient.layer])),
).finally(() => process.exit())

/** The floor: Effect, Schema and the platform's client for `fetch`, without an SDK. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { delivered } from "./delivered.js"

const Message = Schema.Struct({
  id: Schema.String,
  channel_id: Schema.String,
  content: Schema.String,
  timestamp: Schema.DateTimeUtc,
  author: Schema.Struct({ id: Schema.String, username: Schema.String }),
})

const program = Effect.gen(function* () {
  const url = new URL(Redacted.value(yield* Config.redacted("DISCORD_WEBHOOK_URL")))
  const client = yield* HttpClient.HttpClient
  const path = url.pathname.replace(/^\/api(\/v10)?/, "")
  const request = HttpClientRequest.post(`${process.env["BASE_URL"]}${path}?wait=true`)
  const body = HttpClientRequest.bodyUnsafeJson(request, { content: "Deploying ..." })
  const message = yield* Effect.flatMap(
    client.execute(body),
    HttpClientResponse.schemaBodyJson(Message),
  )
  yield* Effect.sync(delivered)
  return message
})

void Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))

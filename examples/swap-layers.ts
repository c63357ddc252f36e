/**
 * One program, three worlds: a simulated Discord in this process, a dry run that sends nothing, and
 * a server (real Discord when `DISCORD_WEBHOOK_URL` is set). Only layers change.
 *
 *     npx tsx examples/swap-layers.ts
 */
import { HttpClient, HttpClientResponse } from "@effect/platform"
import type { HttpClientRequest } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"
import { discord, printTraffic, template, webhookUrl } from "./support/discord.js"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const message = yield* Webhook.send(hook, { content: "Backup started" })
  const edited = yield* Webhook.editMessage(hook, message.id, { content: "Backup finished" })
  yield* Console.log(`  stored: ${edited.content}`)
  yield* Webhook.deleteMessage(hook, message.id)
})

/** No socket at all: what tests use. */
const inProcess = Layer.unwrapEffect(
  Effect.map(
    Effect.flatMap(DiscordSimulator.DiscordSimulator, (_) => _.createWebhook()),
    ({ url }) => webhookUrl(url),
  ),
).pipe(Layer.provideMerge(printTraffic), Layer.provideMerge(DiscordSimulator.layerTest))

/** A dry run is an `HttpClient` like any other: it prints the request, and makes up an answer. */
const dryHttpClient = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make((request) =>
    Effect.gen(function* () {
      yield* Console.log(
        `  would ${request.method} ${template(request)} ${textOf(request)}`.trimEnd(),
      )
      const answer = {
        id: "1",
        channel_id: "2",
        author: { id: "3", username: "dry run" },
        timestamp: "2026-01-01T00:00:00Z",
        ...JSON.parse(textOf(request) || "{}"),
      }
      return HttpClientResponse.fromWeb(request, Response.json(answer))
    }),
  ),
)
const dry = Layer.merge(dryHttpClient, webhookUrl("https://discord.com/api/webhooks/1/dry-run"))

function textOf({ body }: HttpClientRequest.HttpClientRequest): string {
  return body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
}

const limits = Layer.merge(RateLimiter.layer, Strategy.layerAdaptive)

const main = Effect.gen(function* () {
  yield* Console.log("Simulated, in this process")
  yield* program.pipe(Effect.provide([inProcess, limits]))

  yield* Console.log("\nDry run")
  yield* program.pipe(Effect.provide([dry, limits]))

  yield* Console.log("\nOver a socket")
  yield* program.pipe(Effect.provide(Layer.provideMerge(printTraffic, discord)))
})

NodeRuntime.runMain(main)

// Output:
// Simulated, in this process
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   PATCH  /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   3 of 5 left
//   stored: Backup finished
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   2 of 5 left
//
// Dry run
//   would POST /webhooks/{webhook.id}/{webhook.token} {"content":"Backup started"}
//   would PATCH /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} {"content":"Backup finished"}
//   stored: Backup finished
//   would DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id}
//
// Over a socket
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   PATCH  /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   3 of 5 left
//   stored: Backup finished
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   2 of 5 left

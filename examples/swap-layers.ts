/**
 * Runs one program with three layers: a simulated Discord in this process, a dry run that sends
 * nothing, and a server (real Discord when `DISCORD_WEBHOOK_URL` is set).
 *
 *     npx tsx examples/swap-layers.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { DryRun, RateLimiter, Strategy, Webhook } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"
import { discord, printTraffic, webhookUrl } from "./support/discord.js"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const message = yield* Webhook.send(hook, { content: "Backup started" })
  const edited = yield* Webhook.editMessage(hook, message.id, { content: "Backup finished" })
  yield* Console.log(`  stored: ${edited.content}`)
  yield* Webhook.deleteMessage(hook, message.id)
})

/** Without a socket, as in tests. */
const inProcess = Layer.unwrapEffect(
  Effect.map(
    Effect.flatMap(DiscordSimulator.DiscordSimulator, (_) => _.createWebhook()),
    ({ url }) => webhookUrl(url),
  ),
).pipe(Layer.provideMerge(printTraffic), Layer.provideMerge(DiscordSimulator.layerTest))

/** Records requests instead of sending them. Silent, since they are printed at the end. */
const dry = Layer.mergeAll(
  DryRun.layer,
  webhookUrl("https://discord.com/api/webhooks/1234/abc-DEF_5"),
  Logger.minimumLogLevel(LogLevel.Warning),
)

const printPlan = Effect.gen(function* () {
  const { requests } = yield* DryRun.DryRun
  for (const { json, route } of yield* requests) {
    yield* Console.log(`  would ${route} ${JSON.stringify(json) ?? ""}`.trimEnd())
  }
})

const limits = Layer.merge(RateLimiter.layer, Strategy.layerAdaptive)

const main = Effect.gen(function* () {
  yield* Console.log("Simulated, in this process")
  yield* program.pipe(Effect.provide([inProcess, limits]))

  yield* Console.log("\nDry run")
  yield* Effect.zipRight(program, printPlan).pipe(Effect.provide([dry, limits]))

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
//   stored: Backup finished
//   would POST /webhooks/{webhook.id}/{webhook.token} {"content":"Backup started"}
//   would PATCH /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} {"content":"Backup finished"}
//   would DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id}
//
// Over a socket
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   PATCH  /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   3 of 5 left
//   stored: Backup finished
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   2 of 5 left

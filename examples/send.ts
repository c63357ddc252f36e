/**
 * Sends a message with an embed, edits it, reads it back, and deletes it.
 *
 *     npx tsx examples/send.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Webhook } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nSend a message with an embed")
  const message = yield* Webhook.send(hook, {
    content: "Deploying version 1.4.0 ...",
    embeds: [
      {
        title: "shop-api",
        color: 0xfee75c,
        fields: [
          { name: "Version", value: "1.4.0", inline: true },
          { name: "Tests", value: "running", inline: true },
        ],
      },
    ],
  })

  yield* Console.log("Edit its text; the omitted embed stays")
  yield* Webhook.editMessage(hook, message.id, { content: "Version 1.4.0 is live." })

  yield* Console.log("Read it back")
  const stored = yield* Webhook.getMessage(hook, message.id)
  yield* Console.log(`  ${stored.content}`)
  for (const embed of stored.embeds) {
    yield* Console.log(`  ┃ ${embed.title}`)
    for (const { name, value } of embed.fields) yield* Console.log(`  ┃ ${name}: ${value}`)
  }

  yield* Console.log("Delete it")
  yield* Webhook.deleteMessage(hook, message.id)

  yield* Console.log("Read it again")
  yield* Webhook.getMessage(hook, message.id).pipe(
    Effect.catchTag("WebhookMessageNotFound", () => Console.log("  WebhookMessageNotFound")),
  )
})

program.pipe(Effect.provide(Layer.provideMerge(printTraffic, discord)), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Send a message with an embed
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
// Edit its text; the omitted embed stays
//   PATCH  /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   3 of 5 left
// Read it back
//   GET    /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 200   4 of 5 left
//   Version 1.4.0 is live.
//   ┃ shop-api
//   ┃ Version: 1.4.0
//   ┃ Tests: running
// Delete it
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   2 of 5 left
// Read it again
//   GET    /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 404   3 of 5 left
//   WebhookMessageNotFound

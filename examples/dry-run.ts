/**
 * A dry run: messages are validated and rate limited, but logged and recorded instead of sent. The
 * program can read the recorded requests.
 *
 *     npx tsx examples/dry-run.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { DryRun, RateLimiter, Strategy, Webhook } from "effect-discord"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.fromUrl("https://discord.com/api/webhooks/1234/abc-DEF_5")

  const message = yield* Webhook.send(hook, {
    content: "Version 1.4.0 is live.",
    embeds: [{ title: "shop-api", color: "#57f287" }],
  })
  yield* Webhook.editMessage(hook, message.id, { content: "Version 1.4.0 is live everywhere." })

  // The fake message is kept, so that programs can read it again.
  const { content, embeds } = yield* Webhook.getMessage(hook, message.id)
  yield* Console.log(`\nThe message would now be: ${content} (with ${embeds.length} embed)`)

  // Messages are validated as usual.
  yield* Webhook.send(hook, { content: "x".repeat(2001) }).pipe(
    Effect.catchTag("WebhookValidationError", (error) => Console.log(`\n${error.message}`)),
  )

  const { requests } = yield* DryRun.DryRun
  const sends = (yield* requests).filter(({ method }) => method === "POST")
  yield* Console.log(`\n${sends.length} message would have been sent.`)
})

/** A log without times, so that every run prints the same. */
const plainLog = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ annotations, logLevel, message }) => {
    console.log(`${logLevel.label} ${String(message)}`)
    for (const key of [...HashMap.keys(annotations)].sort()) {
      console.log(`  ${key} = ${JSON.stringify(HashMap.unsafeGet(annotations, key))}`)
    }
  }),
)

program.pipe(
  Effect.provide(Layer.mergeAll(DryRun.layer, RateLimiter.layer, Strategy.layerAdaptive, plainLog)),
  NodeRuntime.runMain({ disablePrettyLogger: true }),
)

// Output:
// INFO Dry run: this would be sent
//   discord.dry_run.json = {"content":"Version 1.4.0 is live.","embeds":[{"title":"shop-api","color":5763719}]}
//   discord.route = "POST /webhooks/{webhook.id}/{webhook.token}"
//   discord.webhook.id = "1234"
// INFO Dry run: this would be sent
//   discord.dry_run.json = {"content":"Version 1.4.0 is live everywhere."}
//   discord.route = "PATCH /webhooks/{webhook.id}/{webhook.token}/messages/{message.id}"
//   discord.webhook.id = "1234"
// INFO Dry run: this would be sent
//   discord.route = "GET /webhooks/{webhook.id}/{webhook.token}/messages/{message.id}"
//   discord.webhook.id = "1234"
//
// The message would now be: Version 1.4.0 is live everywhere. (with 1 embed)
//
// Webhook.send (webhook 1234): content: at most 2000 code points, got 2001
//
// 1 message would have been sent.

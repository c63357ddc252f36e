/**
 * Provokes errors and catches them by tag. Always uses the simulator, in this process: real Discord
 * cannot be made to fail.
 *
 *     npx tsx examples/errors.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { RateLimiter, RestConfig, Strategy, Webhook } from "effect-discord"
import { DiscordSimulator, Fault } from "effect-discord/testing"

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const webhook = yield* discord.createWebhook()
  const hook = yield* Webhook.fromUrl(webhook.url)
  const send = Webhook.send(hook, { content: "hello" })

  yield* Console.log("A message that breaks limits; no request is sent")
  const embeds = [{ title: "t".repeat(300), url: "example.com" }]
  yield* Webhook.send(hook, { content: "x".repeat(2001), embeds }).pipe(
    Effect.catchTag("WebhookValidationError", ({ issues }) =>
      Effect.forEach(issues, ({ path, message }) => Console.log(`  ${path}: ${message}`)),
    ),
  )

  yield* Console.log("A URL of another host; it may contain a secret and is not printed")
  yield* Webhook.fromUrl("https://example.com/api/webhooks/1234/abc").pipe(
    Effect.catchTag("WebhookInvalidUrl", (error) => Console.log(`  ${error.message}`)),
  )

  yield* Console.log("A server that receives the message and never responds")
  yield* discord.inject(Fault.neverRespond)
  yield* send.pipe(
    RestConfig.withOptions({ timeout: "100 millis" }),
    Effect.catchTag("DiscordTransportError", ({ reason, delivered }) =>
      Console.log(`  ${reason}; delivered: ${delivered}, so it is not sent again`),
    ),
  )

  yield* Console.log("A wait longer than maxWait")
  yield* discord.applySharedLimit(webhook, { retryAfter: "1 hour" })
  yield* send.pipe(
    RestConfig.withOptions({ maxWait: "1 second" }),
    Effect.catchTag("WebhookRateLimited", ({ reason, scope }) =>
      Console.log(`  ${reason} (${scope})`),
    ),
  )

  yield* Console.log("A deleted webhook")
  const other = yield* discord.createWebhook()
  const gone = yield* Webhook.fromUrl(other.url)
  yield* discord.deleteWebhook(other)
  yield* discord.clearTraffic
  for (const text of ["first", "second", "third"]) {
    yield* Webhook.send(gone, { content: text }).pipe(
      Effect.catchTag("WebhookNotFound", ({ remembered }) =>
        Console.log(`  ${text}: ${remembered ? "deleted (cached), not sent" : "deleted"}`),
      ),
    )
  }
  const { requests } = yield* discord.statistics
  yield* Console.log(`  requests that reached Discord: ${requests}`)
})

program.pipe(
  Effect.provide([
    DiscordSimulator.layerTest,
    RateLimiter.layerMemory,
    Strategy.layerAdaptive,
    Logger.minimumLogLevel(LogLevel.Error),
  ]),
  NodeRuntime.runMain,
)

// Output:
// A message that breaks limits; no request is sent
//   content: at most 2000 code points, got 2001
//   embeds[0].title: at most 256 code points, got 300
//   embeds[0].url: must be an http or https URL
// A URL of another host; it may contain a secret and is not printed
//   Not a Discord webhook URL (the host is not Discord's). Keep Discord's own URL here. To send through a proxy or to a test server, set RestConfig.baseUrl (with layerEnv: DISCORD_CLIENT_BASE_URL).
// A server that receives the message and never responds
//   timeout; delivered: unknown, so it is not sent again
// A wait longer than maxWait
//   maxWait (shared)
// A deleted webhook
//   first: deleted
//   second: deleted (cached), not sent
//   third: deleted (cached), not sent
//   requests that reached Discord: 1

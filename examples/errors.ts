/**
 * What can go wrong, caught by tag, with what is known about it as fields. Always on the simulator,
 * in this process: real Discord does not fail on request.
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

  yield* Console.log("A message that breaks limits; it is not even sent")
  const embeds = [{ title: "t".repeat(300), url: "example.com" }]
  yield* Webhook.send(hook, { content: "x".repeat(2001), embeds }).pipe(
    Effect.catchTag("WebhookValidationError", ({ issues }) =>
      Effect.forEach(issues, ({ path, message }) => Console.log(`  ${path}: ${message}`)),
    ),
  )

  yield* Console.log("A URL that is no webhook's; the text may hold a secret and is not repeated")
  yield* Webhook.fromUrl("https://example.com/api/webhooks/1234/abc").pipe(
    Effect.catchTag("WebhookInvalidUrl", (error) => Console.log(`  ${error.message}`)),
  )

  yield* Console.log("A server that takes the message and never answers")
  yield* discord.inject(Fault.neverRespond)
  yield* send.pipe(
    RestConfig.withOptions({ timeout: "100 millis" }),
    Effect.catchTag("DiscordTransportError", ({ reason, delivered }) =>
      Console.log(`  ${reason}; delivered: ${delivered}, so it is not sent again`),
    ),
  )

  yield* Console.log("A wait longer than the caller's patience")
  yield* discord.applySharedLimit(webhook, { retryAfter: "1 hour" })
  yield* send.pipe(
    RestConfig.withOptions({ maxWait: "1 second" }),
    Effect.catchTag("WebhookRateLimited", ({ reason, scope }) =>
      Console.log(`  ${reason} (${scope})`),
    ),
  )

  yield* Console.log("A webhook that somebody deleted")
  const other = yield* discord.createWebhook()
  const gone = yield* Webhook.fromUrl(other.url)
  yield* discord.deleteWebhook(other)
  yield* discord.clearTraffic
  for (const text of ["first", "second", "third"]) {
    yield* Webhook.send(gone, { content: text }).pipe(
      Effect.catchTag("WebhookNotFound", ({ remembered }) =>
        Console.log(`  ${text}: ${remembered ? "known to be gone, not sent" : "gone"}`),
      ),
    )
  }
  const { requests } = yield* discord.statistics
  yield* Console.log(`  requests that Discord saw: ${requests}`)
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
// A message that breaks limits; it is not even sent
//   content: at most 2000 code points, got 2001
//   embeds[0].title: at most 256 code points, got 300
//   embeds[0].url: must be an http or https URL
// A URL that is no webhook's; the text may hold a secret and is not repeated
//   Not a Discord webhook URL (the host is not Discord's). Keep Discord's own URL here. To send through a proxy or to a test server, set RestConfig.baseUrl (client.base_url in discord.yaml, DISCORD_CLIENT_BASE_URL in the environment).
// A server that takes the message and never answers
//   timeout; delivered: unknown, so it is not sent again
// A wait longer than the caller's patience
//   maxWait (shared)
// A webhook that somebody deleted
//   first: gone
//   second: known to be gone, not sent
//   third: known to be gone, not sent
//   requests that Discord saw: 1

/**
 * Runs one program with different settings: none, a file, a file with variables, and invalid ones.
 * Other programs need one line: `Effect.provide(NodeDiscord.layerEnv)`.
 *
 *     npx tsx examples/configured.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { DiscordConfig, RestConfig, Strategy, Webhook } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

/** Independent of the source of its settings. */
const program = Effect.gen(function* () {
  const hook = yield* DiscordConfig.webhook
  const strategy = yield* Strategy.Strategy
  const { maxRetries, retry } = yield* RestConfig.RestConfig
  yield* Console.log(`  ${strategy.name}, ${maxRetries} retries, ${retry}`)
  const message = yield* Webhook.send(hook, { content: "Backup finished" })
  yield* Webhook.deleteMessage(hook, message.id)
})

const file = `client:
  retry:
    max_retries: 5
    on_ambiguous: resend
  rate_limit:
    strategy: proactive
logging:
  level: warning
`

const wrong = `client:
  timeout: 30
  rate_limit:
    strategy: adaptve
    per_rout_limit: true
logging:
  level: verbose
`

const run = (title: string, yaml: string, variables: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    yield* Console.log(`\n${title}`)
    const environment = yield* Effect.configProviderWith(Effect.succeed)
    const configured = Layer.unwrapEffect(
      Effect.map(DiscordConfig.loadYaml(yaml, "discord.yaml"), DiscordConfig.layer),
    )
    yield* program.pipe(
      Effect.provide(configured),
      Effect.withConfigProvider(
        ConfigProvider.fromMap(new Map(Object.entries(variables))).pipe(
          ConfigProvider.orElse(() => environment),
        ),
      ),
      Effect.catchTag("DiscordConfigurationError", ({ message }) => Console.log(message)),
    )
  })

const main = Effect.gen(function* () {
  yield* run("Defaults", "")
  yield* run("A file", file)
  yield* run("A file, and variables that override it", file, {
    DISCORD_CLIENT_RATE_LIMIT_STRATEGY: "reactive",
    DISCORD_CLIENT_DRY_RUN: "true",
  })
  yield* run("Mistakes", wrong, { DISCORD_CLIENT_DRYRUN: "true" })
})

main.pipe(
  Effect.provide(Layer.provideMerge(printTraffic, discord)),
  // The configuration warns that the simulator's host is not Discord's.
  Logger.withMinimumLogLevel(LogLevel.Error),
  NodeRuntime.runMain,
)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Defaults
//   adaptive, 3 retries, safe
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   3 of 5 left
//
// A file
//   proactive, 5 retries, atLeastOnce
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   2 of 5 left
//   DELETE /webhooks/{webhook.id}/{webhook.token}/messages/{message.id} -> 204   1 of 5 left
//
// A file, and variables that override it
//   reactive, 5 retries, atLeastOnce
//
// Mistakes
// 5 mistakes in the configuration
//   discord.yaml:2: client.timeout: expected a duration such as 500ms, 30s or 1 minute, from 1ms to 24d, got 30
//   discord.yaml:4: client.rate_limit.strategy: expected one of adaptive, proactive, reactive, got "adaptve"; did you mean adaptive?
//   discord.yaml:5: client.rate_limit.per_rout_limit: is not a known key; did you mean per_route_limit?
//   discord.yaml:7: logging.level: expected one of trace, debug, info, warning, error, fatal, none, got "verbose"
//   DISCORD_CLIENT_DRYRUN: is not a known variable; did you mean DISCORD_CLIENT_DRY_RUN?

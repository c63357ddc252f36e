/**
 * Sends one message to many webhooks and prints each result. The simulated Discord has four; one was
 * deleted, one rejects the message.
 *
 *     npx tsx examples/broadcast.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import type { WebhookError } from "effect-discord"
import { DiscordSimulator, Fault } from "effect-discord/testing"

const teams = ["backend", "frontend", "design", "support"]

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const made = yield* Effect.forEach(teams, (name) => discord.createWebhook({ name }))
  const hooks = yield* Effect.forEach(made, ({ url }) => Webhook.fromUrl(url))
  const nameOf = (hook: Webhook.Webhook) => teams[hooks.indexOf(hook)]

  yield* discord.deleteWebhook(made[1]!)
  yield* discord.inject(Fault.respond({ status: 403, body: { message: "No", code: 50013 } }), {
    match: ({ webhookId }) => webhookId === made[2]?.id,
  })

  // The second "support" is the same webhook, which receives the message once.
  const everybody = [...hooks, hooks[3]!]
  const { dead, results } = yield* Webhook.broadcast(
    everybody,
    { content: "Version 2 is out." },
    { concurrency: 2 },
  )

  for (const { exit, webhook } of results) {
    yield* Console.log(
      Exit.match(exit, {
        onSuccess: (message) => `${nameOf(webhook)}: stored "${message.content}"`,
        onFailure: (cause) => `${nameOf(webhook)}: ${tagOf(cause)}`,
      }),
    )
  }
  yield* Console.log(`\nRemove from the list: ${dead.map(nameOf).join(", ")}`)

  // The deleted webhook is cached as dead, so it costs no further request.
  const before = (yield* discord.statistics).requests
  yield* Webhook.broadcast(everybody, { content: "Version 2.0.1 is out." })
  const after = (yield* discord.statistics).requests
  yield* Console.log(`A second broadcast took ${after - before} requests.`)
})

function tagOf(cause: Cause.Cause<WebhookError.WebhookError>): string {
  return Option.match(Cause.failureOption(cause), {
    onNone: () => "interrupted",
    onSome: ({ _tag }) => _tag,
  })
}

program.pipe(
  Effect.provide(
    Layer.mergeAll(
      DiscordSimulator.layerTest,
      RateLimiter.layerMemory,
      Strategy.layerAdaptive,
      Logger.minimumLogLevel(LogLevel.Error),
    ),
  ),
  NodeRuntime.runMain,
)

// Output:
// backend: stored "Version 2 is out."
// frontend: WebhookNotFound
// design: WebhookForbidden
// support: stored "Version 2 is out."
//
// Remove from the list: frontend
// A second broadcast took 3 requests.

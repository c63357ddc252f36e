/**
 * Posts log entries of level warning and above to a channel: several entries per message, without
 * blocking the program, and the rest on shutdown.
 *
 *     npx tsx examples/logger.ts
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { DiscordLogger, Webhook } from "effect-discord"
import { discord } from "./support/discord.js"

const checkout = Effect.gen(function* () {
  yield* Effect.logInfo("not for the channel")
  yield* Effect.logWarning("stock is low").pipe(Effect.annotateLogs({ item: "mug", left: 2 }))
  yield* Effect.logError("payment failed", Cause.fail("card declined")).pipe(
    Effect.annotateLogs("order", "7-1142"),
  )
  yield* Effect.logWarning("hello @everyone, this ``` mentions no one and stays in its block")
})

/** Prints a summary of each sent message. */
const printPosts = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.tapRequest((request) => Console.log(`\nA message:\n${summary(request)}`)),
  ),
)

const alerts = DiscordLogger.layerConfig(Webhook.config("DISCORD_WEBHOOK_URL"), {
  level: LogLevel.Warning,
  window: "1 second",
  username: "Shop",
})

checkout.pipe(
  Effect.zipRight(Console.log("The program has ended; queued entries are sent.")),
  Effect.provide([
    Logger.remove(Logger.defaultLogger),
    Layer.provide(alerts, Layer.provideMerge(printPosts, discord)),
  ]),
  NodeRuntime.runMain({ disablePrettyLogger: true }),
)

function summary({ body }: HttpClientRequest.HttpClientRequest): string {
  if (body._tag !== "Uint8Array") return ""
  const { embeds } = JSON.parse(new TextDecoder().decode(body.body))
  return embeds.map(lines).join("\n")
}

interface Shown {
  readonly title: string
  readonly description: string
  readonly fields: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

/** The texts in their code blocks, without escapes. */
function lines({ description, fields, title }: Shown): string {
  const blocks = [description, ...fields.map(({ value }) => value)]
  const texts = blocks.flatMap((block) => block.replaceAll("\u200b", "").split("\n").slice(1, -1))
  return [`  ┃ ${title.replaceAll("\u200b", "")}`, ...texts.filter((text) => text !== "")].join(
    "\n  ┃   ",
  )
}

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
// The program has ended; queued entries are sent.
//
// A message:
//   ┃ WARN: stock is low
//   ┃   stock is low
//   ┃   item=mug
//   ┃   left=2
//   ┃ ERROR: payment failed
//   ┃   payment failed
//   ┃   Error: card declined
//   ┃   order=7-1142
//   ┃ WARN: hello \@everyone, this \`\`\` mentions no one and stays in its block
//   ┃   hello @everyone, this ``` mentions no one and stays in its block

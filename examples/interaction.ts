/**
 * An application that exports rows on a slash command. Discord requires an initial response within 3
 * seconds, so the application has deferred it. The example edits the deferred response, sends a
 * follow-up that only the user sees, and shows the error after the token has expired.
 *
 * An interaction comes from Discord to the application's own server or gateway connection. In this
 * example the simulator stands in for both: `createInteraction` is the command, already deferred.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { FileUpload, InteractionWebhook, MessageFlags, RateLimiter, Strategy } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const received = yield* discord.createInteraction()
  const interaction = yield* InteractionWebhook.make(received)

  yield* Console.log("The deferred response")
  const before = yield* InteractionWebhook.getMessage(interaction, "@original")
  yield* Console.log(`  flags: ${MessageFlags.names(before.flags).join(", ")}`)

  yield* Console.log("Fill it in")
  const after = yield* InteractionWebhook.editMessage(interaction, "@original", {
    content: "2 rows exported",
    files: [FileUpload.fromText("rows.csv", "id,name\n1,Ada\n2,Grace\n")],
  })
  yield* Console.log(`  ${after.content}, ${after.attachments[0]?.filename ?? "no file"}`)

  yield* Console.log("A follow-up that only the user sees")
  const whisper = yield* InteractionWebhook.send(interaction, {
    content: "One row had no name.",
    flags: ["Ephemeral"],
  })
  yield* Console.log(`  flags: ${MessageFlags.names(whisper.flags).join(", ")}`)
  yield* InteractionWebhook.deleteMessage(interaction, whisper.id)

  yield* Console.log("15 minutes later")
  yield* TestClock.adjust("15 minutes")
  const late = InteractionWebhook.send(interaction, { content: "too late" })
  for (const attempt of [1, 2]) {
    yield* late.pipe(
      Effect.catchTag("WebhookInteractionError", ({ reason, remembered }) =>
        Console.log(`  attempt ${attempt}: ${reason}${remembered ? ", nothing was sent" : ""}`),
      ),
    )
  }
})

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerAdaptive,
  Logger.minimumLogLevel(LogLevel.Error),
)

program.pipe(Effect.provide(layer), Effect.provide(TestContext.TestContext), NodeRuntime.runMain)

// Output:
// The deferred response
//   flags: Loading
// Fill it in
//   2 rows exported, rows.csv
// A follow-up that only the user sees
//   flags: Ephemeral
// 15 minutes later
//   attempt 1: expired
//   attempt 2: expired, nothing was sent

/**
 * Sends a poll, and shows the errors of one that breaks Discord's limits.
 *
 *     npx tsx examples/poll.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Poll, Webhook } from "effect-discord"
import { discord } from "./support/discord.js"

const lunch = Poll.make(
  "Where do we have lunch on Friday?",
  [
    { text: "Pizzeria", emoji: { name: "🍕" } },
    { text: "Salad bar", emoji: { name: "🥗" } },
    "I bring my own",
  ],
  { duration: "3 days", allowMultiselect: true },
)

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nSend a poll")
  const { poll, timestamp } = yield* Webhook.send(hook, { content: "Vote!", poll: lunch })
  yield* Console.log(`  ${poll?.question.text}`)
  for (const { answerId, pollMedia } of poll?.answers ?? []) {
    yield* Console.log(`  ${answerId}. ${pollMedia.emoji?.name ?? "  "} ${pollMedia.text}`)
  }
  if (poll?.expiry !== undefined) {
    const open = Duration.format(DateTime.distanceDuration(timestamp, poll.expiry))
    yield* Console.log(`  open for ${open}, several answers: ${poll.allowMultiselect}`)
  }

  yield* Console.log("An invalid poll fails before sending")
  const answers = Array.from({ length: 11 }, (_, index) => `answer ${index + 1}`)
  yield* Webhook.send(hook, { poll: Poll.make("", answers, { duration: "90 minutes" }) }).pipe(
    Effect.catchTag("WebhookValidationError", ({ issues }) =>
      Effect.forEach(issues, ({ message, path }) => Console.log(`  ${path}: ${message}`)),
    ),
  )
})

program.pipe(Effect.provide(discord), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Send a poll
//   Where do we have lunch on Friday?
//   1. 🍕 Pizzeria
//   2. 🥗 Salad bar
//   3.    I bring my own
//   open for 3d, several answers: true
// An invalid poll fails before sending
//   poll.question.text: at least 1 code point, got 0
//   poll.answers: at most 10 answers, got 11
//   poll.duration: a whole number of hours from 1 to 768, got 1.5

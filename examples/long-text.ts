/**
 * Splits release notes that are too long for one message, and sends the parts in order: the code
 * continues in the next message with its language, and a user's comment is escaped.
 *
 *     npx tsx examples/long-text.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { AllowedMentions, Markdown, Webhook } from "effect-discord"
import { discord } from "./support/discord.js"

/** Input from a public form. */
const comment = "**Great!** But `npm i` fails: see https://example.com/snake_case"

const steps = Array.from(
  { length: 60 },
  (_, index) => `await migrate("table-${index + 1}") // copy, check, swap`,
)

const notes = [
  Markdown.heading("Release 1.4"),
  "All tables are migrated, one table at a time. ".repeat(20),
  Markdown.codeBlock(steps.join("\n"), "ts"),
  "A comment from a user:",
  Markdown.quote(Markdown.escape(comment)),
].join("\n\n")

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  const parts = Markdown.splitContent(notes)
  yield* Console.log(`\n${notes.length} characters as ${parts.length} messages`)

  // In sequence: the order is kept, and a failure stops the rest.
  const messages = yield* Effect.forEach(parts, (content) =>
    Webhook.send(hook, { content, allowedMentions: AllowedMentions.none }),
  )

  for (const { content } of messages) {
    const lines = content.split("\n")
    yield* Console.log(`\n  ${content.length} characters, ${lines.length} lines`)
    yield* Console.log(`  first: ${lines[0]?.slice(0, 60)}`)
    yield* Console.log(`  last:  ${lines.at(-1)}`)
  }
})

program.pipe(Effect.provide(discord), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// 3855 characters as 2 messages
//
//   1971 characters, 28 lines
//   first: # Release 1.4
//   last:  ```
//
//   1893 characters, 44 lines
//   first: ```ts
//   last:  > \*\*Great!\*\* But \`npm i\` fails: see https://example.com/snake_case

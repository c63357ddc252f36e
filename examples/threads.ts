/**
 * Starts a thread with a tag in a forum, replies and edits in it, and handles thread errors.
 *
 *     npx tsx examples/threads.ts
 *
 * On real Discord `DISCORD_WEBHOOK_URL` has to be a webhook of a forum, and `DISCORD_FORUM_TAG`
 * the id of one of its tags.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Webhook } from "effect-discord"
import { discordWith } from "./support/discord.js"

const simulatedTag = "1102600212839804939"

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const tag = yield* Config.withDefault(Config.string("DISCORD_FORUM_TAG"), simulatedTag)

  yield* Console.log("\nStart a thread")
  const { threadId, message } = yield* Webhook.createThread(
    hook,
    { name: "Release 1.4", appliedTags: [tag] },
    { content: "Everything about version 1.4 goes here." },
  )
  yield* Console.log(`  ${message.content}`)

  yield* Console.log("Reply in it")
  const reply = yield* Webhook.sendToThread(hook, threadId, { content: "Tests: running" })

  yield* Console.log("Edit the reply, with the thread's id")
  yield* Webhook.editMessage(hook, reply.id, { content: "Tests: green" }, { threadId })
  const stored = yield* Webhook.getMessage(hook, reply.id, { threadId })
  yield* Console.log(`  ${stored.content}`)

  yield* Console.log("A webhook for one thread, as with ?thread_id= in its URL")
  const inThread = yield* Webhook.make({ id: hook.id, token: hook.token, threadId })
  const last = yield* Webhook.send(inThread, { content: "Released." })
  yield* Console.log(`  in the thread: ${last.channelId === threadId ? "yes" : "no"}`)

  yield* Console.log("A tag that the forum does not have")
  yield* Webhook.createThread(
    hook,
    { name: "Release 1.5", appliedTags: ["1"] },
    { content: "Soon." },
  ).pipe(
    Effect.catchTag("WebhookThreadError", ({ reason, code }) =>
      Console.log(`  ${reason} (${code})`),
    ),
  )

  yield* Console.log("A deleted thread: start another one")
  const content = "Hotfix 1.4.1 is out."
  yield* Webhook.sendToThread(hook, "42", { content }).pipe(
    Effect.catchIf(
      (error) => error._tag === "WebhookThreadError" && error.reason === "unknownThread",
      () =>
        Effect.map(
          Webhook.createThread(hook, { name: "Release 1.4.1", appliedTags: [tag] }, { content }),
          (started) => started.message,
        ),
    ),
    Effect.tap((sent) => Console.log(`  ${sent.content}`)),
  )
})

const forum = discordWith({ channel: "forum", tags: [simulatedTag], requireTag: true })

program.pipe(Effect.provide(forum), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Start a thread
//   Everything about version 1.4 goes here.
// Reply in it
// Edit the reply, with the thread's id
//   Tests: green
// A webhook for one thread, as with ?thread_id= in its URL
//   in the thread: yes
// A tag that the forum does not have
//   unknownTag (10087)
// A deleted thread: start another one
//   Hotfix 1.4.1 is out.

/**
 * An administration of an outbox for the terminal. Without a file it shows itself on an outbox in which one
 * message was rejected.
 *
 *     npx tsx examples/outbox-admin.ts
 *     npx tsx examples/outbox-admin.ts outbox.db stats
 *     npx tsx examples/outbox-admin.ts outbox.db dead
 *     npx tsx examples/outbox-admin.ts outbox.db retry|discard ID...
 *     npx tsx examples/outbox-admin.ts outbox.db pause|resume [WEBHOOK]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { Webhook } from "effect-discord"
import { Outbox } from "effect-discord/outbox"
import { SqliteOutbox } from "effect-discord/sqlite"
import { discord } from "./support/discord.js"

const [, , filename, command = "stats", ...names] = process.argv

const showStats = Effect.flatMap(Outbox.stats, ({ dead, longest, oldest, ready, sending, sent }) =>
  Effect.gen(function* () {
    yield* Console.log(`${ready} ready, ${sending} sending, ${sent} sent, ${dead} dead`)
    if (oldest !== undefined) yield* Console.log(`oldest pending: ${Duration.format(oldest)}`)
    for (const { paused, pending, webhookId } of longest) {
      yield* Console.log(`  webhook ${webhookId}: ${pending}${paused ? ", paused" : ""}`)
    }
  }),
)

const showDead = Effect.flatMap(Outbox.list({ state: "dead" }), (entries) =>
  Effect.forEach(entries, ({ error, id, key }) =>
    Console.log(`${key ?? id}: ${error?.reason}\n  ${error?.message}`),
  ),
)

const run = (name: string, ids: ReadonlyArray<string>) => {
  const count = (changed: number) => Console.log(`${name}: ${changed}`)
  switch (name) {
    case "dead":
      return showDead
    case "retry":
      return Effect.flatMap(Outbox.retry(...ids), count)
    case "discard":
      return Effect.flatMap(Outbox.discard(...ids), count)
    case "pause":
      return Outbox.pause(ids[0])
    case "resume":
      return Outbox.resume(ids[0])
    default:
      return showStats
  }
}

const demonstration = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  yield* Outbox.send(hook, { content: "hello" }, { key: "first" })
  const wrong = yield* Outbox.edit(hook, "42", { content: "new" }, { key: "second" })
  yield* Effect.ignore(Outbox.await(wrong))
  for (const name of ["stats", "dead", "discard", "stats"]) {
    yield* Console.log(`\n> ${name}`)
    yield* run(name, [wrong])
  }
}).pipe(
  Effect.provide(Outbox.worker().pipe(Layer.provideMerge(Outbox.layerMemory()))),
  Logger.withMinimumLogLevel(LogLevel.Error),
)

if (filename === undefined) {
  demonstration.pipe(Effect.provide(discord), NodeRuntime.runMain)
} else {
  run(command, names).pipe(Effect.provide(SqliteOutbox.layer({ filename })), NodeRuntime.runMain)
}

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// > stats
// 0 ready, 0 sending, 1 sent, 1 dead
//
// > dead
// second: rejected
//   Outbox.edit (webhook 1): response 404 (code 10008): no such message on this webhook; if it is in a thread, pass its threadId
//
// > discard
// discard: 1
//
// > stats
// 0 ready, 0 sending, 1 sent, 0 dead

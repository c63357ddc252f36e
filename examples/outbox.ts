/**
 * Stores twenty messages, kills the process that sends them in the middle (`kill -9`), starts it again, and
 * counts what has arrived.
 *
 *     npx tsx examples/outbox.ts
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Schedule from "effect/Schedule"
import { Webhook } from "effect-discord"
import { NodeDiscord } from "effect-discord/node"
import { Outbox } from "effect-discord/outbox"
import { SqliteOutbox } from "effect-discord/sqlite"
import { discord, restFromEnvironment } from "./support/discord.js"

const outbox = (filename: string) => SqliteOutbox.layer({ filename, pollInterval: "50 millis" })

/** The second process: sends what is stored until it is ended. */
const worker = (filename: string) =>
  Outbox.worker({ lease: "2 seconds", pollInterval: "50 millis" }).pipe(
    Layer.provide(outbox(filename)),
    Layer.provide([NodeDiscord.layer, restFromEnvironment]),
    Layer.launch,
    // Else the second worker logs the entry that the kill has left in doubt.
    Logger.withMinimumLogLevel(LogLevel.Error),
  )

const numbers = Array.from({ length: 20 }, (_, index) => index + 1)

const startWorker = (filename: string) =>
  Effect.gen(function* () {
    const environment = yield* Config.all({
      DISCORD_WEBHOOK_URL: Config.string("DISCORD_WEBHOOK_URL"),
      DISCORD_CLIENT_BASE_URL: Config.string("DISCORD_CLIENT_BASE_URL").pipe(
        Config.withDefault("https://discord.com/api/v10"),
      ),
    })
    const script = [...process.execArgv, process.argv[1] ?? "", filename]
    return yield* Command.make(process.execPath, ...script).pipe(
      Command.env(environment),
      Command.stderr("inherit"),
      Command.stdout("inherit"),
      Command.start,
    )
  })

/** Fails when the worker ends by itself, for example because it cannot start. */
const untilEnded = ({ exitCode }: CommandExecutor.Process) =>
  Effect.flatMap(exitCode, (code) => Effect.dieMessage(`The worker ended with code ${code}.`))

const untilSent = (count: number) =>
  Effect.repeat(Outbox.stats, {
    until: ({ sent }) => sent >= count,
    schedule: Schedule.spaced("20 millis"),
  })

const atMostOne = (entries: ReadonlyArray<Outbox.Entry>) =>
  entries.length <= 1 ? "at most 1" : entries.length

const program = (filename: string) =>
  Effect.gen(function* () {
    const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
    const ids = yield* Effect.forEach(numbers, (number) =>
      Outbox.send(hook, { content: `message ${number}` }, { key: `message-${number}` }),
    )
    yield* Console.log(`\n${ids.length} messages are stored.`)

    yield* Effect.scoped(
      Effect.gen(function* () {
        const process = yield* startWorker(filename)
        yield* Effect.raceFirst(untilSent(7), untilEnded(process))
        yield* process.kill("SIGKILL")
      }),
    )
    const { ready, sending, sent } = yield* Outbox.stats
    yield* Console.log(`The worker was killed after ${sent >= 7 ? 7 : sent} or more of them.`)
    yield* Console.log(`Nothing is lost: ${ready + sending + sent} are in the outbox.`)

    const successor = yield* startWorker(filename)
    const delivered = yield* Effect.raceFirst(
      Effect.forEach(ids, Outbox.await, { concurrency: "unbounded" }),
      untilEnded(successor),
    )
    yield* Console.log("Another worker has sent the others.")

    const posted = delivered.map(({ messageId }) => BigInt(messageId ?? 0))
    const isInOrder = posted.every((id, index) => index === 0 || id > posted[index - 1]!)
    yield* Console.log(`Sent: ${new Set(posted).size} of ${ids.length}, in order: ${isInOrder}.`)
    const entries = yield* Outbox.list({ limit: ids.length })
    const inDoubt = entries.filter((entry) => entry.inDoubt > 0)
    yield* Console.log(
      `Sent twice, because the kill hit a request in flight: ${atMostOne(inDoubt)}.`,
    )
  }).pipe(Effect.provide(outbox(filename)))

const [, , filename] = process.argv
if (filename === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "outbox-"))
  program(join(folder, "outbox.db")).pipe(
    Effect.scoped,
    Effect.provide([discord, NodeContext.layer]),
    Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true }))),
    NodeRuntime.runMain,
  )
} else {
  NodeRuntime.runMain(worker(filename))
}

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// 20 messages are stored.
// The worker was killed after 7 or more of them.
// Nothing is lost: 20 are in the outbox.
// Another worker has sent the others.
// Sent: 20 of 20, in order: true.
// Sent twice, because the kill hit a request in flight: at most 1.

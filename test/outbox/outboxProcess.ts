/**
 * A process of the outbox, which the tests of processes start, stop and kill: `outboxProcess.mjs SETTINGS`,
 * JSON. A worker sends and a producer stores until SIGTERM; a producer prints a line for each entry that was
 * accepted.
 */
import { PgClient } from "@effect/sql-pg"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import type { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { RateLimiter, RestConfig, Strategy, Webhook, type WebhookError } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { Outbox, type OutboxError } from "../../src/outbox/index.js"
import { SqlOutbox } from "../../src/sql/index.js"
import { SqliteOutbox } from "../../src/sqlite/index.js"
import type { ProcessSettings } from "./Fleet.js"

const settings = JSON.parse(process.argv[2] ?? "{}") as ProcessSettings
const { baseUrl, database, key, lease, name } = settings
const tokens = { keys: [Redacted.make(key)] as const }
const options = {
  tokens,
  tablePrefix: settings.tablePrefix,
  pollInterval: "100 millis",
  capacity: { perWebhook: settings.capacity },
  whenFull: "wait",
} as const

const OutboxLive: Layer.Layer<
  Outbox.Outbox | Outbox.Engine,
  ConfigError | OutboxError.DiscordOutboxUnavailable | SqlError | WebhookError.DiscordInvalidOption
> =
  database._tag === "sqlite"
    ? SqliteOutbox.layer({ ...options, filename: database.filename })
    : SqlOutbox.layer(options).pipe(
        Layer.provide(
          PgClient.layer({
            ...database.address,
            applicationName: name,
            connectTimeout: "1 second",
          }),
        ),
      )

const DiscordLive = Layer.mergeAll(
  NodeDiscord.layerHttpClient,
  RateLimiter.layerWith({ globalLimit: 1_000_000 }),
  Strategy.layerAdaptive,
  RestConfig.layerWith({ baseUrl, userAgent: name }),
)

const print = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const whileAway = Schedule.spaced("50 millis")

/** One producer for each series and webhook. The key is the text, so that a restart repeats nothing. */
const produce = Effect.forEach(
  settings.series.flatMap((series) =>
    settings.webhooks.map((credentials, place) => ({ credentials, name: `${series}:${place}` })),
  ),
  ({ credentials, name: producer }) =>
    Effect.gen(function* () {
      const hook = yield* Webhook.make(credentials)
      for (let n = 0; ; n += 1) {
        const content = `${producer}:${n}`
        const id = yield* Effect.retry(Outbox.send(hook, { content }, { key: content }), {
          while: ({ _tag }) => _tag === "DiscordOutboxUnavailable",
          schedule: whileAway,
        })
        yield* print(`accepted ${content} ${id}`)
      }
    }),
  { concurrency: "unbounded", discard: true },
)

const WorkerLive = Outbox.worker({
  lease,
  inDoubt: settings.inDoubt,
  pollInterval: "100 millis",
  backoff: { base: "20 millis", max: "100 millis" },
}).pipe(Layer.provide(OutboxLive), Layer.provide(DiscordLive))

/** The database may be unavailable when a process starts; its supervisor would start it again. */
const restarting = Schedule.spaced("100 millis")

const main: Effect.Effect<
  void,
  Layer.Layer.Error<typeof WorkerLive> | Effect.Effect.Error<typeof produce>
> =
  settings.role === "producer"
    ? Effect.provide(produce, OutboxLive)
    : Layer.build(WorkerLive).pipe(
        Effect.zipRight(print("started")),
        Effect.zipRight(Effect.never),
        Effect.scoped,
      )

const logger = Logger.withConsoleError(Logger.logfmtLogger)

Effect.retry(main, restarting).pipe(
  Effect.tapErrorCause((cause) =>
    Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logFatal("it has failed", cause),
  ),
  Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
  NodeRuntime.runMain({ disableErrorReporting: true }),
)

// The oldest driver of PostgreSQL connects again by itself while the server restarts, and leaves a
// rejected promise behind, which would end the process.
if (process.env["PEERS"] === "lowest")
  process.on("unhandledRejection", (error) => {
    if (!/ECONNREFUSED|CONNECTION_/.test(String(error))) throw error
  })

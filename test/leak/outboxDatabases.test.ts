/** The token is in no row, page or file of a database, and in no failure of its statements. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { randomBytes } from "node:crypto"
import * as SqlClient from "@effect/sql/SqlClient"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe, expect } from "vitest"
import { FileUpload, RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import type { Webhook } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { SqlOutbox } from "../../src/sql/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { type Place, type SqlEngine, sqlEngines } from "../outbox/engines.js"
import { newHook } from "../scenarios/harness.js"
import { finder, makeRecorder, record, recordedTexts } from "./detector.js"

const tables = ["webhooks", "queues", "entries", "files", "settings", "migrations"] as const

/** Every row, as the database writes it as text. */
const readRows = (sql: SqlClient.SqlClient, engine: SqlEngine, { tablePrefix }: Place) =>
  Effect.map(
    Effect.forEach(tables, (table) =>
      engine.name === "postgres"
        ? sql.unsafe<{ readonly row: string }>(
            `SELECT CAST(t AS text) AS row FROM ${tablePrefix}${table} t`,
          )
        : Effect.map(sql.unsafe(`SELECT * FROM ${tablePrefix}${table}`), (rows) =>
            rows.map((row) => ({ row: JSON.stringify(row) })),
          ),
    ),
    (all) => all.flat().map(({ row }) => row),
  )

/** The bytes of the database, of its journal and of its index, as text. */
const readFiles = ({ filename }: Place): ReadonlyArray<string> =>
  readdirSync(dirname(filename))
    .filter((name) => !name.endsWith(".key"))
    .map((name) => readFileSync(`${dirname(filename)}/${name}`).toString("latin1"))

/** Messages that are sent, that become dead and that wait. */
const fill = (hook: Webhook.Webhook) =>
  Effect.gen(function* () {
    const sent = yield* Outbox.send(
      hook,
      { content: "x", files: [FileUpload.fromText("a.txt", "hello")] },
      { key: "k" },
    )
    const edit = yield* Outbox.edit(hook, sent, { content: "y" })
    yield* Effect.forEach([sent, edit], (id) => Effect.exit(Outbox.await(id)))
    yield* Outbox.send(hook, { content: "later" }, { notBefore: "1 hour" })
    return yield* Outbox.list()
  })

/** Statements that fail, with everything in their parameters. */
const breakTables = (hook: Webhook.Webhook, sql: SqlClient.SqlClient, { tablePrefix }: Place) =>
  Effect.gen(function* () {
    yield* sql.unsafe(`ALTER TABLE ${tablePrefix}entries RENAME TO ${tablePrefix}gone`)
    const results = yield* Effect.all([
      Effect.either(Outbox.send(hook, { content: "z" }, { key: "z" })),
      Effect.either(Outbox.await("outbox-0")),
      Effect.either(Outbox.stats),
      Effect.either(Outbox.retry("outbox-0")),
      Effect.either(sql.withTransaction(Outbox.send(hook, { content: "z" }))),
    ])
    expect(results.map(({ _tag }) => _tag)).toEqual(Array(5).fill("Left"))
    yield* sql.unsafe(`ALTER TABLE ${tablePrefix}gone RENAME TO ${tablePrefix}entries`)
    yield* sql.unsafe(`ALTER TABLE ${tablePrefix}webhooks DROP COLUMN token`)
    const rejected = yield* Effect.either(Outbox.send(hook, { content: "z" }))
    expect(rejected._tag).toBe("Left")
    return [...results, rejected]
  })

describe.each(sqlEngines)("the token is nowhere in $name", (engine) => {
  it.scopedLive.skipIf(!engine.isAvailable)("in rows, files, errors, logs and spans", () =>
    Effect.gen(function* () {
      const recorder = yield* makeRecorder
      const place = yield* engine.place
      const sql = yield* engine.connect(place)
      const OutboxLive = SqlOutbox.layer({
        tablePrefix: place.tablePrefix,
        tokens: { keys: [Redacted.make(randomBytes(32).toString("base64"))] },
        pollInterval: "20 millis",
      }).pipe(Layer.provide(Layer.succeed(SqlClient.SqlClient, sql)))
      const DiscordLive = Layer.mergeAll(
        DiscordSimulator.layerTestWith({ globalLimit: "none", limits: { execute: "none" } }),
        RateLimiter.layerMemory,
        Strategy.layerProactive,
        RestConfig.layerWith({ timeout: "5 seconds" }),
      )
      const program = Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        // Discord's error contains the URL, and the outbox stores the error.
        const body = { message: `bad ${made.url}`, code: 50035, errors: { x: made.url } }
        yield* simulator.inject(Fault.respond({ status: 400, body }))
        const worker = Outbox.worker({ pollInterval: "20 millis" })
        yield* record(recorder, Effect.provide(fill(hook), worker))
        const rows = yield* readRows(sql, engine, place)
        const files = engine.name === "sqlite" ? readFiles(place) : []
        yield* record(recorder, breakTables(hook, sql, place))
        return { files, rows, secrets: [made.token] }
      })
      const { files, rows, secrets } = yield* Effect.provide(
        program,
        Layer.provideMerge(OutboxLive, DiscordLive),
      )
      const texts = yield* recordedTexts(recorder)
      const hasSecret = finder(...secrets)
      expect(rows.length).toBeGreaterThan(5)
      expect(rows.some((row) => row.includes("v1."))).toBe(true)
      expect(rows.filter(hasSecret)).toEqual([])
      expect(files.length).toBe(engine.name === "sqlite" ? 3 : 0)
      expect(files.map(hasSecret)).not.toContain(true)
      expect(texts.some((text) => text.includes("DiscordOutboxUnavailable"))).toBe(true)
      expect(texts.filter(hasSecret)).toEqual([])
    }),
  )
})

/** What users and operators get wrong: files, keys, full disks and rows that were damaged by hand. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { randomBytes } from "node:crypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { FileUpload, RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { SqlOutbox } from "../../src/sql/index.js"
import { SqliteOutbox } from "../../src/sqlite/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, newHook } from "../scenarios/harness.js"
import { isLowestPeers } from "../support/peers.js"
import { hasPostgres, startPostgres } from "../support/postgres.js"
import { allowDamage, folder, type SqlEngine, sqlEngines, sqlite } from "./engines.js"
import { logsOf } from "./setup.js"

const makeKey = () => Redacted.make(randomBytes(32).toString("base64"))

const DiscordLive = Layer.mergeAll(
  DiscordSimulator.layerTestWith({ globalLimit: "none", limits: { execute: "none" } }),
  RateLimiter.layerMemory,
  Strategy.layerProactive,
  RestConfig.layerWith({ timeout: "5 seconds" }),
)

/** Opens an outbox in a file and closes it, or fails. */
const openFile = (options: SqliteOutbox.SqliteOptions) =>
  Effect.scoped(Effect.asVoid(Layer.build(SqliteOutbox.layer(options))))

const setUp = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.DiscordSimulator
  return { simulator, ...(yield* newHook(simulator)) }
})

const test = <E>(name: string, run: Effect.Effect<void, E, Scope.Scope>) =>
  it.scopedLive(name, () => run)

describe("the file of an SQLite outbox", () => {
  for (const name of ["out box.db", "a#b.db", "a%20b.db", "a?mode=ro.db", "a&b=c.db", "ü 📬.db"]) {
    test(
      `has its name as it is given: ${name}`,
      Effect.gen(function* () {
        const path = yield* folder
        yield* openFile({ filename: join(path, name) })
        yield* openFile({ filename: join(path, name) })
        const files = readdirSync(path).filter((file) => !/-(?:wal|shm)$/.test(file))
        expect(new Set(files)).toEqual(new Set([name, `${name}.key`]))
      }),
    )
  }

  for (const filename of ["", ":memory:", "file:outbox.db", "libsql://localhost/x", "http://x/y"]) {
    test(
      `is a path, and not ${JSON.stringify(filename)}`,
      Effect.gen(function* () {
        expect(yield* Effect.flip(openFile({ filename }))).toMatchObject({
          _tag: "DiscordInvalidOption",
          option: "SqliteOutbox.layer: filename",
          actual: JSON.stringify(filename),
        })
      }),
    )
  }

  test(
    "is in a directory that exists",
    Effect.gen(function* () {
      const path = join(yield* folder, "none")
      const error = yield* Effect.flip(openFile({ filename: join(path, "outbox.db") }))
      expect(error.message).toBe(
        `SqliteOutbox.layer: the database cannot be reached (${path}/outbox.db cannot be created, because there is no directory ${path})`,
      )
    }),
  )

  test(
    "is not a directory, and not another file",
    Effect.gen(function* () {
      const path = yield* folder
      mkdirSync(join(path, "d"))
      writeFileSync(join(path, "text"), "some text ".repeat(200))
      expect((yield* Effect.flip(openFile({ filename: join(path, "d") }))).message).toContain(
        `${path}/d is a directory`,
      )
      expect(yield* Effect.flip(openFile({ filename: join(path, "text") }))).toMatchObject({
        reason: "damaged",
        detail: "SQLITE_NOTADB: file is not a database",
      })
    }),
  )

  it.scopedLive.skipIf(process.getuid?.() === 0)("can be written", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      yield* openFile({ filename })
      chmodSync(filename, 0o400)
      expect((yield* Effect.flip(openFile({ filename }))).message).toContain("permission")
    }),
  )

  test(
    "may be full: nothing is stored by halves, and it goes on when there is space",
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      const program = Effect.gen(function* () {
        const { hook, made, simulator } = yield* setUp
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE own (n INTEGER)`
        // Until the connection is replaced, which a failure causes.
        const fill = Effect.gen(function* () {
          const [pages] = yield* sql<{ readonly page_count: number }>`PRAGMA page_count`
          yield* sql.unsafe(`PRAGMA max_page_count = ${(pages?.page_count ?? 0) + 3}`)
        })
        yield* fill
        const texts = [1, 2, 3, 4, 5, 6, 7, 8].map(String)
        const send = (content: string) =>
          Outbox.send(
            hook,
            { content, files: [FileUpload.fromText("a.txt", "x".repeat(4000))] },
            { key: content },
          )
        const results = yield* Effect.forEach(texts, (n) => Effect.either(send(n)))
        const failed = results.flatMap((result) => (result._tag === "Left" ? [result.left] : []))
        expect(failed.length).toBeGreaterThan(0)
        expect(new Set(failed.map((error) => "reason" in error && error.reason))).toEqual(
          new Set(["full"]),
        )
        expect((yield* Outbox.list()).length).toBe(8 - failed.length)
        yield* fill
        // SQLite has rolled the transaction back; what follows the error must not be stored on its own.
        const transaction = yield* Effect.gen(function* () {
          yield* sql`INSERT INTO own (n) VALUES (1)`
          const large = Outbox.send(hook, {
            files: [FileUpload.fromText("a.txt", "x".repeat(90_000))],
          })
          const result = yield* Effect.either(large)
          expect(result).toMatchObject({ _tag: "Left", left: { reason: "full" } })
          yield* sql`INSERT INTO own (n) VALUES (2)`
        }).pipe(sql.withTransaction, Effect.flip)
        expect(String(transaction.cause)).toContain("SQLITE_FULL")
        expect(yield* sql`SELECT n FROM own`).toEqual([])
        const ids = yield* Effect.forEach(texts, send)
        yield* Effect.forEach(ids, Outbox.await)
        expect(new Set(contents(yield* simulator.messages(made)))).toEqual(new Set(texts))
      })
      yield* Effect.provide(
        program,
        Outbox.worker({ pollInterval: "20 millis", backoff: { base: "20 millis" } }).pipe(
          Layer.provideMerge(SqliteOutbox.layer({ filename, pollInterval: "20 millis" })),
          Layer.provideMerge(DiscordLive),
        ),
      )
    }),
  )
})

describe("the key file", () => {
  for (const [what, text] of [
    ["text", "hello"],
    ["nothing", ""],
    ["a short key", randomBytes(16).toString("base64")],
  ] as const) {
    test(
      `that contains ${what} is named by the error`,
      Effect.gen(function* () {
        const filename = join(yield* folder, "outbox.db")
        writeFileSync(`${filename}.key`, text)
        const error = yield* Effect.flip(openFile({ filename }))
        expect(error).toMatchObject({ _tag: "DiscordOutboxUnavailable", reason: "key" })
        expect(error.message).toContain(`${filename}.key does not contain 32 bytes in base64`)
        if (text !== "") expect(error.message).not.toContain(text)
      }),
    )
  }

  test(
    "that is a directory is named by the error",
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      mkdirSync(`${filename}.key`)
      const error = yield* Effect.flip(openFile({ filename }))
      expect(error.message).toContain(`${filename}.key cannot be read or created (EISDIR)`)
    }),
  )

  test(
    "is created for its owner only, and a file that others can read is reported",
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      const [, quiet] = yield* logsOf(openFile({ filename }))
      expect(statSync(`${filename}.key`).mode & 0o777).toBe(0o600)
      expect(quiet).toEqual([])
      chmodSync(`${filename}.key`, 0o644)
      const [, lines] = yield* logsOf(openFile({ filename }))
      expect(lines).toEqual([expect.stringContaining(`chmod 600 ${filename}.key`)])
    }),
  )

  test(
    "and the tables are created once by processes that start together",
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      yield* Effect.all(
        Array.from({ length: 5 }, () => openFile({ filename })),
        { concurrency: "unbounded" },
      )
      expect(Buffer.from(readFileSync(`${filename}.key`, "utf8"), "base64")).toHaveLength(32)
      expect(
        readdirSync(join(filename, "..")).filter((name) => name.includes(".key")),
      ).toHaveLength(1)
    }),
  )

  test(
    "that is lost makes the entries wait, until their webhook is used again",
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      const live = SqliteOutbox.layer({ filename, pollInterval: "20 millis" })
      const program = Effect.gen(function* () {
        const { hook, made, simulator } = yield* setUp
        const { hook: other } = yield* newHook(simulator)
        yield* Effect.provide(Outbox.send(hook, { content: "1" }), live)
        rmSync(`${filename}.key`)
        const [, lines] = yield* logsOf(
          Effect.provide(
            Effect.flatMap(Outbox.send(other, { content: "x" }), Outbox.await),
            Layer.provideMerge(Outbox.worker({ pollInterval: "20 millis" }), live),
          ),
        )
        expect(lines.join("\n")).toMatch(
          /webhook \d+\): its token is sealed with the key [0-9a-f]{8}, which is not in the list of keys; its entries wait/,
        )
        // The clock counts in fractions of milliseconds, and the store in whole ones.
        expect(lines.join("\n")).not.toMatch(/not available|not released/)
        expect(yield* simulator.messages(made)).toEqual([])
        yield* Effect.provide(
          Effect.gen(function* () {
            const id = yield* Outbox.send(hook, { content: "2" })
            yield* Outbox.pause()
            yield* Outbox.resume()
            expect((yield* Outbox.get(id)).state).toBe("ready")
          }),
          live,
        )
      })
      yield* Effect.provide(program, DiscordLive)
    }),
  )
})

/** An outbox on tables of its own, and a client that edits them by hand. */
const openSql = (engine: SqlEngine) =>
  Effect.gen(function* () {
    const place = yield* engine.place
    const sql = yield* engine.connect(place)
    const OutboxLive = SqlOutbox.layer({
      tablePrefix: place.tablePrefix,
      tokens: { keys: [makeKey()] },
      pollInterval: "20 millis",
    }).pipe(Layer.provide(Layer.succeed(SqlClient.SqlClient, sql)))
    const table = (name: string) => sql.literal(place.tablePrefix + name)
    return { OutboxLive, place, sql, table }
  })

describe.each(sqlEngines)("rows damaged by hand on $name", (engine) => {
  it.scopedLive.skipIf(!engine.isAvailable)(
    "end as dead entries, and the other webhooks go on",
    () =>
      Effect.gen(function* () {
        const { OutboxLive, sql, table } = yield* openSql(engine)
        const program = Effect.gen(function* () {
          const { hook, made, simulator } = yield* setUp
          const files = [FileUpload.fromText("a.txt", "1"), FileUpload.fromText("b.txt", "2")]
          const notJson = yield* Outbox.send(hook, { content: "request" })
          const noSuffix = yield* Outbox.send(hook, { content: "suffix" })
          const noFile = yield* Outbox.send(hook, { content: "file", files })
          const sound = yield* Outbox.send(hook, { content: "sound" })
          const second = yield* newHook(simulator)
          const noToken = yield* Outbox.send(second.hook, { content: "token" })
          const third = yield* newHook(simulator)
          const moved = yield* Outbox.send(third.hook, { content: "moved token" })
          const fourth = yield* newHook(simulator)
          yield* sql`UPDATE ${table("entries")} SET request = 'no JSON' WHERE id = ${notJson}`
          yield* sql`UPDATE ${table("entries")} SET request = '{"suffix":1}' WHERE id = ${noSuffix}`
          yield* sql`DELETE FROM ${table("files")} WHERE entry_id = ${noFile} AND position = 0`
          yield* sql`UPDATE ${table("webhooks")} SET token = 'v1.x' WHERE webhook_id = ${second.made.id}`
          yield* sql`UPDATE ${table("webhooks")} SET token =
          (SELECT w.token FROM ${table("webhooks")} w WHERE w.webhook_id = ${made.id})
          WHERE webhook_id = ${third.made.id}`
          const [, lines] = yield* logsOf(
            Effect.provide(
              Effect.gen(function* () {
                for (const id of [notJson, noSuffix, noFile]) {
                  expect(yield* Effect.flip(Outbox.await(id))).toMatchObject({ reason: "damaged" })
                }
                yield* Outbox.await(sound)
                yield* Outbox.await(yield* Outbox.send(fourth.hook, { content: "later" }))
              }),
              Outbox.worker({ pollInterval: "20 millis" }),
            ),
          )
          expect(contents(yield* simulator.messages(made))).toEqual(["sound"])
          const log = lines.join("\n")
          expect(log).toContain(`(webhook ${second.made.id}): its stored token cannot be read`)
          expect(log).toContain(`(webhook ${third.made.id}): its stored token cannot be opened`)
          for (const id of [noToken, moved]) expect((yield* Outbox.get(id)).state).toBe("ready")
          // A webhook that is used again stores its token again.
          const again = yield* Outbox.send(second.hook, { content: "again" })
          expect(again).not.toBe(noToken)
        })
        yield* Effect.provide(program, Layer.provideMerge(OutboxLive, DiscordLive))
      }),
  )
})

describe("a queue whose entries are all damaged", () => {
  it.scopedLive("is looked at once in a while, and not without a pause", () =>
    Effect.gen(function* () {
      const { OutboxLive, place, sql, table } = yield* openSql(sqlite)
      const program = Effect.gen(function* () {
        const { hook, simulator } = yield* setUp
        const { hook: other } = yield* newHook(simulator)
        yield* Outbox.send(hook, { content: "damaged" })
        yield* allowDamage(sql, `${place.tablePrefix}entries`)
        yield* sql`UPDATE ${table("entries")} SET state = 'unknown'`
        const backoff = { base: "1 hour", max: "1 hour" } as const
        yield* Effect.provide(
          Effect.gen(function* () {
            for (let count = 0; count < 5; count += 1) {
              yield* Outbox.await(yield* Outbox.send(other, { content: "sound" }))
            }
          }),
          Outbox.worker({ pollInterval: "20 millis", backoff }),
        )
        const claims = yield* sql<{ readonly epoch: number }>`
          SELECT epoch FROM ${table("queues")} WHERE webhook_id = ${hook.id}`
        expect(claims.map(({ epoch }) => epoch)).toEqual([1])
      })
      yield* Effect.provide(program, Layer.provideMerge(OutboxLive, DiscordLive))
    }),
  )
})

describe("PostgreSQL that becomes unavailable", () => {
  // The client of the oldest peers is another one (postgres.js), and connects again without an end.
  it.scopedLive.skipIf(!hasPostgres || isLowestPeers)(
    "fails calls with a tagged error, and loses nothing",
    () =>
      Effect.gen(function* () {
        const { start, stop, ...address } = yield* Effect.acquireRelease(
          Effect.promise(startPostgres),
          (server) => Effect.promise(() => server.stop("fast")),
        )
        const tokens = { keys: [makeKey()] as const }
        const OutboxLive = SqlOutbox.layer({ tokens, pollInterval: "20 millis" }).pipe(
          Layer.provideMerge(PgClient.layer({ ...address, connectTimeout: "1 second" })),
        )
        const away = { _tag: "DiscordOutboxUnavailable", reason: "connection" }
        const program = Effect.gen(function* () {
          const { hook, made, simulator } = yield* setUp
          const sql = yield* SqlClient.SqlClient
          const first = yield* Outbox.send(hook, { content: "1" }, { key: "1" })
          const waiting = yield* Effect.fork(Effect.flip(Outbox.await(first)))
          const transaction = yield* Effect.gen(function* () {
            yield* Outbox.send(hook, { content: "lost" })
            yield* Effect.promise(() => stop("kill"))
            const send = Outbox.send(hook, { content: "lost, too" })
            expect(yield* Effect.flip(send)).toMatchObject(away)
          }).pipe(sql.withTransaction, Effect.exit)
          expect(Exit.isFailure(transaction)).toBe(true)
          expect(yield* Fiber.join(waiting)).toMatchObject({ ...away, operation: "Outbox.find" })
          expect(
            yield* Effect.flip(Outbox.send(hook, { content: "2" }, { key: "2" })),
          ).toMatchObject(away)
          expect(yield* Effect.flip(Outbox.stats)).toMatchObject(away)
          const built = yield* Effect.flip(
            Effect.scoped(
              Effect.provideService(
                Layer.build(SqlOutbox.layer({ tokens })),
                SqlClient.SqlClient,
                sql,
              ),
            ),
          )
          expect(built).toMatchObject({ ...away, operation: "Outbox.migrate" })
          const [, lines] = yield* logsOf(
            Effect.provide(
              Effect.gen(function* () {
                yield* Effect.sleep("50 millis")
                yield* Effect.promise(start)
                const second = yield* Outbox.send(hook, { content: "2" }, { key: "2" })
                expect(yield* Outbox.send(hook, { content: "1" }, { key: "1" })).toBe(first)
                yield* Outbox.await(second)
              }),
              Outbox.worker({ pollInterval: "20 millis" }),
            ),
          )
          expect(lines.filter((line) => line.includes("the store is not available"))).toHaveLength(
            1,
          )
          expect(contents(yield* simulator.messages(made))).toEqual(["1", "2"])
        })
        yield* Effect.provide(program, Layer.provideMerge(OutboxLive, DiscordLive))
      }),
  )
})

/**
 * What the SQL engines (where the outbox stores its entries) do beyond the conformance suite: transactions, tables,
 * faults.
 */
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import {
  allowDamage,
  connectPostgres,
  folder,
  openStore,
  openTables,
  postgres,
  sqlEngines,
  testDatabase,
} from "./engines.js"
import {
  failureOf,
  claim,
  claimOne,
  dead,
  entry,
  findOne,
  idsOf,
  put,
  release,
  send,
  sending,
  step,
  unlimited,
  webhooksOf,
} from "./storeSteps.js"

class Rollback {
  readonly _tag = "Rollback"
}

describe.each(sqlEngines)("the store on $name", (engine) => {
  const test = testDatabase(engine)

  describe("a transaction of the caller", () => {
    test("contains the entry", (store, sql) =>
      Effect.gen(function* () {
        expect(yield* store.isInTransaction).toBe(false)
        yield* Effect.gen(function* () {
          expect(yield* store.isInTransaction).toBe(true)
          yield* put(store, ["a", "b"])
          return yield* Effect.fail(new Rollback())
        }).pipe(sql.withTransaction, Effect.flip)
        expect(yield* store.find(["a", "b"])).toEqual([])
        expect(yield* store.queues(1)).toEqual([])
        yield* sql.withTransaction(put(store, ["a"]))
        expect(idsOf(yield* store.load(["100"], 10))).toEqual(["a"])
        expect((yield* store.queues(1))[0]?.pending).toBe(1)
      }))

    test("stays usable after an error, and contains nothing of it", (store, sql, where) =>
      Effect.gen(function* () {
        const broken = entry("b", { operation: "unknown" as never })
        const error = yield* Effect.gen(function* () {
          yield* put(store, ["a"])
          const failed = yield* failureOf(store.enqueue([entry("c"), broken], unlimited))
          yield* put(store, ["d"])
          return failed
        }).pipe(sql.withTransaction)
        expect(error).toMatchObject({
          _tag: "DiscordOutboxUnavailable",
          operation: "Outbox.enqueue",
          reason: "constraint",
        })
        expect(idsOf(yield* store.load(["100"], 10))).toEqual(["a", "d"])
        const { store: other } = yield* openStore(engine, where)
        expect((yield* other.queues(1))[0]?.pending).toBe(2)
      }))
  })

  describe("tables", () => {
    test("are created once, by processes that start together", (_store, _sql, where) =>
      Effect.gen(function* () {
        const tablePrefix = `${where.tablePrefix}more_`
        const stores = yield* Effect.forEach(
          Array.from({ length: 6 }),
          () => openStore(engine, { ...where, tablePrefix }),
          { concurrency: "unbounded" },
        )
        for (const [n, { store }] of stores.entries()) yield* put(store, [`e${n}`])
        expect(yield* stores[0]?.store.load(["100"], 10) ?? Effect.succeed([])).toHaveLength(6)
      }))

    test("of a newer version are not used", (_store, sql, where) =>
      Effect.gen(function* () {
        const table = sql.literal(`${where.tablePrefix}migrations`)
        yield* sql`INSERT INTO ${table} (migration_id, name) VALUES (99, 'later')`
        expect(yield* failureOf(openStore(engine, where))).toMatchObject({
          _tag: "DiscordOutboxUnavailable",
          reason: "schemaTooNew",
          detail: "the tables have version 99, and this process uses version 1",
        })
      }))

    test("have a prefix that is checked", (_store, _sql, where) =>
      Effect.gen(function* () {
        const prefixes = ["", "a b", "1a", "A_", 'a"; DROP TABLE x; --', "a.b.c", "x".repeat(41)]
        for (const tablePrefix of prefixes) {
          expect(yield* failureOf(openStore(engine, { ...where, tablePrefix }))).toMatchObject({
            _tag: "DiscordOutboxUnavailable",
            reason: "migration",
            detail: expect.stringContaining("table prefix") as unknown,
          })
        }
      }))
  })

  test("skips a row that was damaged, and discards it", (store, sql, where) =>
    Effect.gen(function* () {
      const entries = sql.literal(`${where.tablePrefix}entries`)
      yield* put(store, ["a", "b"])
      yield* put(store, ["c"], { webhook: "200" })
      yield* allowDamage(sql, `${where.tablePrefix}entries`)
      yield* sql`UPDATE ${entries} SET state = 'unknown' WHERE id IN ('a', 'c')`
      const queues = yield* claim(store, "w1")
      expect(webhooksOf(queues)).toContain("100")
      const queue = queues.find(({ webhookId }) => webhookId === "100")
      if (queue === undefined) throw new Error("not claimed")
      expect(idsOf(queue.entries)).toEqual(["b"])
      yield* send(store, "w1", queue, "b")
      expect((yield* findOne(store, "b")).state).toBe("sent")
      expect(yield* store.find(["a"])).toEqual([])
      expect(yield* store.discard(["a", "c"])).toBe(2)
      expect(yield* store.queues(10)).toEqual([])
    }))

  test("reports an error of a statement without its values", (store, sql, where) =>
    Effect.gen(function* () {
      const secret = "sealed-SECRET"
      yield* sql.unsafe(`ALTER TABLE ${where.tablePrefix}webhooks DROP COLUMN token`)
      const error = yield* failureOf(put(store, [secret], { token: "SECRET" }))
      expect(error.reason).toBe("constraint")
      expect(error.message).toContain("token")
      expect(JSON.stringify(error) + error.message).not.toContain("SECRET")
    }))
})

describe("the store on PostgreSQL", () => {
  const test = testDatabase(postgres)

  test("notifies when the transaction commits, once for all of it", (store, sql, where) =>
    Effect.gen(function* () {
      const payloads: Array<string> = []
      const channel = where.tablePrefix
      const listener = yield* connectPostgres()
      yield* Effect.forkScoped(
        Stream.runForEach(listener.listen(channel), (payload) =>
          Effect.sync(() => payloads.push(payload)),
        ),
      )
      const mark = (payload: string) =>
        Effect.gen(function* () {
          while (!payloads.includes(payload)) {
            yield* sql`SELECT pg_notify(${channel}, ${payload})`
            yield* Effect.sleep("5 millis")
          }
        })
      yield* mark("begin")
      yield* Effect.gen(function* () {
        yield* put(store, ["a"])
        return yield* Effect.fail(new Rollback())
      }).pipe(sql.withTransaction, Effect.flip)
      yield* sql.withTransaction(Effect.zipRight(put(store, ["b"]), put(store, ["c", "d"])))
      yield* mark("end")
      // Notifications arrive in the order of the commits.
      expect(payloads.filter((payload) => payload === "entries")).toHaveLength(1)
    }))

  test("wakes the workers of other processes", (store, _sql, where) =>
    Effect.gen(function* () {
      const { store: other } = yield* openStore(postgres, where)
      const wakes = { count: 0 }
      yield* other.onEnqueued(() => {
        wakes.count += 1
      })
      for (let n = 0; wakes.count === 0; n += 1) {
        yield* put(store, [`e${n}`])
        yield* Effect.sleep("5 millis")
      }
    }))

  test("keeps its tables in a schema", (_store, sql, where) =>
    Effect.gen(function* () {
      const schema = `${where.tablePrefix}schema`
      yield* sql.unsafe(`CREATE SCHEMA ${schema}`)
      const inSchema = { ...where, tablePrefix: `${schema}.outbox_` }
      const { store } = yield* openStore(postgres, inSchema)
      yield* openStore(postgres, inSchema)
      yield* put(store, ["a"])
      yield* send(store, "w1", yield* claimOne(store, "w1"), "a")
      expect(yield* sql.unsafe(`SELECT id FROM ${schema}.outbox_entries`)).toEqual([{ id: "a" }])
    }))

  test("reads no table from end to end", (_store, _sql, where) =>
    Effect.gen(function* () {
      // One connection, whose statistics can be published.
      const sql = yield* connectPostgres({ maxConnections: 1 })
      const store = yield* openTables(sql, where.tablePrefix)
      const ids = Array.from({ length: 20_000 }, (_, n) => n)
      for (let from = 0; from < ids.length; from += 5000) {
        yield* store.enqueue(
          ids.slice(from, from + 5000).map((n) => entry(`e${n}`, { webhook: `${10_000 + n}` })),
          unlimited,
        )
      }
      yield* sql.unsafe(`ANALYZE ${where.tablePrefix}entries`)
      yield* sql.unsafe(`ANALYZE ${where.tablePrefix}webhooks`)
      const countScans = Effect.gen(function* () {
        yield* sql`SELECT pg_stat_force_next_flush()`
        const rows = yield* sql<{ readonly scans: string }>`
          SELECT pg_stat_get_numscans(CAST(${`${where.tablePrefix}entries`} AS regclass)) AS scans`
        return Number(rows[0]?.scans)
      })
      const work = Effect.gen(function* () {
        const queues = yield* claim(store, "w1", 50)
        expect(queues).toHaveLength(50)
        const steps = queues.map((queue) => step(queue, queue.entries[0]?.id ?? "", 1, sending))
        expect(new Set(yield* store.commit("w1", steps))).toEqual(new Set(["done"]))
        yield* store.commit(
          "w1",
          queues.map((queue) => step(queue, queue.entries[0]?.id ?? "", 1, dead)),
        )
        yield* store.bury("w1", queues[0] ?? { webhookId: "", epoch: 0 }, "gone")
        const found = queues.flatMap(({ entries }) => idsOf(entries))
        yield* store.find(found)
        yield* store.retry(found.slice(0, 10))
        yield* store.discard(found)
        yield* store.load(["10500"], 10)
        yield* store.list({ state: "dead", webhookId: undefined, after: undefined, limit: 10 })
        yield* put(store, ["new"], { key: "k" })
        yield* store.sweep({ sent: 1, dead: 1 })
      })
      const before = yield* countScans
      yield* work
      expect((yield* countScans) - before).toBe(0)
    }))
})

describe("the store on the client of libsql", () => {
  const open = Effect.gen(function* () {
    const url = `file:${join(yield* folder, "outbox.db")}`
    const sql = Context.get(yield* Layer.build(LibsqlClient.layer({ url })), SqlClient.SqlClient)
    const store = yield* openTables(sql, "o_")
    return { sql, store }
  })

  it.scopedLive("is part of a transaction of the caller", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* open
      yield* Effect.gen(function* () {
        expect(yield* store.isInTransaction).toBe(true)
        yield* put(store, ["a"])
        return yield* Effect.fail(new Rollback())
      }).pipe(sql.withTransaction, Effect.flip)
      expect(yield* store.isInTransaction).toBe(false)
      yield* sql.withTransaction(put(store, ["b"]))
      expect(idsOf(yield* store.load(["100"], 10))).toEqual(["b"])
      const queue = yield* claimOne(store, "w1")
      yield* send(store, "w1", queue, "b")
      yield* release(store, "w1", queue)
      expect((yield* store.stats).sent).toBe(1)
    }),
  )
})

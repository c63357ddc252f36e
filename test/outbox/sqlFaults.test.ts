/** Several processes on one SQLite file, some of them killed; PostgreSQL that becomes unavailable. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { getProgram } from "../support/ChildProgram.js"
import { isThorough } from "../support/laws.js"
import { isLowestPeers } from "../support/peers.js"
import { hasPostgres, startPostgres } from "../support/postgres.js"
import { folder, openStore, openTables, sqlite } from "./engines.js"
import { idsOf, put } from "./storeSteps.js"

/** Runs a writer, and returns the entries that it has stored. `killAt`: after so many, by SIGKILL. */
async function write(filename: string, name: string, count: number, killAt = Infinity) {
  const program = await getProgram("test/outbox/sqliteWriter.ts")
  const child = spawn(process.execPath, [program, filename, name, `${count}`], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
    if (output.split("\n").length > killAt) child.kill("SIGKILL")
  })
  const [code] = (await once(child, "close")) as [number | null]
  return { code, stored: output.split("\n").slice(0, -1) }
}

describe("an SQLite file", () => {
  it.scopedLive.skipIf(!isThorough)("is shared by processes, also by some that are killed", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "outbox.db")
      const writers = yield* Effect.promise(() =>
        Promise.all([
          write(filename, "a", 60),
          write(filename, "b", 60),
          write(filename, "killed", 1000, 20),
        ]),
      )
      expect(writers.map(({ code }) => code)).toEqual([0, 0, null])
      const { sql, store } = yield* openStore(sqlite, { filename, tablePrefix: "o_" })
      const ids = writers.flatMap(({ stored }) => stored)
      expect(ids.length).toBeGreaterThanOrEqual(140)
      const found = yield* store.find(ids)
      expect(idsOf(found)).toEqual(ids)
      // No request was started twice, and the counts agree with the entries.
      expect(new Set(found.map(({ attempts }) => attempts)).size).toBeLessThanOrEqual(2)
      expect(Math.max(...found.map(({ attempts }) => attempts))).toBe(1)
      const { ready, sending } = yield* store.stats
      const pending = (yield* store.queues(100)).reduce((sum, queue) => sum + queue.pending, 0)
      expect(pending).toBe(ready + sending)
      expect(yield* sql`PRAGMA integrity_check`).toEqual([{ integrity_check: "ok" }])
      expect(yield* sql`PRAGMA journal_mode`).toEqual([{ journal_mode: "wal" }])
      expect(yield* sql`PRAGMA synchronous`).toEqual([{ synchronous: 2 }])
    }),
  )

  it.scopedLive("that cannot be opened is reported", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "none", "outbox.db")
      expect(yield* Effect.flip(openStore(sqlite, { filename, tablePrefix: "o_" }))).toMatchObject({
        _tag: "DiscordOutboxUnavailable",
        reason: "connection",
      })
    }),
  )

  it.scopedLive(
    "is free again when the fiber that waits for it is interrupted at the last moment",
    () =>
      Effect.gen(function* () {
        const filename = join(yield* folder, "outbox.db")
        const { sql } = yield* openStore(sqlite, { filename, tablePrefix: "o_" })
        const statement = Effect.asVoid(sql`SELECT 1`)
        const mayCommit = yield* Deferred.make<void>()
        const waiting = yield* Deferred.make<Fiber.RuntimeFiber<void, unknown>>()
        const first = Deferred.await(mayCommit).pipe(
          sql.withTransaction,
          // It has just passed the connection on.
          Effect.zipRight(Effect.flatMap(Deferred.await(waiting), Fiber.interruptFork)),
        )
        const fiber = yield* Effect.fork(first)
        yield* Effect.yieldNow()
        yield* Deferred.succeed(waiting, yield* Effect.fork(statement))
        yield* Effect.yieldNow()
        yield* Deferred.succeed(mayCommit, undefined)
        yield* Fiber.join(fiber)
        yield* statement
      }),
  )
})

describe("PostgreSQL", () => {
  // The driver of @effect/sql-pg before 0.48 does not answer a query that it writes to a connection
  // which is about to close: neither an error nor a result, for ever.
  it.scoped.skipIf(!hasPostgres || isLowestPeers)("may be unavailable for a while", () =>
    Effect.gen(function* () {
      const { database, host, port, start, stop, username } = yield* Effect.promise(startPostgres)
      const layer = PgClient.layer({ host, port, database, username })
      const sql = Context.get(yield* Layer.build(layer), SqlClient.SqlClient)
      const store = yield* openTables(sql, "o_")
      let count = 0
      const wakes = { count: 0 }
      yield* store.onEnqueued(() => {
        wakes.count += 1
      })
      const putOne = put(store, ["a"])
      const wait = Effect.promise(() => delay(10))
      while (wakes.count < 2) {
        yield* put(store, [`e${(count += 1)}`])
        yield* wait
      }
      yield* Effect.promise(() => stop("kill"))
      for (const call of [
        putOne,
        store.find(["e1"]),
        store.stats,
        store.sweep({ sent: 1, dead: 1 }),
      ]) {
        // @effect-diagnostics-next-line anyUnknownInErrorContext:off
        expect(yield* Effect.flip<unknown, unknown, never>(call)).toMatchObject({
          _tag: "DiscordOutboxUnavailable",
          reason: "connection",
        })
      }
      yield* Effect.promise(start)
      yield* putOne
      expect(idsOf(yield* store.find(["e1", "a"]))).toEqual(["e1", "a"])
      // Listening begins again after a while. Between a put and the wake the time stands still.
      for (let before = wakes.count; wakes.count === before;) {
        yield* TestClock.adjust("30 seconds")
        yield* wait
        before = wakes.count
        yield* put(store, [`e${(count += 1)}`])
        yield* wait
      }
      yield* Effect.promise(() => stop("fast"))
    }),
  )
})

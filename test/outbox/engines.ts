/** The engines that the conformance suite runs on. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeMemoryStore, MemoryStore } from "../../src/outbox/memoryStore.js"
import type { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import { makeSqlStore } from "../../src/sql/sqlStore.js"
import { layerSqliteClient } from "../../src/sqlite/sqliteClient.js"
import { getPostgres, hasPostgres } from "../support/postgres.js"
import { makeManualClock, type ManualClock } from "./manualClock.js"
import type { Store } from "./storeSteps.js"

/** What a process sees of an engine. */
export interface Opened {
  readonly store: Store
  readonly sql: SqlClient.SqlClient
}

export interface Engine {
  readonly name: string
  readonly isAvailable: boolean
  /** Opens new tables as several processes do. */
  readonly open: (
    processes: number,
  ) => Effect.Effect<ReadonlyArray<Store>, DiscordOutboxUnavailable | SqlError, Scope.Scope>
}

export interface SqlEngine extends Engine {
  /** A client of its own for each process. */
  readonly connect: (
    place: Place,
  ) => Effect.Effect<SqlClient.SqlClient, DiscordOutboxUnavailable | SqlError, Scope.Scope>
  readonly place: Effect.Effect<Place, never, Scope.Scope>
}

/** A file of SQLite, or a prefix on PostgreSQL. */
export interface Place {
  readonly tablePrefix: string
  readonly filename: string
}

let count = 0
const nextPrefix = (): string => `t${process.pid}_${(count += 1)}_`

export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-discord-sqlite-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
)

/** Opens the tables with this prefix, by the clock of the database unless the test has one. */
export const openTables = (
  sql: SqlClient.SqlClient,
  tablePrefix: string,
  clock: "clock" | "database" = "database",
) => Effect.provideService(makeSqlStore({ tablePrefix, clock }), SqlClient.SqlClient, sql)

export const openStore = (
  engine: SqlEngine,
  place: Place,
): Effect.Effect<Opened, DiscordOutboxUnavailable | SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* engine.connect(place)
    const store = yield* openTables(sql, place.tablePrefix, "clock")
    return { store, sql }
  })

const openAll = (engine: SqlEngine, processes: number) =>
  Effect.flatMap(engine.place, (place) =>
    Effect.all(
      Array.from({ length: processes }, () =>
        Effect.map(openStore(engine, place), ({ store }) => store),
      ),
    ),
  )

export const sqlite: SqlEngine = {
  name: "sqlite",
  isAvailable: true,
  connect: ({ filename }) =>
    Effect.map(Layer.build(layerSqliteClient(filename)), Context.get(SqlClient.SqlClient)),
  place: Effect.map(folder, (path) => ({
    tablePrefix: nextPrefix(),
    filename: join(path, "out box#1.db"),
  })),
  open: (processes) => openAll(sqlite, processes),
}

export const connectPostgres = (options: { readonly maxConnections?: number } = {}) =>
  Effect.gen(function* () {
    const { database, host, port, username } = yield* Effect.promise(getPostgres)
    const layer = PgClient.layer({ host, port, database, username, ...options })
    return Context.get(yield* Layer.build(layer), PgClient.PgClient)
  })

export const postgres: SqlEngine = {
  name: "postgres",
  isAvailable: hasPostgres,
  connect: () => connectPostgres(),
  place: Effect.sync(() => ({ tablePrefix: nextPrefix(), filename: "" })),
  open: (processes) => openAll(postgres, processes),
}

const memory: Engine = {
  name: "memory",
  isAvailable: true,
  open: (processes) =>
    Effect.sync(() => {
      const shared = new MemoryStore()
      return Array.from({ length: processes }, () => makeMemoryStore(shared))
    }),
}

export const sqlEngines: ReadonlyArray<SqlEngine> = [sqlite, postgres]
export const engines: ReadonlyArray<Engine> = [memory, ...sqlEngines]

/** Runs a test with the stores of two processes, on a clock that only the test moves. */
export const withTwoStores = (
  open: Engine["open"],
  run: (
    store: Store,
    other: Store,
    clock: ManualClock,
  ) => Effect.Effect<void, DiscordOutboxUnavailable | SqlError, Scope.Scope>,
): Effect.Effect<void, DiscordOutboxUnavailable | SqlError, Scope.Scope> =>
  Effect.suspend(() => {
    const clock = makeManualClock()
    return Effect.flatMap(open(2), ([store, other]) =>
      store === undefined || other === undefined
        ? Effect.dieMessage("there are no two stores")
        : run(store, other, clock),
    ).pipe(Effect.withClock(clock))
  })

/** Defines a test of an engine with the stores of two processes. */
export const testStores =
  ({ isAvailable, open }: Engine) =>
  (name: string, run: Parameters<typeof withTwoStores>[1]): void =>
    it.scopedLive.skipIf(!isAvailable)(name, () => withTwoStores(open, run))

/** Defines a test of an engine with its database. */
export const testDatabase =
  (engine: SqlEngine) =>
  (
    name: string,
    run: (
      store: Store,
      sql: SqlClient.SqlClient,
      where: Place,
    ) => Effect.Effect<void, DiscordOutboxUnavailable | SqlError, Scope.Scope>,
  ): void =>
    it.scopedLive.skipIf(!engine.isAvailable)(name, () =>
      Effect.gen(function* () {
        const where = yield* engine.place
        const { sql, store } = yield* openStore(engine, where)
        yield* run(store, sql, where)
      }),
    )

/** Drops or disables the constraints that protect the table from edits by hand. */
export function allowDamage(
  sql: SqlClient.SqlClient,
  table: string,
): Effect.Effect<unknown, DiscordOutboxUnavailable | SqlError> {
  return sql.onDialectOrElse({
    pg: () =>
      Effect.flatMap(
        sql<{ readonly name: string }>`SELECT conname AS name FROM pg_constraint
          WHERE conrelid = CAST(${table} AS regclass) AND contype = 'c'`,
        Effect.forEach(({ name }) => sql.unsafe(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)),
      ),
    orElse: () => sql`PRAGMA ignore_check_constraints = ON`,
  })
}

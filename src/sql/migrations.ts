/**
 * Creates the tables, and migrates those of earlier versions.
 *
 * Who writes what: producers write `webhooks`, `entries` and `files`; workers write `queues` and
 * `entries`. So the transaction of a producer, which may take long, never blocks a worker. `accepted`
 * minus `settled` is the number of pending entries of a webhook.
 *
 * The partial indexes depend on `sent_at` and `dead_at` and not on `state`, so that PostgreSQL updates
 * no index when an entry becomes `sending`.
 */
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import type { Dialect, Session } from "./session.js"
import type { TableNames } from "./tables.js"

/** The version of the tables that this version of the engine uses. */
const latest = 1

interface Types {
  readonly text: string
  readonly integer: string
  readonly bytes: string
  readonly sequence: string
  readonly table: string
  readonly busyTable: string
  readonly entryTable: string
}

/** STRICT tables of SQLite reject values of another type, as PostgreSQL does. */
const types: Readonly<Record<Dialect, Types>> = {
  pg: {
    text: 'text COLLATE "C"',
    integer: "bigint",
    bytes: "bytea",
    sequence: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    table: "",
    // Rows that are updated all the time find space for their next version on the same page.
    busyTable: "WITH (fillfactor = 50)",
    entryTable: "WITH (fillfactor = 75)",
  },
  sqlite: {
    text: "TEXT",
    integer: "INTEGER",
    bytes: "BLOB",
    sequence: "INTEGER PRIMARY KEY AUTOINCREMENT",
    table: "STRICT",
    busyTable: "STRICT",
    entryTable: "STRICT",
  },
}

const runMigrations = Migrator.make({})

/** Two processes may start at once: the second one waits, and finds the tables. */
export function migrate(
  session: Session,
): Effect.Effect<void, SqlError | Migrator.MigrationError | DiscordOutboxUnavailable> {
  const { sql } = session
  return Effect.gen(function* () {
    // Does not need the right to create tables when they exist.
    if (yield* isCurrent(session)) return
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* lock(session)
        if (yield* isCurrent(session)) return
        yield* createMigrationsTable(session)
        yield* runMigrations({ loader: loader(session), table: session.names.migrations }).pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
        )
      }),
    )
  })
}

function isCurrent(session: Session): Effect.Effect<boolean, SqlError | DiscordOutboxUnavailable> {
  return Effect.gen(function* () {
    if (!(yield* hasTable(session, session.names.migrations))) return false
    const { sql, tables } = session
    const rows = yield* sql<{ readonly id: number | string | null }>`
      SELECT max(migration_id) AS id FROM ${tables.migrations}`
    const version = Number(rows[0]?.id ?? 0)
    if (version > latest) {
      return yield* new DiscordOutboxUnavailable({
        operation: "Outbox.migrate",
        reason: "schemaTooNew",
        detail: `the tables have version ${version}, and this process uses version ${latest}`,
      })
    }
    return version === latest
  })
}

function hasTable({ dialect, sql }: Session, name: string): Effect.Effect<boolean, SqlError> {
  const rows =
    dialect === "pg"
      ? sql`SELECT 1 WHERE to_regclass(${name}) IS NOT NULL`
      : sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ${name}`
  return Effect.map(rows, ({ length }) => length > 0)
}

/** SQLite has one writer at a time; a write makes sure that this transaction is the one. */
function lock({ dialect, names, sql, tables }: Session): Effect.Effect<unknown, SqlError> {
  return dialect === "pg"
    ? sql`SELECT pg_advisory_xact_lock(hashtext(${names.migrations}))`
    : sql`CREATE TABLE IF NOT EXISTS ${tables.migrations} (
        migration_id integer PRIMARY KEY NOT NULL,
        created_at datetime NOT NULL DEFAULT current_timestamp,
        name VARCHAR(255) NOT NULL)`
}

/**
 * The Migrator's own table. In a transaction of PostgreSQL the Migrator cannot create it, because
 * there its test for the table fails, and the transaction with it.
 */
function createMigrationsTable({ dialect, sql, tables }: Session): Effect.Effect<void, SqlError> {
  return dialect === "sqlite"
    ? Effect.void
    : Effect.asVoid(sql`CREATE TABLE IF NOT EXISTS ${tables.migrations} (
        migration_id integer PRIMARY KEY,
        created_at timestamp with time zone NOT NULL DEFAULT now(),
        name text NOT NULL)`)
}

function loader({ dialect, names, sql }: Session): Migrator.Loader {
  const run = (statements: ReadonlyArray<string>) =>
    Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
  return Migrator.fromRecord({
    "0001_tables": run([...tablesOf(names, types[dialect]), ...indexesOf(names, dialect)]),
  })
}

function tablesOf(names: TableNames, type: Types): ReadonlyArray<string> {
  const { bytes, integer, sequence, text } = type
  const count = `${integer} NOT NULL DEFAULT 0`
  return [
    `CREATE TABLE ${names.webhooks} (
      webhook_id ${text} PRIMARY KEY NOT NULL,
      token ${text},
      token_digest ${text} NOT NULL,
      accepted ${count}
    ) ${type.busyTable}`,
    `CREATE TABLE ${names.queues} (
      webhook_id ${text} PRIMARY KEY NOT NULL,
      owner ${text},
      last_owner ${text},
      epoch ${count},
      lease_until ${count},
      next_at ${count},
      paused ${count} CHECK (paused IN (0, 1)),
      settled ${count},
      memory ${text}
    ) ${type.busyTable}`,
    `CREATE TABLE ${names.entries} (
      seq ${sequence},
      id ${text} NOT NULL UNIQUE,
      webhook_id ${text} NOT NULL,
      operation ${text} NOT NULL CHECK (operation IN ('send', 'edit', 'delete', 'createThread')),
      request ${text} NOT NULL,
      files ${count},
      entry_key ${text},
      fingerprint ${text} NOT NULL,
      state ${text} NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'sending', 'sent', 'dead')),
      attempts ${count},
      in_doubt ${count},
      accepted_at ${integer} NOT NULL,
      not_before ${integer},
      expires_at ${integer},
      sent_at ${integer},
      dead_at ${integer},
      message_id ${text},
      channel_id ${text},
      error ${text},
      trace ${text},
      CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
      CHECK ((state = 'dead') = (dead_at IS NOT NULL))
    ) ${type.entryTable}`,
    `CREATE TABLE ${names.files} (
      entry_id ${text} NOT NULL,
      position ${integer} NOT NULL,
      name ${text} NOT NULL,
      content_type ${text} NOT NULL,
      bytes ${bytes} NOT NULL,
      PRIMARY KEY (entry_id, position)
    ) ${type.table}`,
    `CREATE TABLE ${names.settings} (
      name ${text} PRIMARY KEY NOT NULL
    ) ${type.table}`,
    // A transaction that checks the total capacity locks this row.
    `INSERT INTO ${names.settings} (name) VALUES ('capacity')`,
  ]
}

function indexesOf(
  { entries, files, prefix }: TableNames,
  dialect: Dialect,
): ReadonlyArray<string> {
  return [
    `CREATE INDEX ${prefix}entries_pending ON ${entries} (webhook_id, seq)
      WHERE sent_at IS NULL AND dead_at IS NULL`,
    `CREATE UNIQUE INDEX ${prefix}entries_key ON ${entries} (entry_key)
      WHERE entry_key IS NOT NULL`,
    `CREATE INDEX ${prefix}entries_sent ON ${entries} (sent_at) WHERE sent_at IS NOT NULL`,
    `CREATE INDEX ${prefix}entries_dead ON ${entries} (seq) WHERE dead_at IS NOT NULL`,
    // Most files are compressed already.
    ...(dialect === "pg" ? [`ALTER TABLE ${files} ALTER COLUMN bytes SET STORAGE EXTERNAL`] : []),
  ]
}

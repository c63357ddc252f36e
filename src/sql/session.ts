/** What the statements of both databases share. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { TableNames } from "./tables.js"

export type Dialect = "pg" | "sqlite"

/** Where the time comes from: the clock of the database server, or the `Clock` service. */
export type ClockSource = "database" | "clock"

/** The names of the tables as parts of statements. */
type Tables = Readonly<
  Record<"webhooks" | "queues" | "entries" | "files" | "settings" | "migrations", Fragment>
>

export interface Session {
  readonly sql: SqlClient.SqlClient
  readonly dialect: Dialect
  readonly names: TableNames
  readonly tables: Tables
  /** The current time in milliseconds, as an expression. */
  readonly now: Effect.Effect<Fragment>
  /** A subquery with one row for each string of a list, in its column `value`. */
  readonly strings: (values: ReadonlyArray<string>) => Fragment
  /** The condition of entries that are neither sent nor dead, as the partial index states it. */
  readonly pending: Fragment
  /** The condition that not all queues are paused. */
  readonly noGlobalPause: Fragment
}

export type Rows<A> = Effect.Effect<ReadonlyArray<A>, SqlError>

export function makeSession(
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  names: TableNames,
  clock: ClockSource,
): Session {
  const tables: Tables = {
    webhooks: sql.literal(names.webhooks),
    queues: sql.literal(names.queues),
    entries: sql.literal(names.entries),
    files: sql.literal(names.files),
    settings: sql.literal(names.settings),
    migrations: sql.literal(names.migrations),
  }
  const databaseTime = sql.literal("CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
  return {
    sql,
    dialect,
    names,
    tables,
    // SQLite is on the machine of its processes, so they share a clock.
    now:
      clock === "database" && dialect === "pg"
        ? Effect.succeed(databaseTime)
        : Effect.map(Clock.currentTimeMillis, (now) => sql`CAST(${now} AS bigint)`),
    strings: (values) => {
      const json = JSON.stringify(values)
      return dialect === "pg"
        ? sql`SELECT json_array_elements_text(CAST(CAST(${json} AS text) AS json)) AS value`
        : sql`SELECT value FROM json_each(${json})`
    },
    pending: sql.literal("sent_at IS NULL AND dead_at IS NULL"),
    noGlobalPause: sql`NOT EXISTS (SELECT 1 FROM ${tables.settings} WHERE name = 'paused')`,
  }
}

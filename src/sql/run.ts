/** Runs statements as steps of the engine: repeats what other transactions disturbed, maps errors. */
import type * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import type { Stored } from "../outbox/store.js"
import { isDatabaseError, isTransient, toUnavailable } from "./errors.js"

/** The libsql client has a tag of its own for transactions and does not export it. */
const LibsqlTransaction = Context.GenericTag<unknown>(
  "@effect/sql-libsql/LibsqlClient/LibsqlTransaction",
)

/** Whether the current fiber is in a transaction of the client. */
export const isInTransaction: Effect.Effect<boolean> = Effect.map(
  Effect.context<never>(),
  ({ unsafeMap }) =>
    unsafeMap.has(SqlClient.TransactionConnection.key) || unsafeMap.has(LibsqlTransaction.key),
)

/** The first retries are immediate, since most conflicts end with the other transaction. */
const retries = Schedule.exponential("2 millis", 1.5).pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(20)),
  Schedule.upTo("5 seconds"),
)

type DatabaseError = SqlError | Migrator.MigrationError

/**
 * A step of the engine. The transaction of the caller is not repeated, because the caller's part of it
 * would be missing.
 */
export function run<A>(
  operation: string,
  step: Effect.Effect<A, DatabaseError | DiscordOutboxUnavailable>,
): Stored<A> {
  return Effect.flatMap(isInTransaction, (isPart) =>
    (isPart
      ? failWithDefects(step)
      : Effect.retry(failWithDefects(step), { schedule: retries, while: isTransient })
    ).pipe(
      Effect.mapError((error) =>
        isDatabaseError(error) ? toUnavailable(operation, error) : error,
      ),
    ),
  )
}

/** `withTransaction` dies when the commit or the rollback fails, and the Migrator when it fails. */
function failWithDefects<A, E>(step: Effect.Effect<A, E>): Effect.Effect<A, E | DatabaseError> {
  return Effect.catchAllDefect(step, (defect) =>
    isDatabaseError(defect) ? Effect.fail(defect) : Effect.die(defect),
  )
}

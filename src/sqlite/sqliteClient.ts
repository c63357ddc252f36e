/**
 * A client for one SQLite file. The client of libsql opens a connection for each transaction, without the
 * settings of the first one (such as `busy_timeout`), and leaves the former connection to the garbage
 * collector. So the `SqlClient` is made here, over one connection, which statements and transactions take
 * in turns.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TSemaphore from "effect/TSemaphore"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import { toUnavailable } from "../sql/errors.js"
import { explainPath } from "./databasePath.js"
import { beginTransaction, makeFileConnection } from "./fileConnection.js"

/** Opens the file, and creates it if it does not exist. */
export function layerSqliteClient(
  filename: string,
): Layer.Layer<SqlClient.SqlClient, DiscordOutboxUnavailable> {
  return Layer.scoped(SqlClient.SqlClient, makeClient(filename)).pipe(
    Layer.provide(Reactivity.layer),
    Layer.catchAll((error) => Layer.fail(explain(filename, error))),
  )
}

/** The client's own message does not show why it cannot open the file. */
function explain(filename: string, error: SqlError): DiscordOutboxUnavailable {
  const unavailable = toUnavailable("SqliteOutbox.layer", error)
  const detail = unavailable.reason === "connection" ? explainPath(resolve(filename)) : undefined
  return detail === undefined
    ? unavailable
    : new DiscordOutboxUnavailable({
        operation: unavailable.operation,
        reason: "connection",
        detail,
      })
}

function makeClient(
  filename: string,
): Effect.Effect<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  return Effect.gen(function* () {
    const connection = yield* makeFileConnection(pathToFileURL(resolve(filename)).href)
    // The semaphore of `Effect` loses a permit before 3.19.19, if a fiber is interrupted when it gets the permit.
    const lock = yield* TSemaphore.make(1)
    const sql = yield* SqlClient.make({
      acquirer: Effect.as(TSemaphore.withPermitScoped(lock), connection),
      beginTransaction,
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]],
    })
    yield* sql`SELECT 1`
    return sql
  })
}

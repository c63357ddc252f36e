/**
 * One connection to an SQLite file that several processes use. It waits while another process writes.
 *
 * libsql does not reset a statement that was busy, and then rejects every COMMIT of the connection ("SQL
 * statements in progress") until the statement is garbage. So a connection that was busy is replaced, as
 * is one whose COMMIT failed, because its transaction would keep the lock of the file.
 *
 * BEGIN and COMMIT are statements of the client. Later minor versions (seen with 0.18) run each statement on a
 * connection of their choice, so the range of the peer is `^0.12.0`, as that of `@effect/sql-libsql`.
 *
 * SQLite itself rolls a transaction back when the disk is full or fails. Later statements would then be outside
 * of it, and the ROLLBACK would fail and hide the reason. So such a transaction fails as a whole.
 */
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Libsql from "@libsql/client/sqlite3"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** Takes the lock of the file at once: a transaction that reads first could fail when it writes. */
export const beginTransaction = "BEGIN IMMEDIATE"

/**
 * How long SQLite itself waits for another process, in milliseconds. It blocks the thread, so it is short,
 * and after it the fiber waits.
 */
const busyTimeout = 25

const whileBusy = Schedule.exponential("2 millis", 1.5).pipe(
  Schedule.union(Schedule.spaced("100 millis")),
  Schedule.jittered,
  Schedule.upTo("10 seconds"),
)

/** `FULL`: a commit survives a power cut. WAL: readers do not wait for a writer. */
const settings = `PRAGMA busy_timeout = ${busyTimeout}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`

type Run<A> = (client: Libsql.Client) => Promise<A>

class FileConnection implements Connection {
  readonly #url: string
  #client: Libsql.Client | undefined
  #isInTransaction = false
  /** Why the transaction cannot continue. */
  #broken: SqlError | undefined

  constructor(url: string) {
    this.#url = url
  }

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.#client?.close()
    this.#client = undefined
    this.#isInTransaction = false
    this.#broken = undefined
  })

  execute(...[sql, params, transform]: Parameters<Connection["execute"]>) {
    const rows = Effect.map(this.executeRaw(sql, params), (result) => result.rows)
    return transform === undefined ? rows : Effect.map(rows, transform)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the client checks the values
    const args = params as Libsql.InArgs
    return this.#run((client) => client.execute({ sql, args }))
  }

  executeValues(...[sql, params]: Parameters<Connection["executeValues"]>) {
    return Effect.map(this.executeRaw(sql, params), ({ rows }) =>
      // Older versions of the interface exclude buffers, which are among the client's values.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      rows.map((row) => Array.from(row) as Array<string>),
    )
  }

  executeStream(...args: Parameters<Connection["executeStream"]>) {
    return Stream.unwrap(Effect.map(this.execute(...args), Stream.fromIterable))
  }

  executeUnprepared(...args: Parameters<Connection["executeUnprepared"]>) {
    const [sql] = args
    const rows = sql.startsWith("ROLLBACK") ? this.#rollBack(args) : this.execute(...args)
    if (sql === beginTransaction) return Effect.tap(rows, () => this.#setInTransaction(true))
    if (sql !== "COMMIT" && sql !== "ROLLBACK") return rows
    return rows.pipe(
      Effect.tap(() => this.#setInTransaction(false)),
      Effect.tapError(() => this.close),
    )
  }

  /** A broken transaction ends with its connection, whether SQLite has rolled it back or not. */
  #rollBack(args: Parameters<Connection["executeUnprepared"]>) {
    const [sql] = args
    return Effect.suspend(() => {
      if (this.#broken === undefined) return this.execute(...args)
      return Effect.as(sql === "ROLLBACK" ? this.close : Effect.void, [])
    })
  }

  /** A statement that was busy has had no effect. In a transaction, none is busy. */
  #run<A>(run: Run<A>): Effect.Effect<A, SqlError> {
    const once = Effect.tryPromise({
      try: async () => run((this.#client ??= await this.#open())),
      catch: (cause) => new SqlError({ cause, message: "Failed to execute statement" }),
    })
    return Effect.suspend(() => {
      if (this.#broken !== undefined) return Effect.fail(this.#broken)
      return this.#isInTransaction
        ? Effect.tapError(once, (error) =>
            Effect.sync(() => {
              if (endsTransaction(error)) this.#broken = error
            }),
          )
        : once.pipe(
            Effect.tapError((error) => (isBusy(error) ? this.close : Effect.void)),
            Effect.retry({ schedule: whileBusy, while: isBusy }),
          )
    })
  }

  async #open(): Promise<Libsql.Client> {
    const client = Libsql.createClient({ url: this.#url })
    try {
      await client.executeMultiple(settings)
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  #setInTransaction(value: boolean): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#isInTransaction = value
    })
  }
}

export function makeFileConnection(url: string): Effect.Effect<Connection, never, Scope.Scope> {
  return Effect.acquireRelease(
    Effect.sync(() => new FileConnection(url)),
    (connection) => connection.close,
  )
}

/** https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction". */
function endsTransaction({ cause }: SqlError): boolean {
  return (
    Predicate.hasProperty(cause, "code") &&
    /^SQLITE_(?:FULL|IOERR|NOMEM|INTERRUPT)/.test(String(cause.code))
  )
}

function isBusy({ cause }: SqlError): boolean {
  return Predicate.hasProperty(cause, "code") && String(cause.code).startsWith("SQLITE_BUSY")
}

/**
 * One connection to an SQLite file that several processes use. It waits while another process writes.
 *
 * libsql does not reset a statement that was busy, and then rejects every COMMIT of the connection ("SQL
 * statements in progress") until the statement is garbage. So a connection that was busy is replaced, as
 * is one whose COMMIT failed, because its transaction would keep the lock of the file.
 */
import type * as Reactivity from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
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
const settings = [
  `PRAGMA busy_timeout = ${busyTimeout}`,
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL",
]

interface Opened {
  readonly connection: Connection
  readonly scope: Scope.CloseableScope
}

type Run<A> = (connection: Connection) => Effect.Effect<A, SqlError>

class FileConnection implements Connection {
  readonly #open: Effect.Effect<Opened, SqlError>
  #current: Opened | undefined
  #isInTransaction = false

  constructor(opening: Effect.Effect<Opened, SqlError>) {
    this.#open = opening
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const opened = this.#current
    this.#current = undefined
    this.#isInTransaction = false
    return opened === undefined ? Effect.void : Scope.close(opened.scope, Exit.void)
  })

  execute(...args: Parameters<Connection["execute"]>) {
    return this.#run((connection) => connection.execute(...args))
  }

  executeRaw(...args: Parameters<Connection["executeRaw"]>) {
    return this.#run((connection) => connection.executeRaw(...args))
  }

  executeValues(...args: Parameters<Connection["executeValues"]>) {
    return this.#run((connection) => connection.executeValues(...args))
  }

  executeStream(...args: Parameters<Connection["executeStream"]>) {
    return Stream.unwrap(Effect.map(this.execute(...args), Stream.fromIterable))
  }

  executeUnprepared(...args: Parameters<Connection["executeUnprepared"]>) {
    const [sql] = args
    const rows = this.#run((connection) => connection.executeUnprepared(...args))
    if (sql === beginTransaction) return Effect.tap(rows, () => this.#setInTransaction(true))
    if (sql !== "COMMIT" && sql !== "ROLLBACK") return rows
    return rows.pipe(
      Effect.tap(() => this.#setInTransaction(false)),
      Effect.tapError(() => this.close),
    )
  }

  /** A statement that was busy has had no effect. In a transaction, none is busy. */
  #run<A>(run: Run<A>): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      if (this.#isInTransaction) return Effect.flatMap(this.#get(), run)
      return Effect.suspend(() => Effect.flatMap(this.#get(), run)).pipe(
        Effect.tapError((error) => (isBusy(error) ? this.close : Effect.void)),
        Effect.retry({ schedule: whileBusy, while: isBusy }),
      )
    })
  }

  #get(): Effect.Effect<Connection, SqlError> {
    if (this.#current !== undefined) return Effect.succeed(this.#current.connection)
    return Effect.map(this.#open, (opened) => {
      this.#current = opened
      return opened.connection
    })
  }

  #setInTransaction(value: boolean): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#isInTransaction = value
    })
  }
}

export function makeFileConnection(
  url: string,
): Effect.Effect<Connection, never, Scope.Scope | Reactivity.Reactivity> {
  return Effect.flatMap(Effect.context<Reactivity.Reactivity>(), (context) =>
    Effect.acquireRelease(
      Effect.sync(() => new FileConnection(Effect.provide(open(url), context))),
      (connection) => connection.close,
    ),
  )
}

function open(url: string): Effect.Effect<Opened, SqlError, Reactivity.Reactivity> {
  return Effect.gen(function* () {
    const scope = yield* Scope.make()
    const client = yield* LibsqlClient.make({ url }).pipe(
      // The client throws when it cannot open the file.
      Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause }))),
      Scope.extend(scope),
    )
    const connection = yield* Scope.extend(client.reserve, scope)
    yield* Effect.forEach(settings, (sql) => connection.executeUnprepared(sql, [], undefined), {
      discard: true,
    }).pipe(Effect.tapError(() => Scope.close(scope, Exit.void)))
    return { connection, scope }
  })
}

function isBusy({ cause }: SqlError): boolean {
  return Predicate.hasProperty(cause, "code") && String(cause.code).startsWith("SQLITE_BUSY")
}

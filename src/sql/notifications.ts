/**
 * Wakes workers after entries have been stored: on PostgreSQL by NOTIFY, which reaches all processes
 * when the transaction commits; otherwise within the process.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Session } from "./session.js"

type Listen = (channel: string) => Stream.Stream<string, SqlError>

/** The clients of PostgreSQL can listen; the common interface has no such method. */
function hasListen(sql: object): sql is { readonly listen: Listen } {
  return Predicate.hasProperty(sql, "listen") && Predicate.isFunction(sql.listen)
}

/** A query that notifies. A listener of PgClient ignores notifications without a payload. */
export function notify({ names, sql }: Session): Fragment {
  return sql`SELECT pg_notify(${names.channel}, 'entries')`
}

/**
 * A connection that listens and breaks stays silent, so that listening is begun again from time to time
 * (and wakes, as notifications may be missing). Workers poll, in addition.
 */
const listenFor = "30 seconds"

const listenRetries = Schedule.union(
  Schedule.exponential("100 millis"),
  Schedule.spaced("10 seconds"),
)

/** The workers of this process that wait for entries. */
export class Listeners {
  readonly #wakes = new Set<() => void>()

  /** After the caller's transaction the entries are visible; before, a wake finds nothing. */
  readonly wake: Effect.Effect<void> = Effect.sync(() => {
    for (const wake of this.#wakes) wake()
  })

  add(wake: () => void): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => this.#wakes.add(wake)),
        () => Effect.sync(() => this.#wakes.delete(wake)),
      ),
    )
  }
}

/** Wakes on every notification of other processes, in a fiber of the scope. */
export function listen(
  sql: SqlClient.SqlClient,
  channel: string,
  wake: () => void,
): Effect.Effect<void, never, Scope.Scope> {
  if (!hasListen(sql)) return Effect.void
  const wakeUp = Effect.sync(wake)
  return Stream.runForEach(sql.listen(channel), () => wakeUp).pipe(
    Effect.timeoutTo({
      duration: listenFor,
      onTimeout: () => undefined,
      onSuccess: () => undefined,
    }),
    // Closing a broken connection dies.
    Effect.sandbox,
    Effect.retry(listenRetries),
    Effect.zipRight(wakeUp),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped,
    Effect.asVoid,
  )
}

/** The engine on a database: PostgreSQL or SQLite, through `@effect/sql`. */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import type { Store, Stored } from "../outbox/store.js"
import * as administration from "./administration.js"
import { claim, type Cursor, firstEntries, release, renew } from "./claim.js"
import { bury, commit } from "./commit.js"
import { enqueue } from "./enqueue.js"
import { migrate } from "./migrations.js"
import { listen, Listeners, notify } from "./notifications.js"
import { isInTransaction, run } from "./run.js"
import { type ClockSource, type Dialect, makeSession, type Session } from "./session.js"
import { makeTableNames } from "./tables.js"

interface Options {
  readonly tablePrefix: string
  /** Tests use the `Clock` service on PostgreSQL, too. */
  readonly clock?: ClockSource
}

/** Creates or migrates the tables, and returns the engine. */
export function makeSqlStore(
  options: Options,
): Effect.Effect<Store, DiscordOutboxUnavailable, SqlClient.SqlClient> {
  return Effect.gen(function* () {
    const client = yield* SqlClient.SqlClient
    const dialect = yield* getDialect(client)
    const names = makeTableNames(options.tablePrefix, { canHaveSchema: dialect === "pg" })
    if (Either.isLeft(names)) return yield* notSupported(names.left)
    const sql = client.withoutTransforms()
    const session = makeSession(sql, dialect, names.right, options.clock ?? "database")
    yield* run("Outbox.migrate", migrate(session))
    return makeStore(session, client)
  })
}

function getDialect(sql: SqlClient.SqlClient): Effect.Effect<Dialect, DiscordOutboxUnavailable> {
  return sql.onDialectOrElse({
    pg: () => Effect.succeed<Dialect>("pg"),
    sqlite: () => Effect.succeed<Dialect>("sqlite"),
    orElse: () => notSupported("the outbox needs PostgreSQL or SQLite"),
  })
}

function notSupported(detail: string): DiscordOutboxUnavailable {
  return new DiscordOutboxUnavailable({ operation: "Outbox.migrate", reason: "migration", detail })
}

function makeStore(session: Session, client: SqlClient.SqlClient): Store {
  const listeners = new Listeners()
  const cursor: Cursor = { after: "" }
  const thenWake = <A>(stored: Stored<A>): Stored<A> => Effect.zipLeft(stored, listeners.wake)
  return {
    // The clients of SQLite block. A sleep ends after what is ready now.
    gather: session.dialect === "sqlite" ? Effect.sleep(0) : Effect.void,
    now: step("now", readTime(session)),
    isInTransaction,
    enqueue: (entries, capacity) => thenWake(step("enqueue", enqueue(session, entries, capacity))),
    claim: (choice) => step("claim", claim(session, cursor, choice)),
    renew: (owner, queues, lease) => step("renew", renew(session, owner, queues, lease)),
    release: (owner, queues) => step("release", release(session, owner, queues)),
    commit: (owner, steps) => step("commit", commit(session, owner, steps)),
    bury: (owner, queue, error) => step("bury", bury(session, owner, queue, error)),
    load: (webhookIds, limit) => step("load", firstEntries(session, webhookIds, limit)),
    files: (id) => step("files", administration.files(session, id)),
    find: (ids) => step("find", administration.find(session, ids)),
    list: (filter) => step("list", administration.list(session, filter)),
    stats: step("stats", administration.stats(session)),
    queues: (limit) => step("queues", administration.queues(session, limit)),
    retry: (ids) => thenWake(step("retry", administration.retry(session, ids))),
    discard: (ids) => step("discard", administration.discard(session, ids)),
    setPaused: (webhookId, paused) =>
      thenWake(step("setPaused", setPaused(session, webhookId, paused))),
    sweep: (before) => step("sweep", administration.sweep(session, before)),
    onEnqueued: (wake) =>
      Effect.zipRight(listeners.add(wake), listen(client, session.names.channel, wake)),
  }
}

function step<A>(name: string, effect: Effect.Effect<A, SqlError>): Stored<A> {
  return run(`Outbox.${name}`, effect)
}

function readTime(session: Session): Effect.Effect<number, SqlError> {
  return Effect.gen(function* () {
    const now = yield* session.now
    const [row] = yield* session.sql<{ readonly now: number | string }>`SELECT ${now} AS now`
    return Number(row?.now)
  })
}

/** Other processes may have work after a resume. */
function setPaused(
  session: Session,
  webhookId: string | undefined,
  paused: boolean,
): Effect.Effect<void, SqlError> {
  const change = administration.setPaused(session, webhookId, paused)
  return session.dialect === "pg" && !paused
    ? Effect.zipRight(change, Effect.asVoid(session.sql`${notify(session)}`))
    : change
}

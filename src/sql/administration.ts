/**
 * The reads and changes of an administrator: lists, statistics, retry, discard, pause and sweep. `accepted` counts
 * entries that became pending, `settled` those that no longer are. Producers lock the table of webhooks, owners
 * (workers) that of queues; no worker looks at a queue before its `next_at`.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type {
  EntryFilter,
  QueueStats,
  StoredEntry,
  StoredFile,
  StoreStats,
} from "../outbox/store.js"
import { addSettled } from "./commit.js"
import { countBy } from "./insertEntries.js"
import { notify } from "./notifications.js"
import { entryColumns, type Row, toEntries, toFile, toNumber } from "./rows.js"
import type { Session } from "./session.js"

type Result<A> = Effect.Effect<A, SqlError>

export function files({ sql, tables }: Session, id: string): Result<ReadonlyArray<StoredFile>> {
  return Effect.map(
    sql<Row>`SELECT name, content_type, bytes FROM ${tables.files} WHERE entry_id = ${id}
      ORDER BY position`,
    (rows) => rows.map(toFile),
  )
}

/** In the order of the ids. */
export function find(
  session: Session,
  ids: ReadonlyArray<string>,
): Result<ReadonlyArray<StoredEntry>> {
  const { sql, strings, tables } = session
  const rows = sql<Row>`SELECT ${entryColumns(session)} FROM ${tables.entries} e
    WHERE e.id IN (${strings(ids)})`
  return Effect.map(toEntries(rows), (entries) => {
    const byId = new Map(entries.map((entry) => [entry.id, entry]))
    return ids.flatMap((id) => byId.get(id) ?? [])
  })
}

export function list(
  session: Session,
  { after, limit, state, webhookId }: EntryFilter,
): Result<ReadonlyArray<StoredEntry>> {
  const { pending, sql, tables } = session
  const conditions = [
    ...(after === undefined
      ? []
      : [sql`e.seq > coalesce((SELECT seq FROM ${tables.entries} WHERE id = ${after}), 0)`]),
    ...(webhookId === undefined ? [] : [sql`e.webhook_id = ${webhookId}`]),
    ...(state === undefined ? [] : [sql`e.state = ${state}`]),
    // Repeats the condition of a partial index, which PostgreSQL cannot derive from `state`.
    ...(state === "ready" || state === "sending" ? [pending] : []),
    ...(state === "sent" ? [sql.literal("e.sent_at IS NOT NULL")] : []),
    ...(state === "dead" ? [sql.literal("e.dead_at IS NOT NULL")] : []),
  ]
  return toEntries(sql<Row>`SELECT ${entryColumns(session)} FROM ${tables.entries} e
    WHERE ${conditions.length === 0 ? sql.literal("true") : sql.and(conditions)}
    ORDER BY e.seq LIMIT ${limit}`)
}

export function stats(session: Session): Result<StoreStats> {
  const { pending, sql, tables } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const [row = {}] = yield* sql<Row>`
      SELECT
        (SELECT count(*) FROM ${tables.entries} WHERE sent_at IS NOT NULL) AS sent,
        (SELECT count(*) FROM ${tables.entries} WHERE dead_at IS NOT NULL) AS dead,
        (SELECT count(*) FROM ${tables.queues} WHERE owner IS NOT NULL AND lease_until > ${now})
          AS owned,
        p.* FROM (SELECT count(*) AS count, coalesce(sum(CASE state WHEN 'sending' THEN 1 ELSE 0 END), 0)
          AS sending, min(accepted_at) AS oldest, count(DISTINCT webhook_id) AS queues
          FROM ${tables.entries} WHERE ${pending}) p`
    const read = (name: string) => toNumber(row[name]) ?? 0
    return {
      ready: read("count") - read("sending"),
      sending: read("sending"),
      sent: read("sent"),
      dead: read("dead"),
      oldestAt: toNumber(row["oldest"]),
      queues: read("queues"),
      owned: read("owned"),
    }
  })
}

export function queues(session: Session, limit: number): Result<ReadonlyArray<QueueStats>> {
  const { noGlobalPause, pending, sql, tables } = session
  return Effect.map(
    sql<Row>`
      SELECT p.webhook_id, p.pending,
        CASE WHEN p.paused = 0 AND ${noGlobalPause} THEN 0 ELSE 1 END AS paused,
        (SELECT e.accepted_at FROM ${tables.entries} e WHERE e.webhook_id = p.webhook_id
          AND ${pending} ORDER BY e.seq LIMIT 1) AS oldest
      FROM (SELECT w.webhook_id, w.accepted - coalesce(q.settled, 0) AS pending,
          coalesce(q.paused, 0) AS paused
        FROM ${tables.webhooks} w LEFT JOIN ${tables.queues} q ON q.webhook_id = w.webhook_id) p
      WHERE p.pending > 0 ORDER BY p.pending DESC, p.webhook_id LIMIT ${limit}`,
    (rows) =>
      rows.map((row) => ({
        webhookId: String(row["webhook_id"]),
        pending: toNumber(row["pending"]) ?? 0,
        paused: Number(row["paused"]) === 1,
        oldestAt: toNumber(row["oldest"]),
      })),
  )
}

/** Locks the rows of the webhooks first, as producers do. */
export function retry(session: Session, ids: ReadonlyArray<string>): Result<number> {
  const { dialect, sql, strings, tables } = session
  const revive = sql`UPDATE ${tables.entries} SET state = 'ready', dead_at = NULL,
    not_before = NULL, expires_at = NULL WHERE id IN (${strings(ids)}) AND state = 'dead'`
  if (dialect === "pg") {
    return count(sql<CountRow>`
      WITH locked AS MATERIALIZED (
        SELECT webhook_id FROM ${tables.webhooks} WHERE webhook_id IN
          (SELECT webhook_id FROM ${tables.entries} WHERE id IN (${strings(ids)}) AND state = 'dead')
        ORDER BY webhook_id FOR NO KEY UPDATE
      ), revived AS (
        ${revive} AND webhook_id IN (SELECT webhook_id FROM locked) RETURNING webhook_id
      ), counted AS (
        UPDATE ${tables.webhooks} w SET accepted = w.accepted + r.count
        FROM (SELECT webhook_id, count(*) AS count FROM revived GROUP BY webhook_id) r
        WHERE w.webhook_id = r.webhook_id
      ), due AS (
        UPDATE ${tables.queues} SET next_at = 0
        WHERE webhook_id IN (SELECT webhook_id FROM revived)
      ), notified AS MATERIALIZED (${notify(session)})
      SELECT count(*) AS count FROM revived CROSS JOIN notified`)
  }
  return sql.withTransaction(
    Effect.gen(function* () {
      const rows = yield* sql<WebhookRow>`${revive} RETURNING webhook_id`
      const counts = JSON.stringify(countBy(rows.map(({ webhook_id }) => webhook_id)))
      yield* sql`UPDATE ${tables.webhooks} AS w SET accepted = w.accepted + c.value
        FROM json_each(${counts}) c WHERE w.webhook_id = c.key`
      yield* sql`UPDATE ${tables.queues} SET next_at = 0
        WHERE webhook_id IN (SELECT key FROM json_each(${counts}))`
      return rows.length
    }),
  )
}

interface CountRow {
  readonly count: number | string
}

interface WebhookRow {
  readonly webhook_id: string
}

function count(rows: Effect.Effect<ReadonlyArray<CountRow>, SqlError>): Result<number> {
  return Effect.map(rows, ([row]) => Number(row?.count ?? 0))
}

/**
 * Locks the rows of the queues first, as owners do. `NOT IN`, so that a row whose state was damaged can be discarded
 * too. The count of `locked` is there because PostgreSQL executes only what is referenced.
 */
export function discard(session: Session, ids: ReadonlyArray<string>): Result<number> {
  const { dialect, sql, strings, tables } = session
  const remove = sql`DELETE FROM ${tables.entries}
    WHERE id IN (${strings(ids)}) AND state NOT IN ('sending', 'sent')`
  const returning = sql`RETURNING id, webhook_id, CASE WHEN dead_at IS NULL THEN 1 ELSE 0 END AS n`
  if (dialect === "pg") {
    return count(sql<CountRow>`
      WITH locked AS MATERIALIZED (
        SELECT webhook_id FROM ${tables.queues} WHERE webhook_id IN
          (SELECT webhook_id FROM ${tables.entries} WHERE id IN (${strings(ids)}))
        ORDER BY webhook_id FOR NO KEY UPDATE
      ), removed AS (
        ${remove} AND (SELECT count(*) FROM locked) >= 0 ${returning}
      ), counted AS (
        INSERT INTO ${tables.queues} AS q (webhook_id, settled)
        SELECT webhook_id, sum(n) FROM removed GROUP BY webhook_id ORDER BY webhook_id
        ON CONFLICT (webhook_id) DO UPDATE SET settled = q.settled + excluded.settled, next_at = 0
      ), cleared AS (
        DELETE FROM ${tables.files} WHERE entry_id IN (SELECT id FROM removed)
      )
      SELECT count(*) AS count FROM removed`)
  }
  return sql.withTransaction(
    Effect.gen(function* () {
      const rows = yield* sql<RemovedRow>`${remove} ${returning}`
      const pending = rows.filter(({ n }) => n === 1)
      yield* addSettled(session, countBy(pending.map(({ webhook_id }) => webhook_id)))
      yield* deleteFiles(session, rows)
      return rows.length
    }),
  )
}

interface RemovedRow extends WebhookRow {
  readonly id: string
  readonly n: number
}

function deleteFiles(
  { sql, strings, tables }: Session,
  entries: ReadonlyArray<{ readonly id: string }>,
): Effect.Effect<unknown, SqlError> {
  return sql`DELETE FROM ${tables.files} WHERE entry_id IN (${strings(entries.map(({ id }) => id))})`
}

/** A webhook that has no queue yet gets one. */
export function setPaused(
  { dialect, sql, tables }: Session,
  webhookId: string | undefined,
  paused: boolean,
): Result<void> {
  const value = paused ? 1 : 0
  if (webhookId !== undefined) {
    return Effect.asVoid(sql`
      INSERT INTO ${tables.queues} (webhook_id, paused) VALUES (${webhookId}, ${value})
      ON CONFLICT (webhook_id) DO UPDATE SET paused = excluded.paused`)
  }
  if (paused) {
    return Effect.asVoid(
      sql`INSERT INTO ${tables.settings} (name) VALUES ('paused') ON CONFLICT DO NOTHING`,
    )
  }
  const start = sql`DELETE FROM ${tables.settings} WHERE name = 'paused'`
  const resume = sql`UPDATE ${tables.queues} SET paused = 0 WHERE paused <> 0`
  return Effect.asVoid(
    dialect === "pg"
      ? sql`WITH started AS (${start}) ${resume}`
      : sql.withTransaction(Effect.zipRight(start, resume)),
  )
}

/** Entries that one transaction deletes, so that it stays short. */
const maxSwept = 1000

export function sweep(
  session: Session,
  before: { readonly sent: number; readonly dead: number },
): Result<number> {
  return Effect.gen(function* () {
    let total = 0
    for (const state of ["sent", "dead"] as const) {
      for (;;) {
        const swept = yield* sweepSome(session, state, before[state])
        total += swept
        if (swept < maxSwept) break
      }
    }
    return total
  })
}

function sweepSome(session: Session, state: "sent" | "dead", before: number): Result<number> {
  const { dialect, sql, tables } = session
  const endedAt = sql.literal(`${state}_at`)
  const remove = sql`DELETE FROM ${tables.entries} WHERE seq IN (
    SELECT seq FROM ${tables.entries} WHERE ${endedAt} < ${before} LIMIT ${maxSwept})
    RETURNING id, files`
  if (dialect === "pg") {
    return count(sql<CountRow>`
      WITH removed AS (${remove}), cleared AS (
        DELETE FROM ${tables.files} WHERE entry_id IN (SELECT id FROM removed WHERE files > 0))
      SELECT count(*) AS count FROM removed`)
  }
  return sql.withTransaction(
    Effect.gen(function* () {
      const rows = yield* sql<{ readonly id: string; readonly files: number }>`${remove}`
      yield* deleteFiles(
        session,
        rows.filter((row) => row.files > 0),
      )
      return rows.length
    }),
  )
}

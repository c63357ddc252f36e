/** Leases of queues. No step needs a transaction, so that a stopped process holds no lock. */
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { ClaimedQueue, ClaimOptions, OwnedQueue, StoredEntry } from "../outbox/store.js"
import { entryColumns, type Row, toEntries, toNumber, toText } from "./rows.js"
import type { Rows, Session } from "./session.js"

/** Where the next claim begins. */
export interface Cursor {
  after: string
}

/** Queues that one statement examines: few at first, more if too few of them can be claimed. */
const minExamined = 32
const maxExamined = 1024

/**
 * Examines the queues with pending entries in the order of the webhook ids, from the cursor to the end
 * and from the beginning to the cursor, until enough of them have been claimed.
 */
export function claim(
  session: Session,
  cursor: Cursor,
  options: ClaimOptions,
): Effect.Effect<ReadonlyArray<ClaimedQueue>, SqlError> {
  return Effect.gen(function* () {
    const start = cursor.after
    let claimed: ReadonlyArray<ClaimedQueue> = []
    let hasWrapped = start === ""
    let size = Math.max(minExamined, 2 * options.limit)
    for (;;) {
      const missing = options.limit - claimed.length
      const queues = yield* examine(session, cursor.after, size, options)
      const free = queues.filter((queue) => queue.isFree).slice(0, missing)
      claimed = claimed.concat(yield* take(session, free, options))
      // With enough free queues, the next claim continues after the last one that was taken.
      const last = free.length === missing ? free.at(-1) : queues.at(-1)
      cursor.after = last?.webhookId ?? cursor.after
      if (claimed.length === options.limit) return claimed
      const isEnd = queues.length < size && free.length < missing
      if (hasWrapped && (isEnd || (start !== "" && cursor.after >= start))) {
        // This claim has seen every queue, so the next one begins at the first without starving any.
        cursor.after = ""
        return claimed
      }
      if (isEnd) {
        hasWrapped = true
        cursor.after = ""
      }
      size = Math.min(maxExamined, 4 * size)
    }
  })
}

interface Examined {
  readonly webhookId: string
  readonly isFree: boolean
}

/** A loose index scan: one step for each queue with pending entries, whatever their number. */
function examine(
  session: Session,
  after: string,
  limit: number,
  options: ClaimOptions,
): Effect.Effect<ReadonlyArray<Examined>, SqlError> {
  const { noGlobalPause, pending, sql, tables } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const rows = yield* sql<{ readonly webhook_id: string; readonly is_free: number }>`
      WITH RECURSIVE heads(webhook_id, n) AS (
        SELECT min(webhook_id), 1 FROM ${tables.entries} WHERE ${pending} AND webhook_id > ${after}
        UNION ALL
        SELECT (SELECT min(e.webhook_id) FROM ${tables.entries} e
          WHERE ${pending} AND e.webhook_id > h.webhook_id), h.n + 1
        FROM heads h WHERE h.webhook_id IS NOT NULL AND h.n < ${limit}
      )
      SELECT h.webhook_id, CASE WHEN ${isFree(session, now, options)} AND coalesce(
          (SELECT e.not_before FROM ${tables.entries} e WHERE e.webhook_id = h.webhook_id
            AND ${pending} AND e.state IN ('ready', 'sending') ORDER BY e.seq LIMIT 1), 0) <= ${now}
        THEN 1 ELSE 0 END AS is_free
      FROM heads h LEFT JOIN ${tables.queues} q ON q.webhook_id = h.webhook_id
      WHERE h.webhook_id IS NOT NULL AND ${noGlobalPause}
      ORDER BY h.webhook_id`
    return rows.map((row) => ({ webhookId: row.webhook_id, isFree: row.is_free === 1 }))
  })
}

function isFree({ sql }: Session, now: Fragment, { onlyReleased = false }: ClaimOptions): Fragment {
  const hasEnded = onlyReleased ? sql.literal("false") : sql`q.lease_until <= ${now}`
  return sql`(q.owner IS NULL OR ${hasEnded}) AND coalesce(q.next_at, 0) <= ${now}
    AND coalesce(q.paused, 0) = 0`
}

/**
 * Another worker may have claimed some of the queues meanwhile: the statement waits for its row locks
 * and checks again. The entries are read by a second statement, which sees what that worker has
 * committed.
 */
function take(
  session: Session,
  free: ReadonlyArray<Examined>,
  options: ClaimOptions,
): Effect.Effect<ReadonlyArray<ClaimedQueue>, SqlError> {
  if (free.length === 0) return Effect.succeed([])
  const { owner, prefetch } = options
  const ids = free.map(({ webhookId }) => webhookId)
  return Effect.gen(function* () {
    const queues = yield* lease(session, ids, options)
    if (queues.length === 0) return []
    const claimedIds = queues.map((queue) => String(queue["webhook_id"]))
    const entries = groupByWebhook(yield* firstEntries(session, claimedIds, prefetch))
    return queues.map((queue): ClaimedQueue => {
      const webhookId = String(queue["webhook_id"])
      const lastOwner = toText(queue["last_owner"])
      return {
        webhookId,
        epoch: toNumber(queue["epoch"]) ?? 0,
        claimedAt: (toNumber(queue["lease_until"]) ?? 0) - options.leaseMillis,
        credentials: {
          webhookId,
          tokenDigest: toText(queue["token_digest"]) ?? "",
          sealed: toText(queue["token"]),
        },
        isTakeover: lastOwner !== undefined && lastOwner !== owner,
        memory: toText(queue["memory"]),
        entries: entries.get(webhookId) ?? [],
      }
    })
  })
}

/** In the order of the ids, so that two workers cannot wait for one another. */
function lease(session: Session, ids: ReadonlyArray<string>, options: ClaimOptions): Rows<Row> {
  const { leaseMillis, owner } = options
  const { dialect, noGlobalPause, sql, strings, tables } = session
  // SQLite does not know the alias in RETURNING.
  const self = dialect === "pg" ? sql.literal("q") : tables.queues
  const credential = (column: string) =>
    sql`(SELECT ${sql.literal(column)} FROM ${tables.webhooks} w WHERE w.webhook_id = ${self}.webhook_id)`
  return Effect.flatMap(
    session.now,
    (now) => sql<Row>`
      INSERT INTO ${tables.queues} AS q (webhook_id, owner, epoch, lease_until)
      SELECT w.webhook_id, ${owner}, 1, ${now} + CAST(${leaseMillis} AS bigint)
      FROM ${tables.webhooks} w
      WHERE w.webhook_id IN (${strings(ids)}) AND ${noGlobalPause} ORDER BY w.webhook_id
      ON CONFLICT (webhook_id) DO UPDATE SET owner = excluded.owner, epoch = q.epoch + 1,
        lease_until = excluded.lease_until, last_owner = coalesce(q.owner, q.last_owner)
      WHERE ${isFree(session, now, options)}
      RETURNING webhook_id, epoch, lease_until, last_owner, memory,
        ${credential("w.token")} AS token, ${credential("w.token_digest")} AS token_digest`,
  )
}

/** The first pending entries of each queue, in the order of acceptance. */
export function firstEntries(
  session: Session,
  ids: ReadonlyArray<string>,
  limit: number,
): Effect.Effect<ReadonlyArray<StoredEntry>, SqlError> {
  const { dialect, pending, sql, strings, tables } = session
  const first = (columns: Fragment, webhookId: Fragment) => sql`
    SELECT ${columns} FROM ${tables.entries} WHERE webhook_id = ${webhookId} AND ${pending}
      AND state IN ('ready', 'sending') ORDER BY seq LIMIT ${limit}`
  const [all, seq, id] = [sql.literal("*"), sql.literal("seq"), sql.literal("w.value")]
  const join =
    dialect === "pg"
      ? sql`CROSS JOIN LATERAL (${first(all, id)}) e`
      : sql`JOIN ${tables.entries} e ON e.seq IN (${first(seq, id)})`
  return toEntries(sql<Row>`
    SELECT ${entryColumns(session)} FROM (${strings(ids)}) w ${join} ORDER BY e.seq`)
}

function groupByWebhook(
  entries: ReadonlyArray<StoredEntry>,
): ReadonlyMap<string, ReadonlyArray<StoredEntry>> {
  const groups = new Map<string, Array<StoredEntry>>()
  for (const entry of entries) {
    const group = groups.get(entry.webhookId)
    if (group === undefined) groups.set(entry.webhookId, [entry])
    else group.push(entry)
  }
  return groups
}

/** `memory` is what the owner tells the next one, such as until when the webhook is blocked. */
type QueueWithMemory = OwnedQueue & { readonly memory: string | undefined }

export function renew(
  session: Session,
  owner: string,
  queues: ReadonlyArray<QueueWithMemory>,
  leaseMillis: number,
): Effect.Effect<ReadonlySet<string>, SqlError> {
  const { sql } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const set = sql`lease_until = ${now} + CAST(${leaseMillis} AS bigint)`
    const rows = yield* updateOwned(session, owner, queues, set)
    return new Set(rows.map((row) => row.webhook_id))
  })
}

export function release(
  session: Session,
  owner: string,
  queues: ReadonlyArray<QueueWithMemory & { readonly nextAt: number | undefined }>,
): Effect.Effect<void, SqlError> {
  const set = session.sql`owner = NULL, last_owner = q.owner, lease_until = 0, next_at = o.next_at`
  return Effect.asVoid(updateOwned(session, owner, queues, set))
}

/** Updates the queues that still have this owner, and their `memory`. */
function updateOwned(
  { dialect, sql, tables }: Session,
  owner: string,
  queues: ReadonlyArray<QueueWithMemory & { readonly nextAt?: number | undefined }>,
  set: Fragment,
): Rows<{ readonly webhook_id: string }> {
  if (queues.length === 0) return Effect.succeed([])
  const json = JSON.stringify(
    queues.map(({ epoch, memory, nextAt, webhookId }) => ({
      webhook_id: webhookId,
      epoch,
      memory,
      next_at: nextAt ?? 0,
    })),
  )
  const owned =
    dialect === "pg"
      ? sql`SELECT q.webhook_id, o.memory, o.next_at
          FROM json_to_recordset(CAST(CAST(${json} AS text) AS json))
            AS o(webhook_id text, epoch bigint, memory text, next_at bigint)
          JOIN ${tables.queues} q ON q.webhook_id = o.webhook_id
          WHERE q.owner = ${owner} AND q.epoch = o.epoch
          ORDER BY q.webhook_id FOR NO KEY UPDATE OF q`
      : sql`SELECT q.webhook_id, value ->> 'memory' AS memory, value ->> 'next_at' AS next_at
          FROM json_each(${json})
          JOIN ${tables.queues} q ON q.webhook_id = value ->> 'webhook_id'
          WHERE q.owner = ${owner} AND q.epoch = value ->> 'epoch'`
  return sql<{ readonly webhook_id: string }>`
    WITH owned AS ${sql.literal(dialect === "pg" ? "MATERIALIZED" : "")} (${owned})
    UPDATE ${tables.queues} AS q SET ${set}, memory = coalesce(o.memory, q.memory)
    FROM owned o WHERE q.webhook_id = o.webhook_id
    RETURNING ${sql.literal(dialect === "pg" ? "q.webhook_id" : "webhook_id")}`
}

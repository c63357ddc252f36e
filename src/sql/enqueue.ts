/**
 * Stores entries. A producer holds the lock of a webhook's row in `webhooks` until its transaction
 * ends: so the order of `seq`, the number of an entry, is the order in which entries become visible, and the
 * count of pending entries is exact.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Capacity, Enqueued, NewEntry } from "../outbox/store.js"
import { admit, type Admission, type KnownEntry, KnownEntries } from "./admit.js"
import { insertEntries } from "./insertEntries.js"
import type { Rows, Session } from "./session.js"

export function enqueue(
  session: Session,
  entries: ReadonlyArray<NewEntry>,
  capacity: Capacity,
): Effect.Effect<ReadonlyArray<Enqueued>, SqlError> {
  if (entries.length === 0) return Effect.succeed([])
  return session.sql.withTransaction(
    Effect.gen(function* () {
      const admissions = yield* decide(session, entries, capacity)
      const fresh = admissions.filter((admission) => admission.isNew).map(({ entry }) => entry)
      if (fresh.length === 0) return admissions.map(({ result }) => result)
      const stored = new Set(yield* insertEntries(session, fresh))
      yield* insertFiles(
        session,
        fresh.filter(({ id }) => stored.has(id)),
      )
      if (stored.size === fresh.length) return admissions.map(({ result }) => result)
      // Another transaction, with another webhook, has stored an entry with the same key.
      const known = new KnownEntries(yield* findKnown(session, fresh))
      return admissions.map(({ entry, result }) => known.find(entry) ?? result)
    }),
  )
}

/** Decides which entries are new. It queries stored ones only if an entry has a key, or the outbox is full. */
function decide(
  session: Session,
  entries: ReadonlyArray<NewEntry>,
  capacity: Capacity,
): Effect.Effect<ReadonlyArray<Admission>, SqlError> {
  const isLimited = Number.isFinite(capacity.total)
  const readAndDecide = (mayBeKnown: boolean) =>
    Effect.gen(function* () {
      const pending = yield* lockWebhooks(session, entries)
      const total = isLimited ? yield* countTotal(session) : 0
      const known = mayBeKnown ? yield* findKnown(session, entries) : []
      return admit(entries, { capacity, pending, total, known })
    })
  return Effect.gen(function* () {
    if (isLimited) yield* lockTotal(session)
    const admissions = yield* readAndDecide(entries.some(({ key }) => key !== undefined))
    const isFull = admissions.some(({ result }) => result._tag === "Full")
    // Entries may have been sent while this transaction waited for the locks.
    return isFull ? yield* readAndDecide(true) : admissions
  })
}

/** Transactions that check the total capacity run one after the other, as all writers of SQLite do. */
function lockTotal({ dialect, sql, tables }: Session): Effect.Effect<unknown, SqlError> {
  return dialect === "pg"
    ? sql`SELECT 1 FROM ${tables.settings} WHERE name = 'capacity' FOR UPDATE`
    : Effect.void
}

function countTotal({ sql, tables }: Session): Effect.Effect<number, SqlError> {
  return Effect.map(
    sql<{ readonly count: number | string }>`
      SELECT (SELECT coalesce(sum(accepted), 0) FROM ${tables.webhooks})
        - (SELECT coalesce(sum(settled), 0) FROM ${tables.queues}) AS count`,
    ([row]) => Number(row?.count ?? 0),
  )
}

/** Locks the rows of the webhooks, and returns their numbers of pending entries. */
function lockWebhooks(
  session: Session,
  entries: ReadonlyArray<NewEntry>,
): Effect.Effect<ReadonlyMap<string, number>, SqlError> {
  return Effect.gen(function* () {
    const credentials = new Map(
      entries.map((entry) => [entry.credentials.webhookId, entry.credentials]),
    )
    const ids = [...credentials.keys()]
    const pending = yield* selectForUpdate(session, ids)
    if (pending.size === credentials.size) return pending
    const missing = [...credentials.values()].filter(({ webhookId }) => !pending.has(webhookId))
    yield* insertWebhooks(session, missing)
    return yield* selectForUpdate(session, ids)
  })
}

/** In the order of the ids, so that two producers cannot wait for one another. */
function selectForUpdate(
  { dialect, sql, strings, tables }: Session,
  ids: ReadonlyArray<string>,
): Effect.Effect<ReadonlyMap<string, number>, SqlError> {
  return Effect.map(
    sql<{ readonly webhook_id: string; readonly pending: number | string }>`
      SELECT w.webhook_id, w.accepted - coalesce(
        (SELECT q.settled FROM ${tables.queues} q WHERE q.webhook_id = w.webhook_id), 0) AS pending
      FROM ${tables.webhooks} w WHERE w.webhook_id IN (${strings(ids)})
      ORDER BY w.webhook_id ${sql.literal(dialect === "pg" ? "FOR NO KEY UPDATE OF w" : "")}`,
    (rows) => new Map(rows.map((row) => [row.webhook_id, Number(row.pending)])),
  )
}

function insertWebhooks(
  { dialect, sql, tables }: Session,
  credentials: ReadonlyArray<NewEntry["credentials"]>,
): Effect.Effect<unknown, SqlError> {
  const json = JSON.stringify(
    credentials.map(({ tokenDigest, webhookId }) => ({
      webhook_id: webhookId,
      token_digest: tokenDigest,
    })),
  )
  return dialect === "pg"
    ? sql`INSERT INTO ${tables.webhooks} (webhook_id, token_digest)
        SELECT webhook_id, token_digest
        FROM json_to_recordset(CAST(CAST(${json} AS text) AS json)) AS w(webhook_id text, token_digest text)
        ORDER BY webhook_id ON CONFLICT DO NOTHING`
    : sql`INSERT INTO ${tables.webhooks} (webhook_id, token_digest)
        SELECT value ->> 'webhook_id', value ->> 'token_digest' FROM json_each(${json})
        WHERE true ON CONFLICT DO NOTHING`
}

/** Stored entries with the ids or keys of these. */
function findKnown(
  { sql, strings, tables }: Session,
  entries: ReadonlyArray<NewEntry>,
): Rows<KnownEntry> {
  const ids = entries.map(({ id }) => id)
  const keys = entries.flatMap(({ key }) => (key === undefined ? [] : [key]))
  return Effect.map(
    sql<{ readonly id: string; readonly entry_key: string | null; readonly fingerprint: string }>`
      SELECT id, entry_key, fingerprint FROM ${tables.entries} WHERE id IN (${strings(ids)})
      UNION
      SELECT id, entry_key, fingerprint FROM ${tables.entries}
      WHERE entry_key IS NOT NULL AND entry_key IN (${strings(keys)})`,
    (rows) =>
      rows.map(({ entry_key, fingerprint, id }) => ({
        id,
        key: entry_key ?? undefined,
        fingerprint,
      })),
  )
}

/** One statement for each file, since a list of bytes has no form that both databases read. */
function insertFiles(
  { sql, tables }: Session,
  entries: ReadonlyArray<NewEntry>,
): Effect.Effect<void, SqlError> {
  const files = entries.flatMap((entry) =>
    entry.files.map((file, position) => ({ id: entry.id, position, ...file })),
  )
  return Effect.forEach(
    files,
    ({ bytes, contentType, id, name, position }) =>
      sql`INSERT INTO ${tables.files} (entry_id, position, name, content_type, bytes)
        VALUES (${id}, ${position}, ${name}, ${contentType}, ${bytes})`,
    { discard: true },
  )
}

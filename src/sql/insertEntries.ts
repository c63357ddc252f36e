/** Inserts entries from one JSON parameter, so that the statement is constant for every batch. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { NewEntry, StoredCredentials } from "../outbox/store.js"
import { notify } from "./notifications.js"
import type { Session } from "./session.js"

/**
 * Returns the ids of the inserted entries. The others have an id or key that another transaction has
 * stored meanwhile.
 */
export function insertEntries(
  session: Session,
  entries: ReadonlyArray<NewEntry>,
): Effect.Effect<ReadonlyArray<string>, SqlError> {
  const rows = JSON.stringify(entries.map(toRow))
  const credentials = JSON.stringify(credentialsOf(entries))
  const insert = session.dialect === "pg" ? insertPostgres : insertSqlite
  return insert(session, rows, credentials)
}

function toRow(entry: NewEntry, n: number) {
  const { credentials, expiresAt, files, key, notBefore, ...rest } = entry
  return {
    ...rest,
    n,
    webhook_id: credentials.webhookId,
    files: files.length,
    entry_key: key,
    not_before: notBefore,
    expires_at: expiresAt,
  }
}

/** The last credentials of each webhook: the token may have changed. */
function credentialsOf(entries: ReadonlyArray<NewEntry>): ReadonlyArray<unknown> {
  const last = new Map<string, StoredCredentials>()
  for (const { credentials } of entries) last.set(credentials.webhookId, credentials)
  return [...last.values()].map(({ sealed, tokenDigest, webhookId }) => ({
    webhook_id: webhookId,
    token: sealed,
    token_digest: tokenDigest,
  }))
}

/** Insert, count and notify in one round trip. The notification is sent at the commit. */
function insertPostgres(session: Session, rows: string, credentials: string) {
  const { sql, tables } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const found = yield* sql<{ readonly id: string }>`
      WITH inserted AS (
        INSERT INTO ${tables.entries} (id, webhook_id, operation, request, files, entry_key,
          fingerprint, accepted_at, not_before, expires_at, trace)
        SELECT id, webhook_id, operation, request, files, entry_key, fingerprint, ${now},
          not_before, expires_at, trace
        FROM json_to_recordset(CAST(CAST(${rows} AS text) AS json)) AS e(n integer, id text, webhook_id text,
          operation text, request text, files bigint, entry_key text, fingerprint text,
          not_before bigint, expires_at bigint, trace text)
        ORDER BY n
        ON CONFLICT DO NOTHING
        RETURNING id, webhook_id
      ), counted AS (
        UPDATE ${tables.webhooks} w
        SET accepted = w.accepted + i.count, token = c.token, token_digest = c.token_digest
        FROM (SELECT webhook_id, count(*) AS count FROM inserted GROUP BY webhook_id) i
        JOIN json_to_recordset(CAST(CAST(${credentials} AS text) AS json))
          AS c(webhook_id text, token text, token_digest text) ON c.webhook_id = i.webhook_id
        WHERE w.webhook_id = i.webhook_id
      ), notified AS MATERIALIZED (
        ${notify(session)}
      )
      SELECT id FROM inserted CROSS JOIN notified`
    return found.map(({ id }) => id)
  })
}

function insertSqlite(session: Session, rows: string, credentials: string) {
  const { sql, tables } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const inserted = yield* sql<{ readonly id: string; readonly webhook_id: string }>`
      INSERT INTO ${tables.entries} (id, webhook_id, operation, request, files, entry_key,
        fingerprint, accepted_at, not_before, expires_at, trace)
      SELECT value ->> 'id', value ->> 'webhook_id', value ->> 'operation', value ->> 'request',
        value ->> 'files', value ->> 'entry_key', value ->> 'fingerprint', ${now},
        value ->> 'not_before', value ->> 'expires_at', value ->> 'trace'
      FROM json_each(${rows}) WHERE true ORDER BY key
      ON CONFLICT DO NOTHING
      RETURNING id, webhook_id`
    const counts = JSON.stringify(countBy(inserted.map(({ webhook_id }) => webhook_id)))
    yield* sql`
      UPDATE ${tables.webhooks} AS w
      SET accepted = w.accepted + i.count, token = i.token, token_digest = i.token_digest
      FROM (SELECT counts.key AS webhook_id, counts.value AS count, c.value ->> 'token' AS token,
          c.value ->> 'token_digest' AS token_digest
        FROM json_each(${counts}) counts
        JOIN json_each(${credentials}) c ON c.value ->> 'webhook_id' = counts.key) i
      WHERE w.webhook_id = i.webhook_id`
    return inserted.map(({ id }) => id)
  })
}

/** The number of occurrences of each string. */
export function countBy(values: ReadonlyArray<string>): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/**
 * Applies the steps of the owner of queues. The rows of `queues` are locked and checked first: a claim
 * waits for the lock, so that a step of a former owner changes nothing.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { OwnedQueue, State, Step, StepResult } from "../outbox/store.js"
import { countBy } from "./insertEntries.js"
import type { Session } from "./session.js"

const stateAfter: Readonly<Record<Step["change"]["_tag"], State>> = {
  Sending: "sending",
  Sent: "sent",
  Dead: "dead",
  Retry: "ready",
}

interface ResultRow {
  readonly n: number
  readonly result: StepResult
}

export function commit(
  session: Session,
  owner: string,
  steps: ReadonlyArray<Step>,
): Effect.Effect<ReadonlyArray<StepResult>, SqlError> {
  if (steps.length === 0) return Effect.succeed([])
  const json = JSON.stringify(steps.map(toRow))
  const rows =
    session.dialect === "pg"
      ? commitPostgres(session, owner, json)
      : session.sql.withTransaction(commitSqlite(session, owner, json))
  return Effect.map(rows, (found) => {
    const results = new Map(found.map(({ n, result }) => [n, result]))
    return steps.map((_, n) => results.get(n) ?? "lost")
  })
}

function toRow({ attempt, change, entryId, queue }: Step, n: number) {
  return {
    n,
    webhook_id: queue.webhookId,
    epoch: queue.epoch,
    entry_id: entryId,
    attempt,
    state: stateAfter[change._tag],
    message_id: change._tag === "Sent" ? change.messageId : undefined,
    channel_id: change._tag === "Sent" ? change.channelId : undefined,
    error: "error" in change ? change.error : undefined,
    in_doubt: "inDoubt" in change && change.inDoubt ? 1 : 0,
    not_before: change._tag === "Retry" ? change.notBefore : undefined,
  }
}

/** One round trip, and no lock is held while the process does something else. */
function commitPostgres(session: Session, owner: string, json: string) {
  const { noGlobalPause, sql, tables } = session
  return Effect.flatMap(
    session.now,
    (now) => sql<ResultRow>`
      WITH steps AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(CAST(${json} AS text) AS json)) AS s(n integer, webhook_id text,
          epoch bigint, entry_id text, attempt bigint, state text, message_id text,
          channel_id text, error text, in_doubt bigint, not_before bigint)
      ), owned AS MATERIALIZED (
        SELECT q.webhook_id, q.epoch, q.lease_until, q.paused FROM ${tables.queues} q
        WHERE q.owner = ${owner} AND q.webhook_id IN (SELECT webhook_id FROM steps)
        ORDER BY q.webhook_id FOR NO KEY UPDATE
      ), allowed AS MATERIALIZED (
        SELECT s.* FROM steps s
        JOIN owned o ON o.webhook_id = s.webhook_id AND o.epoch = s.epoch
        WHERE s.state <> 'sending' OR (o.lease_until > ${now} AND o.paused = 0 AND ${noGlobalPause})
      ), changed AS (
        UPDATE ${tables.entries} e SET ${assignments(session, now)}
        FROM allowed s WHERE e.id = s.entry_id AND e.webhook_id = s.webhook_id
          AND NOT ${isApplied(session)} AND ${isApplicable(session)}
        RETURNING s.n, e.webhook_id, e.state
      ), counted AS (
        UPDATE ${tables.queues} q SET settled = q.settled + c.count
        FROM (SELECT webhook_id, count(*) AS count FROM changed
          WHERE state IN ('sent', 'dead') GROUP BY webhook_id) c
        WHERE q.webhook_id = c.webhook_id
      )
      SELECT s.n, CASE WHEN c.n IS NOT NULL OR ${isApplied(session)} THEN 'done' ELSE 'changed' END
        AS result
      FROM allowed s LEFT JOIN changed c ON c.n = s.n LEFT JOIN ${tables.entries} e
        ON e.id = s.entry_id AND e.webhook_id = s.webhook_id`,
  )
}

/** In a transaction, in which no other process writes. */
function commitSqlite(session: Session, owner: string, json: string) {
  const { noGlobalPause, sql, tables } = session
  return Effect.gen(function* () {
    const now = yield* session.now
    const steps = sql`SELECT value ->> 'n' AS n, value ->> 'webhook_id' AS webhook_id,
      value ->> 'epoch' AS epoch, value ->> 'entry_id' AS entry_id, value ->> 'attempt' AS attempt,
      value ->> 'state' AS state, value ->> 'message_id' AS message_id,
      value ->> 'channel_id' AS channel_id, value ->> 'error' AS error,
      value ->> 'in_doubt' AS in_doubt, value ->> 'not_before' AS not_before
      FROM json_each(${json})`
    const results = yield* sql<{
      readonly n: number
      readonly result: StepResult | "apply"
      readonly webhook_id: string
      readonly state: State
    }>`
      WITH steps AS MATERIALIZED (${steps})
      SELECT s.n, s.webhook_id, s.state, CASE
        WHEN ${isApplied(session)} THEN 'done' WHEN ${isApplicable(session)} THEN 'apply'
        ELSE 'changed' END AS result
      FROM steps s
      JOIN ${tables.queues} q ON q.webhook_id = s.webhook_id AND q.epoch = s.epoch
        AND q.owner = ${owner}
      LEFT JOIN ${tables.entries} e ON e.id = s.entry_id AND e.webhook_id = s.webhook_id
      WHERE s.state <> 'sending' OR (q.lease_until > ${now} AND q.paused = 0 AND ${noGlobalPause})`
    const applied = results.filter(({ result }) => result === "apply")
    if (applied.length > 0) {
      yield* sql`
        WITH steps AS MATERIALIZED (${steps})
        UPDATE ${tables.entries} AS e SET ${assignments(session, now)}
        FROM steps s JOIN json_each(${JSON.stringify(applied.map(({ n }) => n))}) a ON a.value = s.n
        WHERE e.id = s.entry_id`
      const settled = applied.filter(({ state }) => state === "sent" || state === "dead")
      yield* addSettled(session, countBy(settled.map(({ webhook_id }) => webhook_id)))
    }
    return results.map(({ n, result }): ResultRow => ({
      n,
      result: result === "apply" ? "done" : result,
    }))
  })
}

/** The step has been applied already, in a commit whose result was not received. */
function isApplied({ sql }: Session) {
  return sql`(e.state = s.state AND e.attempts = s.attempt)`
}

function isApplicable({ sql }: Session) {
  return sql`(e.state = 'ready' OR (e.state = 'sending' AND s.state <> 'sending'))`
}

function assignments({ sql }: Session, now: ReturnType<Session["sql"]["literal"]>) {
  return sql`state = s.state,
    attempts = e.attempts + CASE s.state WHEN 'sending' THEN 1 ELSE 0 END,
    in_doubt = e.in_doubt + s.in_doubt,
    not_before = CASE s.state WHEN 'ready' THEN s.not_before ELSE e.not_before END,
    message_id = s.message_id, channel_id = s.channel_id,
    error = CASE s.state WHEN 'sending' THEN e.error ELSE s.error END,
    sent_at = CASE s.state WHEN 'sent' THEN ${now} END,
    dead_at = CASE s.state WHEN 'dead' THEN ${now} END`
}

/** Counts entries that are no longer pending. A queue that was never claimed has no row yet. */
export function addSettled(
  { sql, tables }: Session,
  counts: Readonly<Record<string, number>>,
): Effect.Effect<unknown, SqlError> {
  if (Object.keys(counts).length === 0) return Effect.void
  return sql`
    INSERT INTO ${tables.queues} AS q (webhook_id, settled)
    SELECT key, value FROM json_each(${JSON.stringify(counts)}) WHERE true
    ON CONFLICT (webhook_id) DO UPDATE SET settled = q.settled + excluded.settled, next_at = 0`
}

/** Makes all pending entries of a queue dead. */
export function bury(
  session: Session,
  owner: string,
  { epoch, webhookId }: OwnedQueue,
  error: string,
): Effect.Effect<number, SqlError> {
  const { dialect, pending, sql, tables } = session
  const step = Effect.gen(function* () {
    const now = yield* session.now
    const owned = sql`SELECT webhook_id FROM ${tables.queues}
      WHERE webhook_id = ${webhookId} AND owner = ${owner} AND epoch = ${epoch}`
    const kill = sql`UPDATE ${tables.entries} SET state = 'dead', dead_at = ${now}, error = ${error}
      WHERE webhook_id IN (SELECT webhook_id FROM owned) AND ${pending}
      RETURNING webhook_id`
    if (dialect === "sqlite") {
      const rows = yield* sql`WITH owned AS (${owned}) ${kill}`
      if (rows.length > 0) yield* addSettled(session, { [webhookId]: rows.length })
      return rows.length
    }
    const rows = yield* sql<{ readonly count: string }>`
      WITH owned AS MATERIALIZED (${owned} FOR NO KEY UPDATE),
      killed AS (${kill}),
      counted AS (UPDATE ${tables.queues} q
        SET settled = q.settled + (SELECT count(*) FROM killed)
        FROM owned o WHERE q.webhook_id = o.webhook_id)
      SELECT count(*) AS count FROM killed`
    return Number(rows[0]?.count ?? 0)
  })
  return dialect === "pg" ? step : sql.withTransaction(step)
}

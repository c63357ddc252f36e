/** Reads rows. A row that was damaged by hand is skipped and logged, so that the others go on. */
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { Operation, State, StoredEntry, StoredFile } from "../outbox/store.js"
import type { Rows, Session } from "./session.js"

/** Values as the drivers return them; PostgreSQL returns 64-bit integers as texts. */
export type Row = Readonly<Record<string, unknown>>

const states: ReadonlySet<unknown> = new Set<State>(["ready", "sending", "sent", "dead"])
const operations: ReadonlySet<unknown> = new Set<Operation>([
  "send",
  "edit",
  "delete",
  "createThread",
])

export function entryColumns({ sql }: Session): Fragment {
  return sql.literal(
    "e.id, e.webhook_id, e.operation, e.request, e.files, e.entry_key, e.state, e.attempts, e.in_doubt, e.accepted_at, e.not_before, e.expires_at, e.sent_at, e.dead_at, e.message_id, e.channel_id, e.error, e.trace",
  )
}

/** Returns `undefined` if the row is damaged. */
function toEntry(row: Row): StoredEntry | undefined {
  const id = toText(row["id"])
  const webhookId = toText(row["webhook_id"])
  const request = toText(row["request"])
  const acceptedAt = toNumber(row["accepted_at"])
  const { operation, state } = row
  if (id === undefined || webhookId === undefined || request === undefined) return undefined
  if (acceptedAt === undefined || !isState(state) || !isOperation(operation)) return undefined
  return {
    id,
    webhookId,
    operation,
    request,
    files: toNumber(row["files"]) ?? 0,
    key: toText(row["entry_key"]),
    state,
    attempts: toNumber(row["attempts"]) ?? 0,
    inDoubt: toNumber(row["in_doubt"]) ?? 0,
    acceptedAt,
    notBefore: toNumber(row["not_before"]),
    expiresAt: toNumber(row["expires_at"]),
    settledAt: toNumber(row["sent_at"]) ?? toNumber(row["dead_at"]),
    messageId: toText(row["message_id"]),
    channelId: toText(row["channel_id"]),
    error: toText(row["error"]),
    trace: toText(row["trace"]),
  }
}

export function toEntries(rows: Rows<Row>): Effect.Effect<ReadonlyArray<StoredEntry>, SqlError> {
  return Effect.flatMap(rows, (found) => {
    const entries = found.flatMap((row) => toEntry(row) ?? [])
    return Effect.as(logDamaged(found.length - entries.length, found), entries)
  })
}

function logDamaged(count: number, rows: ReadonlyArray<Row>): Effect.Effect<void> {
  if (count === 0) return Effect.void
  const ids = rows.flatMap((row) => (toEntry(row) === undefined ? [String(row["id"])] : []))
  return Effect.logWarning(
    `Outbox: ${count} stored rows cannot be read and are skipped: ${ids.join(", ")}`,
  )
}

export function toFile(row: Row): StoredFile {
  return {
    name: String(row["name"]),
    contentType: String(row["content_type"]),
    bytes: toBytes(row["bytes"]),
  }
}

/** libsql returns an ArrayBuffer, other clients a Uint8Array or a subclass. */
function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array()
}

export function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}

export function toNumber(value: unknown): number | undefined {
  if (value === null || value === undefined || value === "") return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

function isState(value: unknown): value is State {
  return states.has(value)
}

function isOperation(value: unknown): value is Operation {
  return operations.has(value)
}

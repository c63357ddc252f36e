/** What an engine's steps cost when it stores many webhooks and many sent messages, as a process. */
import { statSync } from "node:fs"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { makeMemoryStore } from "../../src/outbox/memoryStore.js"
import type { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import type { NewEntry, Step, Store } from "../../src/outbox/store.js"
import { makeSqlStore } from "../../src/sql/sqlStore.js"
import { layerSqliteClient } from "../../src/sqlite/sqliteClient.js"
import { median } from "../peers/figures.js"
import { answer } from "../peers/remote.js"

export interface Size {
  readonly name: "memory" | "sqlite" | "postgres"
  readonly filename: string
  readonly port: number
  readonly prefix: string
  /** Webhooks, each with one pending entry. */
  readonly webhooks: number
  /** Entries that were sent. */
  readonly sent: number
}

/** Medians in milliseconds. */
export interface Costs {
  readonly claim: number
  readonly enqueue: number
  readonly commit: number
  /** Bytes of the database, or of the heap. */
  readonly bytes: number
}

export interface SizeRow extends Costs, Pick<Size, "name" | "webhooks" | "sent"> {}

const capacity = { perWebhook: Infinity, total: Infinity }
const batch = 200
const repetitions = 60
const claimed = 50
const owner = "bench"

const webhookId = (index: number): string => String(1_100_000_000_000_000_000n + BigInt(index))

/** As long as a sealed token. */
const sealed = "s".repeat(150)

let ids = 0
function makeEntry(webhook: number): NewEntry {
  ids += 1
  const id = webhookId(webhook)
  return {
    id: `outbox-${process.pid.toString(16)}${ids.toString(16).padStart(24, "0")}`,
    credentials: { webhookId: id, tokenDigest: `digest of ${id}`, sealed },
    operation: "send",
    request: JSON.stringify({ query: { wait: "true" }, body: { content: `message ${ids}` } }),
    files: [],
    key: undefined,
    fingerprint: "",
    notBefore: undefined,
    expiresAt: undefined,
    trace: undefined,
  }
}

const fill = (store: Store, webhooks: number) =>
  Effect.gen(function* () {
    for (let first = 0; first < webhooks; first += batch) {
      const size = Math.min(batch, webhooks - first)
      const entries = Array.from({ length: size }, (_, index) => makeEntry(first + index))
      yield* store.enqueue(entries, capacity)
    }
  })

/** Sent entries, as the engine would have left them. */
const fillSent = (sql: SqlClient.SqlClient, { name, prefix, sent, webhooks }: Size) => {
  const now = Date.now()
  const base = 1_100_000_000_000_000_000n
  const webhook = `CAST(${base} + n % ${webhooks} AS text)`
  const columns = `id, webhook_id, operation, request, fingerprint, state, attempts, accepted_at,
    sent_at, message_id, channel_id`
  const values = (id: string) => `${id}, ${webhook}, 'send',
    '{"query":{"wait":"true"},"body":{"content":"message"}}', '', 'sent', 1, ${now}, ${now} + n,
    CAST(${base} + n AS text), CAST(${base} AS text)`
  const insert =
    name === "postgres"
      ? `INSERT INTO ${prefix}entries (${columns})
         SELECT ${values("'outbox-' || md5(n::text)")} FROM generate_series(1, ${sent}) n`
      : `WITH RECURSIVE numbers(n) AS
           (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${sent})
         INSERT INTO ${prefix}entries (${columns})
         SELECT ${values("'outbox-' || lower(hex(randomblob(16)))")} FROM numbers`
  return Effect.gen(function* () {
    if (sent > 0) yield* sql.unsafe(insert)
    // As autovacuum does after so many changes.
    yield* sql.unsafe(name === "postgres" ? "VACUUM ANALYZE" : "PRAGMA wal_checkpoint(TRUNCATE)")
  })
}

const timed = <A, E>(effect: Effect.Effect<A, E>, times: Array<number>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, (value) => {
      times.push(performance.now() - start)
      return value
    })
  })

const measureEnqueue = (store: Store, webhooks: number) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    for (let index = 0; index < repetitions; index += 1) {
      const entry = makeEntry((index * 7919) % webhooks)
      yield* timed(store.enqueue([entry], capacity), times)
    }
    return median(times)
  })

/** Claims of up to 50 queues; each is released again. Commits of one step. */
const measureSending = (store: Store) =>
  Effect.gen(function* () {
    const claims: Array<number> = []
    const commits: Array<number> = []
    const options = { owner, leaseMillis: 600_000, limit: claimed, prefetch: 20 }
    for (let index = 0; index < repetitions; index += 1) {
      const queues = yield* timed(store.claim(options), claims)
      const [queue] = queues
      const entry = queue?.entries[0]
      if (queue !== undefined && entry !== undefined) {
        const step: Step = {
          queue,
          entryId: entry.id,
          attempt: entry.attempts + 1,
          change: { _tag: "Sending" },
        }
        yield* timed(store.commit(owner, [step]), commits)
        const change = { _tag: "Sent", messageId: "1", channelId: "2" } as const
        yield* timed(store.commit(owner, [{ ...step, change }]), commits)
      }
      const released = queues.map((one) => ({ ...one, memory: undefined, nextAt: undefined }))
      yield* store.release(owner, released)
    }
    return { claim: median(claims), commit: median(commits) }
  })

const countBytes = (sql: SqlClient.SqlClient, { filename, name, prefix }: Size) =>
  name === "sqlite"
    ? Effect.as(sql.unsafe("PRAGMA wal_checkpoint(TRUNCATE)"), statSync(filename).size)
    : Effect.map(
        sql<{ readonly bytes: string }>`
          SELECT sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
          WHERE c.relkind = 'r' AND c.relname LIKE ${`${prefix}%`}`,
        ([row]) => Number(row?.bytes ?? 0),
      )

const measure = (store: Store, webhooks: number, bytes: Effect.Effect<number, SqlError>) =>
  Effect.gen(function* () {
    const enqueue = yield* measureEnqueue(store, webhooks)
    const sending = yield* measureSending(store)
    return { ...sending, enqueue, bytes: yield* bytes } satisfies Costs
  })

const measureMemory = ({ webhooks }: Size) =>
  Effect.gen(function* () {
    const before = heap()
    const store = makeMemoryStore()
    yield* fill(store, webhooks)
    const bytes = heap() - before
    return yield* measure(store, webhooks, Effect.succeed(bytes))
  })

const measureSql = (size: Size) =>
  Effect.gen(function* () {
    const { filename, name, port, prefix, webhooks } = size
    const layer: Layer.Layer<
      SqlClient.SqlClient,
      ConfigError | DiscordOutboxUnavailable | SqlError
    > =
      name === "sqlite"
        ? layerSqliteClient(filename)
        : PgClient.layer({ host: "127.0.0.1", port, database: "postgres", username: "postgres" })
    const sql = Context.get(yield* Layer.build(layer), SqlClient.SqlClient)
    const store = yield* makeSqlStore({ tablePrefix: prefix }).pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
    )
    yield* fill(store, webhooks)
    yield* fillSent(sql, size)
    const costs = yield* measure(store, webhooks, countBytes(sql, size))
    // A worker that is started on it finds nothing that it may send.
    yield* store.setPaused(undefined, true)
    return costs
  })

function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const commands = {
  measure: async (size: Size): Promise<Costs> => {
    const scope = Effect.runSync(Scope.make())
    const costs = size.name === "memory" ? measureMemory(size) : measureSql(size)
    const result = await Effect.runPromise(Scope.extend(costs, scope))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    return result
  },
}
export type SizeCommands = typeof commands

answer(commands)

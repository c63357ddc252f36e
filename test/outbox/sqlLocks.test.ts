/**
 * Which transactions wait for one another on PostgreSQL, each made to happen: a transaction is held open
 * until the other one waits, or has ended.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { openStore, postgres } from "./engines.js"
import {
  claim,
  claimOne,
  dead,
  entry,
  idsOf,
  leaseMillis,
  put,
  release,
  send,
  sending,
  sent,
  step,
  webhooksOf,
} from "./storeSteps.js"
import type { ClaimedQueue, Store } from "./storeSteps.js"

/** Runs steps in a transaction that stays open. Returns the effect that commits it. */
const hold = <A, E>(sql: SqlClient.SqlClient, steps: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const done = yield* Deferred.make<A, E>()
    const mayCommit = yield* Deferred.make<void>()
    const fiber = yield* steps.pipe(
      Effect.intoDeferred(done),
      Effect.zipRight(Deferred.await(mayCommit)),
      sql.withTransaction,
      Effect.forkScoped,
    )
    yield* Deferred.await(done)
    return Effect.zipRight(Deferred.succeed(mayCommit, undefined), Fiber.join(fiber))
  })

describe.skipIf(!postgres.isAvailable)("locks on PostgreSQL", () => {
  const test = (
    name: string,
    run: (
      store: Store,
      sql: SqlClient.SqlClient,
      /** Until a statement on these tables waits for a lock. */
      whenWaiting: Effect.Effect<void, DiscordOutboxUnavailable | SqlError>,
      /** The store of another process. */
      other: Store,
    ) => Effect.Effect<void, DiscordOutboxUnavailable | SqlError, Scope.Scope>,
  ) =>
    it.scopedLive(name, () =>
      Effect.gen(function* () {
        const where = yield* postgres.place
        const { sql, store } = yield* openStore(postgres, where)
        const waiting = sql`SELECT 1 FROM pg_stat_activity
          WHERE wait_event_type = 'Lock' AND query LIKE ${`%${where.tablePrefix}%`}`
        const whenWaiting = Effect.gen(function* () {
          while ((yield* waiting).length === 0) yield* Effect.sleep("2 millis")
        })
        const { store: other } = yield* openStore(postgres, where)
        yield* run(store, sql, whenWaiting, other)
      }),
    )

  test("a producer's open transaction does not block workers", (store, sql) =>
    Effect.gen(function* () {
      yield* put(store, ["a", "b", "c"])
      yield* put(store, ["z"], { webhook: "200" })
      const commit = yield* hold(
        sql,
        Effect.zipRight(put(store, ["late"]), put(store, ["later"], { webhook: "200" })),
      )
      const [queue, other] = yield* claim(store, "w1")
      if (queue === undefined || other === undefined) throw new Error("not claimed")
      yield* send(store, "w1", queue, "a")
      yield* send(store, "w1", queue, "b", dead)
      yield* store.renew("w1", [{ ...queue, memory: "m" }], leaseMillis)
      expect(yield* store.bury("w1", other, "gone")).toBe(1)
      expect(yield* store.discard(["c"])).toBe(1)
      yield* store.setPaused("100", true)
      yield* release(store, "w1", queue)
      expect(yield* store.queues(10)).toEqual([])
      yield* commit
      expect(webhooksOf(yield* store.queues(10))).toEqual(["100", "200"])
    }))

  test("producers of a webhook wait, so that the order of acceptance is that of visibility", (store, sql, whenWaiting) =>
    Effect.gen(function* () {
      yield* put(store, ["first"])
      const commit = yield* hold(sql, put(store, ["a"]))
      const second = yield* Effect.fork(put(store, ["b"]))
      yield* put(store, ["other"], { webhook: "200" })
      yield* whenWaiting
      expect(idsOf(yield* store.load(["100"], 10))).toEqual(["first"])
      yield* commit
      yield* Fiber.join(second)
      expect(idsOf(yield* store.load(["100"], 10))).toEqual(["first", "a", "b"])
    }))

  test("producers of a webhook wait, so that its capacity is exact", (store, sql, whenWaiting) =>
    Effect.gen(function* () {
      yield* put(store, ["first"])
      const capacity = { perWebhook: 2, total: Infinity }
      const commit = yield* hold(sql, store.enqueue([entry("a")], capacity))
      const second = yield* Effect.fork(store.enqueue([entry("b")], capacity))
      yield* whenWaiting
      yield* commit
      expect(yield* Fiber.join(second)).toEqual([{ _tag: "Full", limit: "perWebhook", pending: 2 }])
    }))

  test("producers with a total capacity wait, so that it is exact", (store, sql, whenWaiting) =>
    Effect.gen(function* () {
      const capacity = { perWebhook: Infinity, total: 1 }
      const commit = yield* hold(sql, store.enqueue([entry("a")], capacity))
      const second = yield* Effect.fork(store.enqueue([entry("b", { webhook: "200" })], capacity))
      yield* whenWaiting
      yield* commit
      expect(yield* Fiber.join(second)).toEqual([{ _tag: "Full", limit: "total", pending: 1 }])
    }))

  test("a key waits for the transaction that stores it with another webhook", (store, sql, whenWaiting) =>
    Effect.gen(function* () {
      const keyed = (id: string, webhook: string) =>
        put(store, [id], { webhook, key: "k", fingerprint: webhook })
      const commit = yield* hold(sql, keyed("a", "100"))
      const second = yield* Effect.fork(keyed("b", "200"))
      yield* whenWaiting
      yield* commit
      expect(yield* Fiber.join(second)).toEqual([{ _tag: "KeyConflict", id: "a" }])
      expect(webhooksOf(yield* store.queues(10))).toEqual(["100"])
    }))

  test("a claim waits for another claim, and looks for other queues", (store, sql, whenWaiting, other) =>
    Effect.gen(function* () {
      yield* put(store, ["a"], { webhook: "100" })
      yield* put(store, ["b"], { webhook: "200" })
      const first = store.claim({ owner: "w1", leaseMillis, limit: 1, prefetch: 1 })
      const commit = yield* hold(sql, first)
      const next = yield* Effect.fork(claim(other, "w2", 1))
      yield* whenWaiting
      yield* commit
      expect(webhooksOf(yield* Fiber.join(next))).toEqual(["200"])
    }))

  test("a claim waits for a step of the owner, and reads its effect", (store, sql, whenWaiting) =>
    Effect.gen(function* () {
      yield* put(store, ["a", "b"])
      const queue = yield* claimOne(store, "w1")
      yield* store.commit("w1", [step(queue, "a", 1, sending)])
      yield* store.renew("w1", [{ ...queue, memory: undefined }], 0)
      const commit = yield* hold(sql, store.commit("w1", [step(queue, "a", 1, sent)]))
      const next = yield* Effect.fork(claimOne(store, "w2"))
      yield* whenWaiting
      yield* commit
      expect(idsOf((yield* Fiber.join(next)).entries)).toEqual(["b"])
    }))

  const lateSteps: ReadonlyArray<{
    readonly name: string
    readonly run: (
      store: Store,
      queue: ClaimedQueue,
    ) => Effect.Effect<unknown, DiscordOutboxUnavailable | SqlError>
    readonly result: unknown
  }> = [
    {
      name: "commit",
      run: (store, queue) => store.commit("w1", [step(queue, "a", 1, sent)]),
      result: ["lost"],
    },
    { name: "bury", run: (store, queue) => store.bury("w1", queue, "gone"), result: 0 },
    {
      name: "renew",
      run: (store, queue) => store.renew("w1", [{ ...queue, memory: undefined }], leaseMillis),
      result: new Set(),
    },
  ]

  for (const { name, result, run } of lateSteps) {
    test(`a late ${name} waits for the claim of another worker, and changes nothing`, (store, sql, whenWaiting) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const queue = yield* claimOne(store, "w1")
        yield* store.commit("w1", [step(queue, "a", 1, sending)])
        yield* store.renew("w1", [{ ...queue, memory: undefined }], 0)
        const commit = yield* hold(sql, claimOne(store, "w2"))
        const late = yield* Effect.fork(run(store, queue))
        yield* whenWaiting
        yield* commit
        expect(yield* Fiber.join(late)).toEqual(result)
        expect(yield* store.find(["a"])).toMatchObject([{ state: "sending" }])
        expect(yield* claim(store, "w3")).toEqual([])
      }))
  }
})

/** What every engine offers to the administration. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { engines, testStores } from "./engines.js"
import {
  claim,
  claimOne,
  dead,
  entry,
  findOne,
  idsOf,
  put,
  release,
  send,
  sending,
  sent,
  step,
  unlimited,
  webhooksOf,
} from "./storeSteps.js"
import type { EntryFilter, Store, StoredEntry } from "./storeSteps.js"

/** An entry in each state, with one webhook: `sent`, `dead`, `sending`, `ready`. */
const putAll = (store: Store) =>
  Effect.gen(function* () {
    const ids: ReadonlyArray<StoredEntry["state"]> = ["sent", "dead", "sending", "ready"]
    yield* store.enqueue(
      ids.map((id) =>
        entry(id, {
          key: `key-${id}`,
          files: [{ name: "f", contentType: "text/plain", bytes: new Uint8Array([1]) }],
        }),
      ),
      unlimited,
    )
    const queue = yield* claimOne(store, "w1")
    yield* send(store, "w1", queue, "sent")
    yield* send(store, "w1", queue, "dead", dead)
    yield* store.commit("w1", [step(queue, "sending", 1, sending)])
    return queue
  })

const all: EntryFilter = { state: undefined, webhookId: undefined, after: undefined, limit: 100 }

describe.each(engines)("the administration of $name", (engine) => {
  const test = testStores(engine)

  test("lists entries by state, webhook and page", (store) =>
    Effect.gen(function* () {
      yield* putAll(store)
      yield* put(store, ["x", "y"], { webhook: "200" })
      const list = (filter: Partial<EntryFilter>) =>
        Effect.map(store.list({ ...all, ...filter }), idsOf)
      expect(yield* list({})).toEqual(["sent", "dead", "sending", "ready", "x", "y"])
      expect(yield* list({ limit: 2 })).toEqual(["sent", "dead"])
      expect(yield* list({ limit: 3, after: "dead" })).toEqual(["sending", "ready", "x"])
      expect(yield* list({ webhookId: "200" })).toEqual(["x", "y"])
      expect(yield* list({ state: "ready" })).toEqual(["ready", "x", "y"])
      expect(yield* list({ state: "sending" })).toEqual(["sending"])
      expect(yield* list({ state: "sent", webhookId: "100" })).toEqual(["sent"])
      expect(yield* list({ state: "dead", webhookId: "200" })).toEqual([])
      expect(yield* list({ state: "dead", after: "ready" })).toEqual([])
    }))

  test("counts", (store, _other, clock) =>
    Effect.gen(function* () {
      expect(yield* store.stats).toEqual({
        ready: 0,
        sending: 0,
        sent: 0,
        dead: 0,
        oldestAt: undefined,
        queues: 0,
        owned: 0,
      })
      yield* clock.adjust(100)
      yield* putAll(store)
      yield* clock.adjust(100)
      yield* put(store, ["x", "y", "z"], { webhook: "200" })
      expect(yield* store.stats).toEqual({
        ready: 4,
        sending: 1,
        sent: 1,
        dead: 1,
        oldestAt: 100,
        queues: 2,
        owned: 1,
      })
      yield* store.setPaused("200", true)
      expect(yield* store.queues(10)).toEqual([
        { webhookId: "200", pending: 3, paused: true, oldestAt: 200 },
        { webhookId: "100", pending: 2, paused: false, oldestAt: 100 },
      ])
      expect(webhooksOf(yield* store.queues(1))).toEqual(["200"])
      yield* store.setPaused(undefined, true)
      expect((yield* store.queues(10)).map(({ paused }) => paused)).toEqual([true, true])
    }))

  test("makes dead entries ready, in their place", (store, other) =>
    Effect.gen(function* () {
      const queue = yield* putAll(store)
      yield* store.commit("w1", [step(queue, "sending", 1, sent)])
      yield* release(store, "w1", queue, { nextAt: 9000 })
      expect(yield* other.retry(["dead", "dead", "sent", "ready", "none"])).toBe(1)
      expect(yield* findOne(store, "dead")).toMatchObject({
        state: "ready",
        attempts: 1,
        settledAt: undefined,
        notBefore: undefined,
      })
      // It does not wait for the time that the owner left, because the queue has another first entry.
      const next = yield* claimOne(other, "w2")
      expect(idsOf(next.entries)).toEqual(["dead", "ready"])
      expect(yield* store.enqueue([entry("more")], { perWebhook: 2, total: 2 })).toEqual([
        { _tag: "Full", limit: "perWebhook", pending: 2 },
      ])
      expect(yield* other.commit("w2", [step(next, "dead", 2, sending)])).toEqual(["done"])
      expect(yield* other.commit("w2", [step(next, "dead", 2, sent)])).toEqual(["done"])
      expect((yield* store.queues(1))[0]?.pending).toBe(1)
    }))

  test("discards entries that are ready or dead", (store, other) =>
    Effect.gen(function* () {
      yield* putAll(store)
      yield* put(store, ["other"], { webhook: "200" })
      expect(yield* other.discard(["sent", "dead", "sending", "ready", "other", "none"])).toBe(3)
      expect(idsOf(yield* store.list(all))).toEqual(["sent", "sending"])
      expect(yield* store.files("ready")).toEqual([])
      expect(yield* store.files("sending")).toHaveLength(1)
      // The key and the place are free again.
      const again = entry("again", { key: "key-ready", fingerprint: "different" })
      expect(yield* store.enqueue([again], { perWebhook: 2, total: 2 })).toEqual([
        { _tag: "Accepted" },
      ])
      expect(yield* store.queues(10)).toMatchObject([{ webhookId: "100", pending: 2 }])
    }))

  test("frees the queue when its first entry is discarded", (store) =>
    Effect.gen(function* () {
      yield* put(store, ["a"], { notBefore: 5000 })
      yield* put(store, ["b"])
      expect(yield* claim(store, "w1")).toEqual([])
      yield* store.discard(["a"])
      expect(idsOf((yield* claimOne(store, "w1")).entries)).toEqual(["b"])
    }))

  test("pauses one queue, also before it exists", (store, other) =>
    Effect.gen(function* () {
      yield* store.setPaused("200", true)
      yield* put(store, ["a"])
      yield* put(store, ["b"], { webhook: "200" })
      expect(webhooksOf(yield* claim(other, "w1"))).toEqual(["100"])
      yield* store.setPaused("200", false)
      expect(webhooksOf(yield* claim(other, "w1"))).toEqual(["200"])
    }))

  test("pauses all queues, and resumes them together", (store, other) =>
    Effect.gen(function* () {
      yield* put(store, ["a"])
      yield* store.setPaused("100", true)
      yield* store.setPaused(undefined, true)
      yield* store.setPaused(undefined, true)
      yield* put(store, ["b"], { webhook: "200" })
      expect(yield* claim(other, "w1")).toEqual([])
      yield* other.setPaused("100", false)
      expect(yield* claim(other, "w1")).toEqual([])
      yield* other.setPaused("100", true)
      yield* other.setPaused(undefined, false)
      expect([...webhooksOf(yield* claim(store, "w1"))].sort()).toEqual(["100", "200"])
    }))

  test("sweeps what ended before a time, with its files and keys", (store, _other, clock) =>
    Effect.gen(function* () {
      yield* clock.adjust(100)
      yield* putAll(store)
      expect(yield* store.sweep({ sent: 100, dead: 100 })).toBe(0)
      expect(yield* store.sweep({ sent: 101, dead: 0 })).toBe(1)
      expect(idsOf(yield* store.list(all))).toEqual(["dead", "sending", "ready"])
      expect(yield* store.files("sent")).toEqual([])
      expect(yield* store.sweep({ sent: 101, dead: 101 })).toBe(1)
      expect(idsOf(yield* store.list(all))).toEqual(["sending", "ready"])
      expect((yield* store.queues(1))[0]?.pending).toBe(2)
      const again = entry("again", { key: "key-sent", fingerprint: "different" })
      expect(yield* store.enqueue([again], unlimited)).toEqual([{ _tag: "Accepted" }])
    }))

  test("sweeps more than fits in one transaction", (store) =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 2500 }, (_, n) => `e${n}`)
      yield* put(store, ids)
      yield* store.bury("w1", yield* claimOne(store, "w1"), "gone")
      expect(yield* store.sweep({ sent: 1, dead: 1 })).toBe(2500)
      expect((yield* store.stats).dead).toBe(0)
    }))

  test("wakes workers after entries and a resume", (store, other) =>
    Effect.gen(function* () {
      const wakes = { count: 0 }
      const awaitWake = (count: number) =>
        Effect.gen(function* () {
          while (wakes.count <= count) yield* Effect.sleep("5 millis")
        })
      yield* store.onEnqueued(() => {
        wakes.count += 1
      })
      yield* put(store, ["a"])
      yield* awaitWake(0)
      yield* put(store, ["b"])
      yield* awaitWake(1)
      const before = wakes.count
      yield* store.setPaused(undefined, false)
      yield* awaitWake(before)
      expect(yield* other.now).toBeTypeOf("number")
    }))
})

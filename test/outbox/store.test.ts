/** What every engine does: entries, leases and steps. The administration is in the file beside it. */
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
  leaseMillis,
  put,
  release,
  retry,
  send,
  sending,
  sent,
  step,
  unlimited,
  webhooksOf,
} from "./storeSteps.js"
import type { Change } from "./storeSteps.js"

const accepted = { _tag: "Accepted" }

describe.each(engines)("the store $name", (engine) => {
  const test = testStores(engine)

  describe("enqueue", () => {
    test("returns every value of an entry", (store, other, clock) =>
      Effect.gen(function* () {
        yield* clock.adjust(5000)
        const stored = entry("a", {
          operation: "createThread",
          request: '{"content":"é 💥 \\u0000 \' \\" $1 ?"}',
          files: [
            { name: "a b.png", contentType: "image/png", bytes: new Uint8Array([0, 255, 39, 10]) },
            { name: "empty", contentType: "text/plain", bytes: new Uint8Array() },
          ],
          key: "order-7'💥",
          notBefore: 4000,
          expiresAt: 1_900_000_000_000,
          trace: "00-a-b-01",
        })
        expect(yield* store.enqueue([stored], unlimited)).toEqual([accepted])
        expect(yield* other.find(["a", "b"])).toEqual([
          {
            id: "a",
            webhookId: "100",
            operation: "createThread",
            request: stored.request,
            files: 2,
            key: "order-7'💥",
            state: "ready",
            attempts: 0,
            inDoubt: 0,
            acceptedAt: 5000,
            notBefore: 4000,
            expiresAt: 1_900_000_000_000,
            settledAt: undefined,
            messageId: undefined,
            channelId: undefined,
            error: undefined,
            trace: "00-a-b-01",
          },
        ])
        const files = yield* other.files("a")
        expect(files.map(({ bytes, ...file }) => ({ ...file, bytes: [...bytes] }))).toEqual([
          { name: "a b.png", contentType: "image/png", bytes: [0, 255, 39, 10] },
          { name: "empty", contentType: "text/plain", bytes: [] },
        ])
      }))

    test("keeps the order of acceptance", (store, other) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 40 }, (_, n) => `e${40 - n}`)
        yield* put(store, ids.slice(0, 30))
        yield* put(other, ids.slice(30))
        expect(idsOf(yield* store.load(["100"], 100))).toEqual(ids)
        expect(idsOf(yield* store.load(["100"], 3))).toEqual(ids.slice(0, 3))
      }))

    test("loads the first entries of several queues", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b", "c"])
        yield* put(store, ["d", "e"], { webhook: "200" })
        yield* put(store, ["f"], { webhook: "300" })
        const loaded = yield* store.load(["200", "100", "400"], 2)
        expect(idsOf(loaded.filter(({ webhookId }) => webhookId === "100"))).toEqual(["a", "b"])
        expect(idsOf(loaded.filter(({ webhookId }) => webhookId === "200"))).toEqual(["d", "e"])
        expect(loaded).toHaveLength(4)
      }))

    test("stores an entry once, when it is repeated", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const capacity = { perWebhook: 1, total: 1 }
        expect(yield* store.enqueue([entry("a")], capacity)).toEqual([accepted])
        expect((yield* store.stats).ready).toBe(1)
        expect((yield* store.queues(1))[0]?.pending).toBe(1)
      }))

    test("returns the entry that has the key", (store, other) =>
      Effect.gen(function* () {
        const keyed = (id: string, fingerprint: string) => entry(id, { key: "k", fingerprint })
        expect(
          yield* store.enqueue([keyed("a", "1"), keyed("b", "1"), keyed("c", "2")], unlimited),
        ).toEqual([accepted, { _tag: "Duplicate", id: "a" }, { _tag: "KeyConflict", id: "a" }])
        // A full queue does not hide that the entry is stored.
        const capacity = { perWebhook: 1, total: 1 }
        expect(
          yield* other.enqueue([keyed("d", "1"), keyed("e", "2"), entry("f")], capacity),
        ).toEqual([
          { _tag: "Duplicate", id: "a" },
          { _tag: "KeyConflict", id: "a" },
          { _tag: "Full", limit: "perWebhook", pending: 1 },
        ])
        expect((yield* store.stats).ready).toBe(1)
      }))

    test("limits the entries of a webhook and of all", (store) =>
      Effect.gen(function* () {
        const capacity = { perWebhook: 2, total: 3 }
        const results = yield* store.enqueue(
          [
            entry("a"),
            entry("b"),
            entry("c"),
            ...["d", "e"].map((id) => entry(id, { webhook: "200" })),
          ],
          capacity,
        )
        expect(results).toEqual([
          accepted,
          accepted,
          { _tag: "Full", limit: "perWebhook", pending: 2 },
          accepted,
          { _tag: "Full", limit: "total", pending: 3 },
        ])
        const queues = yield* claim(store, "w1")
        const queue = queues.find(({ webhookId }) => webhookId === "100")
        if (queue === undefined) throw new Error("not claimed")
        yield* send(store, "w1", queue, "a")
        expect(yield* store.enqueue([entry("c"), entry("f")], capacity)).toEqual([
          accepted,
          { _tag: "Full", limit: "perWebhook", pending: 2 },
        ])
      }))

    test("is exact under concurrent producers", (store, other) =>
      Effect.gen(function* () {
        const capacity = { perWebhook: 7, total: 10 }
        const results = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, n) => n),
          (n) =>
            (n % 2 === 0 ? store : other).enqueue(
              [entry(`e${n}`, { webhook: n % 4 < 2 ? "100" : "200" })],
              capacity,
            ),
          { concurrency: "unbounded" },
        )
        expect(results.flat().filter(({ _tag }) => _tag === "Accepted")).toHaveLength(10)
        expect((yield* store.stats).ready).toBe(10)
        const pending = (yield* store.queues(10)).map((queue) => queue.pending)
        expect(Math.max(...pending)).toBeLessThanOrEqual(7)
      }))

    test("stores one entry for a key, even from two connections at once", (store, other) =>
      Effect.gen(function* () {
        const results = yield* Effect.forEach(
          Array.from({ length: 16 }, (_, n) => n),
          (n) =>
            (n % 2 === 0 ? store : other).enqueue(
              [entry(`e${n}`, { webhook: `${100 + (n % 3)}`, key: "k", fingerprint: "same" })],
              unlimited,
            ),
          { concurrency: "unbounded" },
        )
        const tags = results.flat().map(({ _tag }) => _tag)
        expect(tags.filter((tag) => tag === "Accepted")).toHaveLength(1)
        expect(tags.filter((tag) => tag === "Duplicate")).toHaveLength(15)
        expect((yield* store.queues(10)).map(({ pending }) => pending)).toEqual([1])
      }))

    test("replaces the token of a webhook", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a"], { token: "1" })
        yield* put(store, ["b"], { token: "2" })
        expect((yield* claimOne(store, "w1")).credentials).toEqual({
          webhookId: "100",
          tokenDigest: "digest-2",
          sealed: "sealed-2",
        })
      }))
  })

  describe("claim", () => {
    test("returns the first entries, and counts the owners", (store, other) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b", "c"])
        const [first] = yield* claim(store, "w1", 1, 2)
        expect(idsOf(first?.entries ?? [])).toEqual(["a", "b"])
        expect(first).toMatchObject({ isTakeover: false, memory: undefined })
        expect(yield* claim(other, "w2")).toEqual([])
        yield* release(store, "w1", first ?? { webhookId: "", epoch: 0 }, { memory: "learned" })
        const second = yield* claimOne(other, "w2")
        expect(second).toMatchObject({ isTakeover: true, memory: "learned" })
        expect(second.epoch).toBeGreaterThan(first?.epoch ?? Infinity)
        yield* release(other, "w2", second)
        expect(yield* claimOne(other, "w2")).toMatchObject({ isTakeover: false, memory: "learned" })
      }))

    test("leaves a queue to its owner on request, even if its lease has ended", (store, other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const queue = yield* claimOne(store, "w1")
        yield* clock.adjust(leaseMillis)
        const options = { owner: "w2", leaseMillis, limit: 1, prefetch: 1, onlyReleased: true }
        expect(yield* other.claim(options)).toEqual([])
        yield* release(store, "w1", queue)
        expect(yield* other.claim(options)).toMatchObject([{ webhookId: "100" }])
      }))

    test("takes a queue whose lease has ended", (store, other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        yield* claimOne(store, "w1")
        yield* clock.adjust(leaseMillis - 1)
        expect(yield* claim(other, "w2")).toEqual([])
        yield* clock.adjust(1)
        expect((yield* claimOne(other, "w2")).isTakeover).toBe(true)
      }))

    test("leaves queues that wait", (store, _other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"], { notBefore: 1000 })
        // The order of acceptance holds, so that the second entry waits as well.
        yield* put(store, ["b"])
        expect(yield* claim(store, "w1")).toEqual([])
        yield* clock.adjust(1000)
        const queue = yield* claimOne(store, "w1")
        expect(queue.claimedAt).toBe(1000)
        yield* release(store, "w1", queue, { nextAt: 3000 })
        expect(yield* claim(store, "w1")).toEqual([])
        yield* clock.adjust(2000)
        expect((yield* claimOne(store, "w1")).claimedAt).toBe(3000)
      }))

    test("has nothing to take from a queue that is sent", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const queue = yield* claimOne(store, "w1")
        yield* send(store, "w1", queue, "a")
        yield* release(store, "w1", queue)
        expect(yield* claim(store, "w1")).toEqual([])
      }))

    test("gives every queue its turn", (store) =>
      Effect.gen(function* () {
        const webhooks = Array.from({ length: 7 }, (_, n) => `${100 + n}`)
        for (const webhook of webhooks) yield* put(store, [`e${webhook}`], { webhook })
        const seen: Array<string> = []
        for (let turn = 0; turn < 7; turn += 1) {
          const queues = yield* claim(store, "w1", 2)
          expect(queues).toHaveLength(2)
          seen.push(...webhooksOf(queues))
          for (const queue of queues) yield* release(store, "w1", queue)
        }
        for (const webhook of webhooks) {
          expect(seen.filter((one) => one === webhook)).toHaveLength(2)
        }
      }))

    test("gives two workers different queues, and leaves none", (store, other) =>
      Effect.gen(function* () {
        const webhooks = Array.from({ length: 40 }, (_, n) => `${100 + n}`)
        yield* store.enqueue(
          webhooks.map((webhook) => entry(`e${webhook}`, { webhook })),
          unlimited,
        )
        const claims = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => n),
          (n) => claim(n % 2 === 0 ? store : other, `w${n}`, 4),
          { concurrency: "unbounded" },
        )
        const taken = claims.flatMap(webhooksOf)
        expect(new Set(taken).size).toBe(taken.length)
        const rest = yield* claim(store, "last", 40)
        expect([...taken, ...webhooksOf(rest)].sort()).toEqual(webhooks)
      }))

    test("finds the one free queue among many", (store) =>
      Effect.gen(function* () {
        const webhooks = Array.from({ length: 300 }, (_, n) => `${1000 + n}`)
        yield* store.enqueue(
          webhooks.map((webhook) => entry(`e${webhook}`, { webhook })),
          unlimited,
        )
        expect(yield* claim(store, "w1", 250)).toHaveLength(250)
        expect(yield* claim(store, "w2", 49)).toHaveLength(49)
        expect(yield* claim(store, "w3", 3)).toHaveLength(1)
        expect(yield* claim(store, "w3", 3)).toHaveLength(0)
      }))
  })

  describe("renew and release", () => {
    test("extend the lease of the owner only", (store, other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const queue = yield* claimOne(store, "w1")
        const owned = { webhookId: "100", epoch: queue.epoch, memory: undefined }
        yield* clock.adjust(10_000)
        expect(yield* other.renew("w2", [owned], leaseMillis)).toEqual(new Set())
        expect(
          yield* store.renew("w1", [{ ...owned, epoch: queue.epoch - 1 }], leaseMillis),
        ).toEqual(new Set())
        expect(
          yield* store.renew(
            "w1",
            [
              { ...owned, memory: "learned" },
              { ...owned, webhookId: "9" },
            ],
            leaseMillis,
          ),
        ).toEqual(new Set(["100"]))
        yield* clock.adjust(10_000)
        expect(yield* claim(other, "w2")).toEqual([])
        yield* clock.adjust(5000)
        const next = yield* claimOne(other, "w2")
        expect(next.memory).toBe("learned")
        expect(yield* store.renew("w1", [owned], leaseMillis)).toEqual(new Set())
        yield* release(store, "w1", queue)
        expect(yield* claim(store, "w1")).toEqual([])
      }))

    test("accept empty lists", (store) =>
      Effect.gen(function* () {
        expect(yield* store.renew("w1", [], leaseMillis)).toEqual(new Set())
        yield* store.release("w1", [])
        expect(yield* store.commit("w1", [])).toEqual([])
        expect(yield* store.enqueue([], unlimited)).toEqual([])
        expect(yield* store.find([])).toEqual([])
        expect(yield* store.retry([])).toBe(0)
        expect(yield* store.discard([])).toBe(0)
      }))
  })

  describe("commit", () => {
    test("records an entry from start to end", (store, _other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const queue = yield* claimOne(store, "w1")
        expect(yield* store.commit("w1", [step(queue, "a", 1, sending)])).toEqual(["done"])
        expect(yield* findOne(store, "a")).toMatchObject({ state: "sending", attempts: 1 })
        const delayed: Change = { ...retry, inDoubt: true, notBefore: 500 }
        expect(yield* store.commit("w1", [step(queue, "a", 1, delayed)])).toEqual(["done"])
        expect(yield* findOne(store, "a")).toMatchObject({
          state: "ready",
          attempts: 1,
          inDoubt: 1,
          notBefore: 500,
          error: retry.error,
          settledAt: undefined,
        })
        yield* clock.adjust(700)
        expect(yield* store.commit("w1", [step(queue, "a", 2, sending)])).toEqual(["done"])
        expect(yield* store.commit("w1", [step(queue, "a", 2, sent)])).toEqual(["done"])
        expect(yield* findOne(store, "a")).toMatchObject({
          state: "sent",
          attempts: 2,
          inDoubt: 1,
          messageId: "m1",
          channelId: "c1",
          error: undefined,
          settledAt: 700,
        })
      }))

    test("records a dead entry", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b"])
        const queue = yield* claimOne(store, "w1")
        const inDoubt: Change = { ...dead, inDoubt: true }
        expect(
          yield* store.commit("w1", [step(queue, "a", 0, dead), step(queue, "b", 1, sending)]),
        ).toEqual(["done", "done"])
        expect(yield* store.commit("w1", [step(queue, "b", 1, inDoubt)])).toEqual(["done"])
        expect(yield* findOne(store, "a")).toMatchObject({
          state: "dead",
          attempts: 0,
          inDoubt: 0,
          error: dead.error,
          settledAt: 0,
        })
        expect(yield* findOne(store, "b")).toMatchObject({ state: "dead", attempts: 1, inDoubt: 1 })
        expect(yield* store.queues(10)).toEqual([])
      }))

    test("changes nothing when it is repeated", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b", "c"])
        const queue = yield* claimOne(store, "w1")
        const steps = [
          step(queue, "a", 1, sending),
          step(queue, "b", 1, sending),
          step(queue, "c", 1, sending),
        ]
        const ends = [
          step(queue, "a", 1, sent),
          step(queue, "b", 1, { ...dead, inDoubt: true }),
          step(queue, "c", 1, { ...retry, inDoubt: true }),
        ]
        for (const batch of [steps, steps, ends, ends]) {
          expect(yield* store.commit("w1", batch)).toEqual(["done", "done", "done"])
        }
        expect(yield* store.find(["a", "b", "c"])).toMatchObject([
          { attempts: 1, inDoubt: 0, state: "sent" },
          { attempts: 1, inDoubt: 1, state: "dead" },
          { attempts: 1, inDoubt: 1, state: "ready" },
        ])
        expect((yield* store.queues(1))[0]?.pending).toBe(1)
      }))

    test("rejects steps of a former owner", (store, other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a"])
        const first = yield* claimOne(store, "w1")
        yield* store.commit("w1", [step(first, "a", 1, sending)])
        yield* clock.adjust(leaseMillis)
        const second = yield* claimOne(other, "w2")
        expect(second.entries).toMatchObject([{ state: "sending", attempts: 1 }])
        for (const change of [sending, sent, dead, retry]) {
          expect(yield* store.commit("w1", [step(first, "a", 1, change)])).toEqual(["lost"])
          // Nor with the epoch of the next owner, or its name.
          expect(yield* store.commit("w1", [step(second, "a", 1, change)])).toEqual(["lost"])
          expect(yield* store.commit("w2", [step(first, "a", 1, change)])).toEqual(["lost"])
        }
        expect(yield* store.bury("w1", first, "error")).toBe(0)
        expect(yield* findOne(store, "a")).toMatchObject({ state: "sending", attempts: 1 })
      }))

    test("starts nothing after the lease, but records results", (store, _other, clock) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b"])
        const queue = yield* claimOne(store, "w1")
        yield* store.commit("w1", [step(queue, "a", 1, sending)])
        yield* clock.adjust(leaseMillis)
        expect(
          yield* store.commit("w1", [step(queue, "a", 1, sent), step(queue, "b", 1, sending)]),
        ).toEqual(["done", "lost"])
      }))

    test("starts nothing in a paused queue, but records results", (store, other) =>
      Effect.gen(function* () {
        for (const webhook of [undefined, "100"]) {
          const ids = [`a${webhook}`, `b${webhook}`] as const
          yield* put(store, ids)
          const queue = yield* claimOne(store, "w1")
          yield* store.commit("w1", [step(queue, ids[0], 1, sending)])
          yield* other.setPaused(webhook, true)
          expect(
            yield* store.commit("w1", [
              step(queue, ids[0], 1, sent),
              step(queue, ids[1], 1, sending),
            ]),
          ).toEqual(["done", "lost"])
          yield* other.setPaused(webhook, false)
          expect(yield* store.commit("w1", [step(queue, ids[1], 1, sending)])).toEqual(["done"])
          yield* store.commit("w1", [step(queue, ids[1], 1, sent)])
          yield* release(store, "w1", queue)
        }
      }))

    test("reports entries in another state", (store, other) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b", "c"])
        const queue = yield* claimOne(store, "w1")
        yield* other.discard(["a"])
        yield* send(store, "w1", queue, "b")
        yield* store.commit("w1", [step(queue, "c", 1, sending)])
        expect(
          yield* store.commit("w1", [
            step(queue, "a", 1, sending),
            step(queue, "b", 2, sending),
            step(queue, "c", 2, sending),
            step(queue, "none", 1, sent),
          ]),
        ).toEqual(["changed", "changed", "changed", "changed"])
        expect(yield* findOne(store, "b")).toMatchObject({ state: "sent", attempts: 1 })
      }))

    test("applies the steps of several queues, each with its own result", (store, other) =>
      Effect.gen(function* () {
        const webhooks = ["100", "200", "300"]
        for (const webhook of webhooks) yield* put(store, [`e${webhook}`], { webhook })
        const queues = yield* claim(store, "w1")
        yield* other.setPaused("200", true)
        const byWebhook = (id: string) =>
          queues.find(({ webhookId }) => webhookId === id) ?? { webhookId: id, epoch: 0 }
        expect(
          yield* store.commit("w1", [
            step(byWebhook("300"), "e300", 1, sending),
            step(byWebhook("200"), "e200", 1, sending),
            // The entry of another queue.
            step(byWebhook("300"), "e100", 1, sending),
            step(byWebhook("100"), "e100", 1, sending),
          ]),
        ).toEqual(["done", "lost", "changed", "done"])
      }))

    test("buries all pending entries of a queue", (store) =>
      Effect.gen(function* () {
        yield* put(store, ["a", "b", "c"])
        yield* put(store, ["d"], { webhook: "200" })
        const queues = yield* claim(store, "w1")
        const queue = queues.find(({ webhookId }) => webhookId === "100")
        if (queue === undefined) throw new Error("not claimed")
        yield* send(store, "w1", queue, "a")
        yield* store.commit("w1", [step(queue, "b", 1, sending)])
        expect(yield* store.bury("w1", queue, "gone")).toBe(2)
        expect(yield* store.find(["a", "b", "c", "d"])).toMatchObject([
          { state: "sent" },
          { state: "dead", error: "gone", settledAt: 0 },
          { state: "dead", error: "gone", settledAt: 0 },
          { state: "ready" },
        ])
        expect(webhooksOf(yield* store.queues(10))).toEqual(["200"])
        expect(yield* store.bury("w1", queue, "gone")).toBe(0)
      }))
  })
})

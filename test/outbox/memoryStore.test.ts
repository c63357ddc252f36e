import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { PendingEntries } from "../../src/outbox/memoryQueues.js"
import { MemoryStore } from "../../src/outbox/memoryStore.js"
import type { NewEntry, Step } from "./storeSteps.js"
import { runs } from "../support/laws.js"

const newEntry = (id: string, tokenDigest = "digest"): NewEntry => ({
  id,
  credentials: { webhookId: "1", tokenDigest, sealed: undefined },
  operation: "send",
  request: "{}",
  files: [{ name: "a", contentType: "text/plain", bytes: new Uint8Array(3) }],
  key: undefined,
  fingerprint: "",
  notBefore: undefined,
  expiresAt: undefined,
  trace: undefined,
})

const capacity = { perWebhook: 100, total: 100 }

const claimOne = (store: MemoryStore, now: number, owner: string) => {
  const [queue] = store.claim(now, { owner, leaseMillis: 1000, limit: 1, prefetch: 5 })
  if (queue === undefined) throw new Error("nothing to claim")
  return queue
}

const sending = { _tag: "Sending" } as const
const sent = { _tag: "Sent", messageId: "1", channelId: "2" } as const

describe("pending entries", () => {
  it("are in the order of acceptance, whatever is removed and inserted again", () => {
    const command = FastCheck.record({
      kind: FastCheck.constantFrom("append", "first", "middle", "insert"),
      at: FastCheck.nat(20),
    })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(command, { maxLength: 60 }), (commands) => {
        const pending = new PendingEntries<{ readonly sequence: number; notBefore: undefined }>()
        const removed: Array<{ readonly sequence: number; notBefore: undefined }> = []
        const results: Array<boolean> = []
        let expected: ReadonlyArray<{ readonly sequence: number; notBefore: undefined }> = []
        for (const [sequence, { at, kind }] of commands.entries()) {
          const one = expected[kind === "first" ? 0 : at % Math.max(1, expected.length)]
          const old = removed[at % Math.max(1, removed.length)]
          if (kind === "append") {
            const entry = { sequence, notBefore: undefined }
            pending.append(entry)
            expected = expected.concat(entry)
          } else if (kind === "insert" && old !== undefined) {
            removed.splice(removed.indexOf(old), 1)
            pending.insert(old)
            expected = [...expected, old].sort((a, b) => a.sequence - b.sequence)
          } else if (one !== undefined) {
            results.push(pending.remove(one), !pending.remove(one))
            removed.push(one)
            expected = expected.filter((entry) => entry !== one)
          }
          expect(pending.take()).toEqual(expected)
          expect(pending.take(2)).toEqual(expected.slice(0, 2))
          expect(pending.first).toBe(expected[0])
          expect(pending.length).toBe(expected.length)
        }
        expect(results).not.toContain(false)
      }),
      { numRuns: runs(500) },
    )
  })
})

describe("the engine in memory", () => {
  it("keeps the newest token when an older entry is retried", () => {
    const store = new MemoryStore()
    store.enqueue(0, [newEntry("a", "old")], capacity)
    const queue = claimOne(store, 0, "me")
    store.bury(0, "me", queue, "{}")
    store.enqueue(0, [newEntry("b", "new")], capacity)
    expect(store.retry(["a"])).toBe(1)
    const { credentials, entries } = claimOne(store, 2000, "me")
    expect(credentials.tokenDigest).toBe("new")
    expect(entries.map(({ id }) => id)).toEqual(["a", "b"])
  })

  it("drops the files of sent entries, and keeps those of dead ones", () => {
    const store = new MemoryStore()
    store.enqueue(0, [newEntry("a"), newEntry("b")], capacity)
    const queue = claimOne(store, 0, "me")
    const steps = ([sending, sent] as const).map((change): Step => ({
      queue,
      entryId: "a",
      attempt: 1,
      change,
    }))
    for (const step of steps) expect(store.commit(0, "me", [step])).toEqual(["done"])
    store.bury(0, "me", queue, "{}")
    expect(store.files("a")).toEqual([])
    expect(store.find(["a"])).toMatchObject([{ files: 1, state: "sent" }])
    expect(store.files("b")).toHaveLength(1)
  })

  it("forgets nothing of a queue that is idle for a short time, and everything later", () => {
    const store = new MemoryStore()
    const fill = (now: number, id: string) => {
      store.enqueue(now, [newEntry(id)], capacity)
      const queue = claimOne(store, now, `owner of ${id}`)
      store.bury(now, `owner of ${id}`, queue, "{}")
      const { epoch, webhookId } = queue
      store.release(now, `owner of ${id}`, [{ webhookId, epoch, memory: id, nextAt: undefined }])
      return queue
    }
    fill(0, "a")
    expect(fill(59_000, "b")).toMatchObject({ isTakeover: true, memory: "a" })
    store.enqueue(
      200_000,
      [{ ...newEntry("x"), credentials: { ...newEntry("x").credentials, webhookId: "2" } }],
      capacity,
    )
    store.discard(200_000, ["x"])
    expect(fill(200_000, "c")).toMatchObject({ isTakeover: false, memory: undefined })
  })

  it("starts nothing without a lease, and records results as long as there is no other owner", () => {
    const store = new MemoryStore()
    store.enqueue(0, [newEntry("a"), newEntry("b")], capacity)
    const queue = claimOne(store, 0, "me")
    const step = (entryId: string, change: Step["change"]): Step => ({
      queue,
      entryId,
      attempt: 1,
      change,
    })
    expect(store.commit(999, "me", [step("a", sending)])).toEqual(["done"])
    expect(store.commit(1000, "me", [step("a", sent)])).toEqual(["done"])
    expect(store.commit(1000, "me", [step("b", sending)])).toEqual(["lost"])
    claimOne(store, 1000, "other")
    expect(store.commit(1000, "me", [step("b", sending)])).toEqual(["lost"])
    expect(store.commit(1000, "other", [step("b", sending)])).toEqual(["lost"])
    expect(store.bury(1000, "me", queue, "{}")).toBe(0)
    expect(store.renew(1000, "me", [{ ...queue, memory: undefined }], 1000).size).toBe(0)
    // Another epoch of the same worker is another owner.
    claimOne(store, 2000, "me")
    expect(store.commit(2000, "me", [step("b", sending)])).toEqual(["lost"])
  })

  it("stores no queue for an entry that the capacity rejects", () => {
    const store = new MemoryStore()
    const [first, second] = store.enqueue(0, [newEntry("a"), newEntry("b")], {
      perWebhook: 5,
      total: 1,
    })
    expect([first, second]).toEqual([
      { _tag: "Accepted" },
      { _tag: "Full", limit: "total", pending: 1 },
    ])
    expect(store.stats()).toMatchObject({ ready: 1, queues: 1 })
  })
})

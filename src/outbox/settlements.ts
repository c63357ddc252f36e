/**
 * Fibers that wait until an entry is sent or dead. The worker of this process reports what it settles;
 * entries of other processes are found by polling.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { DiscordOutboxUnavailable } from "./OutboxError.js"
import type { Store, StoredEntry } from "./store.js"

type Result = StoredEntry | "missing"

interface Waiter {
  readonly deferred: Deferred.Deferred<Result, DiscordOutboxUnavailable>
  count: number
}

/** Maximum number of entries in one query. */
const maxQueried = 1000

export class Settlements {
  readonly #store: Store
  readonly #waiters = new Map<string, Waiter>()
  readonly #hasWaiters = Effect.unsafeMakeLatch(false)
  /** Entries to query, all of which have waiters. */
  readonly #due = new Set<string>()
  readonly #isDue = Effect.unsafeMakeLatch(false)

  constructor(store: Store) {
    this.#store = store
  }

  /** Reports that entries may have been settled; without ids, that any may have. */
  report(ids: Iterable<string> = this.#waiters.keys()): void {
    for (const id of ids) {
      if (this.#waiters.has(id)) this.#due.add(id)
    }
    if (this.#due.size > 0) this.#isDue.unsafeOpen()
  }

  /** Waits until the entry is sent or dead; `missing` if the store does not have it. */
  wait(id: string): Effect.Effect<Result, DiscordOutboxUnavailable> {
    return Effect.suspend(() => {
      const waiter = this.#waiters.get(id) ?? {
        deferred: Deferred.unsafeMake<Result, DiscordOutboxUnavailable>(FiberId.none),
        count: 0,
      }
      waiter.count += 1
      this.#waiters.set(id, waiter)
      this.#hasWaiters.unsafeOpen()
      this.report([id])
      return Effect.onExit(Deferred.await(waiter.deferred), () =>
        Effect.sync(() => {
          waiter.count -= 1
          if (waiter.count === 0 && this.#waiters.get(id) === waiter) this.#remove(id)
        }),
      )
    })
  }

  /** Queries entries after each report, and the longest not queried ones once in each interval. */
  poll(intervalMillis: number): Effect.Effect<void> {
    const afterReport = Effect.zipRight(this.#isDue.await, this.#look)
    const regularly = this.#hasWaiters.await.pipe(
      Effect.zipRight(Effect.sleep(intervalMillis)),
      Effect.zipRight(Effect.sync(() => this.report(takeFirst(this.#waiters.keys())))),
    )
    return Effect.zip(Effect.forever(afterReport), Effect.forever(regularly), { concurrent: true })
  }

  readonly #look: Effect.Effect<void> = Effect.suspend(() => {
    const ids = takeFirst(this.#due)
    for (const id of ids) {
      this.#due.delete(id)
      const waiter = this.#waiters.get(id)
      if (waiter === undefined) continue
      // To the end, so that all are queried in turn.
      this.#waiters.delete(id)
      this.#waiters.set(id, waiter)
    }
    if (this.#due.size === 0) this.#isDue.unsafeClose()
    if (ids.length === 0) return Effect.void
    return Effect.matchEffect(this.#store.find(ids), {
      onFailure: (error) => Effect.sync(() => this.#fail(ids, error)),
      onSuccess: (entries) => Effect.sync(() => this.#complete(ids, entries)),
    })
  })

  #fail(ids: ReadonlyArray<string>, error: DiscordOutboxUnavailable): void {
    for (const id of ids) this.#end(id, Effect.fail(error))
  }

  #complete(ids: ReadonlyArray<string>, entries: ReadonlyArray<StoredEntry>): void {
    const found = new Map(entries.map((entry) => [entry.id, entry]))
    for (const id of ids) {
      const entry = found.get(id)
      if (entry === undefined) this.#end(id, Effect.succeed("missing"))
      else if (entry.settledAt !== undefined) this.#end(id, Effect.succeed(entry))
    }
  }

  #end(id: string, result: Effect.Effect<Result, DiscordOutboxUnavailable>): void {
    const waiter = this.#waiters.get(id)
    if (waiter === undefined) return
    this.#remove(id)
    Deferred.unsafeDone(waiter.deferred, result)
  }

  #remove(id: string): void {
    this.#waiters.delete(id)
    this.#due.delete(id)
    if (this.#waiters.size === 0) this.#hasWaiters.unsafeClose()
  }
}

function takeFirst(ids: Iterable<string>): ReadonlyArray<string> {
  const taken: Array<string> = []
  for (const id of ids) {
    if (taken.length === maxQueried) break
    taken.push(id)
  }
  return taken
}

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
  readonly #wake = Effect.unsafeMakeLatch(false)

  constructor(store: Store) {
    this.#store = store
  }

  /** Reports that entries have been settled. */
  report(): void {
    if (this.#waiters.size > 0) this.#wake.unsafeOpen()
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
      this.#wake.unsafeOpen()
      return Effect.onExit(Deferred.await(waiter.deferred), () =>
        Effect.sync(() => {
          waiter.count -= 1
          if (waiter.count === 0 && this.#waiters.get(id) === waiter) this.#waiters.delete(id)
        }),
      )
    })
  }

  /** Looks for settled entries after each report, and at least once in each interval. */
  poll(intervalMillis: number): Effect.Effect<never> {
    const next = Effect.suspend(() =>
      this.#waiters.size === 0
        ? this.#wake.await
        : Effect.raceFirst(this.#wake.await, Effect.sleep(intervalMillis)),
    )
    return Effect.forever(Effect.zipRight(next, this.#look))
  }

  readonly #look: Effect.Effect<void> = Effect.suspend(() => {
    this.#wake.unsafeClose()
    const ids = [...this.#waiters.keys()].slice(0, maxQueried)
    // Entries that stay go to the end, so that all are queried in turn.
    for (const id of ids) {
      const waiter = this.#waiters.get(id)
      if (waiter === undefined) continue
      this.#waiters.delete(id)
      this.#waiters.set(id, waiter)
    }
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
    this.#waiters.delete(id)
    Deferred.unsafeDone(waiter.deferred, result)
  }
}

/**
 * A queue whose items are taken in batches. `take` waits for the first item and then for others,
 * until the window ends or the batch is full. Only one fiber may take.
 *
 * Waiting uses latches, while adding and taking are synchronous, so that no interruption loses an
 * item between the queue and its consumer.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface BatchRules<A> {
  /** Maximum number of waiting items. */
  readonly capacity: number
  /** How long the first item waits for others. */
  readonly window: Duration.DurationInput
  /** Whether no further item can join the batch of the first. */
  readonly isFull: (items: ReadonlyArray<A>) => boolean
  /** The number of items in the next batch; at least 1. */
  readonly batch: (items: ReadonlyArray<A>) => number
}

export class BatchQueue<A> {
  readonly #rules: BatchRules<A>
  readonly #items: Array<A> = []
  readonly #hasItems = Effect.unsafeMakeLatch(false)
  readonly #isReady = Effect.unsafeMakeLatch(false)
  readonly #hasSpace = Effect.unsafeMakeLatch(true)
  #takenCount = 0
  #closed = false

  constructor(rules: BatchRules<A>) {
    this.#rules = rules
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#items.length < this.#rules.capacity
  }

  /** The number of waiting items, plus those of the last batch until the next one is taken. */
  get remaining(): number {
    return this.#items.length + this.#takenCount
  }

  /** Returns `false` if the queue is full or closed. */
  tryAdd(item: A): boolean {
    if (!this.hasRoom) return false
    this.#items.push(item)
    this.#signal()
    return true
  }

  /**
   * Waits for space; on interruption it adds the rest immediately. Items added after closing are
   * not sent.
   */
  addAll(items: Iterable<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const rest = Array.from(items)
      return Effect.onInterrupt(this.#addWithRoom(rest), () =>
        Effect.sync(() => {
          for (const item of rest) this.#items.push(item)
          this.#signal()
        }),
      )
    })
  }

  /** Rejects further items; waiting items can be taken without delay. */
  close(): void {
    this.#closed = true
    this.#signal()
  }

  /** Closes the queue and returns the waiting items. */
  discard(): ReadonlyArray<A> {
    const items = this.#items.splice(0)
    this.close()
    return items
  }

  /** The next batch; an empty one means that the queue is closed. */
  readonly take: Effect.Effect<ReadonlyArray<A>> = Effect.suspend(() => {
    this.#takenCount = 0
    return this.#hasItems.await.pipe(
      Effect.zipRight(Effect.raceFirst(this.#isReady.await, Effect.sleep(this.#rules.window))),
      Effect.zipRight(Effect.sync(() => this.#next())),
    )
  })

  /** Removes the items that it adds from the array. */
  #addWithRoom(items: Array<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      let added = 0
      for (const item of items) {
        if (!this.tryAdd(item)) break
        added += 1
      }
      items.splice(0, added)
      return items.length === 0 || this.#closed
        ? Effect.void
        : Effect.zipRight(this.#hasSpace.await, this.#addWithRoom(items))
    })
  }

  #next(): ReadonlyArray<A> {
    const count = this.#items.length === 0 ? 0 : this.#rules.batch(this.#items)
    const items = this.#items.splice(0, count)
    this.#takenCount = count
    this.#signal()
    return items
  }

  /** Updates the latches. */
  #signal(): void {
    const { length } = this.#items
    setLatch(this.#hasItems, length > 0 || this.#closed)
    // A full queue accepts no further items, so there is nothing to wait for.
    setLatch(this.#isReady, !this.hasRoom || (length > 0 && this.#rules.isFull(this.#items)))
    setLatch(this.#hasSpace, this.hasRoom || this.#closed)
  }
}

function setLatch(latch: Effect.Latch, isOpen: boolean): void {
  if (isOpen) latch.unsafeOpen()
  else latch.unsafeClose()
}

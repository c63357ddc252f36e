/**
 * A line of messages that leave in batches. Whoever takes a batch waits for the first, and then for
 * others, until a time is over or no more would go with it. Only one may take.
 *
 * What waits are latches; adding and taking are synchronous, so that no interruption, at whatever
 * moment, loses a message between the line and its taker.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface BatchRules<A> {
  /** Items that may wait. */
  readonly capacity: number
  /** How long the first waits for others. */
  readonly window: Duration.DurationInput
  /** Whether no more would go with the first. */
  readonly isFull: (items: ReadonlyArray<A>) => boolean
  /** How many of the first go together; at least 1. */
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

  /** Items that wait, and those of the last batch: whoever comes for the next is done with it. */
  get remaining(): number {
    return this.#items.length + this.#takenCount
  }

  /** `false`: there is no room, or it is closed. */
  tryAdd(item: A): boolean {
    if (!this.hasRoom) return false
    this.#items.push(item)
    this.#signal()
    return true
  }

  /**
   * Waits for room; interrupted, it adds the rest where there is none. What is added after closing
   * is nobody's.
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

  /** No more will come; what waits can be taken, and without waiting for others. */
  close(): void {
    this.#closed = true
    this.#signal()
  }

  /** Closes it, and gives up what waits. */
  discard(): ReadonlyArray<A> {
    const items = this.#items.splice(0)
    this.close()
    return items
  }

  /** The next batch; an empty one is the end. */
  readonly take: Effect.Effect<ReadonlyArray<A>> = Effect.suspend(() => {
    this.#takenCount = 0
    return this.#hasItems.await.pipe(
      Effect.zipRight(Effect.raceFirst(this.#isReady.await, Effect.sleep(this.#rules.window))),
      Effect.zipRight(Effect.sync(() => this.#next())),
    )
  })

  /** Takes what it adds off the list. */
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

  /** Opens and shuts the latches as the line is now. */
  #signal(): void {
    const { length } = this.#items
    setLatch(this.#hasItems, length > 0 || this.#closed)
    // Without room nobody can come, so nobody is waited for.
    setLatch(this.#isReady, !this.hasRoom || (length > 0 && this.#rules.isFull(this.#items)))
    setLatch(this.#hasSpace, this.hasRoom || this.#closed)
  }
}

function setLatch(latch: Effect.Latch, isOpen: boolean): void {
  if (isOpen) latch.unsafeOpen()
  else latch.unsafeClose()
}

/**
 * A line of messages that leave in batches. Whoever takes a batch waits for the first, and then for
 * others, until a time is over or no more would go with it. Only one may take.
 *
 * What waits are latches; adding and taking are synchronous, so that no interruption, at whatever
 * moment, loses a message between the line and its taker.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface Rules<A> {
  /** Items that may wait. */
  readonly capacity: number
  /** How long the first waits for others. */
  readonly window: Duration.DurationInput
  /** Whether no more would go with the first. */
  readonly isFull: (items: ReadonlyArray<A>) => boolean
  /** How many of the first go together; at least 1. */
  readonly batch: (items: ReadonlyArray<A>) => number
}

export class Outbox<A> {
  readonly #rules: Rules<A>
  readonly #waiting: Array<A> = []
  readonly #arrived = Effect.unsafeMakeLatch(false)
  readonly #full = Effect.unsafeMakeLatch(false)
  readonly #room = Effect.unsafeMakeLatch(true)
  #taken = 0
  #closed = false

  constructor(rules: Rules<A>) {
    this.#rules = rules
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#waiting.length < this.#rules.capacity
  }

  /** Items that wait, and those of the last batch: whoever comes for the next is done with it. */
  get left(): number {
    return this.#waiting.length + this.#taken
  }

  /** `false`: there is no room, or it is closed. */
  tryAdd(item: A): boolean {
    if (!this.hasRoom) return false
    this.#waiting.push(item)
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
          for (const item of rest) this.#waiting.push(item)
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
    const items = this.#waiting.splice(0)
    this.close()
    return items
  }

  /** The next batch; an empty one is the end. */
  readonly take: Effect.Effect<ReadonlyArray<A>> = Effect.suspend(() => {
    this.#taken = 0
    return this.#arrived.await.pipe(
      Effect.zipRight(Effect.raceFirst(this.#full.await, Effect.sleep(this.#rules.window))),
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
        : Effect.zipRight(this.#room.await, this.#addWithRoom(items))
    })
  }

  #next(): ReadonlyArray<A> {
    const count = this.#waiting.length === 0 ? 0 : this.#rules.batch(this.#waiting)
    const items = this.#waiting.splice(0, count)
    this.#taken = count
    this.#signal()
    return items
  }

  /** Opens and shuts the latches as the line is now. */
  #signal(): void {
    const { length } = this.#waiting
    set(this.#arrived, length > 0 || this.#closed)
    // Without room nobody can come, so nobody is waited for.
    set(this.#full, !this.hasRoom || (length > 0 && this.#rules.isFull(this.#waiting)))
    set(this.#room, this.hasRoom || this.#closed)
  }
}

function set(latch: Effect.Latch, isOpen: boolean): void {
  if (isOpen) latch.unsafeOpen()
  else latch.unsafeClose()
}

/**
 * Runs items in batches: while one batch runs, further items are collected for the next one. A database
 * then commits once for all of them, and no item waits longer than it would alone.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

interface Rules<I, O, E> {
  /** Maximum number of items in a batch. */
  readonly maxSize: number
  /** Items with the same identity are not put in one batch. */
  readonly identify: (item: I) => string
  /** Runs before each batch is collected. */
  readonly gather: Effect.Effect<void>
  /** Returns one result for each item. A failed batch has changed nothing, or may be repeated. */
  readonly run: (items: ReadonlyArray<I>) => Effect.Effect<ReadonlyArray<O>, E>
  /**
   * Whether a failure concerns every item. After any other failure the items run one by one, so that the
   * faulty one does not fail the others.
   */
  readonly isCommon: (error: E) => boolean
  /** The error of items that are added after the scope has closed. */
  readonly closed: E
}

interface Waiting<I, O, E> {
  readonly item: I
  readonly result: Deferred.Deferred<O, E>
}

export class Batcher<I, O, E> {
  readonly #rules: Rules<I, O, E>
  readonly #waiting: Array<Waiting<I, O, E>> = []
  readonly #hasItems = Effect.unsafeMakeLatch(false)
  #running: ReadonlyArray<Waiting<I, O, E>> = []
  #closed = false

  constructor(rules: Rules<I, O, E>) {
    this.#rules = rules
  }

  /** Adds an item at once, and returns an effect that waits for its result. */
  submit(item: I): Effect.Effect<O, E> {
    return Deferred.await(this.#add(item).result)
  }

  /** Adds an item and waits for its result. An interruption removes it if its batch has not begun. */
  run(item: I): Effect.Effect<O, E> {
    return Effect.suspend(() => {
      const waiting = this.#add(item)
      return Effect.onInterrupt(Deferred.await(waiting.result), () =>
        Effect.sync(() => {
          const at = this.#waiting.indexOf(waiting)
          if (at !== -1) this.#waiting.splice(at, 1)
        }),
      )
    })
  }

  /** Waits until the items that were added so far have results. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      [...this.#running, ...this.#waiting],
      ({ result }) => Effect.exit(Deferred.await(result)),
      { discard: true },
    ),
  )

  /** Runs the batches in a fiber of the scope. */
  readonly start: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.addFinalizer(() => Effect.sync(() => this.#close())),
      Effect.forkScoped(Effect.forever(this.#next)),
    ),
  )

  readonly #next: Effect.Effect<void> = Effect.suspend(() =>
    this.#hasItems.await.pipe(Effect.zipRight(this.#rules.gather), Effect.zipRight(this.#runNext)),
  )

  readonly #runNext: Effect.Effect<void> = Effect.uninterruptibleMask((restore) => {
    const batch = this.#takeBatch()
    this.#running = batch
    if (this.#waiting.length === 0) this.#hasItems.unsafeClose()
    return Effect.map(this.#runBatch(batch, restore), () => {
      this.#running = []
    })
  })

  #runBatch(
    batch: ReadonlyArray<Waiting<I, O, E>>,
    restore: <A, Err>(effect: Effect.Effect<A, Err>) => Effect.Effect<A, Err>,
  ): Effect.Effect<void> {
    const run = Effect.suspend(() => this.#rules.run(batch.map(({ item }) => item)))
    return Effect.flatMap(Effect.exit(restore(run)), (exit) => {
      if (batch.length > 1 && Exit.isFailure(exit) && this.#isIsolable(exit.cause)) {
        return Effect.forEach(batch, (one) => this.#runBatch([one], restore), { discard: true })
      }
      for (const [index, { result }] of batch.entries()) {
        // Fewer results than items are a defect of `run`.
        Deferred.unsafeDone(
          result,
          Effect.map(exit, (results) => Arr.unsafeGet(results, index)),
        )
      }
      return Effect.void
    })
  }

  #isIsolable(cause: Cause.Cause<E>): boolean {
    if (Cause.isInterrupted(cause)) return false
    return !Option.exists(Cause.failureOption(cause), this.#rules.isCommon)
  }

  #add(item: I): Waiting<I, O, E> {
    const waiting = { item, result: Deferred.unsafeMake<O, E>(FiberId.none) }
    if (this.#closed) {
      Deferred.unsafeDone(waiting.result, Effect.fail(this.#rules.closed))
    } else {
      this.#waiting.push(waiting)
      this.#hasItems.unsafeOpen()
    }
    return waiting
  }

  /** Ends before an item of the same identity, so that items of one identity stay in order. */
  #takeBatch(): ReadonlyArray<Waiting<I, O, E>> {
    const seen = new Set<string>()
    let size = 0
    for (const { item } of this.#waiting) {
      const identity = this.#rules.identify(item)
      if (size === this.#rules.maxSize || seen.has(identity)) break
      seen.add(identity)
      size += 1
    }
    return this.#waiting.splice(0, size)
  }

  #close(): void {
    this.#closed = true
    for (const { result } of this.#waiting.splice(0)) {
      Deferred.unsafeDone(result, Effect.fail(this.#rules.closed))
    }
  }
}

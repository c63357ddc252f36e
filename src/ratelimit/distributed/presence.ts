/**
 * Shows other processes that this one is alive, and relates its clock to the store's. Nothing may be granted
 * once the others may take it for dead; if they may have done so, it goes on as a new generation.
 */
import * as Effect from "effect/Effect"
import { generationOf, type StoreError, type TurnStore } from "./store.js"

/** The part of the lease after which this process stops, since clocks drift. */
export const safePart = 14 / 15

/** Milliseconds by which two clocks may drift apart between two comparisons. */
const drift = 2.5

export interface PresenceOptions {
  readonly store: TurnStore
  /** Of this process in all of its generations. */
  readonly name: string
  /** Milliseconds after which a process that shows no sign of life is dead. */
  readonly lease: number
  readonly now: () => number
  /** Called when the others may have taken this process for dead. */
  readonly onLapse: () => void
  /** Called when the store may have lost data. */
  readonly onLoss: () => void
  /** Called with the webhooks whose turns others wait for. */
  readonly onAsked: (keys: ReadonlyArray<string>) => void
}

export class Presence {
  /** Nothing is granted from then on. */
  aliveUntil = Number.NEGATIVE_INFINITY
  /** Since when the store has been available without an interruption. */
  connectedSince = 0
  /** Until then a process may live that had a turn before the store lost everything. */
  doubtfulUntil = Number.NEGATIVE_INFINITY
  /** Milliseconds from this clock to the store's. */
  shift = 0
  /** Maximum error of `shift`. */
  uncertainty = 0
  #isClockKnown = false
  #generation = 0
  #isRecorded = false
  #hasAskedForLoss = false
  readonly #options: PresenceOptions

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  get process(): string {
    return generationOf(this.#options.name, this.#generation)
  }

  /** Whether it is time for another sign of life. */
  isDue(now: number): boolean {
    const { lease } = this.#options
    return now >= this.aliveUntil - lease * safePart + lease / 3
  }

  readonly refresh: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    const { lease, now, onAsked, onLapse, onLoss, store } = this.#options
    const start = now()
    return Effect.flatMap(store.refresh(this.process, lease), ({ asked, time, wasAlive }) => {
      const isLapsed = start >= this.aliveUntil
      this.#compareClocks(time, start, now())
      if (this.#isRecorded && !wasAlive && isLapsed) {
        this.#generation += 1
        this.#isRecorded = false
        onLapse()
        return this.refresh
      }
      this.aliveUntil = start + lease * safePart
      const isLost = this.#isRecorded && !wasAlive
      this.#isRecorded = true
      onAsked(asked)
      if (!isLost) return Effect.void
      onLoss()
      return this.checkLoss
    })
  })

  /** Finds out whether the store has lost everything. */
  readonly checkLoss: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(this.#options.store.lostAt(this.#hasAskedForLoss), (lostAt) => {
      this.#hasAskedForLoss = true
      this.doubtfulUntil =
        lostAt === undefined ? Number.NEGATIVE_INFINITY : lostAt - this.shift + this.#options.lease
    }),
  )

  /** The store may have been replaced by another one, with another clock. */
  onReconnect(): void {
    this.connectedSince = this.#options.now()
    this.#isClockKnown = false
  }

  /** Keeps the best of the comparisons, each of which gets worse with time. */
  #compareClocks(time: number, start: number, end: number): void {
    const uncertainty = (end - start) / 2
    if (this.#isClockKnown && uncertainty > this.uncertainty + drift) {
      this.uncertainty += drift
      return
    }
    this.#isClockKnown = true
    this.shift = time - (start + end) / 2
    this.uncertainty = uncertainty
  }
}

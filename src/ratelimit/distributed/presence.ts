/**
 * The lease of this process, which heartbeats renew: `refresh` records in the store that it is alive, and compares
 * its clock with the store's. No request is granted after the lease, because other processes may take its turns
 * over. A process whose lease has expired continues under a new name, its next generation.
 */
import * as Effect from "effect/Effect"
import { generationOf, type StoreError, type TurnStore } from "./store.js"

/** The part of the lease that this process uses, because clocks drift. */
export const safeLeasePart = 14 / 15

/** Maximum milliseconds by which two clocks drift apart between two comparisons. */
const maxDrift = 2.5

export interface PresenceOptions {
  readonly store: TurnStore
  /** The name of this process in all of its generations. */
  readonly name: string
  /** Milliseconds after its last heartbeat for which a process counts as alive. */
  readonly lease: number
  readonly now: () => number
  /** Called when the lease has expired, so that other processes may have taken turns over. */
  readonly onLeaseExpired: () => void
  /** Called when the store may have lost data. */
  readonly onStoreDataLost: () => void
  /** Called with the keys of the turns that others have requested with `ask`. */
  readonly onTurnsRequested: (keys: ReadonlyArray<string>) => void
}

export class Presence {
  /** The time by this clock until which requests may be granted. */
  aliveUntil = Number.NEGATIVE_INFINITY
  /** The time by this clock since which the store has been available. */
  connectedSince = 0
  /**
   * The time by this clock until which another process may use a turn that the store has lost: one lease after the
   * loss.
   */
  lostTurnsValidUntil = Number.NEGATIVE_INFINITY
  /** Milliseconds to add to a time of this clock, for the time of the store's clock. */
  clockOffset = 0
  /** Maximum error of `clockOffset` in milliseconds. */
  maxClockError = 0
  #isClockKnown = false
  #generation = 0
  /** Whether the store has recorded a heartbeat of this generation. */
  #isRecorded = false
  #hasCheckedDataLoss = false
  readonly #options: PresenceOptions

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** The name of this generation. */
  get process(): string {
    return generationOf(this.#options.name, this.#generation)
  }

  /** Whether the next heartbeat is due: three times in each lease. */
  isRefreshDue(now: number): boolean {
    const { lease } = this.#options
    return now >= this.aliveUntil - lease * safeLeasePart + lease / 3
  }

  /** Sends a heartbeat. Finds out whether the lease has expired, or the store has lost its data. */
  readonly refresh: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    const { lease, now, onTurnsRequested, onLeaseExpired, onStoreDataLost, store } = this.#options
    const start = now()
    return Effect.flatMap(
      store.refresh(this.process, lease),
      ({ requestedTurns, time, wasAlive }) => {
        const hasExpired = start >= this.aliveUntil
        this.#compareClocks(time, start, now())
        if (this.#isRecorded && !wasAlive && hasExpired) {
          this.#generation += 1
          this.#isRecorded = false
          onLeaseExpired()
          return this.refresh
        }
        this.aliveUntil = start + lease * safeLeasePart
        const hasLostData = this.#isRecorded && !wasAlive
        this.#isRecorded = true
        onTurnsRequested(requestedTurns)
        if (!hasLostData) return Effect.void
        onStoreDataLost()
        return this.checkDataLoss
      },
    )
  })

  /** Finds out whether, and when, the store has lost all of its data. */
  readonly checkDataLoss: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(this.#options.store.lostAt(this.#hasCheckedDataLoss), (lostAt) => {
      this.#hasCheckedDataLoss = true
      this.lostTurnsValidUntil =
        lostAt === undefined
          ? Number.NEGATIVE_INFINITY
          : lostAt - this.clockOffset + this.#options.lease
    }),
  )

  /** Discards the comparison of clocks, because another server with another clock may have replaced the store. */
  onReconnect(): void {
    this.connectedSince = this.#options.now()
    this.#isClockKnown = false
  }

  /**
   * Estimates the clock offset from one call, which took place between `start` and `end`. Keeps the more accurate of
   * this estimate and the last one, whose error grows with time.
   */
  #compareClocks(time: number, start: number, end: number): void {
    const error = (end - start) / 2
    if (this.#isClockKnown && error > this.maxClockError + maxDrift) {
      this.maxClockError += maxDrift
      return
    }
    this.#isClockKnown = true
    this.clockOffset = time - (start + end) / 2
    this.maxClockError = error
  }
}

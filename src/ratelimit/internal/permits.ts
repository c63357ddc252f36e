/**
 * The granted requests, ordered by when their fibers are assumed to be gone. Some runtimes drop
 * fibers without running their finalisers, so a permit that is never settled has to lapse.
 *
 * Both queues are ordered because each new entry expires last: the time to start is constant, and
 * so is the lease, unless uploads are in flight. Hence a grant costs a link, and no timer.
 */
import type { PendingRequest } from "./bucketState.js"
import { LinkedQueue } from "./linkedQueue.js"

type SetPermitTimer = (target: Permits, at: number | undefined) => void

/** A granted request whose fiber has not resumed after so many milliseconds is passed over. */
const maxStartDelay = 1000

/** While requests wait behind granted ones, lapsed permits are looked for this often (milliseconds). */
const watchInterval = 1000

class ByExpiry extends LinkedQueue<PendingRequest> {
  override isBefore(one: PendingRequest, other: PendingRequest): boolean {
    return one.presentUntil <= other.presentUntil
  }
}

export class Permits {
  readonly #setTimer: SetPermitTimer
  /** Granted, but the fiber has not resumed yet. */
  readonly #granted = new ByExpiry()
  /** In use. */
  readonly #held = new ByExpiry()
  #isWatched = false

  constructor(alarm: SetPermitTimer) {
    this.#setTimer = alarm
  }

  grant(ticket: PendingRequest, now: number): void {
    ticket.state = "granted"
    ticket.sentAt = now
    ticket.presentUntil = now + maxStartDelay
    this.#granted.insert(ticket)
  }

  /** The fiber has resumed: its lease begins. */
  hold(ticket: PendingRequest, now: number): void {
    this.#granted.remove(ticket)
    ticket.state = "held"
    ticket.sentAt = now
    ticket.presentUntil = now + ticket.lease
    this.#held.insert(ticket)
  }

  release(ticket: PendingRequest): void {
    const queue = ticket.state === "held" ? this.#held : this.#granted
    queue.remove(ticket)
    if (!this.#isWatched || !this.#isEmpty) return
    this.#isWatched = false
    this.#setTimer(this, undefined)
  }

  /** A permit whose holder is assumed to be gone. */
  findExpired(now: number): PendingRequest | undefined {
    const granted = this.#granted.head
    if (granted !== undefined && granted.presentUntil <= now) return granted
    const held = this.#held.head
    return held !== undefined && held.presentUntil <= now ? held : undefined
  }

  /** A request waits until one of these is settled. One alarm serves the whole machine. */
  watch(now: number): void {
    if (this.#isEmpty) return
    this.#isWatched = true
    this.#setTimer(this, now + watchInterval)
  }

  get #isEmpty(): boolean {
    return this.#granted.length + this.#held.length === 0
  }
}

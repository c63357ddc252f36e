/**
 * Granted requests, ordered by expiry. Some runtimes drop fibers without running their finalisers, so an
 * unsettled permit has to expire.
 *
 * Both queues stay ordered because each new entry expires last: the start delay is constant, and so is
 * the lease, unless uploads are in flight. Hence a grant costs a link and no timer.
 */
import type { PendingRequest } from "./bucketState.js"
import { LinkedQueue } from "./linkedQueue.js"

type SetPermitTimer = (target: Permits, at: number | undefined) => void

/** Milliseconds after which a granted request is skipped if its fiber has not resumed. */
const maxStartDelay = 1000

/** Milliseconds between two checks for expired permits while requests wait. */
const watchInterval = 1000

class ByExpiry extends LinkedQueue<PendingRequest> {
  override isBefore(one: PendingRequest, other: PendingRequest): boolean {
    return one.presentUntil <= other.presentUntil
  }
}

export class Permits {
  readonly #setTimer: SetPermitTimer
  /** Granted requests whose fibers have not resumed yet. */
  readonly #granted = new ByExpiry()
  /** Requests that hold a permit. */
  readonly #held = new ByExpiry()
  #isWatched = false

  constructor(alarm: SetPermitTimer) {
    this.#setTimer = alarm
  }

  grant(request: PendingRequest, now: number): void {
    request.state = "granted"
    request.sentAt = now
    request.presentUntil = now + maxStartDelay
    this.#granted.insert(request)
  }

  /** Starts the lease when the fiber has resumed. */
  hold(request: PendingRequest, now: number): void {
    this.#granted.remove(request)
    request.state = "held"
    request.sentAt = now
    request.presentUntil = now + request.lease
    this.#held.insert(request)
  }

  release(request: PendingRequest): void {
    const queue = request.state === "held" ? this.#held : this.#granted
    queue.remove(request)
    if (!this.#isWatched || !this.#isEmpty) return
    this.#isWatched = false
    this.#setTimer(this, undefined)
  }

  /** Returns a request whose permit has expired. */
  findExpired(now: number): PendingRequest | undefined {
    const granted = this.#granted.head
    if (granted !== undefined && granted.presentUntil <= now) return granted
    const held = this.#held.head
    return held !== undefined && held.presentUntil <= now ? held : undefined
  }

  /** Sets the one timer that checks for expired permits. */
  watch(now: number): void {
    if (this.#isEmpty) return
    this.#isWatched = true
    this.#setTimer(this, now + watchInterval)
  }

  get #isEmpty(): boolean {
    return this.#granted.length + this.#held.length === 0
  }
}

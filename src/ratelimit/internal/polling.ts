/**
 * Polling for a runtime that isolates the input and output of requests (Cloudflare Workers). A timer
 * there ends with the request that set it, and a request must not resume the fiber of another one. So
 * each waiting fiber sleeps and polls.
 */
import type { PendingRequest } from "./bucketState.js"
import type { GlobalLimiter } from "./globalLimiter.js"

/** Milliseconds between two polls of a queue's head; each position behind it adds as many. */
const interval = 25
/** While the queue does not move, the interval grows by this factor. */
const backoff = 1.25
/** Maximum milliseconds between two polls. */
const maxInterval = 500
/** Milliseconds after which a fiber that has not polled is assumed to be gone. */
export const pollGrace = 500

export class Polling {
  readonly #due = new WeakMap<object, number>()
  readonly #last = new WeakMap<
    PendingRequest,
    { readonly ahead: number; readonly interval: number }
  >()

  /** Records when the timer of a target is due. */
  set(target: object, at: number | undefined): void {
    if (at === undefined) this.#due.delete(target)
    else this.#due.set(target, at)
  }

  /** The time of a waiting request's next poll. */
  next(request: PendingRequest, gate: GlobalLimiter, now: number): number {
    const due = request.state === "parked" ? request.notBefore : this.#dueOf(request, gate)
    if (due > now && due < Number.POSITIVE_INFINITY) return Math.min(due, now + maxInterval)
    return now + this.#intervalOf(request)
  }

  #intervalOf(request: PendingRequest): number {
    const ahead = countAhead(request)
    const last = this.#last.get(request)
    const wanted = last?.ahead === ahead ? last.interval * backoff : interval * (1 + ahead)
    const next = { ahead, interval: Math.min(wanted, maxInterval) }
    this.#last.set(request, next)
    return next.interval
  }

  #dueOf(request: PendingRequest, gate: GlobalLimiter): number {
    const never = Number.POSITIVE_INFINITY
    return Math.min(this.#due.get(request.bucket) ?? never, this.#due.get(gate) ?? never)
  }
}

/** Number of requests ahead, counted up to the maximum interval. */
function countAhead(request: PendingRequest): number {
  let count = 0
  for (let one = request.previous; one !== undefined; one = one.previous) {
    count += 1
    if (count * interval >= maxInterval) break
  }
  return count
}

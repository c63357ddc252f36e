/**
 * How long a slot of a leaking bucket takes to come back: bounds that hold in whatever order answers
 * arrive, and whoever else has sent. Each answer gives some by itself; the distance between two
 * resets gives better ones, since each request moves the reset by the time of one slot.
 */
import type { RateLimitHeaders } from "../RateLimitHeaders.js"

/** Reset and Reset-After are rounded up to a millisecond. */
const roundedUp = 1

export class SlotTime {
  /** The most that one answer has shown by itself to be the least. */
  #alone: number
  #least = 0
  #most = Number.POSITIVE_INFINITY
  /** Resets on the server's clock, the bucket never full between them: the first and the latest. */
  #first = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(least = 0) {
    this.#alone = least
  }

  /** Milliseconds that it takes at least; 0 if nothing is known. */
  get least(): number {
    return Math.max(this.#alone, this.#least)
  }

  add(headers: RateLimitHeaders, limit: number | undefined): void {
    this.#boundAlone(headers, limit)
    const { reset, resetAfter } = headers
    // Before an answer that was overtaken the bucket may have been full.
    if (reset === undefined || resetAfter === undefined || reset < this.#latest) return
    const isFirst = reset - resetAfter >= this.#latest - roundedUp
    if (!isFirst) {
      this.#boundTogether(reset - this.#latest)
      this.#boundTogether(reset - this.#first)
    }
    this.#latest = reset
    if (isFirst) this.#first = reset
    if (this.least <= this.#most) return
    // The server's clock has jumped, or it counts otherwise.
    this.#first = reset
    this.#least = 0
    this.#most = Number.POSITIVE_INFINITY
  }

  /** The slots that are gone come back until the reset: a part of the last one, and all of the others. */
  #boundAlone({ remaining, resetAfter }: RateLimitHeaders, limit: number | undefined): void {
    if (limit === undefined || remaining === undefined || resetAfter === undefined) return
    const gone = limit - remaining
    if (gone < 1) return
    this.#alone = Math.max(this.#alone, (resetAfter - roundedUp) / gone)
    if (gone > 1) this.#most = Math.min(this.#most, resetAfter / (gone - 1))
  }

  /** So many whole slots, if it can only be one number of them. */
  #boundTogether(distance: number): void {
    if (distance <= roundedUp || this.least <= 0) return
    const fewest = Math.max(1, Math.ceil((distance - roundedUp) / this.#most))
    const most = Math.floor((distance + roundedUp) / this.least)
    if (most < 1) return
    this.#most = Math.min(this.#most, (distance + roundedUp) / fewest)
    if (most === fewest) this.#least = Math.max(this.#least, (distance - roundedUp) / fewest)
  }
}

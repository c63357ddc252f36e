/** The instants of the latest sends, as many as the largest global limit. */

/** A ring that grows until it is full. */
export class SendTimes {
  #times: Array<number> = []
  #capacity = 1
  #count = 0

  /** Keeps at least this many from now on; those that were dropped before stay unknown. */
  remember(capacity: number): void {
    if (capacity <= this.#capacity) return
    const kept = Math.min(this.#count, this.#capacity)
    const times = Array.from({ length: kept }, (_, index) => this.last(kept - index))
    this.#times = times
    this.#capacity = capacity
    this.#count = kept
  }

  add(now: number): void {
    this.#times[this.#count % this.#capacity] = now
    this.#count += 1
  }

  /** The send recorded at `from` takes place at `to`, later than all others. */
  postpone(from: number, to: number): void {
    let back = 1
    while (this.last(back) > from) back += 1
    if (this.last(back) !== from) return
    for (; back > 1; back -= 1) this.#times[this.#index(back)] = this.last(back - 1)
    this.#times[this.#index(1)] = to
  }

  /** The last one (1), the one before (2) and so on; `-Infinity` where there is none. */
  last(back: number): number {
    if (back > this.#count || back > this.#capacity) return Number.NEGATIVE_INFINITY
    return this.#times[this.#index(back)] ?? Number.NEGATIVE_INFINITY
  }

  #index(back: number): number {
    return (this.#count - back) % this.#capacity
  }
}

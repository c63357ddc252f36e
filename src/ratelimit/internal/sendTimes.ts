/** The times of the last sends, as many as the largest global limit, in a ring that grows until full. */
export class SendTimes {
  #times: Array<number> = []
  #capacity = 1
  #count = 0

  /** Increases the capacity. Times that were dropped before stay unknown. */
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

  /** Moves the send recorded at `from` to `to`, which is later than all others. */
  postpone(from: number, to: number): void {
    let back = 1
    while (this.last(back) > from) back += 1
    if (this.last(back) !== from) return
    for (; back > 1; back -= 1) this.#times[this.#index(back)] = this.last(back - 1)
    this.#times[this.#index(1)] = to
  }

  /** The last time (1), the one before (2) and so on; `-Infinity` if there is none. */
  last(back: number): number {
    if (back > this.#count || back > this.#capacity) return -Infinity
    return this.#times[this.#index(back)] ?? -Infinity
  }

  /** Number of sends from `start` on. */
  countSince(start: number): number {
    let count = 0
    while (this.last(count + 1) >= start) count += 1
    return count
  }

  #index(back: number): number {
    return (this.#count - back) % this.#capacity
  }
}

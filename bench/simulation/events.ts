/** What is to happen, in order of time; ties in the order in which they were put in. */
interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** A binary heap: millions of events, each in logarithmic time. */
export class Events {
  readonly #heap: Array<Entry> = []
  #order = 0
  now = 0

  at(instant: number, run: () => void): void {
    this.#order += 1
    this.#heap.push({ at: Math.max(instant, this.now), order: this.#order, run })
    this.#up(this.#heap.length - 1)
  }

  /** Runs until nothing is left to happen or `until` says so. */
  run(until: () => boolean): void {
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      this.now = next.at
      next.run()
      if (until()) return
    }
  }

  #pop(): Entry | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || this.#heap.length === 0) return first
    this.#heap[0] = last
    this.#down(0)
    return first
  }

  #up(index: number): void {
    for (let child = index; child > 0;) {
      const parent = (child - 1) >> 1
      if (!this.#swapIfEarlier(child, parent)) return
      child = parent
    }
  }

  #down(index: number): void {
    for (let parent = index; ;) {
      const left = 2 * parent + 1
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left
      if (!this.#swapIfEarlier(child, parent)) return
      parent = child
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const a = this.#heap[child]
    const b = this.#heap[parent]
    if (a === undefined || b === undefined || !this.#isEarlier(child, parent)) return false
    this.#heap[child] = b
    this.#heap[parent] = a
    return true
  }

  #isEarlier(one: number, other: number): boolean {
    const a = this.#heap[one]
    const b = this.#heap[other]
    if (a === undefined || b === undefined) return false
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }
}

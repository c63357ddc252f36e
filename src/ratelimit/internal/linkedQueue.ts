/** The queue of a bucket. */

/** An entry of a {@link LinkedQueue}. */
export abstract class Queued<Self extends Queued<Self>> {
  /** Order of arrival; kept over retries. */
  abstract readonly sequence: number
  previous: Self | undefined = undefined
  next: Self | undefined = undefined
}

/**
 * A linked list of requests in order of arrival: any of 100 000 must be removable in constant time, and a
 * retried one returns to its old position.
 */
export class LinkedQueue<A extends Queued<A>> {
  head: A | undefined = undefined
  #tail: A | undefined = undefined
  length = 0

  /** Whether one item comes before another: by arrival, unless overridden. */
  isBefore(one: A, other: A): boolean {
    return one.sequence < other.sequence
  }

  /** Inserts in order; in constant time at the head or the tail. */
  insert(item: A): void {
    const tail = this.#tail
    if (tail === undefined || this.isBefore(tail, item)) {
      this.#link(item, tail, undefined)
      return
    }
    let next = this.head
    while (next !== undefined && this.isBefore(next, item)) next = next.next
    this.#link(item, next?.previous, next)
  }

  /** Inserts many items in order of arrival. */
  merge(items: ReadonlyArray<A>): void {
    const all = [...this, ...items].sort((a, b) => a.sequence - b.sequence)
    this.head = undefined
    this.#tail = undefined
    this.length = 0
    for (const item of all) this.#link(item, this.#tail, undefined)
  }

  remove(item: A): void {
    if (item.previous === undefined) this.head = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.#tail = item.previous
    else item.next.previous = item.previous
    item.previous = undefined
    item.next = undefined
    this.length -= 1
  }

  *[Symbol.iterator](): IterableIterator<A> {
    for (let item = this.head; item !== undefined;) {
      const next: A | undefined = item.next
      yield item
      item = next
    }
  }

  #link(item: A, previous: A | undefined, next: A | undefined): void {
    item.previous = previous
    item.next = next
    if (previous === undefined) this.head = item
    else previous.next = item
    if (next === undefined) this.#tail = item
    else next.previous = item
    this.length += 1
  }
}

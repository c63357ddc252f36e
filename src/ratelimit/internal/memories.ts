/** The memories of policies on one bucket by name; a list, since there are few. */

/** Maximum number of policies beside the current one; a program uses one or two. */
const maxMemories = 7

interface Memory {
  readonly policy: string
  readonly value: unknown
}

export class Memories {
  #all: ReadonlyArray<Memory> = []

  find(policy: string): Memory | undefined {
    for (const one of this.#all) if (one.policy === policy) return one
    return undefined
  }

  /** Copies the list, so that it has no spare capacity: a process may have a million buckets. */
  put(policy: string, value: unknown): void {
    const others = this.#all.filter((one) => one.policy !== policy)
    this.#all = [...others.slice(-(maxMemories - 1)), { policy, value }]
  }

  /** A copy without one policy; `undefined` if it would be empty. */
  without(policy: string): Memories | undefined {
    const others = this.#all.filter((one) => one.policy !== policy)
    if (others.length === this.#all.length) return this
    if (others.length === 0) return undefined
    const copy = new Memories()
    copy.#all = others
    return copy
  }

  /** A copy with one more policy. */
  with(policy: string, value: unknown): Memories {
    const copy = new Memories()
    copy.#all = this.#all
    copy.put(policy, value)
    return copy
  }
}

/** What policies have learned on one bucket, by their names: a handful at most, so a list serves. */

/** Policies remembered beside the one that speaks; a program uses one or two. */
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

  /** A bucket has few and a process may know a million buckets, so the list is never longer than it must be. */
  put(policy: string, value: unknown): void {
    const others = this.#all.filter((one) => one.policy !== policy)
    this.#all = [...others.slice(-(maxMemories - 1)), { policy, value }]
  }

  /** The same but for one; nothing if that was the last. */
  without(policy: string): Memories | undefined {
    const others = this.#all.filter((one) => one.policy !== policy)
    if (others.length === this.#all.length) return this
    if (others.length === 0) return undefined
    const copy = new Memories()
    copy.#all = others
    return copy
  }

  /** The same, and one more. */
  with(policy: string, value: unknown): Memories {
    const copy = new Memories()
    copy.#all = this.#all
    copy.put(policy, value)
    return copy
  }
}

/** The queues of the engine in memory: owners, leases and pauses. */
import type { ClaimOptions, OwnedQueue, StoredCredentials, StoredEntry } from "./store.js"

/** The parts of an entry that matter to its queue. */
export interface PendingEntry extends Pick<StoredEntry, "notBefore"> {
  readonly sequence: number
}

/**
 * Entries in the order of acceptance. Nearly always the first is removed and the last is added, so removed
 * ones stay before `#start` until they are the greater part: an array of 10^5 entries would be moved for
 * each message.
 */
export class PendingEntries<E extends PendingEntry> {
  #entries: Array<E> = []
  #start = 0

  get length(): number {
    return this.#entries.length - this.#start
  }

  get first(): E | undefined {
    return this.#entries[this.#start]
  }

  /** The first ones; without a number, all. */
  take(count = this.length): ReadonlyArray<E> {
    return this.#entries.slice(this.#start, this.#start + count)
  }

  append(entry: E): void {
    this.#entries.push(entry)
  }

  /** At the place of its acceptance, which matters for an entry that is retried. */
  insert(entry: E): void {
    const last = this.#entries.at(-1)
    if (this.length === 0 || last === undefined || last.sequence < entry.sequence) {
      this.append(entry)
      return
    }
    const entries = this.take()
    const at = entries.findIndex(({ sequence }) => sequence > entry.sequence)
    const place = at === -1 ? entries.length : at
    this.#entries = [...entries.slice(0, place), entry, ...entries.slice(place)]
    this.#start = 0
  }

  /** Returns whether it was there. */
  remove(entry: E): boolean {
    if (entry === this.first) {
      this.#start += 1
      if (this.#start > this.length) {
        this.#entries = this.#entries.slice(this.#start)
        this.#start = 0
      }
      return true
    }
    const at = this.#entries.indexOf(entry, this.#start)
    if (at !== -1) this.#entries.splice(at, 1)
    return at !== -1
  }
}

export interface Queue<E extends PendingEntry> {
  readonly webhookId: string
  credentials: StoredCredentials
  owner: string | undefined
  lastOwner: string | undefined
  epoch: number
  leaseUntil: number
  nextAt: number
  memory: string | undefined
  readonly pending: PendingEntries<E>
}

/** How long a queue without entries and owner is kept for its memory, in milliseconds. */
const idleMillis = 60_000

export class MemoryQueues<E extends PendingEntry> {
  /** Queues that have pending entries or an owner. A claimed or released one moves to the end. */
  readonly #queues = new Map<string, Queue<E>>()
  /** The other queues, the longest idle first. */
  readonly #idle = new Map<string, { readonly queue: Queue<E>; readonly until: number }>()
  readonly #paused = new Set<string>()
  #allPaused = false
  #epoch = 0

  find(webhookId: string): Queue<E> | undefined {
    return this.#queues.get(webhookId)
  }

  /** Queues with pending entries. */
  waiting(): ReadonlyArray<Queue<E>> {
    return [...this.#queues.values()].filter(({ pending }) => pending.length > 0)
  }

  get(credentials: StoredCredentials): Queue<E> {
    const { webhookId } = credentials
    const known = this.#queues.get(webhookId)
    if (known !== undefined) return known
    const queue = this.#idle.get(webhookId)?.queue ?? makeQueue<E>(credentials)
    this.#idle.delete(webhookId)
    this.#queues.set(webhookId, queue)
    return queue
  }

  remove(now: number, entry: E, webhookId: string): void {
    const queue = this.#queues.get(webhookId)
    if (queue === undefined || !queue.pending.remove(entry)) return
    queue.nextAt = 0
    this.#setAside(now, queue)
  }

  /** Takes up to `limit` queues; each with whether its last owner was another one. */
  claim(
    now: number,
    { leaseMillis, limit, onlyReleased = false, owner }: ClaimOptions,
  ): ReadonlyArray<{ readonly queue: Queue<E>; readonly isTakeover: boolean }> {
    const claimed: Array<Queue<E>> = []
    for (const queue of this.#queues.values()) {
      if (claimed.length === limit) break
      if (this.#isClaimable(queue, onlyReleased ? -Infinity : now, now)) claimed.push(queue)
    }
    return claimed.map((queue) => {
      this.#moveToEnd(queue)
      const isTakeover = queue.lastOwner !== undefined && queue.lastOwner !== owner
      queue.owner = owner
      queue.lastOwner = owner
      queue.epoch = ++this.#epoch
      queue.leaseUntil = now + leaseMillis
      return { queue, isTakeover }
    })
  }

  release(now: number, queue: Queue<E>, nextAt: number): void {
    queue.owner = undefined
    queue.leaseUntil = 0
    queue.nextAt = nextAt
    this.#moveToEnd(queue)
    this.#setAside(now, queue)
  }

  findOwned(owner: string, { epoch, webhookId }: OwnedQueue): Queue<E> | undefined {
    const queue = this.#queues.get(webhookId)
    return queue?.owner === owner && queue.epoch === epoch ? queue : undefined
  }

  isPaused(webhookId: string): boolean {
    return this.#allPaused || this.#paused.has(webhookId)
  }

  setPaused(webhookId: string | undefined, paused: boolean): void {
    if (webhookId === undefined) {
      this.#allPaused = paused
      if (!paused) this.#paused.clear()
    } else if (paused) {
      this.#paused.add(webhookId)
    } else {
      this.#paused.delete(webhookId)
    }
  }

  #moveToEnd(queue: Queue<E>): void {
    this.#queues.delete(queue.webhookId)
    this.#queues.set(queue.webhookId, queue)
  }

  /** An owner loses the queue if its lease has ended at `expiry`. */
  #isClaimable(
    { leaseUntil, nextAt, owner, pending, webhookId }: Queue<E>,
    expiry: number,
    now: number,
  ): boolean {
    const { first: head } = pending
    return (
      head !== undefined &&
      (owner === undefined || leaseUntil <= expiry) &&
      nextAt <= now &&
      (head.notBefore ?? 0) <= now &&
      !this.isPaused(webhookId)
    )
  }

  /** A queue without entries and owner is forgotten after a while. */
  #setAside(now: number, queue: Queue<E>): void {
    for (const [webhookId, { until }] of this.#idle) {
      if (until > now) break
      this.#idle.delete(webhookId)
    }
    if (queue.owner !== undefined || queue.pending.length > 0) return
    this.#queues.delete(queue.webhookId)
    if (queue.memory === undefined) return
    this.#idle.set(queue.webhookId, { queue, until: now + idleMillis })
  }
}

function makeQueue<E extends PendingEntry>(credentials: StoredCredentials): Queue<E> {
  return {
    webhookId: credentials.webhookId,
    credentials,
    owner: undefined,
    lastOwner: undefined,
    epoch: 0,
    leaseUntil: 0,
    nextAt: 0,
    memory: undefined,
    pending: new PendingEntries(),
  }
}

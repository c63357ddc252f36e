/** The engine in memory: the same steps as on a database, each of them synchronous. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { MemoryQueues } from "./memoryQueues.js"
import type {
  Capacity,
  ClaimedQueue,
  ClaimOptions,
  Enqueued,
  EntryFilter,
  NewEntry,
  OwnedQueue,
  QueueStats,
  State,
  Step,
  StepResult,
  Store,
  StoreStats,
  Stored,
  StoredCredentials,
  StoredEntry,
  StoredFile,
} from "./store.js"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

interface Entry extends Mutable<StoredEntry> {
  readonly sequence: number
  readonly fingerprint: string
  readonly credentials: StoredCredentials
  /** Empty as soon as the entry is sent, since a sent entry is not sent again. */
  bytes: ReadonlyArray<StoredFile>
}

const stateAfter: Readonly<Record<Step["change"]["_tag"], State>> = {
  Sending: "sending",
  Sent: "sent",
  Dead: "dead",
  Retry: "ready",
}

export class MemoryStore {
  readonly #entries = new Map<string, Entry>()
  readonly #keys = new Map<string, Entry>()
  readonly #queues = new MemoryQueues<Entry>()
  readonly #counts: Record<State, number> = { ready: 0, sending: 0, sent: 0, dead: 0 }
  readonly #listeners = new Set<() => void>()
  #sequence = 0

  enqueue(
    now: number,
    entries: ReadonlyArray<NewEntry>,
    capacity: Capacity,
  ): ReadonlyArray<Enqueued> {
    const results = entries.map((entry) => this.#enqueueOne(now, entry, capacity))
    for (const wake of this.#listeners) wake()
    return results
  }

  claim(now: number, options: ClaimOptions): ReadonlyArray<ClaimedQueue> {
    return this.#queues.claim(now, options).map(({ isTakeover, queue }) => ({
      webhookId: queue.webhookId,
      epoch: queue.epoch,
      claimedAt: now,
      credentials: queue.credentials,
      isTakeover,
      memory: queue.memory,
      entries: queue.pending.take(options.prefetch).map(toStored),
    }))
  }

  renew(
    now: number,
    owner: string,
    queues: ReadonlyArray<OwnedQueue & { readonly memory: string | undefined }>,
    leaseMillis: number,
  ): ReadonlySet<string> {
    const owned = new Set<string>()
    for (const one of queues) {
      const queue = this.#queues.findOwned(owner, one)
      if (queue === undefined) continue
      queue.leaseUntil = now + leaseMillis
      queue.memory = one.memory ?? queue.memory
      owned.add(queue.webhookId)
    }
    return owned
  }

  release(
    now: number,
    owner: string,
    queues: ReadonlyArray<
      OwnedQueue & { readonly memory: string | undefined; readonly nextAt: number | undefined }
    >,
  ): void {
    for (const one of queues) {
      const queue = this.#queues.findOwned(owner, one)
      if (queue === undefined) continue
      queue.memory = one.memory ?? queue.memory
      this.#queues.release(now, queue, one.nextAt ?? 0)
    }
  }

  commit(now: number, owner: string, steps: ReadonlyArray<Step>): ReadonlyArray<StepResult> {
    return steps.map((step) => this.#commitOne(now, owner, step))
  }

  bury(now: number, owner: string, one: OwnedQueue, error: string): number {
    const queue = this.#queues.findOwned(owner, one)
    if (queue === undefined) return 0
    const buried = queue.pending.take()
    for (const entry of buried) {
      entry.error = error
      this.#settle(now, entry, "dead")
    }
    return buried.length
  }

  load(webhookId: string, limit: number): ReadonlyArray<StoredEntry> {
    return (this.#queues.find(webhookId)?.pending.take(limit) ?? []).map(toStored)
  }

  files(entryId: string): ReadonlyArray<StoredFile> {
    return this.#entries.get(entryId)?.bytes ?? []
  }

  find(ids: ReadonlyArray<string>): ReadonlyArray<StoredEntry> {
    return ids.flatMap((id) => {
      const entry = this.#entries.get(id)
      return entry === undefined ? [] : [toStored(entry)]
    })
  }

  list({ after, limit, state, webhookId }: EntryFilter): ReadonlyArray<StoredEntry> {
    const first = after === undefined ? 0 : (this.#entries.get(after)?.sequence ?? 0)
    const found: Array<StoredEntry> = []
    for (const entry of this.#inOrder()) {
      if (found.length === limit) break
      if (entry.sequence <= first) continue
      if (state !== undefined && entry.state !== state) continue
      if (webhookId !== undefined && entry.webhookId !== webhookId) continue
      found.push(toStored(entry))
    }
    return found
  }

  stats(): StoreStats {
    const waiting = this.#queues.waiting()
    let oldestAt: number | undefined
    for (const { pending } of waiting) {
      const at = pending.first?.acceptedAt
      if (at !== undefined) oldestAt = Math.min(at, oldestAt ?? at)
    }
    return {
      ...this.#counts,
      oldestAt,
      queues: waiting.length,
      owned: waiting.filter(({ owner }) => owner !== undefined).length,
    }
  }

  queues(limit: number): ReadonlyArray<QueueStats> {
    return [...this.#queues.waiting()]
      .sort((a, b) => b.pending.length - a.pending.length)
      .slice(0, limit)
      .map(({ pending, webhookId }) => ({
        webhookId,
        pending: pending.length,
        paused: this.#queues.isPaused(webhookId),
        oldestAt: pending.first?.acceptedAt,
      }))
  }

  retry(ids: ReadonlyArray<string>): number {
    const dead = this.#select(ids, ["dead"])
    for (const entry of dead) {
      this.#setState(entry, "ready")
      entry.settledAt = undefined
      entry.notBefore = undefined
      entry.expiresAt = undefined
      const queue = this.#queues.get(entry.credentials)
      queue.pending.insert(entry)
      queue.nextAt = 0
    }
    for (const wake of this.#listeners) wake()
    return dead.length
  }

  discard(now: number, ids: ReadonlyArray<string>): number {
    const found = this.#select(ids, ["ready", "dead"])
    for (const entry of found) {
      this.#queues.remove(now, entry, entry.webhookId)
      this.#delete(entry)
    }
    return found.length
  }

  setPaused(webhookId: string | undefined, paused: boolean): void {
    this.#queues.setPaused(webhookId, paused)
    for (const wake of this.#listeners) wake()
  }

  sweep(before: { readonly sent: number; readonly dead: number }): number {
    const ended = [...this.#entries.values()].filter(
      ({ settledAt, state }) =>
        settledAt !== undefined &&
        ((state === "sent" && settledAt < before.sent) ||
          (state === "dead" && settledAt < before.dead)),
    )
    for (const entry of ended) this.#delete(entry)
    return ended.length
  }

  listen(wake: () => void): () => void {
    this.#listeners.add(wake)
    return () => {
      this.#listeners.delete(wake)
    }
  }

  #enqueueOne(now: number, content: NewEntry, capacity: Capacity): Enqueued {
    if (this.#entries.has(content.id)) return { _tag: "Accepted" }
    const known = content.key === undefined ? undefined : this.#keys.get(content.key)
    if (known !== undefined) {
      return known.fingerprint === content.fingerprint
        ? { _tag: "Duplicate", id: known.id }
        : { _tag: "KeyConflict", id: known.id }
    }
    const pending = this.#queues.find(content.credentials.webhookId)?.pending.length ?? 0
    if (pending >= capacity.perWebhook) return { _tag: "Full", limit: "perWebhook", pending }
    const total = this.#counts.ready + this.#counts.sending
    if (total >= capacity.total) return { _tag: "Full", limit: "total", pending: total }
    const queue = this.#queues.get(content.credentials)
    queue.credentials = content.credentials
    const entry = makeEntry(now, ++this.#sequence, content)
    this.#entries.set(entry.id, entry)
    if (entry.key !== undefined) this.#keys.set(entry.key, entry)
    queue.pending.append(entry)
    this.#counts.ready += 1
    return { _tag: "Accepted" }
  }

  #commitOne(now: number, owner: string, { attempt, change, entryId, queue }: Step): StepResult {
    const owned = this.#queues.findOwned(owner, queue)
    if (owned === undefined) return "lost"
    const isStart = change._tag === "Sending"
    if (isStart && (owned.leaseUntil <= now || this.#queues.isPaused(owned.webhookId)))
      return "lost"
    const entry = this.#entries.get(entryId)
    if (entry?.webhookId !== queue.webhookId) return "changed"
    if (entry.state === stateAfter[change._tag] && entry.attempts === attempt) return "done"
    if (entry.state !== "ready" && (isStart || entry.state !== "sending")) return "changed"
    switch (change._tag) {
      case "Sending":
        this.#setState(entry, "sending")
        entry.attempts += 1
        return "done"
      case "Sent":
        entry.messageId = change.messageId
        entry.channelId = change.channelId
        entry.error = undefined
        this.#settle(now, entry, "sent")
        return "done"
      case "Dead":
        entry.error = change.error
        if (change.inDoubt) entry.inDoubt += 1
        this.#settle(now, entry, "dead")
        return "done"
      case "Retry":
      default:
        this.#setState(entry, "ready")
        entry.error = change.error
        entry.notBefore = change.notBefore
        if (change.inDoubt) entry.inDoubt += 1
        return "done"
    }
  }

  #settle(now: number, entry: Entry, state: "sent" | "dead"): void {
    this.#queues.remove(now, entry, entry.webhookId)
    this.#setState(entry, state)
    entry.settledAt = now
    if (state === "sent") entry.bytes = []
  }

  #setState(entry: Entry, state: State): void {
    this.#counts[entry.state] -= 1
    this.#counts[state] += 1
    entry.state = state
  }

  #delete(entry: Entry): void {
    this.#counts[entry.state] -= 1
    this.#entries.delete(entry.id)
    if (entry.key !== undefined) this.#keys.delete(entry.key)
  }

  #select(ids: ReadonlyArray<string>, states: ReadonlyArray<State>): ReadonlyArray<Entry> {
    return [...new Set(ids)].flatMap((id) => {
      const entry = this.#entries.get(id)
      return entry !== undefined && states.includes(entry.state) ? [entry] : []
    })
  }

  /** Entries are in insertion order, and never inserted again. */
  #inOrder(): Iterable<Entry> {
    return this.#entries.values()
  }
}

function makeEntry(now: number, sequence: number, content: NewEntry): Entry {
  return {
    sequence,
    fingerprint: content.fingerprint,
    credentials: content.credentials,
    bytes: content.files,
    id: content.id,
    webhookId: content.credentials.webhookId,
    operation: content.operation,
    request: content.request,
    files: content.files.length,
    key: content.key,
    state: "ready",
    attempts: 0,
    inDoubt: 0,
    acceptedAt: now,
    notBefore: content.notBefore,
    expiresAt: content.expiresAt,
    settledAt: undefined,
    messageId: undefined,
    channelId: undefined,
    error: undefined,
    trace: content.trace,
  }
}

/** A copy, since the entry changes. */
function toStored(entry: Entry): StoredEntry {
  const {
    bytes: _bytes,
    credentials: _credentials,
    fingerprint: _fingerprint,
    sequence: _sequence,
    ...stored
  } = entry
  return stored
}

const at = <A>(step: (now: number) => A): Stored<A> =>
  Effect.map(Clock.currentTimeMillis, (now) => step(now))
const run = <A>(step: () => A): Stored<A> => Effect.sync(step)

/** Adapts the synchronous engine; time is that of the `Clock` service. */
export function makeMemoryStore(memory = new MemoryStore()): Store {
  return {
    gather: Effect.void,
    now: Clock.currentTimeMillis,
    isInTransaction: Effect.succeed(false),
    enqueue: (entries, capacity) => at((now) => memory.enqueue(now, entries, capacity)),
    claim: (options) => at((now) => memory.claim(now, options)),
    renew: (owner, queues, lease) => at((now) => memory.renew(now, owner, queues, lease)),
    release: (owner, queues) => at((now) => memory.release(now, owner, queues)),
    commit: (owner, steps) => at((now) => memory.commit(now, owner, steps)),
    bury: (owner, queue, error) => at((now) => memory.bury(now, owner, queue, error)),
    load: (webhookIds, limit) =>
      run(() => webhookIds.flatMap((webhookId) => memory.load(webhookId, limit))),
    files: (entryId) => run(() => memory.files(entryId)),
    find: (ids) => run(() => memory.find(ids)),
    list: (filter) => run(() => memory.list(filter)),
    stats: run(() => memory.stats()),
    queues: (limit) => run(() => memory.queues(limit)),
    retry: (ids) => run(() => memory.retry(ids)),
    discard: (ids) => at((now) => memory.discard(now, ids)),
    setPaused: (webhookId, paused) => run(() => memory.setPaused(webhookId, paused)),
    sweep: (before) => run(() => memory.sweep(before)),
    onEnqueued: (wake) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => memory.listen(wake)),
          (stop) => Effect.sync(stop),
        ),
      ),
  }
}

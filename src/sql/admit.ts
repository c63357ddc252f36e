/** Which new entries are stored: a pure decision on what the database contains. */
import type { Capacity, Enqueued, NewEntry } from "../outbox/store.js"

/** Identifies a stored entry. */
export interface KnownEntry {
  readonly id: string
  readonly key: string | undefined
  readonly fingerprint: string
}

export interface Situation {
  readonly capacity: Capacity
  /** Pending entries of each webhook, and of all. */
  readonly pending: ReadonlyMap<string, number>
  readonly total: number
  /** Stored entries that have the id or the key of a new one. */
  readonly known: ReadonlyArray<KnownEntry>
}

/** An accepted entry may be stored already: `isNew` is then false. */
export interface Admission {
  readonly entry: NewEntry
  readonly result: Enqueued
  readonly isNew: boolean
}

/** Finds out what stands in for an entry that could not be stored. */
export class KnownEntries {
  readonly #ids = new Set<string>()
  readonly #keys = new Map<string, KnownEntry>()

  constructor(known: ReadonlyArray<KnownEntry>) {
    for (const entry of known) this.add(entry)
  }

  add(entry: KnownEntry): void {
    this.#ids.add(entry.id)
    if (entry.key !== undefined) this.#keys.set(entry.key, entry)
  }

  find({ fingerprint, id, key }: KnownEntry): Enqueued | undefined {
    if (this.#ids.has(id)) return { _tag: "Accepted" }
    const known = key === undefined ? undefined : this.#keys.get(key)
    if (known === undefined) return undefined
    return { _tag: known.fingerprint === fingerprint ? "Duplicate" : "KeyConflict", id: known.id }
  }
}

export function admit(
  entries: ReadonlyArray<NewEntry>,
  situation: Situation,
): ReadonlyArray<Admission> {
  const index = new KnownEntries(situation.known)
  const pending = new Map(situation.pending)
  let { total } = situation
  return entries.map((entry) => {
    const known = index.find(entry)
    if (known !== undefined) return { entry, result: known, isNew: false }
    const { webhookId } = entry.credentials
    const count = pending.get(webhookId) ?? 0
    const full = findFull(situation.capacity, count, total)
    if (full !== undefined) return { entry, result: full, isNew: false }
    pending.set(webhookId, count + 1)
    total += 1
    index.add(entry)
    return { entry, result: { _tag: "Accepted" }, isNew: true }
  })
}

function findFull(capacity: Capacity, count: number, total: number): Enqueued | undefined {
  if (count >= capacity.perWebhook) return { _tag: "Full", limit: "perWebhook", pending: count }
  return total >= capacity.total ? { _tag: "Full", limit: "total", pending: total } : undefined
}

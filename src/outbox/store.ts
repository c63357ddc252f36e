/**
 * What an engine provides: durable state of the outbox, in steps that happen completely or not at all.
 *
 * A webhook has one queue. A worker owns a queue while it holds its lease; `epoch` counts the owners,
 * and a step of an earlier owner changes nothing. Times are milliseconds of the engine's own clock,
 * because the clocks of machines differ.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DiscordOutboxUnavailable } from "./OutboxError.js"

/** The result of a call to an engine. */
export type Stored<A> = Effect.Effect<A, DiscordOutboxUnavailable>

/**
 * - `ready`: waits for its turn, or for a retry
 * - `sending`: a request was started and has no recorded result
 * - `sent`, `dead`: ended
 */
export type State = "ready" | "sending" | "sent" | "dead"

export type Operation = "send" | "edit" | "delete" | "createThread"

/** The bytes of a file. */
export interface StoredFile {
  readonly name: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** The token of a webhook as the engine stores it. `sealed` is absent if a resolver provides it. */
export interface StoredCredentials {
  readonly webhookId: string
  readonly tokenDigest: string
  readonly sealed: string | undefined
}

/** An entry to store. */
export interface NewEntry {
  readonly id: string
  readonly credentials: StoredCredentials
  readonly operation: Operation
  /** JSON of a `StoredRequest`. */
  readonly request: string
  readonly files: ReadonlyArray<StoredFile>
  /** Identifies the entry for its producer: a second entry with the same key is not stored. */
  readonly key: string | undefined
  /** A digest of webhook, operation, request and files; distinguishes the uses of a key. */
  readonly fingerprint: string
  readonly notBefore: number | undefined
  readonly expiresAt: number | undefined
  /** The span that stored the entry, as a W3C `traceparent`. */
  readonly trace: string | undefined
}

/** Maximum numbers of entries that are neither sent nor dead. */
export interface Capacity {
  readonly perWebhook: number
  readonly total: number
}

/** The result of storing one entry. */
export type Enqueued =
  | { readonly _tag: "Accepted" }
  /** The key is in use by an equal entry, which has this id. */
  | { readonly _tag: "Duplicate"; readonly id: string }
  /** The key is in use by a different entry. */
  | { readonly _tag: "KeyConflict"; readonly id: string }
  | { readonly _tag: "Full"; readonly limit: "perWebhook" | "total"; readonly pending: number }

/** A stored entry without its files. */
export interface StoredEntry {
  readonly id: string
  readonly webhookId: string
  readonly operation: Operation
  readonly request: string
  /** The number of files. */
  readonly files: number
  readonly key: string | undefined
  readonly state: State
  /** Number of requests that were started. */
  readonly attempts: number
  /** Number of requests whose effect is not known. */
  readonly inDoubt: number
  readonly acceptedAt: number
  readonly notBefore: number | undefined
  readonly expiresAt: number | undefined
  /** When the entry became `sent` or `dead`. */
  readonly settledAt: number | undefined
  readonly messageId: string | undefined
  readonly channelId: string | undefined
  /** JSON of the last error. */
  readonly error: string | undefined
  readonly trace: string | undefined
}

/** The queue of a webhook, in the hands of its owner. */
export interface OwnedQueue {
  readonly webhookId: string
  readonly epoch: number
}

export interface ClaimOptions {
  readonly owner: string
  readonly leaseMillis: number
  readonly limit: number
  readonly prefetch: number
  /** Leaves queues to their owners, even if their leases have ended. Default: false. */
  readonly onlyReleased?: boolean | undefined
}

export interface ClaimedQueue extends OwnedQueue {
  /** When it was claimed. The time of its first entry had come. */
  readonly claimedAt: number
  readonly credentials: StoredCredentials
  /** Whether the last owner was another worker. */
  readonly isTakeover: boolean
  /** What the last owner left for the next one; see `QueueMemory`. */
  readonly memory: string | undefined
  /** The first entries that are `ready` or `sending`, in the order of acceptance. */
  readonly entries: ReadonlyArray<StoredEntry>
}

/** A change of an entry. */
export type Change =
  /** A request starts; the entry is `ready`. The other changes apply to `ready` and `sending`. */
  | { readonly _tag: "Sending" }
  | {
      readonly _tag: "Sent"
      readonly messageId: string | undefined
      readonly channelId: string | undefined
    }
  | { readonly _tag: "Dead"; readonly error: string; readonly inDoubt: boolean }
  /** Back to `ready`. */
  | {
      readonly _tag: "Retry"
      readonly error: string
      readonly inDoubt: boolean
      readonly notBefore: number | undefined
    }

/**
 * A step of the owner of a queue. An entry occurs at most once in a commit.
 *
 * A commit may be repeated, because a broken connection does not show whether the database has
 * committed. So a step that has been applied already is `done` and changes nothing: the entry is in the
 * state that the step leads to, and `attempts` equals `attempt`.
 */
export interface Step {
  readonly queue: OwnedQueue
  readonly entryId: string
  /** The entry's `attempts` after the step; `Sending` increments it. */
  readonly attempt: number
  readonly change: Change
}

/**
 * - `done`
 * - `lost`: the queue has another owner or is paused, or the lease has ended (which does not prevent
 *   the recording of a result, as long as there is no other owner)
 * - `changed`: the entry is in another state than the step assumes, for example discarded
 */
export type StepResult = "done" | "lost" | "changed"

export interface EntryFilter {
  readonly state: State | undefined
  readonly webhookId: string | undefined
  /** Entries accepted after the entry of this id. */
  readonly after: string | undefined
  readonly limit: number
}

export interface QueueStats {
  readonly webhookId: string
  readonly pending: number
  readonly paused: boolean
  /** When its oldest pending entry was accepted. */
  readonly oldestAt: number | undefined
}

export interface StoreStats {
  readonly ready: number
  readonly sending: number
  readonly sent: number
  readonly dead: number
  /** When the oldest pending entry was accepted. */
  readonly oldestAt: number | undefined
  /** Queues with pending entries. */
  readonly queues: number
  /** Queues that a worker owns. */
  readonly owned: number
}

export interface Store {
  /**
   * Runs before calls are collected for one transaction. An engine whose calls block the thread waits here
   * for the event loop: without that, nothing could arrive while a transaction runs.
   */
  readonly gather: Effect.Effect<void>
  /** The engine's clock, in milliseconds since 1970. */
  readonly now: Stored<number>
  /**
   * Whether the current fiber is in a transaction of the engine. `enqueue` is then part of it, and
   * nothing else may be stored together with it.
   */
  readonly isInTransaction: Effect.Effect<boolean>
  /**
   * Stores entries in one transaction, in this order; one result for each. It may be repeated: an entry
   * whose id is stored already is `Accepted` and not stored again.
   */
  readonly enqueue: (
    entries: ReadonlyArray<NewEntry>,
    capacity: Capacity,
  ) => Stored<ReadonlyArray<Enqueued>>
  /**
   * Takes up to `limit` queues that have a pending entry whose time has come, are not paused and have
   * no owner or one whose lease has ended; each with its first `prefetch` entries. Begins after
   * the queue that the last claim ended with, so that no queue starves.
   */
  readonly claim: (options: ClaimOptions) => Stored<ReadonlyArray<ClaimedQueue>>
  /** Extends the leases. Returns the webhooks whose queues are still owned. */
  readonly renew: (
    owner: string,
    queues: ReadonlyArray<OwnedQueue & { readonly memory: string | undefined }>,
    leaseMillis: number,
  ) => Stored<ReadonlySet<string>>
  /** Gives queues back. `nextAt`: no worker needs to look at the queue before. */
  readonly release: (
    owner: string,
    queues: ReadonlyArray<
      OwnedQueue & { readonly memory: string | undefined; readonly nextAt: number | undefined }
    >,
  ) => Stored<void>
  /** Applies steps in one transaction; one result for each. */
  readonly commit: (owner: string, steps: ReadonlyArray<Step>) => Stored<ReadonlyArray<StepResult>>
  /** Makes all pending entries of a queue dead. Returns their number. */
  readonly bury: (owner: string, queue: OwnedQueue, error: string) => Stored<number>
  /** The first pending entries of these queues, each queue in the order of acceptance. */
  readonly load: (
    webhookIds: ReadonlyArray<string>,
    limit: number,
  ) => Stored<ReadonlyArray<StoredEntry>>
  readonly files: (entryId: string) => Stored<ReadonlyArray<StoredFile>>
  readonly find: (ids: ReadonlyArray<string>) => Stored<ReadonlyArray<StoredEntry>>
  readonly list: (filter: EntryFilter) => Stored<ReadonlyArray<StoredEntry>>
  readonly stats: Stored<StoreStats>
  /** Queues with pending entries, the longest first. */
  readonly queues: (limit: number) => Stored<ReadonlyArray<QueueStats>>
  /** Dead entries become ready again. Returns how many were dead. */
  readonly retry: (ids: ReadonlyArray<string>) => Stored<number>
  /** Deletes entries that are `ready` or `dead`. Returns how many were. */
  readonly discard: (ids: ReadonlyArray<string>) => Stored<number>
  /** Pauses or resumes the queue of a webhook, or all (`undefined`), including those that come. */
  readonly setPaused: (webhookId: string | undefined, paused: boolean) => Stored<void>
  /** Deletes entries that ended before these times, with their files. Returns how many. */
  readonly sweep: (before: { readonly sent: number; readonly dead: number }) => Stored<number>
  /**
   * Calls `wake` soon after entries have been stored by any process. Calls may be missing, so a worker
   * also polls.
   */
  readonly onEnqueued: (wake: () => void) => Effect.Effect<void, never, Scope.Scope>
}

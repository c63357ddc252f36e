/** A webhook, or a channel, for which this process makes calls to the store. */
import type { PendingRequest } from "../internal/bucketState.js"
import type { SharedChannel } from "./channel.js"
import type { Reply } from "./store.js"

/** Milliseconds from the first join to the first poll, and the maximum between two polls. */
export const firstPoll = 1000
export const maxPollInterval = 5000

/** Microseconds within which requests of one process arrive together. */
const together = 5000

/** The next call for a webhook. */
export type Call =
  | {
      readonly _tag: "Join"
      readonly requests: ReadonlyArray<PendingRequest>
      readonly sequences: ReadonlyArray<number>
    }
  | { readonly _tag: "Pass"; readonly epoch: number; readonly how: "give" | "keep" | "leave" }

interface Seen {
  readonly epoch: number
  readonly owner: string | undefined
  readonly since: number
}

/**
 * A webhook, as this process shares it; or a channel with a hidden limit, whose messages need its turn as well.
 */
export class SharedWebhook {
  readonly major: string
  /** The channel, of whose messages the turn is. */
  channel: SharedChannel | undefined = undefined
  /** The turn covers requests before this sequence; `undefined` without a turn. */
  until: number | undefined = undefined
  /** The epoch of the last turn. */
  epoch = 0
  /** Whether the turn is not used yet: the store lost everything, so that another process may have it. */
  isHeld = false
  /** Whether the last turn was given away, so that a store that still reports it has lost data. */
  isGiven = false
  /** The sequence of the last request that has arrived. */
  lastSequence = 0
  /** Requests that have not joined the queue. */
  arrivals: Array<PendingRequest> = []
  isCalling = false
  isQueued = false
  /** The time of the last successful call: the store forgets the webhook some time after it. */
  calledAt = Number.NEGATIVE_INFINITY
  /** The time at which the current call began. */
  callingSince = Number.NEGATIVE_INFINITY
  /** Which limits the state in the store contains. */
  savedLimits = ""
  /** Whether the store must be asked who has the turn. */
  isDoubtful = false
  /** Whether the reply to the current call may be older than the last loss of messages. */
  isReplyOld = false
  /** The earliest request of another process that the store has reported during the current call. */
  wanted = Number.POSITIVE_INFINITY
  pollAt = Number.POSITIVE_INFINITY
  /** The turn of another process that polls have shown since a time. */
  seen: Seen | undefined = undefined
  /** Since when calls fail. */
  failingSince: number | undefined = undefined
  /** The time of the next call after one that failed. */
  retryAt = Number.NEGATIVE_INFINITY
  /** Whether requests were sent without a turn, so that the state of the store does not know them. */
  hasSentAlone = false
  /** Until then polls are frequent: a process has died, and others may have died with it. */
  suspiciousUntil = Number.NEGATIVE_INFINITY
  readonly #pollInterval: number

  /** `pollInterval` is the milliseconds between two polls. */
  constructor(major: string, pollInterval: number) {
    this.major = major
    this.#pollInterval = pollInterval
  }

  /**
   * The sequence of a request that arrives: the time by the store's clock, in microseconds, so that a request
   * keeps its place although the store learns of it late. Requests that arrive together share one.
   */
  sequenceAt(time: number): number {
    const sequence = Math.floor(time * 1000)
    if (sequence >= this.lastSequence + together) this.lastSequence = sequence
    return this.lastSequence
  }

  /** Sets the time of the next poll, after a reply that another process has the turn. */
  pollLater({ epoch, owner }: Pick<Seen, "epoch" | "owner">, now: number): void {
    const { isGiven, pollAt, seen } = this
    const isSame = seen?.epoch === epoch && seen.owner === owner
    // The process that has just got the turn is alive, unless others have died.
    const isSoon = (seen === undefined && !isGiven) || now < this.suspiciousUntil
    const next = now + (isSoon ? firstPoll : this.#pollInterval)
    // Requests that join in the meantime do not put off the poll that finds a dead process.
    this.pollAt = isSame && pollAt > now ? Math.min(pollAt, next) : next
    if (!isSame) this.seen = { epoch, owner, since: now }
  }

  /** Holds a turn back as long as a process may live that had it before the store lost everything. */
  hold(until: number, now: number): void {
    this.isHeld = now < until
    // Such a process takes the turn back, or joins the queue.
    if (this.isHeld) this.pollAt = Math.min(until, now + firstPoll)
  }
}

/** Whether the reply shows that the turn is over. A process that joins may have one that the store has lost. */
export function isOver(
  webhook: SharedWebhook,
  call: Call,
  reply: Extract<Reply, { readonly _tag: "Waiting" }>,
): boolean {
  if (reply.isLost || (call._tag === "Pass" && call.how === "leave") || webhook.isHeld) return true
  const isStale = call._tag === "Join" && webhook.until !== undefined
  return reply.epoch > webhook.epoch && !isStale
}

/** A webhook, or a channel, for which this process makes calls to the store. */
import type { PendingRequest } from "../internal/bucketState.js"
import type { SharedChannel } from "./channel.js"

/** The next call for a webhook. */
export type Call =
  | {
      readonly _tag: "Join"
      readonly requests: ReadonlyArray<PendingRequest>
      readonly sequences: ReadonlyArray<number>
    }
  | { readonly _tag: "Pass"; readonly epoch: number; readonly how: "give" | "keep" | "leave" }

export interface Seen {
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

  constructor(major: string) {
    this.major = major
  }
}

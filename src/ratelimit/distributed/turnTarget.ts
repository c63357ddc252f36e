/** The state of one turn in this process: whether it has the turn, and when to call the store next. */
import type { PendingRequest } from "../internal/bucketState.js"
import type { LimitedChannel } from "./channel.js"
import type { Reply } from "./store.js"

/** Milliseconds from the first join to the first poll, and the maximum between two polls. */
export const firstPollDelay = 1000
export const maxPollInterval = 5000

/** Microseconds within which requests of one process count as arriving together. */
const maxMicrosTogether = 5000

/** A call to the store: `TurnStore.join`, or `TurnStore.pass`, which saves the state. */
export type Call =
  | {
      readonly _tag: "Join"
      /** The requests that join the queue again if the call fails. */
      readonly requests: ReadonlyArray<PendingRequest>
      readonly sequences: ReadonlyArray<number>
    }
  | { readonly _tag: "Save"; readonly turnNumber: number; readonly how: "give" | "keep" | "leave" }

/** The turn of another process, and the time since which replies have shown it. */
interface ObservedTurn {
  readonly turnNumber: number
  readonly owner: string | undefined
  readonly since: number
}

/** What a turn is for: a webhook, or a channel with a hidden limit, whose messages need both turns. */
export class TurnTarget {
  /** `Route.major` of the webhook, or `channelKey` of the channel. */
  readonly key: string
  /** The channel; `undefined` for a webhook, and before a message of this process needs the turn. */
  channel: LimitedChannel | undefined = undefined
  /**
   * The process has the turn, for requests with a sequence below this one. `undefined` without the turn; 0 while a
   * call may be giving it away.
   */
  coversBefore: number | undefined = undefined
  /** The number of the last turn of this process. */
  turnNumber = 0
  /**
   * Whether the turn may not be used yet: the store has lost all of its data, so another process may still use a
   * turn from before.
   */
  isSuspended = false
  /** Whether the last turn was given away. If the store still reports it, the store has lost data. */
  isGivenAway = false
  /** The last sequence that was assigned. */
  lastSequence = 0
  /** Requests that have not joined the queue in the store yet. */
  requestsToJoin: Array<PendingRequest> = []
  /** Whether a call is in progress; there is one at a time. */
  isCalling = false
  /** Whether `onDue` was called, after which the limiter makes the next call. */
  isScheduled = false
  /** The time at which the last successful call began. From then on, the store keeps the turn for `validFor`. */
  calledAt = Number.NEGATIVE_INFINITY
  /** The time at which the current call began. */
  callingSince = Number.NEGATIVE_INFINITY
  /** The limits in the stored state, as `summarizeLimits` returned them. */
  savedLimits = ""
  /** Whether the next call has to find out which process has the turn, and to store the state if it is this one. */
  isConfirmationDue = false
  /** Whether messages may have been lost since the current call began, so that its reply may be outdated. */
  isReplyOutdated = false
  /** The lowest sequence in the `Wanted` messages that have arrived since the current call began. */
  wantedSequence = Number.POSITIVE_INFINITY
  /**
   * The time of the next poll; `Infinity` if none is needed. A poll is a `Join` that repeats the sequences of all
   * requests, because the store may have lost them, and finds out whether the owner of the turn has died.
   */
  nextPollAt = Number.POSITIVE_INFINITY
  observedTurn: ObservedTurn | undefined = undefined
  /** The time of the first failed call since the last successful one. */
  failingSince: number | undefined = undefined
  /** No call is made before this time, after one has failed. */
  retryAt = Number.NEGATIVE_INFINITY
  /** Whether requests were sent without the turn, so that the stored state lacks them. */
  hasSentWithoutTurn = false
  /** Polls are frequent until this time: a process has died, and others may have died with it. */
  frequentPollsUntil = Number.NEGATIVE_INFINITY
  readonly #pollInterval: number

  /** `pollInterval` is in milliseconds. */
  constructor(key: string, pollInterval: number) {
    this.key = key
    this.#pollInterval = pollInterval
  }

  /** Whether this process has the turn, even while a call may be giving it away. */
  get hasTurn(): boolean {
    return this.coversBefore !== undefined
  }

  /** Whether this process has the turn, and another one waits for it. */
  get isWanted(): boolean {
    return this.coversBefore !== undefined && this.coversBefore < Number.POSITIVE_INFINITY
  }

  /**
   * Returns the sequence of a request that arrives at `time` (milliseconds of the store's clock). It is the time of
   * arrival and not that of the call, so a late call does not change the order. Requests that arrive together share
   * one.
   */
  assignSequence(time: number): number {
    const sequence = Math.floor(time * 1000)
    if (sequence >= this.lastSequence + maxMicrosTogether) this.lastSequence = sequence
    return this.lastSequence
  }

  /** Sets the time of the next poll after a reply that `owner` has the turn. */
  schedulePoll(
    { turnNumber, owner }: Pick<ObservedTurn, "turnNumber" | "owner">,
    now: number,
  ): void {
    const { isGivenAway, nextPollAt, observedTurn } = this
    const isSame = observedTurn?.turnNumber === turnNumber && observedTurn.owner === owner
    // A process that has just got the turn is alive, unless several have died.
    const isSoon = (observedTurn === undefined && !isGivenAway) || now < this.frequentPollsUntil
    const next = now + (isSoon ? firstPollDelay : this.#pollInterval)
    // Requests that join in the meantime do not postpone the poll that finds a dead process.
    this.nextPollAt = isSame && nextPollAt > now ? Math.min(nextPollAt, next) : next
    if (!isSame) this.observedTurn = { turnNumber, owner, since: now }
  }

  /** Suspends the turn until no other process can use one that the store has lost. */
  suspend(until: number, now: number): void {
    this.isSuspended = now < until
    // Such a process restores its turn, or joins the queue, which a poll finds out.
    if (this.isSuspended) this.nextPollAt = Math.min(until, now + firstPollDelay)
  }
}

/**
 * Whether a reply shows that this process no longer has the turn. The reply to a `Join` during a turn does not, even
 * if another process has a later one: the store may have lost this one.
 */
export function isTurnOver(
  target: TurnTarget,
  call: Call,
  reply: Extract<Reply, { readonly _tag: "Waiting" }>,
): boolean {
  if (reply.hasLostTurn || (call._tag === "Save" && call.how === "leave") || target.isSuspended)
    return true
  const isStale = call._tag === "Join" && target.hasTurn
  return reply.turnNumber > target.turnNumber && !isStale
}

/**
 * Decides which requests this process may send while other processes send to the same webhooks, and which call to
 * the store is next for a turn (see `store.ts`). `limiter.ts` makes the calls, one at a time for each turn.
 *
 * A turn covers the requests that arrived before the first waiting request of another process. While no other
 * process waits, it covers all requests, so that a webhook that only one process uses needs hardly any calls.
 */
import { errorFields } from "../../error/message.js"
import { DiscordRateLimiterUnavailable } from "../../error/WebhookError.js"
import type { PendingRequest, WebhookState } from "../internal/bucketState.js"
import type { Coordinator } from "../internal/pendingRequests.js"
import type { StateMachine } from "../internal/stateMachine.js"
import { channelKey, HiddenLimits, messagesOf, type Requests } from "./channel.js"
import type { Presence } from "./presence.js"
import { isFirstTurn, type Reply, type Turn } from "./store.js"
import { type Call, firstPollDelay, isTurnOver, maxPollInterval, TurnTarget } from "./turnTarget.js"
import { summarizeLimits } from "./webhookData.js"

export interface TurnsOptions {
  readonly machine: StateMachine
  readonly presence: Pick<Presence, "aliveUntil" | "lostTurnsValidUntil" | "clockOffset">
  /** Milliseconds after its last heartbeat for which a process counts as alive. */
  readonly lease: number
  /** Milliseconds for which a turn is valid after a successful call. */
  readonly validFor: number
  /** Milliseconds without the store after which requests are sent without a turn. */
  readonly fallbackAfter: number
  /** Milliseconds without the store after which waiting requests fail. */
  readonly failAfter: number
  /** Called when `nextCall` may return a call. */
  readonly onDue: (target: TurnTarget) => void
  /** Replaces the machine's state of a webhook or channel by the state that a turn contains. */
  readonly restore: (target: TurnTarget, turn: Turn, now: number) => void
}

export class Turns implements Coordinator {
  readonly targets = new Map<string, TurnTarget>()
  /** The time since which the store has been unavailable. */
  unavailableSince: number | undefined = undefined
  /** The detail of the store's last error, for the errors of requests. */
  lastError = ""
  /**
   * The place of each request in the store's queue for its webhook, in microseconds of the store's clock. It is not
   * `PendingRequest.sequence`, which counts the requests of this process.
   */
  readonly #sequences = new WeakMap<PendingRequest, number>()
  readonly #hiddenLimits = new HiddenLimits()
  readonly #options: TurnsOptions
  readonly #pollInterval: number

  constructor(options: TurnsOptions) {
    this.#options = options
    // With a shorter lease, polls are more frequent, so that a dead process is found sooner.
    this.#pollInterval = Math.min(maxPollInterval, options.lease / 3)
  }

  readonly canSend = (request: PendingRequest, now: number): boolean => {
    const { channel, major } = request.routeState.webhook
    const target = this.get(major)
    if (!this.#canSendTo(target, request, now)) {
      if (channel !== undefined) this.#scheduleIfWanted(channelKey(channel.id))
      return false
    }
    const channelTarget = this.#channelTarget(request)
    return channelTarget === undefined || this.#canSendToChannel(channelTarget, request, now)
  }

  /** Whether a request has this turn, or may be sent without it. Otherwise schedules a call. */
  #canSendTo(target: TurnTarget, request: PendingRequest, now: number): boolean {
    if (!target.isSuspended && this.#isCovered(target, request, now)) return true
    if (this.#canSendWithoutTurn(target, now)) {
      target.hasSentWithoutTurn = true
      return true
    }
    this.#schedule(target)
    return false
  }

  /** Whether a message to a channel with a hidden limit has the turn of the channel, or has waited for too long. */
  #canSendToChannel(target: TurnTarget, request: PendingRequest, now: number): boolean {
    const { channel } = target
    if (channel === undefined) return true
    if (channel.isOutsideQueue(request)) {
      channel.enqueue(request, target.assignSequence(now + this.#options.presence.clockOffset), now)
      if (!this.#isCovered(target, request, now)) target.requestsToJoin.push(request)
    }
    if (this.#canSendTo(target, request, now)) return true
    if (!channel.isOverdue(request, now)) return false
    channel.canSendWithoutTurn = true
    target.hasSentWithoutTurn = true
    return true
  }

  /**
   * Returns the channel whose turn a message needs as well, once the policy has found a hidden limit (one that no
   * header shows; `channel.ts`). A process waits for it only with messages that have the turn of their webhook, so
   * there is no deadlock.
   */
  #channelTarget(request: PendingRequest): TurnTarget | undefined {
    const state = this.#hiddenLimits.channelOf(request)
    if (state === undefined) return undefined
    const target = this.get(channelKey(state.id))
    if (target.channel?.state !== state) target.channel = this.#hiddenLimits.createChannel(state)
    // After `channelOf`, the webhooks of the channel share what the policy has learned, so these findings are those of
    // the channel.
    const { hiddenPeriod = 0 } = request.bucket.findingsOf(request.policy)
    target.channel.maxWait = this.#options.lease + hiddenPeriod
    return target
  }

  readonly onArrival = (request: PendingRequest, now: number): void => {
    const { channel, major } = request.routeState.webhook
    const target = this.get(major)
    // A message that is sent again gets a new place in the channel's queue.
    if (channel !== undefined) this.targets.get(channelKey(channel.id))?.channel?.dequeue(request)
    if (!this.#sequences.has(request))
      this.#sequences.set(request, target.assignSequence(now + this.#options.presence.clockOffset))
    if (!this.#isCovered(target, request, now)) {
      target.requestsToJoin.push(request)
      this.#schedule(target)
    }
  }

  readonly onIdle = ({ channel, major }: WebhookState): void => {
    this.#scheduleIfWanted(major)
    if (channel !== undefined) this.#scheduleIfWanted(channelKey(channel.id))
  }

  /** Whether this process has the turn for a request, so that only limits delay it. */
  readonly isCoveredByTurn = (request: PendingRequest, now: number): boolean => {
    const target = this.targets.get(request.routeState.webhook.major)
    return target?.isSuspended === false && this.#isCovered(target, request, now)
  }

  /** Schedules a call if another process waits for the turn, which may be unused now. */
  #scheduleIfWanted(key: string): void {
    const target = this.targets.get(key)
    if (target?.isWanted === true) this.#schedule(target)
  }

  /** Whether the turn in a reply is one that this process used until its lease expired. */
  isOwnTurn({ turnNumber, isGivenAway }: TurnTarget, reply: Reply): boolean {
    return reply._tag === "Waiting" && reply.turnNumber === turnNumber && !isGivenAway
  }

  /** Returns the next call, if one is due. */
  nextCall(target: TurnTarget, now: number): Call | undefined {
    if (now < target.retryAt) return undefined
    const { turnNumber } = target
    // An unused turn is given up.
    if (target.hasTurn && this.#isIdle(target, now)) {
      return { _tag: "Save", turnNumber, how: "leave" }
    }
    // Without a turn, this process joins the queue and polls.
    if (!target.hasTurn || !this.#isTurnValid(target, now)) {
      if (target.hasTurn) {
        this.#endTurn(target)
        target.isConfirmationDue = true
      }
      const isDue = now >= target.nextPollAt
      if (
        target.requestsToJoin.length > 0 ||
        target.isConfirmationDue ||
        (isDue && this.#requestsOf(target) !== undefined)
      ) {
        return this.#makeJoin(target)
      }
      if (isDue) {
        target.nextPollAt = Number.POSITIVE_INFINITY
        // Messages that wait for the turn of their webhook join once they have it.
        target.channel?.dequeueBefore(target.lastSequence + 1)
      }
      return undefined
    }
    if (target.isSuspended) {
      const isDue =
        now >= target.nextPollAt || target.isConfirmationDue || target.requestsToJoin.length > 0
      return isDue ? this.#makeJoin(target) : undefined
    }
    // With a turn, it stores the state, joins the queue with requests that the turn does not cover, and passes an
    // unused turn to the process that waits for it.
    if (target.isConfirmationDue) return { _tag: "Save", turnNumber, how: "keep" }
    if (target.requestsToJoin.length > 0) return this.#makeJoin(target)
    if (target.isWanted && !this.#isInUse(target)) {
      return { _tag: "Save", turnNumber, how: "give" }
    }
    return this.#isRenewalDue(target, now) ? { _tag: "Save", turnNumber, how: "keep" } : undefined
  }

  /**
   * Called before a call. A turn that the call passes on is not used from here on, because the store may execute a
   * call whose reply is lost.
   */
  beginCall(target: TurnTarget, call: Call, now: number): void {
    target.callingSince = now
    target.wantedSequence = Number.POSITIVE_INFINITY
    if (call._tag === "Save") target.savedLimits = summarizeLimits(this.#options.machine, target)
    if (call._tag === "Join") target.requestsToJoin = []
    else if (call.how === "give") {
      target.channel?.dequeueBefore(target.coversBefore ?? 0)
      target.coversBefore = 0
    } else if (call.how === "leave") target.coversBefore = undefined
  }

  /** Applies the reply to a call. */
  onReply(target: TurnTarget, call: Call, reply: Reply, now: number): void {
    target.failingSince = undefined
    target.retryAt = Number.NEGATIVE_INFINITY
    target.calledAt = target.callingSince
    target.isConfirmationDue = false
    if (reply._tag === "Turn") this.onTurn(target, reply.turn, now)
    else if (isTurnOver(target, call, reply)) this.#onWaiting(target, call, reply, now)
    // The turn was granted after the reply, or the store has lost it; the next call finds out.
    else if (target.hasTurn) target.isConfirmationDue = true
    else target.schedulePoll(reply, now)
    if (target.isReplyOutdated) this.#confirm(target, now)
    target.isReplyOutdated = false
  }

  /** Schedules a retry of a failed call, with which its requests join the queue. */
  onFailure(target: TurnTarget, call: Call, now: number): void {
    target.failingSince ??= now
    target.retryAt = now + firstPollDelay
    if (call._tag === "Join") target.requestsToJoin = [...call.requests, ...target.requestsToJoin]
    // The store may have executed the call: only a reply shows which process has the turn.
    else target.isConfirmationDue = true
  }

  /** Starts or renews a turn that the store has granted, unless it is an old one. */
  onTurn(target: TurnTarget, turn: Turn, now: number): void {
    const isSame = turn.turnNumber === target.turnNumber && !target.isGivenAway
    if (turn.turnNumber <= target.turnNumber && !isSame) {
      // The store has lost the call that gave this turn away, and the process that got it has to restore it.
      target.schedulePoll({ turnNumber: turn.turnNumber, owner: undefined }, now)
      return
    }
    if (!isSame && isFirstTurn(turn) && target.hasTurn && !target.isSuspended) {
      // The store has lost the turn that this process still has, and which its next call restores.
      target.requestsToJoin = [...(this.#requestsOf(target)?.pending() ?? [])]
      target.isConfirmationDue = true
      return
    }
    target.turnNumber = turn.turnNumber
    target.isGivenAway = false
    // Before the assignment, so that requests that are no longer covered join the queue.
    if (isSame) this.#shortenTurn(target, turn.coversBefore)
    target.coversBefore = turn.coversBefore
    this.#shortenTurn(target, target.wantedSequence)
    target.nextPollAt = Number.POSITIVE_INFINITY
    target.observedTurn = undefined
    if (target.coversBefore === Number.POSITIVE_INFINITY) target.requestsToJoin = []
    if (!isSame) {
      this.#options.restore(target, turn, now)
      target.savedLimits =
        turn.state === undefined ? "" : summarizeLimits(this.#options.machine, target)
    }
    if (isFirstTurn(turn)) target.suspend(this.#options.presence.lostTurnsValidUntil, now)
    else target.isSuspended = false
    target.hasSentWithoutTurn = false
    if (target.channel !== undefined) target.channel.canSendWithoutTurn = false
    this.#dispatch(target, now)
    this.#schedule(target)
  }

  /** Applies a `Wanted` message: requests from this sequence on come after that of another process. */
  onWanted(key: string, sequence: number): void {
    const target = this.targets.get(key)
    if (target === undefined) return
    target.wantedSequence = Math.min(target.wantedSequence, sequence)
    if (this.#shortenTurn(target, sequence)) this.#schedule(target)
  }

  /**
   * Handles turns that others have requested with `ask`, because the store's messages to this process may have been
   * lost.
   */
  onTurnsRequested(keys: ReadonlyArray<string>): void {
    for (const key of keys) {
      const target = this.get(key)
      target.isConfirmationDue = true
      this.#schedule(target)
    }
  }

  /** Ends all turns, because the lease has expired and other processes may have taken them over. */
  endAll(): void {
    for (const target of this.targets.values()) {
      const { hasTurn } = target
      this.#endTurn(target)
      target.isConfirmationDue = hasTurn
    }
  }

  /**
   * Confirms all turns and joins all queues again, because a store that restarts or fails over may have lost the writes
   * of about its last second.
   */
  confirmAll(now: number): void {
    for (const target of this.targets.values()) {
      target.failingSince = undefined
      target.retryAt = Number.NEGATIVE_INFINITY
      target.isReplyOutdated = target.isCalling
      this.#confirm(target, now)
    }
  }

  #confirm(target: TurnTarget, now: number): void {
    if (target.hasTurn) target.isConfirmationDue = true
    else target.nextPollAt = Math.min(target.nextPollAt, now)
    this.#schedule(target)
  }

  /** Schedules calls that are due, and dispatches or fails requests that have waited for too long. */
  onTick(now: number): void {
    for (const target of this.targets.values()) {
      if (this.#canSendWithoutTurn(target, now) || this.#isOverdue(target, now))
        this.#dispatch(target, now)
      else if (this.#failingFor(target, now) >= this.#options.failAfter)
        this.#failRequests(target, now)
      if (target.hasTurn && target.savedLimits !== summarizeLimits(this.#options.machine, target)) {
        target.isConfirmationDue = true
        this.#schedule(target)
      }
      const isRetryDue = target.failingSince !== undefined && now >= target.retryAt
      if (isRetryDue || now >= target.nextPollAt || this.#isRenewalDue(target, now))
        this.#schedule(target)
      else if (this.#isIdle(target, now)) {
        if (target.hasTurn) this.#schedule(target)
        else this.targets.delete(target.key)
      }
    }
  }

  /** Whether this is a channel, and a message has waited too long for its turn. */
  #isOverdue(target: TurnTarget, now: number): boolean {
    const { channel } = target
    if (channel === undefined) return false
    for (const request of this.#requestsOf(target)?.pending() ?? [])
      if (channel.isOverdue(request, now)) return true
    return false
  }

  /**
   * Whether calls have failed for so long that requests are sent without this turn. Messages that miss only the turn
   * of their channel never fail.
   */
  #canSendWithoutTurn(target: TurnTarget, now: number): boolean {
    const { failAfter, fallbackAfter, lease } = this.#options
    const after =
      target.channel === undefined ? fallbackAfter : Math.min(fallbackAfter, failAfter, lease)
    return this.#failingFor(target, now) >= after
  }

  /** Milliseconds for which calls have failed; `-Infinity` if the last one succeeded. */
  #failingFor({ failingSince }: TurnTarget, now: number): number {
    const never = Number.POSITIVE_INFINITY
    return now - Math.min(failingSince ?? never, this.unavailableSince ?? never)
  }

  /** Fails the requests that the turn does not cover. */
  #failRequests(target: TurnTarget, now: number): void {
    const { machine } = this.#options
    for (const request of this.#requestsOf(target)?.pending() ?? []) {
      if (!target.isSuspended && this.#isCovered(target, request, now)) continue
      const fields = { ...errorFields(request.route), detail: this.lastError }
      machine.pending.fail(request, new DiscordRateLimiterUnavailable(fields))
    }
    this.#dispatch(target, now)
  }

  /** The waiting requests that need the turn, and those in flight; `undefined` if there are none. */
  #requestsOf({ channel, key }: TurnTarget): Requests | undefined {
    const found =
      channel === undefined
        ? this.#options.machine.learning.webhooks.get(key)
        : messagesOf(channel.state, this.#hasWebhookTurn)
    return found !== undefined && found.inFlight + found.waiting > 0 ? found : undefined
  }

  readonly #hasWebhookTurn = (request: PendingRequest): boolean => {
    const coversBefore = this.targets.get(request.routeState.webhook.major)?.coversBefore ?? 0
    return (this.#sequences.get(request) ?? coversBefore) < coversBefore
  }

  #dispatch(target: TurnTarget, now: number): void {
    for (const bucket of this.#requestsOf(target)?.buckets ?? []) {
      this.#options.machine.wake(bucket, now)
    }
  }

  /** Applies a reply that shows that this process has no turn. */
  #onWaiting(
    target: TurnTarget,
    call: Call,
    reply: Extract<Reply, { readonly _tag: "Waiting" }>,
    now: number,
  ): void {
    const hasGivenAway = call._tag === "Save" && call.how !== "keep" && !reply.hasLostTurn
    if (hasGivenAway) target.coversBefore = undefined
    else if (target.hasTurn) this.#endTurn(target)
    target.isGivenAway = true
    target.isSuspended = false
    target.schedulePoll(reply, now)
  }

  #sequenceOf({ channel }: TurnTarget, request: PendingRequest): number | undefined {
    return channel === undefined ? this.#sequences.get(request) : channel.sequenceOf(request)
  }

  /**
   * Makes a turn cover fewer requests; the others have to join the queue. Returns whether the turn covered more
   * before.
   */
  #shortenTurn(target: TurnTarget, coversBefore: number): boolean {
    if (target.coversBefore === undefined || coversBefore >= target.coversBefore) return false
    target.coversBefore = coversBefore
    const requestsToJoin = new Set(target.requestsToJoin)
    for (const request of this.#requestsOf(target)?.pending() ?? []) {
      if ((this.#sequenceOf(target, request) ?? 0) >= coversBefore) requestsToJoin.add(request)
    }
    target.requestsToJoin = [...requestsToJoin]
    return true
  }

  /** Ends a turn. The waiting requests join the queue again, with their former sequences. */
  #endTurn(target: TurnTarget): void {
    target.coversBefore = undefined
    target.isSuspended = false
    target.observedTurn = undefined
    target.requestsToJoin = [...(this.#requestsOf(target)?.pending() ?? [])]
    this.#schedule(target)
  }

  #makeJoin(target: TurnTarget): Call {
    const requests = target.requestsToJoin.filter(isPending)
    const sequences = new Set<number>()
    // Without a turn, a call repeats the sequences of all requests, because the store may have lost them.
    const isFullJoin = !target.hasTurn || target.isSuspended
    const pending = (isFullJoin ? this.#requestsOf(target)?.pending() : undefined) ?? requests
    for (const request of pending) {
      const sequence = this.#sequenceOf(target, request)
      if (sequence !== undefined) sequences.add(sequence)
    }
    return { _tag: "Join", requests, sequences: [...sequences] }
  }

  #isCovered(target: TurnTarget, request: PendingRequest, now: number): boolean {
    const sequence = this.#sequenceOf(target, request)
    return (
      sequence !== undefined &&
      target.coversBefore !== undefined &&
      sequence < target.coversBefore &&
      this.#isTurnValid(target, now)
    )
  }

  /** Whether neither the lease nor the validity of the turn has expired. */
  #isTurnValid({ calledAt }: TurnTarget, now: number): boolean {
    return now < this.#options.presence.aliveUntil && now < calledAt + this.#options.validFor
  }

  hasInFlight(target: TurnTarget): boolean {
    return (this.#requestsOf(target)?.inFlight ?? 0) > 0
  }

  /** Whether requests are in flight, or the turn covers the first request of a bucket. */
  #isInUse(target: TurnTarget): boolean {
    const requests = this.#requestsOf(target)
    if (requests === undefined) return false
    if (requests.inFlight > 0) return true
    return requests.buckets.some(({ queue: { head } }) => {
      const sequence = head === undefined ? undefined : this.#sequenceOf(target, head)
      return sequence !== undefined && sequence < (target.coversBefore ?? 0)
    })
  }

  #isRenewalDue(target: TurnTarget, now: number): boolean {
    return (
      target.hasTurn &&
      now >= target.calledAt + this.#options.validFor / 2 &&
      this.#requestsOf(target) !== undefined
    )
  }

  /** Whether the turn has not been used for `validFor`, so that it is given up. */
  #isIdle(target: TurnTarget, now: number): boolean {
    return (
      now >= target.calledAt + this.#options.validFor &&
      !target.isCalling &&
      target.requestsToJoin.length === 0 &&
      this.#requestsOf(target) === undefined
    )
  }

  get(key: string): TurnTarget {
    let target = this.targets.get(key)
    if (target === undefined) {
      target = new TurnTarget(key, this.#pollInterval)
      this.targets.set(key, target)
    }
    return target
  }

  /** Schedules the next call, unless one is scheduled or in progress. */
  #schedule(target: TurnTarget): void {
    if (target.isScheduled || target.isCalling) return
    target.isScheduled = true
    this.#options.onDue(target)
  }
}

function isPending({ state }: PendingRequest): boolean {
  return state === "waiting" || state === "parked"
}

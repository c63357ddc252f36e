/**
 * Which requests this process may send, while other processes send to the same webhooks. It decides what to
 * call next; `limiter.ts` makes the calls, one at a time for each webhook.
 *
 * A turn covers the requests that arrived before the first request of another process. Without one, it covers
 * everything that arrives, so that a webhook that only one process uses costs no calls.
 */
import { errorFields } from "../../error/message.js"
import { DiscordRateLimiterUnavailable } from "../../error/WebhookError.js"
import type { PendingRequest, WebhookState } from "../internal/bucketState.js"
import type { Gate } from "../internal/pendingRequests.js"
import type { StateMachine } from "../internal/stateMachine.js"
import {
  channelKey,
  HiddenLimits,
  messagesOf,
  type Requests,
  type SharedChannel,
} from "./channel.js"
import type { Presence } from "./presence.js"
import { type Call, firstPoll, isOver, maxPollInterval, SharedWebhook } from "./sharedWebhook.js"
import { isNew, type Reply, type Turn } from "./store.js"
import { limitsOf } from "./webhookData.js"

export interface TurnsOptions {
  readonly machine: StateMachine
  readonly presence: Pick<Presence, "aliveUntil" | "doubtfulUntil" | "shift">
  /** Milliseconds after which a process that shows no sign of life is dead. */
  readonly lease: number
  /** Milliseconds for which a turn is valid after a call. */
  readonly validFor: number
  /** Milliseconds without the store after which requests are sent without a turn. */
  readonly fallbackAfter: number
  /** Milliseconds without the store after which waiting requests fail. */
  readonly failAfter: number
  /** Called when a call may be due. */
  readonly onDue: (webhook: SharedWebhook) => void
  /** Replaces what the machine knows about a webhook by the state of a turn. */
  readonly restore: (webhook: SharedWebhook, turn: Turn, now: number) => void
}

export class Turns implements Gate {
  readonly webhooks = new Map<string, SharedWebhook>()
  /** Since when the store is away. */
  awaySince: number | undefined = undefined
  /** What it has reported. */
  lastError = ""
  readonly #sequences = new WeakMap<PendingRequest, number>()
  readonly #hiddenLimits = new HiddenLimits()
  readonly #options: TurnsOptions
  readonly #pollInterval: number

  constructor(options: TurnsOptions) {
    this.#options = options
    // With a short lease, a dead process is found sooner.
    this.#pollInterval = Math.min(maxPollInterval, options.lease / 3)
  }

  readonly isOpen = (request: PendingRequest, now: number): boolean => {
    const { webhook: state } = request.routeState
    const webhook = this.get(state.major)
    if (!this.#mayUse(webhook, request, now)) {
      if (state.channel !== undefined) this.#wakeLimited(channelKey(state.channel.id))
      return false
    }
    const shared = this.#channelOf(request)
    return shared?.channel === undefined || this.#mayCount(shared, shared.channel, request, now)
  }

  #mayUse(webhook: SharedWebhook, request: PendingRequest, now: number): boolean {
    if (!webhook.isHeld && this.#isCovered(webhook, request, now)) return true
    if (this.#isFallback(webhook, now)) {
      webhook.hasSentAlone = true
      return true
    }
    this.#wake(webhook)
    return false
  }

  /** Whether a message may be sent to a channel with a hidden limit. It waits for the turn, but not for ever. */
  #mayCount(
    webhook: SharedWebhook,
    channel: SharedChannel,
    request: PendingRequest,
    now: number,
  ): boolean {
    if (channel.isOutside(request)) {
      channel.put(request, webhook.sequenceAt(now + this.#options.presence.shift), now)
      if (!this.#isCovered(webhook, request, now)) webhook.arrivals.push(request)
    }
    if (this.#mayUse(webhook, request, now)) return true
    if (!channel.isOverdue(request, now)) return false
    channel.isAlone = true
    webhook.hasSentAlone = true
    return true
  }

  /**
   * The turn of the channel that a message needs, once the policy knows a limit of it. A process waits for it
   * only with requests that have the turn of their webhook, so that no two wait for each other.
   */
  #channelOf(request: PendingRequest): SharedWebhook | undefined {
    const state = this.#hiddenLimits.channelOf(request)
    if (state === undefined) return undefined
    const shared = this.get(channelKey(state.id))
    if (shared.channel?.state !== state) shared.channel = this.#hiddenLimits.share(state)
    // From now on, what this process has learned is that of the channel.
    const { hiddenPeriod = 0 } = request.bucket.findingsOf(request.policy)
    shared.channel.maxWait = this.#options.lease + hiddenPeriod
    return shared
  }

  readonly onArrival = (request: PendingRequest, now: number): void => {
    const { channel, major } = request.routeState.webhook
    const webhook = this.get(major)
    if (channel !== undefined) this.webhooks.get(channelKey(channel.id))?.channel?.remove(request)
    if (!this.#sequences.has(request))
      this.#sequences.set(request, webhook.sequenceAt(now + this.#options.presence.shift))
    if (!this.#isCovered(webhook, request, now)) {
      webhook.arrivals.push(request)
      this.#wake(webhook)
    }
  }

  readonly onIdle = ({ channel, major }: WebhookState): void => {
    this.#wakeLimited(major)
    if (channel !== undefined) this.#wakeLimited(channelKey(channel.id))
  }

  /** Whether only limits delay a request. */
  readonly isUsable = (request: PendingRequest, now: number): boolean => {
    const webhook = this.webhooks.get(request.routeState.webhook.major)
    return webhook?.isHeld === false && this.#isCovered(webhook, request, now)
  }

  /** Gives a turn away as soon as it is not used, if others wait for it. */
  #wakeLimited(major: string): void {
    const webhook = this.webhooks.get(major)
    if (webhook?.until !== undefined && webhook.until < Number.POSITIVE_INFINITY) {
      this.#wake(webhook)
    }
  }

  /** Whether this process had the turn of an epoch until it was taken for dead. */
  isOwn({ epoch, isGiven }: SharedWebhook, reply: Reply): boolean {
    return reply._tag === "Waiting" && reply.epoch === epoch && !isGiven
  }

  /** Returns the next call. */
  next(webhook: SharedWebhook, now: number): Call | undefined {
    if (now < webhook.retryAt) return undefined
    const { epoch } = webhook
    if (webhook.until !== undefined && this.#isIdle(webhook, now)) {
      return { _tag: "Pass", epoch, how: "leave" }
    }
    if (webhook.until === undefined || !this.#isValid(webhook, now)) {
      if (webhook.until !== undefined) {
        this.#lose(webhook)
        webhook.isDoubtful = true
      }
      const isDue = now >= webhook.pollAt
      if (
        webhook.arrivals.length > 0 ||
        webhook.isDoubtful ||
        (isDue && this.#stateOf(webhook) !== undefined)
      ) {
        return this.#join(webhook)
      }
      if (isDue) {
        webhook.pollAt = Number.POSITIVE_INFINITY
        // What waits for the turn of its webhook joins once it has that.
        webhook.channel?.removeBefore(webhook.lastSequence + 1)
      }
      return undefined
    }
    if (webhook.isHeld) {
      const isDue = now >= webhook.pollAt || webhook.isDoubtful || webhook.arrivals.length > 0
      return isDue ? this.#join(webhook) : undefined
    }
    if (webhook.isDoubtful) return { _tag: "Pass", epoch, how: "keep" }
    if (webhook.arrivals.length > 0) return this.#join(webhook)
    if (webhook.until < Number.POSITIVE_INFINITY && !this.#isInUse(webhook)) {
      return { _tag: "Pass", epoch, how: "give" }
    }
    return this.#isToRenew(webhook, now) ? { _tag: "Pass", epoch, how: "keep" } : undefined
  }

  /** Closes the turn before it is given away: the call may be executed although it fails. */
  begin(webhook: SharedWebhook, call: Call, now: number): void {
    webhook.callingSince = now
    webhook.wanted = Number.POSITIVE_INFINITY
    if (call._tag === "Pass") webhook.savedLimits = limitsOf(this.#options.machine, webhook)
    if (call._tag === "Join") webhook.arrivals = []
    else if (call.how === "give") {
      webhook.channel?.removeBefore(webhook.until ?? 0)
      webhook.until = 0
    } else if (call.how === "leave") webhook.until = undefined
  }

  /** Applies the reply to a call. */
  onReply(webhook: SharedWebhook, call: Call, reply: Reply, now: number): void {
    webhook.failingSince = undefined
    webhook.retryAt = Number.NEGATIVE_INFINITY
    webhook.calledAt = webhook.callingSince
    webhook.isDoubtful = false
    if (reply._tag === "Turn") this.onTurn(webhook, reply.turn, now)
    else if (isOver(webhook, call, reply)) this.#onWaiting(webhook, call, reply, now)
    // The turn was granted after the reply, or the store has lost it: the next call tells.
    else if (webhook.until !== undefined) webhook.isDoubtful = true
    else webhook.pollLater(reply, now)
    if (webhook.isReplyOld) this.#confirm(webhook, now)
    webhook.isReplyOld = false
  }

  /** Calls that fail are repeated; the requests join the queue again. */
  onFailure(webhook: SharedWebhook, call: Call, now: number): void {
    webhook.failingSince ??= now
    webhook.retryAt = now + firstPoll
    if (call._tag === "Join") webhook.arrivals = [...call.requests, ...webhook.arrivals]
    // The store may have executed it: only a reply shows who has the turn.
    else webhook.isDoubtful = true
  }

  /** Takes a turn, unless it is an old one. */
  onTurn(webhook: SharedWebhook, turn: Turn, now: number): void {
    const isSame = turn.epoch === webhook.epoch && !webhook.isGiven
    if (turn.epoch <= webhook.epoch && !isSame) {
      // The store has lost that this turn was given away: wait for the process that got it.
      webhook.pollLater({ epoch: turn.epoch, owner: undefined }, now)
      return
    }
    if (!isSame && isNew(turn) && webhook.until !== undefined && !webhook.isHeld) {
      // The store has lost the turn that this process still has.
      webhook.arrivals = [...(this.#stateOf(webhook)?.pending() ?? [])]
      webhook.isDoubtful = true
      return
    }
    webhook.epoch = turn.epoch
    webhook.isGiven = false
    if (isSame) this.#limit(webhook, turn.until)
    webhook.until = turn.until
    this.#limit(webhook, webhook.wanted)
    webhook.pollAt = Number.POSITIVE_INFINITY
    webhook.seen = undefined
    if (webhook.until === Number.POSITIVE_INFINITY) webhook.arrivals = []
    if (!isSame) {
      this.#options.restore(webhook, turn, now)
      webhook.savedLimits = turn.state === undefined ? "" : limitsOf(this.#options.machine, webhook)
    }
    if (isNew(turn)) webhook.hold(this.#options.presence.doubtfulUntil, now)
    else webhook.isHeld = false
    webhook.hasSentAlone = false
    if (webhook.channel !== undefined) webhook.channel.isAlone = false
    this.#dispatch(webhook, now)
    this.#wake(webhook)
  }

  /** Another process waits: what arrives from now on comes after it. */
  onWanted(major: string, until: number): void {
    const webhook = this.webhooks.get(major)
    if (webhook === undefined) return
    webhook.wanted = Math.min(webhook.wanted, until)
    if (this.#limit(webhook, until)) this.#wake(webhook)
  }

  /** Others wait for turns, but messages have not arrived. */
  onAsked(majors: ReadonlyArray<string>): void {
    for (const major of majors) {
      const webhook = this.get(major)
      webhook.isDoubtful = true
      this.#wake(webhook)
    }
  }

  /** All turns may be lost: other processes have taken this one for dead. */
  loseAll(): void {
    for (const webhook of this.webhooks.values()) {
      const hadTurn = webhook.until !== undefined
      this.#lose(webhook)
      webhook.isDoubtful = hadTurn
    }
  }

  /** The store may have lost its last second: confirms turns, and joins queues again. */
  confirmAll(now: number): void {
    for (const webhook of this.webhooks.values()) {
      webhook.failingSince = undefined
      webhook.retryAt = Number.NEGATIVE_INFINITY
      webhook.isReplyOld = webhook.isCalling
      this.#confirm(webhook, now)
    }
  }

  #confirm(webhook: SharedWebhook, now: number): void {
    if (webhook.until === undefined) webhook.pollAt = Math.min(webhook.pollAt, now)
    else webhook.isDoubtful = true
    this.#wake(webhook)
  }

  /** Calls that are due by time, and requests that need no turn any more. */
  onTick(now: number): void {
    for (const webhook of this.webhooks.values()) {
      if (this.#isFallback(webhook, now) || this.#isOverdue(webhook, now))
        this.#dispatch(webhook, now)
      else if (this.#failingFor(webhook, now) >= this.#options.failAfter) this.#fail(webhook, now)
      if (
        webhook.until !== undefined &&
        webhook.savedLimits !== limitsOf(this.#options.machine, webhook)
      ) {
        webhook.isDoubtful = true
        this.#wake(webhook)
      }
      const isRetryDue = webhook.failingSince !== undefined && now >= webhook.retryAt
      if (isRetryDue || now >= webhook.pollAt || this.#isToRenew(webhook, now)) this.#wake(webhook)
      else if (this.#isIdle(webhook, now)) {
        if (webhook.until === undefined) this.webhooks.delete(webhook.major)
        else this.#wake(webhook)
      }
    }
  }

  /** Whether messages of a channel are sent without its turn. */
  #isOverdue(webhook: SharedWebhook, now: number): boolean {
    const { channel } = webhook
    if (channel === undefined) return false
    for (const request of this.#stateOf(webhook)?.pending() ?? [])
      if (channel.isOverdue(request, now)) return true
    return false
  }

  /** Whether requests are sent without a turn. That of a channel never makes one fail. */
  #isFallback(webhook: SharedWebhook, now: number): boolean {
    const { failAfter, fallbackAfter, lease } = this.#options
    const after =
      webhook.channel === undefined ? fallbackAfter : Math.min(fallbackAfter, failAfter, lease)
    return this.#failingFor(webhook, now) >= after
  }

  /** The milliseconds for which calls have failed; `-Infinity` while they succeed. */
  #failingFor({ failingSince }: SharedWebhook, now: number): number {
    const never = Number.POSITIVE_INFINITY
    return now - Math.min(failingSince ?? never, this.awaySince ?? never)
  }

  /** Fails the requests that wait for a turn. */
  #fail(webhook: SharedWebhook, now: number): void {
    const { machine } = this.#options
    for (const request of this.#stateOf(webhook)?.pending() ?? []) {
      if (!webhook.isHeld && this.#isCovered(webhook, request, now)) continue
      const fields = { ...errorFields(request.route), detail: this.lastError }
      machine.pending.fail(request, new DiscordRateLimiterUnavailable(fields))
    }
    this.#dispatch(webhook, now)
  }

  /** The requests in the machine; `undefined` without waiting or granted ones. */
  #stateOf({ channel, major }: SharedWebhook): Requests | undefined {
    const state =
      channel === undefined
        ? this.#options.machine.learning.webhooks.get(major)
        : messagesOf(channel.state, this.#hasWebhookTurn)
    return state !== undefined && state.inFlight + state.waiting > 0 ? state : undefined
  }

  readonly #hasWebhookTurn = (request: PendingRequest): boolean => {
    const until = this.webhooks.get(request.routeState.webhook.major)?.until ?? 0
    return (this.#sequences.get(request) ?? until) < until
  }

  #dispatch(webhook: SharedWebhook, now: number): void {
    for (const bucket of this.#stateOf(webhook)?.buckets ?? []) {
      this.#options.machine.wake(bucket, now)
    }
  }

  #onWaiting(
    webhook: SharedWebhook,
    call: Call,
    reply: Extract<Reply, { readonly _tag: "Waiting" }>,
    now: number,
  ): void {
    const isGiven = call._tag === "Pass" && call.how !== "keep" && !reply.isLost
    if (isGiven) webhook.until = undefined
    else if (webhook.until !== undefined) this.#lose(webhook)
    webhook.isGiven = true
    webhook.isHeld = false
    webhook.pollLater(reply, now)
  }

  #sequenceOf({ channel }: SharedWebhook, request: PendingRequest): number | undefined {
    return channel === undefined ? this.#sequences.get(request) : channel.sequenceOf(request)
  }

  /** Ends a turn earlier. Requests that it does not cover any more join the queue; returns whether it did. */
  #limit(webhook: SharedWebhook, until: number): boolean {
    if (webhook.until === undefined || until >= webhook.until) return false
    webhook.until = until
    const arrivals = new Set(webhook.arrivals)
    for (const request of this.#stateOf(webhook)?.pending() ?? []) {
      if ((this.#sequenceOf(webhook, request) ?? 0) >= until) arrivals.add(request)
    }
    webhook.arrivals = [...arrivals]
    return true
  }

  /** The turn is over; what waits joins the queue again with the sequences that it has. */
  #lose(webhook: SharedWebhook): void {
    webhook.until = undefined
    webhook.isHeld = false
    webhook.seen = undefined
    webhook.arrivals = [...(this.#stateOf(webhook)?.pending() ?? [])]
    this.#wake(webhook)
  }

  #join(webhook: SharedWebhook): Call {
    const requests = webhook.arrivals.filter(isPending)
    const state = this.#stateOf(webhook)
    const sequences = new Set<number>()
    // A poll repeats the sequences of all requests: the store may have lost them.
    const isInQueue = webhook.until === undefined || webhook.isHeld
    const pending = isInQueue && state !== undefined ? state.pending() : requests
    for (const request of pending) {
      const sequence = this.#sequenceOf(webhook, request)
      if (sequence !== undefined) sequences.add(sequence)
    }
    return { _tag: "Join", requests, sequences: [...sequences] }
  }

  #isCovered(webhook: SharedWebhook, request: PendingRequest, now: number): boolean {
    const sequence = this.#sequenceOf(webhook, request)
    return (
      sequence !== undefined &&
      webhook.until !== undefined &&
      sequence < webhook.until &&
      this.#isValid(webhook, now)
    )
  }

  #isValid({ calledAt }: SharedWebhook, now: number): boolean {
    return now < this.#options.presence.aliveUntil && now < calledAt + this.#options.validFor
  }

  hasInFlight(webhook: SharedWebhook): boolean {
    return (this.#stateOf(webhook)?.inFlight ?? 0) > 0
  }

  /** Whether requests of the turn wait, or are in flight. */
  #isInUse(webhook: SharedWebhook): boolean {
    const state = this.#stateOf(webhook)
    if (state === undefined) return false
    if (state.inFlight > 0) return true
    return state.buckets.some(({ queue: { head } }) => {
      const sequence = head === undefined ? undefined : this.#sequenceOf(webhook, head)
      return sequence !== undefined && sequence < (webhook.until ?? 0)
    })
  }

  #isToRenew(webhook: SharedWebhook, now: number): boolean {
    return (
      webhook.until !== undefined &&
      now >= webhook.calledAt + this.#options.validFor / 2 &&
      this.#stateOf(webhook) !== undefined
    )
  }

  /** Whether it has not been used for so long that the turn is given up. */
  #isIdle(webhook: SharedWebhook, now: number): boolean {
    return (
      now >= webhook.calledAt + this.#options.validFor &&
      !webhook.isCalling &&
      webhook.arrivals.length === 0 &&
      this.#stateOf(webhook) === undefined
    )
  }

  get(major: string): SharedWebhook {
    let webhook = this.webhooks.get(major)
    if (webhook === undefined) {
      webhook = new SharedWebhook(major, this.#pollInterval)
      this.webhooks.set(major, webhook)
    }
    return webhook
  }

  #wake(webhook: SharedWebhook): void {
    if (webhook.isQueued || webhook.isCalling) return
    webhook.isQueued = true
    this.#options.onDue(webhook)
  }
}

function isPending({ state }: PendingRequest): boolean {
  return state === "waiting" || state === "parked"
}

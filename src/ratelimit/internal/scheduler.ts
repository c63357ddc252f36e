/** Grants permits to queue heads, as far as their bucket, webhook and the global limiter allow. */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Kind } from "../Route.js"
import type { Policy } from "../strategy/Policy.js"
import { toMillis } from "../time.js"
import type { BucketState, ChannelState, PendingRequest, WebhookState } from "./bucketState.js"
import type { GlobalLimiter } from "./globalLimiter.js"
import type { Learning } from "./learning.js"
import { finiteInstant } from "./pendingRequests.js"
import type { PendingRequests, Permits, SetTimer } from "./pendingRequests.js"
import type { Statistics } from "./statistics.js"

const maxPolicyWait = Duration.toMillis(longestDelay)

export class Scheduler {
  readonly #setTimer: SetTimer
  readonly #learning: Learning
  readonly #globalLimiter: GlobalLimiter
  readonly #statistics: Statistics
  readonly #pending: PendingRequests
  readonly #permits: Permits
  /**
   * Buckets whose head waits for the global limiter only, each for one request in turn. Interactions
   * have a queue of their own, because the global limit does not apply to them.
   */
  readonly #globalQueues: Readonly<Record<Kind, Set<BucketState>>> = {
    interaction: new Set(),
    webhook: new Set(),
  }

  constructor(
    learning: Learning,
    statistics: Statistics,
    pending: PendingRequests,
    permits: Permits,
    setTimer: SetTimer,
  ) {
    this.#setTimer = setTimer
    this.#permits = permits
    this.#learning = learning
    this.#globalLimiter = learning.globalLimiter
    this.#statistics = statistics
    this.#pending = pending
  }

  /**
   * Grants all requests of a bucket that may start, and sets the timer for the next one. If webhooks of a
   * channel share a limit, it does so for all of them.
   */
  dispatch(bucket: BucketState, now: number): void {
    const { channel } = bucket.webhook
    if (channel?.isShared === true) this.#dispatchChannel(channel, bucket, now)
    else while (this.#dispatchNext(bucket, now)) {}
  }

  /** Dispatches the buckets of a webhook in the order in which their heads arrived. */
  dispatchWebhook(webhook: WebhookState, now: number): void {
    // `checkOverlap` records it again.
    webhook.firstOrdered = undefined
    for (const bucket of byArrival(webhook.buckets)) this.dispatch(bucket, now)
    if (this.#hasGlobalQueue) this.dispatchGlobalQueues(now)
  }

  /** Dispatches the webhooks of buckets; a bucket may be one that its webhook does not use any more. */
  dispatchEach(buckets: ReadonlyArray<BucketState>, now: number): void {
    for (const bucket of buckets) {
      this.dispatch(bucket, now)
      this.dispatchWebhook(bucket.webhook, now)
    }
  }

  /** Grants the requests of all webhooks of a channel in order of arrival. */
  #dispatchChannel(channel: ChannelState, first: BucketState, now: number): void {
    for (const webhook of channel.webhooks) webhook.firstOrdered = undefined
    let dispatched: BucketState | undefined = first
    while (dispatched !== undefined) {
      if (dispatched.waiting === 0) this.leaveGlobalQueue(dispatched)
      dispatched = byArrival(channel.waiting).find((bucket) => this.#dispatchNext(bucket, now))
    }
  }

  /** Handles the head of a queue. Returns whether the next one may follow at once. */
  #dispatchNext(bucket: BucketState, now: number): boolean {
    const { head } = bucket.queue
    if (head === undefined) {
      this.leaveGlobalQueue(bucket)
      return false
    }
    // Its fiber has not polled in time, so it is assumed to be gone.
    if (head.presentUntil < now) {
      this.#pending.skip(head)
      return true
    }
    const startAt = this.#earliestStart(head, now)
    // The request has failed, because its policy threw.
    if (startAt === undefined) return true
    const globalAt = this.#globallyAvailableAt(bucket)
    // What waits for a response (`Infinity`) has no known start, and is not rejected for it.
    const earliestAt = Math.max(finiteInstant(startAt) ?? 0, finiteInstant(globalAt) ?? 0)
    if (startAt <= now && globalAt <= now && this.#globalQueues[bucket.webhook.kind].size === 0) {
      this.#grant(head, now)
      return true
    }
    if (bucket.earliestDeadline < earliestAt || bucket.earliestDeadline <= now) {
      this.#pending.rejectLate(bucket, earliestAt, now)
      return true
    }
    if (startAt <= now) this.#joinGlobalQueue(bucket)
    else this.#setTimer(bucket, finiteInstant(Math.min(startAt, bucket.earliestDeadline)))
    // Only a settled permit ends this wait, and the fiber that holds it may be gone.
    if ((startAt <= now ? globalAt : startAt) === Infinity) this.#permits.watch(now)
    return false
  }

  /** Grants the requests that wait only for the global limiter, one for each bucket in turn, while it permits. */
  dispatchGlobalQueues(now: number): void {
    this.#learning.updateSpacing(now)
    // Interactions go first: a user waits for the response, and the token is short-lived.
    this.#dispatchGlobalQueue("interaction", now)
    this.#dispatchGlobalQueue("webhook", now)
    this.#scheduleGlobalTimer()
  }

  /** Removes a bucket without waiting requests from the queue for the global limiter, and cancels its timer. */
  leaveGlobalQueue(bucket: BucketState): void {
    this.#setTimer(bucket, undefined)
    if (this.#globalQueues[bucket.webhook.kind].delete(bucket) && !this.#hasGlobalQueue) {
      this.#setTimer(this.#globalLimiter, undefined)
    }
  }

  /** Each bucket gets one grant, and joins the end of the queue again if more of its requests wait. */
  #dispatchGlobalQueue(kind: Kind, now: number): void {
    const queue = this.#globalQueues[kind]
    for (const bucket of queue) {
      if (this.#globallyAvailableAt(bucket) > now) break
      queue.delete(bucket)
      const { head } = bucket.queue
      if (head !== undefined && (this.#earliestStart(head, now) ?? Infinity) <= now)
        this.#grant(head, now)
      this.dispatch(bucket, now)
    }
  }

  get #hasGlobalQueue(): boolean {
    return this.#globalQueues.webhook.size > 0 || this.#globalQueues.interaction.size > 0
  }

  #scheduleGlobalTimer(): void {
    const availableFor = (kind: Kind) => {
      for (const bucket of this.#globalQueues[kind]) return this.#globallyAvailableAt(bucket)
      return Infinity
    }
    this.#setTimer(
      this.#globalLimiter,
      finiteInstant(Math.min(availableFor("webhook"), availableFor("interaction"))),
    )
  }

  /** The time from which the global limiter permits the head of a queue. */
  #globallyAvailableAt({ queue, webhook }: BucketState): number {
    return this.#globalLimiter.availableAt(webhook.kind, queue.head?.policy.learnsGlobalLimit)
  }

  /** Adds a bucket to the queue for the global limiter. Its own timer is set for its deadline only. */
  #joinGlobalQueue(bucket: BucketState): void {
    this.#globalQueues[bucket.webhook.kind].add(bucket)
    this.#setTimer(bucket, finiteInstant(bucket.earliestDeadline))
    this.#scheduleGlobalTimer()
  }

  /**
   * Returns the time from which the head of a queue may start; `Infinity` if it has to wait for a change of the
   * state. If its policy throws, the request fails with the defect, and the result is `undefined`.
   */
  #earliestStart(request: PendingRequest, now: number): number | undefined {
    try {
      return this.#computeStart(request, now)
    } catch (defect) {
      this.#pending.end(request, Exit.die(defect))
      this.#pending.markIdle(request.routeState.webhook, now)
      return undefined
    }
  }

  /** Applies, in this order: other processes, blocks, probing, the policy, and the order of the webhook. */
  #computeStart(request: PendingRequest, now: number): number {
    const { bucket, policy } = request
    const { webhook } = request.routeState
    if (this.#pending.coordinator?.canSend(request, now) === false) return Infinity
    const notBefore = Math.max(request.notBefore, bucket.blockedUntil)
    if (notBefore > now) return notBefore
    // A probe after a 429, or of an unknown bucket, starts alone. It is independent of the policy,
    // unless other webhooks of the channel wait for the same slots.
    const isProbe = bucket.probing || !bucket.isKnown
    let startAt = isProbe && bucket.inFlight > 0 ? Infinity : now
    if (!isProbe || bucket.channel !== undefined) {
      const thrown = bucket.getDefect(policy)
      if (thrown !== undefined) throw thrown.defect
      // Ends the window if it is over.
      const unusedSlots = bucket.rollFor(policy, now)
      this.#statistics.onUnusedSlots(request, unusedSlots)
      const wait = policyWait(bucket, policy, now)
      // Without a request in flight, there is no response to wait for.
      if (wait < Infinity || bucket.channelInFlight > 0) startAt = Math.max(startAt, now + wait)
    }
    if (startAt > now || webhook.inFlight === 0) return startAt
    return checkOverlap(request, webhook) ? now : Infinity
  }

  #grant(request: PendingRequest, now: number): void {
    const { bucket, routeState, policy } = request
    this.#pending.remove(request)
    this.#permits.grant(request, now)
    request.attempts += 1
    request.waited += now - request.since
    routeState.webhook.inFlight += 1
    routeState.inFlight += 1
    bucket.inFlight += 1
    this.#globalLimiter.recordSend(request, now, routeState.webhook.kind)
    this.#statistics.onSent(request, now - request.since)
    bucket.observe(policy, { _tag: "Sent", at: now, waited: request.waited })
    request.complete(Exit.void)
  }
}

/** Estimates when a request that joins this queue now would start. */
export function estimateStart(bucket: BucketState, policy: Policy, now: number): number {
  const free = bucket.remaining - bucket.inFlight
  const ahead = bucket.waiting
  const { limit, resetAt, period } = bucket
  if (ahead === 0 || limit === undefined) {
    const wait = policyWait(bucket, policy, now)
    return wait === Infinity ? now : now + wait
  }
  if (ahead < free) return now
  const windows = Math.floor((ahead - Math.max(0, free)) / limit)
  return (resetAt ?? now) + windows * (period ?? 0)
}

/**
 * Whether a request may start while others of its webhook are in flight: only a concurrent one that arrived before the
 * first waiting ordered one. Records an ordered request, because later ones must not overtake it.
 */
function checkOverlap(request: PendingRequest, webhook: WebhookState): boolean {
  const { firstOrdered } = webhook
  if (firstOrdered !== undefined && firstOrdered.sequence <= request.sequence) return false
  if (request.ordered) webhook.firstOrdered = request
  return !request.ordered
}

/** Sorts buckets by the arrival of their heads. */
function byArrival(buckets: ReadonlyArray<BucketState>): ReadonlyArray<BucketState> {
  if (buckets.length < 2) return buckets
  return [...buckets].sort((a, b) => headSequence(a) - headSequence(b))
}

function headSequence(bucket: BucketState): number {
  return bucket.queue.head?.sequence ?? 0
}

/** Returns the wait of a policy in milliseconds: 0 for none, `Infinity` until the next response. */
function policyWait(bucket: BucketState, policy: Policy, now: number): number {
  if (!policy.shouldWait(bucket.withMemoryOf(policy), now)) return 0
  const wait = toMillis(policy.calculateWait(bucket, now))
  return wait > 0 ? Math.min(wait, maxPolicyWait) : Infinity
}

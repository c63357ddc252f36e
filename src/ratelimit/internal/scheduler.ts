/** Grants permits to queue heads, as far as their bucket, webhook and the global limiter allow. */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { type WaitError, WebhookRateLimited } from "../../error/WebhookError.js"
import type { LimitScope } from "../ResponseInfo.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Kind } from "../Route.js"
import { errorFields } from "../errorFields.js"
import type { Policy } from "../strategy/Policy.js"
import type { BucketState, PendingRequest, WaitResult, WebhookState } from "./bucketState.js"
import { toMillis } from "./durations.js"
import type { GlobalLimiter } from "./globalLimiter.js"
import type { Learning } from "./learning.js"
import type { Permits } from "./permits.js"
import { pollGrace } from "./polling.js"
import type { Settings } from "./settings.js"
import type { Statistics } from "./statistics.js"
import type { WebhookRegistry } from "./webhookRegistry.js"

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
    knowledge: Learning,
    tallies: Statistics,
    waiting: PendingRequests,
    permits: Permits,
    alarm: SetTimer,
  ) {
    this.#setTimer = alarm
    this.#permits = permits
    this.#learning = knowledge
    this.#globalLimiter = knowledge.globalLimiter
    this.#statistics = tallies
    this.#pending = waiting
  }

  /** Grants all requests of a bucket that may start, and sets the timer for the next one. */
  dispatch(bucket: BucketState, now: number): void {
    for (let head = bucket.queue.head; head !== undefined; head = bucket.queue.head) {
      if (head.presentUntil < now) {
        this.#pending.skip(head)
        continue
      }
      const at = this.#earliestStart(head, now)
      if (at === undefined) continue
      const passes = this.#globalLimiter.availableAt(bucket.webhook.kind)
      const known = Math.max(finiteInstant(at) ?? 0, finiteInstant(passes) ?? 0)
      if (at <= now && passes <= now && this.#globalQueues[bucket.webhook.kind].size === 0) {
        this.#grant(head, now)
      } else if (bucket.earliestDeadline < known || bucket.earliestDeadline <= now) {
        this.#pending.rejectLate(bucket, known, now)
      } else if (at <= now) {
        this.#joinGlobalQueue(bucket)
        if (passes === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      } else {
        this.#setTimer(bucket, finiteInstant(Math.min(at, bucket.earliestDeadline)))
        if (at === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      }
    }
    this.leaveGlobalQueue(bucket)
  }

  /** Dispatches the buckets of a webhook in the order in which their heads arrived. */
  dispatchWebhook(lane: WebhookState, now: number): void {
    lane.waitingAlone = undefined
    for (const bucket of byArrival(lane.buckets)) this.dispatch(bucket, now)
    if (this.#hasGlobalQueue) this.dispatchAll(now)
  }

  /** Grants one request per queued bucket in turn while the global limiter permits. */
  dispatchAll(now: number): void {
    this.#learning.updateSpacing(now)
    // First interactions: a user waits for the response, and the token is short-lived.
    this.#dispatchGlobalQueue("interaction", now)
    this.#dispatchGlobalQueue("webhook", now)
    this.#scheduleGlobalTimer()
  }

  /** Removes a bucket without waiting requests. */
  leaveGlobalQueue(bucket: BucketState): void {
    bucket.earliestDeadline = Number.POSITIVE_INFINITY
    this.#setTimer(bucket, undefined)
    if (this.#globalQueues[bucket.webhook.kind].delete(bucket) && !this.#hasGlobalQueue) {
      this.#setTimer(this.#globalLimiter, undefined)
    }
  }

  #dispatchGlobalQueue(kind: Kind, now: number): void {
    const line = this.#globalQueues[kind]
    for (const bucket of line) {
      if (this.#globalLimiter.availableAt(kind) > now) break
      line.delete(bucket)
      const { head } = bucket.queue
      const at = head === undefined ? undefined : this.#earliestStart(head, now)
      if (head !== undefined && at !== undefined && at <= now) this.#grant(head, now)
      this.dispatch(bucket, now)
    }
  }

  get #hasGlobalQueue(): boolean {
    return this.#globalQueues.webhook.size > 0 || this.#globalQueues.interaction.size > 0
  }

  #scheduleGlobalTimer(): void {
    const opensFor = (kind: Kind) =>
      this.#globalQueues[kind].size > 0
        ? this.#globalLimiter.availableAt(kind)
        : Number.POSITIVE_INFINITY
    this.#setTimer(
      this.#globalLimiter,
      finiteInstant(Math.min(opensFor("webhook"), opensFor("interaction"))),
    )
  }

  #joinGlobalQueue(bucket: BucketState): void {
    this.#globalQueues[bucket.webhook.kind].add(bucket)
    this.#setTimer(bucket, finiteInstant(bucket.earliestDeadline))
    this.#scheduleGlobalTimer()
  }

  /**
   * The time from which the head of a queue may start; `Infinity` until the state changes. A request
   * whose policy throws fails with the defect.
   */
  #earliestStart(ticket: PendingRequest, now: number): number | undefined {
    try {
      return this.#computeStart(ticket, now)
    } catch (defect) {
      this.#pending.end(ticket, Exit.die(defect))
      this.#pending.markIdle(ticket.routeState.webhook, now)
      return undefined
    }
  }

  #computeStart(ticket: PendingRequest, now: number): number {
    const { bucket, policy } = ticket
    const { webhook: lane } = ticket.routeState
    const notBefore = Math.max(ticket.notBefore, bucket.blockedUntil)
    if (notBefore > now) return notBefore
    const whenAnswered = bucket.inFlight > 0 ? Number.POSITIVE_INFINITY : now
    let at: number
    // A probe after a 429, or of an unknown bucket, starts alone, independently of the policy.
    if (bucket.probing || !bucket.isKnown) {
      at = whenAnswered
    } else {
      const broken = bucket.getDefect(policy)
      if (broken !== undefined) throw broken.defect
      this.#statistics.onUnusedSlots(ticket, bucket.rollFor(policy, now))
      const wait = policyWait(bucket, policy, now)
      at = wait === undefined ? now : wait > 0 ? now + wait : whenAnswered
    }
    if (at > now || lane.inFlight === 0) return at
    return mayOverlap(ticket, lane) ? now : Number.POSITIVE_INFINITY
  }

  #grant(ticket: PendingRequest, now: number): void {
    const { bucket, routeState: place, policy } = ticket
    this.#pending.remove(ticket)
    this.#permits.grant(ticket, now)
    ticket.attempts += 1
    ticket.waited += now - ticket.since
    place.webhook.inFlight += 1
    place.inFlight += 1
    bucket.inFlight += 1
    this.#globalLimiter.recordSend(ticket, now, place.webhook.kind)
    this.#statistics.onSent(ticket, now - ticket.since)
    bucket.observe(policy, { _tag: "Sent", at: now, waited: ticket.waited })
    ticket.complete(Exit.void)
  }
}

/** Estimates when a request that joins this queue now would start. */
export function estimateTurn(bucket: BucketState, policy: Policy, now: number): number {
  const free = bucket.remaining - bucket.inFlight
  const ahead = bucket.waiting
  const { limit, resetAt, period } = bucket
  if (ahead === 0 || limit === undefined) {
    return now + (policyWait(bucket, policy, now) ?? 0)
  }
  if (ahead < free) return now
  const windows = Math.floor((ahead - Math.max(0, free)) / limit)
  return (resetAt ?? now) + windows * (period ?? 0)
}

/** Whether a request may start while others of its webhook are in flight. */
function mayOverlap(ticket: PendingRequest, lane: WebhookState): boolean {
  const { waitingAlone: asking } = lane
  if (!ticket.ordered) return asking === undefined || ticket.sequence < asking.sequence
  if (asking === undefined || ticket.sequence < asking.sequence) lane.waitingAlone = ticket
  return false
}

/** Sorts buckets by the arrival of their heads. */
function byArrival(buckets: ReadonlyArray<BucketState>): ReadonlyArray<BucketState> {
  if (buckets.length < 2) return buckets
  return [...buckets].sort((a, b) => headSequence(a) - headSequence(b))
}

function headSequence(bucket: BucketState): number {
  return bucket.queue.head?.sequence ?? 0
}

/** The policy's wait in milliseconds: 0 until the next response, `undefined` for none. */
function policyWait(bucket: BucketState, policy: Policy, now: number): number | undefined {
  if (!policy.shouldWait(bucket.seenBy(policy), now)) return undefined
  const wait = toMillis(policy.calculateWait(bucket, now))
  return wait > 0 ? Math.min(wait, maxPolicyWait) : 0
}

/**
 * What a timer can be set for: a bucket, a parked request, the global limiter, permits that others wait
 * for, or the sweep of idle webhooks.
 */
export type TimerTarget = BucketState | PendingRequest | GlobalLimiter | Permits | WebhookRegistry

/** Sets or cancels the one timer of a target, on which `wake` is called. */
export type SetTimer = (target: TimerTarget, at: number | undefined) => void

/** Minimum milliseconds between two sweeps of idle webhooks. */
const minSweepInterval = 1000

/**
 * Up to this number of idle or dead webhooks, no timer is set, because it would keep an otherwise
 * finished program alive. They are swept on the next use of the limiter.
 */
const maxUnswept = 100

export class PendingRequests {
  readonly #setTimer: SetTimer
  #idleAfter: number
  /** Whether any waiting request polls. */
  hasPolling = false
  readonly #learning: Learning
  readonly #statistics: Statistics
  #sweptAt = 0
  /** Number of waiting requests on all webhooks. */
  count = 0

  constructor(settings: Settings, knowledge: Learning, tallies: Statistics, alarm: SetTimer) {
    this.#setTimer = alarm
    this.#idleAfter = settings.idleAfter
    this.#learning = knowledge
    this.#statistics = tallies
  }

  configure({ idleAfter }: Settings): void {
    this.#idleAfter = idleAfter
  }

  /** Adds a request to its queue in order of arrival. */
  enqueue(ticket: PendingRequest, now: number): void {
    const { webhook: lane } = ticket.routeState
    this.#learning.webhooks.markBusy(lane)
    this.expectPoll(ticket, now)
    ticket.state = "waiting"
    lane.waiting += 1
    this.count += 1
    ticket.bucket.enqueue(ticket)
  }

  /** Takes a request out of the queue until a retry delay elapses. */
  park(ticket: PendingRequest, until: number, now: number): void {
    const { webhook: lane } = ticket.routeState
    this.#learning.webhooks.markBusy(lane)
    this.expectPoll(ticket, now)
    ticket.state = "parked"
    lane.waiting += 1
    this.count += 1
    lane.park(ticket)
    this.#setTimer(ticket, until)
  }

  /** Removes a request from its queue, or unparks it. */
  remove(ticket: PendingRequest): void {
    const { webhook: lane } = ticket.routeState
    lane.waiting -= 1
    this.count -= 1
    this.#statistics.onLeft(ticket)
    if (ticket.state === "waiting") {
      ticket.bucket.queue.remove(ticket)
    } else {
      lane.unpark(ticket)
      this.#setTimer(ticket, undefined)
    }
  }

  /** Records when the fiber of a polling request polls next; a late one is assumed to be gone. */
  expectPoll(ticket: PendingRequest, at: number): void {
    const polls = ticket.owner.polls === true
    if (polls) this.hasPolling = true
    ticket.presentUntil = polls ? at + pollGrace : Number.POSITIVE_INFINITY
  }

  /** Removes a request whose fiber did not poll. It waits again if the fiber polls later. */
  skip(ticket: PendingRequest): void {
    this.remove(ticket)
    ticket.state = "skipped"
    this.markIdle(ticket.routeState.webhook, ticket.presentUntil)
  }

  /** Skips all requests of a webhook whose fibers did not poll. */
  skipAbsent(lane: WebhookState, now: number): void {
    if (!this.hasPolling) return
    for (const ticket of lane.pending()) {
      if (ticket.presentUntil < now) this.skip(ticket)
    }
  }

  fail(ticket: PendingRequest, error: WaitError): void {
    this.end(ticket, Exit.fail(error))
  }

  end(ticket: PendingRequest, ending: WaitResult): void {
    this.remove(ticket)
    ticket.state = "settled"
    ticket.complete(ending)
  }

  /** Fails the requests whose deadline is before `known`, the earliest possible start. */
  rejectLate(bucket: BucketState, known: number, now: number): void {
    bucket.earliestDeadline = Number.POSITIVE_INFINITY
    for (const ticket of bucket.queue) {
      if (ticket.deadline < known || ticket.deadline <= now) {
        this.fail(ticket, this.makeMaxWaitError(ticket, Math.max(known, now), now))
      } else {
        bucket.earliestDeadline = Math.min(bucket.earliestDeadline, ticket.deadline)
      }
    }
    this.markIdle(bucket.webhook, now)
  }

  /** Fails waiting requests that must not be sent any more, for example to a deleted webhook. */
  rejectDisallowed(lane: WebhookState, now: number): void {
    for (const ticket of lane.pending()) {
      const refusal = this.#learning.rejectionOf(ticket.route, now)
      if (refusal !== undefined) this.fail(ticket, refusal)
    }
    this.markIdle(lane, now)
  }

  makeMaxWaitError(ticket: PendingRequest, at: number, now: number): WebhookRateLimited {
    const { bucket, route } = ticket
    return new WebhookRateLimited({
      ...errorFields(route),
      reason: "maxWait",
      retryAfter: Duration.millis(at - now),
      scope: this.#blockedBy(bucket, now) ?? "bucket",
      bucket: bucket.id,
      attempts: ticket.attempts,
    })
  }

  /** Marks a webhook idle if it has no requests, so that it is evicted later. */
  markIdle(lane: WebhookState, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#learning.webhooks.markIdle(lane, now)
    if (this.#needsSweepTimer)
      this.#setTimer(this.#learning.webhooks, finiteInstant(now + this.#sweepInterval))
  }

  /** Sweeps if it is due: there is no timer for few webhooks, nor without an open layer. */
  sweepIfDue(now: number): void {
    if (now - this.#sweptAt >= this.#idleAfter) this.sweep(now)
  }

  /** Evicts idle and expired webhooks. */
  sweep(now: number): void {
    const { deadWebhooks: graveyard, webhooks } = this.#learning
    this.#sweptAt = now
    for (const lane of webhooks.withWaiting()) this.skipAbsent(lane, now)
    graveyard.sweep(now)
    webhooks.sweep(now - this.#idleAfter)
    this.#setTimer(
      webhooks,
      this.#needsSweepTimer ? finiteInstant(now + this.#sweepInterval) : undefined,
    )
  }

  get #sweepInterval(): number {
    return Math.max(this.#idleAfter, minSweepInterval)
  }

  get #needsSweepTimer(): boolean {
    return this.#learning.webhooks.idle + this.#learning.deadWebhooks.size > maxUnswept
  }

  #blockedBy(bucket: BucketState, now: number): LimitScope | undefined {
    const { by, until } = this.#learning.globalLimiter.getBlock(bucket.webhook.kind)
    if (until > Math.max(now, bucket.blockedUntil)) return by
    return bucket.blockedUntil > now ? (bucket.blockedBy ?? "user") : undefined
  }
}

/** `undefined` for `Infinity`, which cancels a timer. */
export function finiteInstant(at: number): number | undefined {
  return at === Number.POSITIVE_INFINITY ? undefined : at
}

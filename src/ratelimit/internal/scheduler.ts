/** Who goes, and when: the head of a queue, as far as its bucket, its webhook and the gate allow. */
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
   * Buckets whose head may go as soon as the gate allows, each for one request a turn. Those of
   * interactions do not wait behind the global limit.
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

  /** Lets go whoever may go, and sets the alarm for the next. */
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

  /** Something of this webhook has changed. Its buckets take turns by the arrival of their heads. */
  dispatchWebhook(lane: WebhookState, now: number): void {
    lane.waitingAlone = undefined
    for (const bucket of byArrival(lane.buckets)) this.dispatch(bucket, now)
    if (this.#hasGlobalQueue) this.dispatchAll(now)
  }

  /** One request for each bucket in line while the gate is open. */
  dispatchAll(now: number): void {
    this.#learning.updateSpacing(now)
    // Somebody waits for the response to an interaction, and its token is short-lived.
    this.#dispatchGlobalQueue("interaction", now)
    this.#dispatchGlobalQueue("webhook", now)
    this.#scheduleGlobalTimer()
  }

  /** Nobody waits here any more. */
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
   * The instant from which the first in a queue may go: now, later, or `Infinity` for "when
   * something changes". A request whose policy throws ends with the defect.
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
    // Who was promised a slot by Retry-After, or knows nothing, goes alone, whatever the policy says.
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

/** The instant at which the turn of a request that joins this queue now would come. */
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

/** Whether a request may go although others of its webhook are under way. */
function mayOverlap(ticket: PendingRequest, lane: WebhookState): boolean {
  const { waitingAlone: asking } = lane
  if (!ticket.ordered) return asking === undefined || ticket.sequence < asking.sequence
  if (asking === undefined || ticket.sequence < asking.sequence) lane.waitingAlone = ticket
  return false
}

/** By the arrival of their heads. */
function byArrival(buckets: ReadonlyArray<BucketState>): ReadonlyArray<BucketState> {
  if (buckets.length < 2) return buckets
  return [...buckets].sort((a, b) => headSequence(a) - headSequence(b))
}

function headSequence(bucket: BucketState): number {
  return bucket.queue.head?.sequence ?? 0
}

/** Milliseconds the policy wants to wait; 0 until an answer comes, `undefined` not at all. */
function policyWait(bucket: BucketState, policy: Policy, now: number): number | undefined {
  if (!policy.shouldWait(bucket.seenBy(policy), now)) return undefined
  const wait = toMillis(policy.calculateWait(bucket, now))
  return wait > 0 ? Math.min(wait, maxPolicyWait) : 0
}

/**
 * What an alarm can be set for: a bucket, a request between two attempts, the gate, the permits that
 * others wait for, or the sweep of idle webhooks.
 */
export type TimerTarget = BucketState | PendingRequest | GlobalLimiter | Permits | WebhookRegistry

/** Asks to be woken by `wake` at an instant, at most once for each target; or not any more. */
export type SetTimer = (target: TimerTarget, at: number | undefined) => void

/** Idle webhooks are swept no more often than this (milliseconds). */
const minSweepInterval = 1000

/**
 * So few that are idle or dead are worth no timer, which would keep a program alive that has nothing
 * else to do: they are swept when somebody next uses the limiter.
 */
const maxUnswept = 100

export class PendingRequests {
  readonly #setTimer: SetTimer
  #idleAfter: number
  /** Whether some of those who wait poll. */
  hasPolling = false
  readonly #learning: Learning
  readonly #statistics: Statistics
  #sweptAt = 0
  /** How many wait, on all webhooks. */
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

  /** Into the queue, to the place of its arrival. */
  enqueue(ticket: PendingRequest, now: number): void {
    const { webhook: lane } = ticket.routeState
    this.#learning.webhooks.markBusy(lane)
    this.expectPoll(ticket, now)
    ticket.state = "waiting"
    lane.waiting += 1
    this.count += 1
    ticket.bucket.enqueue(ticket)
  }

  /** Aside until its time has come. */
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

  /** It waits no more. */
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

  /** Its fiber polls at this instant, if it polls; it is assumed to be gone when it is late. */
  expectPoll(ticket: PendingRequest, at: number): void {
    const polls = ticket.owner.polls === true
    if (polls) this.hasPolling = true
    ticket.presentUntil = polls ? at + pollGrace : Number.POSITIVE_INFINITY
  }

  /** Its fiber did not poll: it waits no more, unless the fiber comes back. */
  skip(ticket: PendingRequest): void {
    this.remove(ticket)
    ticket.state = "skipped"
    this.markIdle(ticket.routeState.webhook, ticket.presentUntil)
  }

  /** Passes over all whose fibers did not poll. */
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

  /** Whoever would have to wait for too long fails; nobody goes before the instant `known`. */
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

  /** Whoever waits for what must not be asked for any more fails without asking Discord. */
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

  /** Nothing of the webhook may be under way any more: then it is forgotten after a while. */
  markIdle(lane: WebhookState, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#learning.webhooks.markIdle(lane, now)
    if (this.#needsSweepTimer)
      this.#setTimer(this.#learning.webhooks, finiteInstant(now + this.#sweepInterval))
  }

  /** Sweeps when it is time to: not all are worth an alarm, and without a layer open there is none. */
  sweepIfDue(now: number): void {
    if (now - this.#sweptAt >= this.#idleAfter) this.sweep(now)
  }

  /** Forgets what has been idle for long. */
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

/** An alarm for never is none. */
export function finiteInstant(at: number): number | undefined {
  return at === Number.POSITIVE_INFINITY ? undefined : at
}

/**
 * The state machine of the limiter. It owns all state, which a few synchronous transitions change; each
 * receives the current time. It does not depend on fibers: a request exposes its result, and timers
 * are set through a callback.
 */
import * as Exit from "effect/Exit"
import { DiscordRateLimiterClosed, WebhookQueueFull } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { ResponseInfo, RateLimited } from "../ResponseInfo.js"
import { neverSent, type Outcome, unknown } from "../Permit.js"
import type { Route } from "../Route.js"
import { errorFields } from "../errorFields.js"
import type { Observation, Policy } from "../strategy/Policy.js"
import { BucketState, PendingRequest } from "./bucketState.js"
import type { WaitResult, RouteState, RequestOwner, RequestOptions } from "./bucketState.js"
import { GlobalLimiter } from "./globalLimiter.js"
import {
  Scheduler,
  estimateTurn,
  type SetTimer,
  finiteInstant,
  type TimerTarget,
  PendingRequests,
} from "./scheduler.js"
import { DeadWebhooks } from "./deadWebhooks.js"
import { Learning } from "./learning.js"
import { LimiterEvents, type OnEvent } from "./events.js"
import { Permits } from "./permits.js"
import { Polling } from "./polling.js"
import type { Settings } from "./settings.js"
import type { Snapshot } from "./snapshot.js"
import { Statistics } from "./statistics.js"
import { WebhookRegistry } from "./webhookRegistry.js"

type OnResult = (ending: WaitResult) => void

export class StateMachine {
  readonly #events: LimiterEvents
  readonly #learning: Learning
  readonly #webhooks: WebhookRegistry
  readonly #globalLimiter: GlobalLimiter
  readonly #statistics = new Statistics()
  readonly #pending: PendingRequests
  readonly #permits: Permits
  readonly #polling = new Polling()
  readonly #scheduler: Scheduler
  #sequence = 0

  constructor(settings: Settings, timers: SetTimer, tell: OnEvent = () => {}) {
    const alarm: SetTimer = (target, at) => {
      if (this.#pending.hasPolling) this.#polling.set(target, at)
      timers(target, at)
    }
    this.#events = new LimiterEvents(tell)
    this.#learning = new Learning(settings, this.#events)
    this.#webhooks = this.#learning.webhooks
    this.#globalLimiter = this.#learning.globalLimiter
    this.#pending = new PendingRequests(settings, this.#learning, this.#statistics, alarm)
    this.#permits = new Permits(alarm)
    this.#scheduler = new Scheduler(
      this.#learning,
      this.#statistics,
      this.#pending,
      this.#permits,
      alarm,
    )
  }

  /** Replaces the settings, which also apply to waiting requests. */
  configure(settings: Settings, now: number): void {
    this.#learning.configure(settings)
    this.#pending.configure(settings)
    if (this.#pending.count === 0) return
    this.#rejectIfSpent(now)
    this.#scheduler.dispatchAll(now)
  }

  /** Adds a request. Its `result` is set when it is granted or fails. */
  submit(route: Route, wish: RequestOptions, now: number, resume?: OnResult): PendingRequest {
    this.#expireDue(now)
    this.#learning.updateSpacing(now)
    const place = this.#webhooks.getRouteState(route)
    const ticket = new PendingRequest(++this.#sequence, route, wish, place, now)
    ticket.resume = resume
    const refusal = this.#rejectionOf(ticket, now)
    if (refusal === undefined) {
      this.#joinOwnQueue(ticket, now)
    } else {
      ticket.state = "settled"
      ticket.complete(Exit.fail(refusal))
      this.#pending.markIdle(place.webhook, now)
    }
    return ticket
  }

  /**
   * Called when the fiber of a granted request has resumed. Returns whether the request holds its
   * permit; one that was skipped in the meantime waits again at its old position.
   */
  claim(ticket: PendingRequest, now: number): boolean {
    if (ticket.state === "skipped") this.#rejoin(ticket, now)
    else if (ticket.state === "granted") {
      if (ticket.owner.polls === true)
        this.#globalLimiter.postponeSend(ticket.sentAt, now, ticket.route.kind)
      this.#permits.hold(ticket, now)
    }
    return ticket.state === "held"
  }

  /**
   * Polls for a waiting request, instead of a timer. Returns the time of the next poll, or `undefined`
   * when the wait is over.
   */
  poll(ticket: PendingRequest, now: number): number | undefined {
    if (ticket.state === "skipped") this.#rejoin(ticket, now)
    if (ticket.result !== undefined) return undefined
    this.#pending.expectPoll(ticket, now)
    this.#expireDue(now)
    this.#unpark(ticket, now)
    this.#scheduler.dispatchWebhook(ticket.routeState.webhook, now)
    if (ticket.result !== undefined) return undefined
    const at = this.#polling.next(ticket, this.#globalLimiter, now)
    this.#pending.expectPoll(ticket, at)
    return at
  }

  /** Settles a permit and dispatches the next request of the webhook. */
  settle(ticket: PendingRequest, outcome: Outcome, now: number): void {
    if (!this.#releasePermit(ticket, outcome, now)) return
    this.#scheduler.dispatchWebhook(ticket.routeState.webhook, now)
    this.#reclaimExpired(now)
  }

  /**
   * Settles an attempt and queues another one, not before `notBefore`, at the old position. An ordered
   * request blocks the others meanwhile; a concurrent one is parked.
   */
  retry(
    ticket: PendingRequest,
    outcome: Outcome,
    notBefore: number,
    now: number,
    resume?: OnResult,
  ): void {
    if (!this.#releasePermit(ticket, outcome, now)) return
    ticket.resume = resume
    ticket.notBefore = notBefore
    this.#waitAgain(ticket, now)
    this.#scheduler.dispatchWebhook(ticket.routeState.webhook, now)
    this.#reclaimExpired(now)
  }

  /** Removes a waiting request, and settles an unused permit as never sent. */
  cancel(ticket: PendingRequest, now: number): void {
    if (ticket.hasPermit) this.settle(ticket, neverSent, now)
    const { bucket, routeState: place, state } = ticket
    if (state !== "waiting" && state !== "parked") {
      ticket.state = "settled"
      return
    }
    const concerned = bucket.queue.head === ticket
    this.#pending.remove(ticket)
    ticket.state = "settled"
    if (place.webhook.waitingAlone === ticket) this.#scheduler.dispatchWebhook(place.webhook, now)
    else if (concerned) this.#scheduler.dispatch(bucket, now)
    this.#pending.markIdle(place.webhook, now)
  }

  /** Handles an expired timer. */
  wake(target: TimerTarget, now: number): void {
    this.#reclaimExpired(now)
    if (target instanceof BucketState) this.#scheduler.dispatch(target, now)
    else if (target instanceof GlobalLimiter) this.#scheduler.dispatchAll(now)
    else if (target instanceof WebhookRegistry) this.#pending.sweep(now)
    else if (target instanceof Permits) this.#watchPermits(now)
    else this.#unpark(target, now)
  }

  /** Records the response of a request that had no permit of this limiter. */
  update(route: Route, answer: ResponseInfo, now: number): void {
    this.#expireDue(now)
    const place = this.#webhooks.getRouteState(route)
    this.#learn(place, answer, undefined, now)
    this.#scheduler.dispatchWebhook(place.webhook, now)
    this.#pending.markIdle(place.webhook, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    this.#expireDue(now)
    return this.#webhooks.find(route, now)
  }

  /** Estimates the milliseconds that a request made now would wait. */
  estimate(route: Route, policy: Policy, now: number): number {
    this.#reclaimExpired(now)
    const bucket = this.#webhooks.find(route, now)
    const passes = this.#globalLimiter.availableAt(route.kind)
    const at = Math.max(now, finiteInstant(passes) ?? 0, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.isKnown) return at - now
    return Math.max(at, estimateTurn(bucket, policy, now)) - now
  }

  /** Resets what has been learned, and dispatches waiting requests accordingly. */
  clear(now: number, route?: Route): void {
    this.#reclaimExpired(now)
    this.#learning.deadWebhooks.clear(route?.major)
    for (const bucket of this.#webhooks.reset(route)) this.#scheduler.dispatch(bucket, now)
  }

  /** Fails all waiting requests of an owner whose scope is closed. */
  close(owner: RequestOwner, now: number): void {
    for (const lane of this.#webhooks.withWaiting()) {
      for (const ticket of lane.pending()) {
        if (ticket.owner === owner) {
          this.#pending.fail(ticket, new DiscordRateLimiterClosed(errorFields(ticket.route)))
        }
      }
      this.#scheduler.dispatchWebhook(lane, now)
      this.#pending.markIdle(lane, now)
    }
  }

  snapshot(now: number): Snapshot {
    this.#expireDue(now)
    return {
      ...this.#webhooks.counts(),
      deadWebhooks: this.#learning.deadWebhooks.size,
      invalidRequests: this.#learning.invalidRequests.count(now),
      strategies: this.#statistics.snapshot(),
    }
  }

  #rejectionOf(ticket: PendingRequest, now: number): WaitError | undefined {
    const { route, bucket, deadline, owner } = ticket
    const refusal = this.#learning.rejectionOf(route, now)
    if (refusal !== undefined) return refusal
    const capacity = owner.queueCapacity ?? Number.POSITIVE_INFINITY
    if (bucket.waiting >= capacity) this.#pending.skipAbsent(bucket.webhook, now)
    if (bucket.waiting >= capacity) return new WebhookQueueFull({ ...errorFields(route), capacity })
    if (deadline === Number.POSITIVE_INFINITY) return undefined
    const at = now + this.estimate(route, ticket.policy, now)
    return at > deadline ? this.#pending.makeMaxWaitError(ticket, at, now) : undefined
  }

  /** Runs before a transition: reclaims expired permits and evicts idle webhooks. */
  #expireDue(now: number): void {
    this.#reclaimExpired(now)
    this.#pending.sweepIfDue(now)
  }

  /**
   * Reclaims permits whose fibers are assumed to be gone. An unused one is released; any other may have
   * been sent until its lease ended.
   */
  #reclaimExpired(now: number): void {
    let ticket = this.#permits.findExpired(now)
    for (; ticket !== undefined; ticket = this.#permits.findExpired(now)) {
      const isHeld = ticket.state === "held"
      this.#applyOutcome(ticket, isHeld ? unknown : neverSent, ticket.presentUntil)
      ticket.state = isHeld ? "expired" : "skipped"
      if (!isHeld) ticket.attempts -= 1
      this.#scheduler.dispatchWebhook(ticket.routeState.webhook, now)
    }
  }

  /** Watches permits while requests wait, because an expired permit may unblock them. */
  #watchPermits(now: number): void {
    if (this.#pending.count > 0) this.#permits.watch(now)
  }

  #join(ticket: PendingRequest, now: number): void {
    this.#pending.enqueue(ticket, now)
    this.#scheduler.dispatch(ticket.bucket, now)
    if (ticket.result === undefined) this.#statistics.onQueued(ticket)
  }

  /** Joins the queue in a call by the request's own fiber, which can use the permit at once. */
  #joinOwnQueue(ticket: PendingRequest, now: number): void {
    this.#join(ticket, now)
    if (ticket.state === "granted") this.#permits.hold(ticket, now)
  }

  /** Moves a parked request back to its old position in the queue. */
  #unpark(ticket: PendingRequest, now: number): void {
    if (ticket.state !== "parked") return
    this.#pending.remove(ticket)
    if (ticket.notBefore > now) this.#pending.park(ticket, ticket.notBefore, now)
    else this.#join(ticket, now)
  }

  /** Rejoins the queue; the webhook may have been evicted since the request was skipped. */
  #rejoin(ticket: PendingRequest, now: number): void {
    this.#expireDue(now)
    ticket.routeState = this.#webhooks.getRouteState(ticket.route)
    this.#waitAgain(ticket, now)
    this.#pending.markIdle(ticket.routeState.webhook, now)
  }

  #waitAgain(ticket: PendingRequest, now: number): void {
    const { notBefore } = ticket
    ticket.result = undefined
    ticket.since = now
    ticket.state = "settled"
    const refusal = this.#rejectionOfRetry(ticket, now)
    if (refusal !== undefined) ticket.complete(Exit.fail(refusal))
    else if (notBefore <= now || ticket.ordered) this.#joinOwnQueue(ticket, now)
    else this.#pending.park(ticket, notBefore, now)
  }

  #rejectionOfRetry(ticket: PendingRequest, now: number): WaitError | undefined {
    const { deadline, notBefore, owner, route } = ticket
    if (owner.closed === true) return new DiscordRateLimiterClosed(errorFields(route))
    return (
      this.#learning.rejectionOf(route, now) ??
      (notBefore > deadline ? this.#pending.makeMaxWaitError(ticket, notBefore, now) : undefined)
    )
  }

  /** Releases a permit. An expired one has been released already, but its response is still recorded. */
  #releasePermit(ticket: PendingRequest, outcome: Outcome, now: number): boolean {
    if (ticket.hasPermit) {
      this.#applyOutcome(ticket, outcome, now)
      return true
    }
    if (ticket.state !== "expired") return false
    ticket.state = "settled"
    // The webhook may have been evicted in the meantime.
    ticket.routeState = this.#webhooks.getRouteState(ticket.route)
    if (outcome._tag === "Responded") {
      const { limited } = outcome.response
      if (limited !== undefined) this.#statistics.onLimited(ticket, limited.scope)
      this.#learn(ticket.routeState, outcome.response, ticket.sentAt, now)
    }
    this.#pending.markIdle(ticket.routeState.webhook, now)
    return true
  }

  #applyOutcome(ticket: PendingRequest, outcome: Outcome, now: number): void {
    const { routeState: place, policy, sentAt } = ticket
    this.#permits.release(ticket)
    ticket.state = "settled"
    place.bucket.inFlight -= 1
    place.inFlight -= 1
    place.webhook.inFlight -= 1
    const limited = outcome._tag === "Responded" ? outcome.response.limited : undefined
    if (limited !== undefined) this.#statistics.onLimited(ticket, limited.scope)
    if (outcome._tag === "Responded") this.#learn(place, outcome.response, sentAt, now)
    else if (outcome._tag === "Unknown") {
      ticket.bucket.window.consume(sentAt, now, ticket.bucket.inFlight)
    }
    const isOpen = outcome._tag === "Responded" && !isHostWide(limited)
    this.#globalLimiter.onSettled(ticket, isOpen, place.webhook.kind)
    ticket.bucket.observe(policy, toObservation(outcome, sentAt, now))
    if (outcome._tag === "Responded") this.#recordMetrics(ticket, limited)
    this.#pending.markIdle(place.webhook, now)
  }

  #learn(place: RouteState, answer: ResponseInfo, sentAt: number | undefined, now: number): void {
    const { bucket, webhook: lane } = place
    const taught = this.#learning.learn(place, answer, sentAt, now)
    if (bucket !== place.bucket && bucket.waiting === 0) this.#scheduler.leaveGlobalQueue(bucket)
    if (!this.#rejectIfSpent(now) && DeadWebhooks.isGoneResponse(answer, lane.kind)) {
      this.#pending.rejectDisallowed(lane, now)
    }
    for (const one of taught) this.#scheduler.dispatchWebhook(one, now)
  }

  /** Fails all waiting requests while the invalid-request limit is reached. */
  #rejectIfSpent(now: number): boolean {
    if (!this.#learning.isInvalidLimitReached(now)) return false
    for (const lane of this.#webhooks.withWaiting()) this.#pending.rejectDisallowed(lane, now)
    return true
  }

  /** Updates metrics, and emits a hidden limit that was detected after a 429. */
  #recordMetrics(ticket: PendingRequest, limited: RateLimited | undefined): void {
    const { bucket, policy, route } = ticket
    const { hiddenLimit: limit, hiddenPeriod: period } = this.#statistics.onResponse(ticket, bucket)
    if (limited === undefined || limit === undefined) return
    this.#events.onHiddenLimit(route.name, bucket.id, { strategy: policy.name, limit, period })
  }
}

function isHostWide(limited: RateLimited | undefined): boolean {
  return limited !== undefined && limited.scope !== "user" && limited.scope !== "shared"
}

function toObservation(outcome: Outcome, sentAt: number, at: number): Observation {
  return outcome._tag === "Responded"
    ? { _tag: "Responded", at, sentAt, response: outcome.response }
    : { _tag: outcome._tag, at, sentAt }
}

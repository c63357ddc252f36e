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
import { errorFields } from "../../error/message.js"
import type { Policy } from "../strategy/Policy.js"
import { BucketState, PendingRequest } from "./bucketState.js"
import type { RequestOptions, RequestOwner, RouteState, WaitResult } from "./bucketState.js"
import { GlobalLimiter } from "./globalLimiter.js"
import { Scheduler, estimateStart } from "./scheduler.js"
import { DeadWebhooks } from "../deadWebhooks.js"
import { Learning, WebhookRegistry } from "./learning.js"
import { LimiterEvents, type OnEvent } from "./events.js"
import { finiteInstant, PendingRequests, Permits, Polling } from "./pendingRequests.js"
import type { SetTimer, TimerTarget } from "./pendingRequests.js"
import type { Settings } from "../settings.js"
import { type Snapshot, Statistics } from "./statistics.js"

type OnResult = (result: WaitResult) => void

export class StateMachine {
  readonly #events: LimiterEvents
  readonly learning: Learning
  readonly #webhooks: WebhookRegistry
  readonly #globalLimiter: GlobalLimiter
  readonly #statistics = new Statistics()
  readonly pending: PendingRequests
  readonly #permits: Permits
  readonly #polling = new Polling()
  readonly scheduler: Scheduler
  #sequence = 0

  constructor(settings: Settings, timers: SetTimer, onEvent: OnEvent = () => {}) {
    const setTimer: SetTimer = (target, at) => {
      if (this.pending.hasPolling) this.#polling.set(target, at)
      timers(target, at)
    }
    this.#events = new LimiterEvents(onEvent)
    this.learning = new Learning(settings, this.#events)
    this.#webhooks = this.learning.webhooks
    this.#globalLimiter = this.learning.globalLimiter
    this.pending = new PendingRequests(settings, this.learning, this.#statistics, setTimer)
    this.#permits = new Permits(setTimer)
    this.scheduler = new Scheduler(
      this.learning,
      this.#statistics,
      this.pending,
      this.#permits,
      setTimer,
    )
  }

  /**
   * Replaces the settings, also for waiting requests. Permits whose fibers have not resumed yet are taken back; those
   * requests wait again when their fibers resume.
   */
  configure(settings: Settings, now: number): void {
    this.learning.configure(settings)
    this.pending.configure(settings)
    this.#permits.recall(now)
    this.#reclaimExpired(now)
    if (this.pending.count === 0) return
    this.#rejectAtInvalidLimit(now)
    this.scheduler.dispatchGlobalQueues(now)
  }

  /** Adds a request. Its `result` is set when it is granted or fails. */
  submit(route: Route, options: RequestOptions, now: number, resume?: OnResult): PendingRequest {
    this.#expireDue(now)
    this.learning.updateSpacing(now)
    const routeState = this.#webhooks.getRouteState(route)
    const request = new PendingRequest(++this.#sequence, route, options, routeState, now)
    request.resume = resume
    const rejection = this.#rejectionOf(request, now)
    if (rejection === undefined) {
      this.#joinOwnQueue(request, now)
    } else {
      request.state = "settled"
      request.complete(Exit.fail(rejection))
      this.pending.markIdle(routeState.webhook, now)
    }
    return request
  }

  /**
   * Called when the fiber of a granted request has resumed. Returns whether the request holds its
   * permit; one that was skipped in the meantime waits again at its old position.
   */
  claim(request: PendingRequest, now: number): boolean {
    if (request.state === "skipped") this.#rejoin(request, now)
    else if (request.state === "granted") {
      // A polling fiber resumes late, so the send counts from now.
      if (request.owner.polls === true)
        this.#globalLimiter.postponeSend(request.sentAt, now, request.route.kind)
      this.#permits.hold(request, now)
    }
    return request.state === "held"
  }

  /**
   * Called by the fiber of a waiting request in place of a timer, on runtimes such as Cloudflare Workers whose timers
   * end with the request that set them. Returns the time of the next poll, or `undefined` when the wait is over.
   */
  poll(request: PendingRequest, now: number): number | undefined {
    if (request.state === "skipped") this.#rejoin(request, now)
    if (request.result !== undefined) return undefined
    this.pending.expectPoll(request, now)
    this.#expireDue(now)
    this.#unpark(request, now)
    this.scheduler.dispatchWebhook(request.routeState.webhook, now)
    if (request.result !== undefined) return undefined
    const nextPollAt = this.#polling.next(request, this.#globalLimiter, now)
    this.pending.expectPoll(request, nextPollAt)
    return nextPollAt
  }

  /** Settles a permit and dispatches the next request of the webhook. */
  settle(request: PendingRequest, outcome: Outcome, now: number): void {
    if (!this.#releasePermit(request, outcome, now)) return
    this.scheduler.dispatchWebhook(request.routeState.webhook, now)
    this.#reclaimExpired(now)
  }

  /**
   * Settles an attempt and queues another one, not before `notBefore`, at the old position. An ordered
   * request blocks the others meanwhile; a concurrent one is parked.
   */
  retry(
    request: PendingRequest,
    outcome: Outcome,
    notBefore: number,
    now: number,
    resume?: OnResult,
  ): void {
    if (!this.#releasePermit(request, outcome, now)) return
    request.resume = resume
    request.notBefore = notBefore
    this.#waitAgain(request, now)
    this.scheduler.dispatchWebhook(request.routeState.webhook, now)
    this.#reclaimExpired(now)
  }

  /** Removes a waiting request, and settles an unused permit as never sent. */
  cancel(request: PendingRequest, now: number): void {
    if (request.hasPermit) this.settle(request, neverSent, now)
    const { bucket, routeState, state } = request
    if (state !== "waiting" && state !== "parked") {
      request.state = "settled"
      return
    }
    const wasHead = bucket.queue.head === request
    this.pending.remove(request)
    request.state = "settled"
    if (routeState.webhook.firstOrdered === request)
      this.scheduler.dispatchWebhook(routeState.webhook, now)
    else if (wasHead) this.scheduler.dispatch(bucket, now)
    this.pending.markIdle(routeState.webhook, now)
  }

  /** Handles an expired timer. */
  wake(target: TimerTarget, now: number): void {
    this.#reclaimExpired(now)
    if (target instanceof BucketState) this.scheduler.dispatch(target, now)
    else if (target instanceof GlobalLimiter) this.scheduler.dispatchGlobalQueues(now)
    else if (target instanceof WebhookRegistry) this.pending.sweep(now)
    else if (target instanceof Permits) this.#watchPermits(now)
    else this.#unpark(target, now)
  }

  /** Records the response of a request that had no permit of this limiter. */
  update(route: Route, response: ResponseInfo, now: number): void {
    this.#expireDue(now)
    const routeState = this.#webhooks.getRouteState(route)
    this.#learn(routeState, response, undefined, now)
    this.scheduler.dispatchWebhook(routeState.webhook, now)
    this.pending.markIdle(routeState.webhook, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    this.#expireDue(now)
    return this.#webhooks.find(route, now)
  }

  /** Estimates the milliseconds that a request made now would wait. */
  estimate(route: Route, policy: Policy, now: number): number {
    this.#reclaimExpired(now)
    const bucket = this.#webhooks.find(route, now)
    const globalAt = this.#globalLimiter.availableAt(route.kind, policy.learnsGlobalLimit)
    const startAt = Math.max(now, finiteInstant(globalAt) ?? 0, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.isKnown) return startAt - now
    return Math.max(startAt, estimateStart(bucket, policy, now)) - now
  }

  /** Resets what has been learned, and dispatches waiting requests accordingly. */
  clear(now: number, route?: Route): void {
    this.#reclaimExpired(now)
    this.learning.deadWebhooks.clear(route?.major)
    this.scheduler.dispatchEach(this.#webhooks.reset(route), now)
  }

  /** Fails all waiting requests of a layer whose scope is closed. */
  close(owner: RequestOwner, now: number): void {
    for (const webhook of this.#webhooks.withWaiting()) {
      for (const request of webhook.pending()) {
        if (request.owner === owner) {
          this.pending.fail(request, new DiscordRateLimiterClosed(errorFields(request.route)))
        }
      }
      this.scheduler.dispatchWebhook(webhook, now)
      this.pending.markIdle(webhook, now)
    }
  }

  snapshot(now: number): Snapshot {
    this.#expireDue(now)
    return {
      ...this.#webhooks.counts(),
      deadWebhooks: this.learning.deadWebhooks.size,
      invalidRequests: this.learning.invalidRequests.count(now),
      strategies: this.#statistics.snapshot(),
    }
  }

  #rejectionOf(request: PendingRequest, now: number): WaitError | undefined {
    const { route, bucket, deadline, owner } = request
    const rejection = this.learning.rejectionOf(route, now)
    if (rejection !== undefined) return rejection
    const { queueCapacity: capacity = Infinity } = owner
    if (bucket.waiting >= capacity) this.pending.skipAbsent(bucket.webhook, now)
    if (bucket.waiting >= capacity) return new WebhookQueueFull({ ...errorFields(route), capacity })
    if (deadline === Infinity) return undefined
    const startAt = now + this.estimate(route, request.policy, now)
    return startAt > deadline ? this.pending.makeMaxWaitError(request, startAt, now) : undefined
  }

  /** Runs before a transition: reclaims expired permits and evicts idle webhooks. */
  #expireDue(now: number): void {
    this.#reclaimExpired(now)
    this.pending.sweepIfDue(now)
  }

  /**
   * Reclaims expired permits. If the fiber never resumed, the request was not sent; otherwise it may have been, and
   * counts as `Unknown`.
   */
  #reclaimExpired(now: number): void {
    let request = this.#permits.findExpired(now)
    for (; request !== undefined; request = this.#permits.findExpired(now)) {
      const isHeld = request.state === "held"
      this.#applyOutcome(request, isHeld ? unknown : neverSent, request.presentUntil)
      request.state = isHeld ? "expired" : "skipped"
      if (!isHeld) {
        request.attempts -= 1
        request.skips += 1
      }
      this.scheduler.dispatchWebhook(request.routeState.webhook, now)
    }
  }

  /** Watches permits while requests wait, because an expired permit may unblock them. */
  #watchPermits(now: number): void {
    if (this.pending.count > 0) this.#permits.watch(now)
  }

  #join(request: PendingRequest, now: number): void {
    this.pending.enqueue(request, now)
    this.scheduler.dispatch(request.bucket, now)
    if (request.result === undefined) this.#statistics.onQueued(request)
  }

  /** Joins the queue in a call by the request's own fiber, which can use the permit at once. */
  #joinOwnQueue(request: PendingRequest, now: number): void {
    this.#join(request, now)
    if (request.state === "granted") this.#permits.hold(request, now)
  }

  /** Moves a parked request back to its old position in the queue. */
  #unpark(request: PendingRequest, now: number): void {
    if (request.state !== "parked") return
    this.pending.remove(request)
    if (request.notBefore > now) this.pending.park(request, request.notBefore, now)
    else this.#join(request, now)
  }

  /** Rejoins the queue; the webhook may have been evicted since the request was skipped. */
  #rejoin(request: PendingRequest, now: number): void {
    this.#expireDue(now)
    request.routeState = this.#webhooks.getRouteState(request.route)
    this.#waitAgain(request, now)
    this.pending.markIdle(request.routeState.webhook, now)
  }

  #waitAgain(request: PendingRequest, now: number): void {
    const { notBefore } = request
    request.result = undefined
    request.since = now
    // Overwritten below, unless the request is rejected.
    request.state = "settled"
    const rejection = this.#rejectionOfRetry(request, now)
    if (rejection !== undefined) request.complete(Exit.fail(rejection))
    else if (notBefore <= now || request.ordered) this.#joinOwnQueue(request, now)
    else this.pending.park(request, notBefore, now)
  }

  #rejectionOfRetry(request: PendingRequest, now: number): WaitError | undefined {
    const { deadline, notBefore, owner, route } = request
    if (owner.closed === true) return new DiscordRateLimiterClosed(errorFields(route))
    return (
      this.learning.rejectionOf(route, now) ??
      (notBefore > deadline ? this.pending.makeMaxWaitError(request, notBefore, now) : undefined)
    )
  }

  /** Releases a permit. An expired one has been released already, but its response is still recorded. */
  #releasePermit(request: PendingRequest, outcome: Outcome, now: number): boolean {
    if (request.hasPermit) {
      this.#applyOutcome(request, outcome, now)
      return true
    }
    if (request.state !== "expired") return false
    request.state = "settled"
    // The webhook may have been evicted in the meantime.
    request.routeState = this.#webhooks.getRouteState(request.route)
    if (outcome._tag === "Responded") {
      const { limited } = outcome.response
      if (limited !== undefined) this.#statistics.onLimited(request, limited.scope)
      this.#learn(request.routeState, outcome.response, request.sentAt, now)
    }
    this.pending.markIdle(request.routeState.webhook, now)
    return true
  }

  #applyOutcome(request: PendingRequest, outcome: Outcome, now: number): void {
    const { routeState, policy, sentAt } = request
    this.#permits.release(request)
    request.state = "settled"
    routeState.bucket.inFlight -= 1
    routeState.inFlight -= 1
    routeState.webhook.inFlight -= 1
    const limited = outcome._tag === "Responded" ? outcome.response.limited : undefined
    if (limited !== undefined) this.#statistics.onLimited(request, limited.scope)
    if (outcome._tag === "Responded") this.#learn(routeState, outcome.response, sentAt, now)
    else if (outcome._tag === "Unknown") request.bucket.consume(sentAt, now)
    const isUnblocked = outcome._tag === "Responded" && !blocksAllRequests(limited)
    this.#globalLimiter.onSettled(request, isUnblocked, routeState.webhook.kind)
    request.bucket.observe(
      policy,
      outcome._tag === "Responded"
        ? { _tag: "Responded", at: now, sentAt, response: outcome.response }
        : { _tag: outcome._tag, at: now, sentAt },
    )
    if (outcome._tag === "Responded") this.#recordMetrics(request, limited)
    this.pending.markIdle(routeState.webhook, now)
  }

  #learn(
    routeState: RouteState,
    response: ResponseInfo,
    sentAt: number | undefined,
    now: number,
  ): void {
    const { bucket, webhook } = routeState
    const affected = this.learning.learn(routeState, response, sentAt, now)
    if (bucket !== routeState.bucket && bucket.waiting === 0)
      this.scheduler.leaveGlobalQueue(bucket)
    if (!this.#rejectAtInvalidLimit(now) && DeadWebhooks.isGoneResponse(response, webhook.kind)) {
      this.pending.rejectDisallowed(webhook, now)
    }
    this.scheduler.dispatchEach(affected, now)
  }

  /** Fails all waiting requests while the invalid-request limit is reached. */
  #rejectAtInvalidLimit(now: number): boolean {
    if (!this.learning.isInvalidLimitReached(now)) return false
    for (const webhook of this.#webhooks.withWaiting()) this.pending.rejectDisallowed(webhook, now)
    return true
  }

  /** Updates metrics, and emits a hidden limit that was detected after a 429. */
  #recordMetrics(request: PendingRequest, limited: RateLimited | undefined): void {
    const { bucket, policy, route } = request
    const { hiddenLimit, hiddenPeriod } = this.#statistics.onResponse(request, bucket)
    if (limited === undefined || hiddenLimit === undefined) return
    this.#events.onHiddenLimit(route.name, bucket.id, policy.name, hiddenLimit, hiddenPeriod)
  }
}

function blocksAllRequests(limited: RateLimited | undefined): boolean {
  return limited !== undefined && limited.scope !== "user" && limited.scope !== "shared"
}

/** Requests that wait, requests that hold a permit, and the times at which they expire or poll. */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { type WaitError, WebhookRateLimited } from "../../error/WebhookError.js"
import type { LimitScope } from "../ResponseInfo.js"
import { errorFields } from "../../error/message.js"
import type { Settings } from "../settings.js"
import { LinkedQueue } from "./linkedQueue.js"
import type { BucketState, PendingRequest, WaitResult, WebhookState } from "./bucketState.js"
import type { GlobalLimiter } from "./globalLimiter.js"
import type { Learning, WebhookRegistry } from "./learning.js"
import type { Statistics } from "./statistics.js"

/**
 * What a timer can be set for: a bucket, a parked request, the global limiter, permits that others wait
 * for, or the sweep of idle webhooks.
 */
export type TimerTarget = BucketState | PendingRequest | GlobalLimiter | Permits | WebhookRegistry

/** Sets or cancels the one timer of a target, on which `wake` is called. */
export type SetTimer = (target: TimerTarget, at: number | undefined) => void

/**
 * Decides which requests this process may send, if other processes send to the same webhooks (`distributed/turns.ts`).
 */
export interface Coordinator {
  /** Whether the first request of a queue may be sent as far as other processes are concerned. */
  readonly canSend: (request: PendingRequest, now: number) => boolean
  /** Called when a request joins the queue of its bucket. */
  readonly onArrival: (request: PendingRequest, now: number) => void
  /** Called when a webhook has no more requests. */
  readonly onIdle: (webhook: WebhookState) => void
}

/** Minimum milliseconds between two sweeps of idle webhooks. */
const minSweepInterval = 1000

/**
 * Up to this number of idle or dead webhooks, no timer is set, because it would keep an otherwise
 * finished program alive. They are swept on the next use of the limiter.
 */
const maxUnswept = 100

/** Milliseconds after which a fiber that has not polled is assumed to be gone. */
const pollGrace = 500

/** The requests that wait, in the queue of their bucket or parked, and the eviction of idle webhooks. */
export class PendingRequests {
  readonly #setTimer: SetTimer
  #idleAfter: number
  /** Whether any request has polled. */
  hasPolling = false
  readonly #learning: Learning
  readonly #statistics: Statistics
  #sweptAt = 0
  /** Number of waiting requests on all webhooks. */
  count = 0
  /** Set if other processes send to the same webhooks. */
  coordinator: Coordinator | undefined = undefined

  constructor(settings: Settings, learning: Learning, statistics: Statistics, setTimer: SetTimer) {
    this.#setTimer = setTimer
    this.#idleAfter = settings.idleAfter
    this.#learning = learning
    this.#statistics = statistics
  }

  configure({ idleAfter }: Settings): void {
    this.#idleAfter = idleAfter
  }

  /** Adds a request to its queue in order of arrival. */
  enqueue(request: PendingRequest, now: number): void {
    const { webhook } = request.routeState
    this.#learning.webhooks.markBusy(webhook)
    this.expectPoll(request, now)
    request.state = "waiting"
    webhook.waiting += 1
    this.count += 1
    request.bucket.enqueue(request)
    this.coordinator?.onArrival(request, now)
  }

  /** Takes a request out of the queue until a retry delay elapses. */
  park(request: PendingRequest, until: number, now: number): void {
    const { webhook } = request.routeState
    this.#learning.webhooks.markBusy(webhook)
    this.expectPoll(request, now)
    request.state = "parked"
    webhook.waiting += 1
    this.count += 1
    webhook.park(request)
    this.#setTimer(request, until)
  }

  /** Removes a request from its queue, or unparks it. */
  remove(request: PendingRequest): void {
    const { webhook } = request.routeState
    webhook.waiting -= 1
    this.count -= 1
    this.#statistics.onLeft(request)
    if (request.state === "waiting") {
      request.bucket.queue.remove(request)
    } else {
      webhook.unpark(request)
      this.#setTimer(request, undefined)
    }
  }

  /** Records when the fiber of a polling request polls next; a late one is assumed to be gone. */
  expectPoll(request: PendingRequest, nextPollAt: number): void {
    const polls = request.owner.polls === true
    if (polls) this.hasPolling = true
    request.presentUntil = polls ? nextPollAt + pollGrace : Infinity
  }

  /** Removes a request whose fiber did not poll. It waits again if the fiber polls later. */
  skip(request: PendingRequest): void {
    this.remove(request)
    request.state = "skipped"
    request.skips += 1
    this.markIdle(request.routeState.webhook, request.presentUntil)
  }

  /** Skips all requests of a webhook whose fibers did not poll. */
  skipAbsent(webhook: WebhookState, now: number): void {
    if (!this.hasPolling) return
    for (const request of webhook.pending()) {
      if (request.presentUntil < now) this.skip(request)
    }
  }

  fail(request: PendingRequest, error: WaitError): void {
    this.end(request, Exit.fail(error))
  }

  end(request: PendingRequest, result: WaitResult): void {
    this.remove(request)
    request.state = "settled"
    request.complete(result)
  }

  /** Fails the requests whose deadline is before the earliest possible start of the first one. */
  rejectLate(bucket: BucketState, earliestStart: number, now: number): void {
    bucket.earliestDeadline = Infinity
    for (const request of bucket.queue) {
      if (request.deadline < earliestStart || request.deadline <= now) {
        this.fail(request, this.makeMaxWaitError(request, earliestStart, now))
      } else {
        bucket.earliestDeadline = Math.min(bucket.earliestDeadline, request.deadline)
      }
    }
    this.markIdle(bucket.webhook, now)
  }

  /** Fails waiting requests that must not be sent any more, for example to a deleted webhook. */
  rejectDisallowed(webhook: WebhookState, now: number): void {
    for (const request of webhook.pending()) {
      const rejection = this.#learning.rejectionOf(request.route, now)
      if (rejection !== undefined) this.fail(request, rejection)
    }
    this.markIdle(webhook, now)
  }

  makeMaxWaitError(request: PendingRequest, startAt: number, now: number): WebhookRateLimited {
    const { bucket, route } = request
    return new WebhookRateLimited({
      ...errorFields(route),
      reason: "maxWait",
      retryAfter: Duration.millis(startAt - now),
      scope: this.#blockedBy(bucket, now) ?? "bucket",
      bucket: bucket.id,
      attempts: request.attempts,
    })
  }

  /** Marks a webhook idle if it has no requests, so that it is evicted later. */
  markIdle(webhook: WebhookState, now: number): void {
    if (webhook.inFlight > 0 || webhook.waiting > 0) return
    this.#learning.webhooks.markIdle(webhook, now)
    this.coordinator?.onIdle(webhook)
    if (this.#needsSweepTimer)
      this.#setTimer(this.#learning.webhooks, finiteInstant(now + this.#sweepInterval))
  }

  /** Packs webhooks, and sweeps if it is due: there is no timer for few webhooks, nor without an open layer. */
  sweepIfDue(now: number): void {
    this.#learning.webhooks.packIdle()
    if (now - this.#sweptAt >= this.#idleAfter) this.sweep(now)
  }

  /** Evicts idle and expired webhooks. */
  sweep(now: number): void {
    const { deadWebhooks, webhooks } = this.#learning
    this.#sweptAt = now
    for (const webhook of webhooks.withWaiting()) this.skipAbsent(webhook, now)
    deadWebhooks.sweep(now)
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
  return at === Infinity ? undefined : at
}

/**
 * Milliseconds after which a granted request is skipped if its fiber has not resumed. They double each
 * time, since the fibers of a busy process would otherwise skip one another forever.
 */
const maxStartDelay = 1000
const maxDoublings = 6

/** Milliseconds between two checks for expired permits while requests wait. */
const watchInterval = 1000

class ByExpiry extends LinkedQueue<PendingRequest> {
  override isBefore(one: PendingRequest, other: PendingRequest): boolean {
    return one.presentUntil <= other.presentUntil
  }
}

/**
 * Granted requests, ordered by expiry. Some runtimes drop fibers without running their finalisers, so an
 * unsettled permit has to expire.
 *
 * An entry nearly always expires last, since start delay and lease rarely differ. Hence a grant costs a
 * link and no timer.
 */
export class Permits {
  readonly #setTimer: SetTimer
  /** Granted requests whose fibers have not resumed yet. */
  readonly #granted = new ByExpiry()
  /** Requests that hold a permit. */
  readonly #held = new ByExpiry()
  #isWatched = false

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer
  }

  grant(request: PendingRequest, now: number): void {
    request.state = "granted"
    request.sentAt = now
    request.presentUntil = now + maxStartDelay * 2 ** Math.min(request.skips, maxDoublings)
    this.#granted.insert(request)
  }

  /** Starts the lease when the fiber has resumed. */
  hold(request: PendingRequest, now: number): void {
    this.#granted.remove(request)
    request.state = "held"
    request.sentAt = now
    request.presentUntil = now + request.lease
    this.#held.insert(request)
  }

  /** Lets the permits of requests expire whose fibers have not resumed. */
  recall(now: number): void {
    for (const request of this.#granted) request.presentUntil = now
  }

  release(request: PendingRequest): void {
    const queue = request.state === "held" ? this.#held : this.#granted
    queue.remove(request)
    if (!this.#isWatched || !this.#isEmpty) return
    this.#isWatched = false
    this.#setTimer(this, undefined)
  }

  /** Returns a request whose permit has expired. */
  findExpired(now: number): PendingRequest | undefined {
    const granted = this.#granted.head
    if (granted !== undefined && granted.presentUntil <= now) return granted
    const held = this.#held.head
    return held !== undefined && held.presentUntil <= now ? held : undefined
  }

  /** Sets the one timer that checks for expired permits. */
  watch(now: number): void {
    if (this.#isEmpty) return
    this.#isWatched = true
    this.#setTimer(this, now + watchInterval)
  }

  get #isEmpty(): boolean {
    return this.#granted.length + this.#held.length === 0
  }
}

/** Milliseconds between two polls of a queue's head; each position behind it adds as many. */
const pollInterval = 25
/** While the queue does not move, the interval grows by this factor. */
const pollBackoff = 1.25
/** Maximum milliseconds between two polls. */
const maxPollInterval = 500

/**
 * Polling for a runtime that isolates the input and output of requests (Cloudflare Workers). A timer
 * there ends with the request that set it, and a request must not resume the fiber of another one. So
 * each waiting fiber sleeps and polls.
 */
export class Polling {
  readonly #due = new WeakMap<object, number>()
  readonly #last = new WeakMap<
    PendingRequest,
    { readonly ahead: number; readonly interval: number }
  >()

  /** Records when the timer of a target is due. */
  set(target: object, at: number | undefined): void {
    if (at === undefined) this.#due.delete(target)
    else this.#due.set(target, at)
  }

  /** The time of a waiting request's next poll. */
  next(request: PendingRequest, globalLimiter: GlobalLimiter, now: number): number {
    const due = request.state === "parked" ? request.notBefore : this.#dueOf(request, globalLimiter)
    if (due > now && due < Infinity) return Math.min(due, now + maxPollInterval)
    return now + this.#intervalOf(request)
  }

  #intervalOf(request: PendingRequest): number {
    const ahead = countAhead(request)
    const last = this.#last.get(request)
    const interval =
      last?.ahead === ahead ? last.interval * pollBackoff : pollInterval * (1 + ahead)
    const next = { ahead, interval: Math.min(interval, maxPollInterval) }
    this.#last.set(request, next)
    return next.interval
  }

  #dueOf(request: PendingRequest, globalLimiter: GlobalLimiter): number {
    const never = Infinity
    return Math.min(this.#due.get(request.bucket) ?? never, this.#due.get(globalLimiter) ?? never)
  }
}

/** Number of requests ahead, counted up to the maximum interval. */
function countAhead(request: PendingRequest): number {
  let count = 0
  for (let one = request.previous; one !== undefined; one = one.previous) {
    count += 1
    if (count * pollInterval >= maxPollInterval) break
  }
  return count
}

/**
 * The limiter as a state machine: one owner of all state, changed by a few named transitions, each
 * of them synchronous and given its instant. It has no idea of fibers: whoever waits reads or is
 * told how it ended by the ticket, and the clock is reached through `alarm`.
 */
import * as Exit from "effect/Exit"
import { DiscordRateLimiterClosed, WebhookQueueFull } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer, Limited } from "../Answer.js"
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
  readonly #news: LimiterEvents
  readonly #knowledge: Learning
  readonly #webhooks: WebhookRegistry
  readonly #gate: GlobalLimiter
  readonly #tallies = new Statistics()
  readonly #waiting: PendingRequests
  readonly #permits: Permits
  readonly #polling = new Polling()
  readonly #granting: Scheduler
  #sequence = 0

  constructor(settings: Settings, timers: SetTimer, tell: OnEvent = () => {}) {
    const alarm: SetTimer = (target, at) => {
      if (this.#waiting.hasPolling) this.#polling.set(target, at)
      timers(target, at)
    }
    this.#news = new LimiterEvents(tell)
    this.#knowledge = new Learning(settings, this.#news)
    this.#webhooks = this.#knowledge.webhooks
    this.#gate = this.#knowledge.gate
    this.#waiting = new PendingRequests(settings, this.#knowledge, this.#tallies, alarm)
    this.#permits = new Permits(alarm)
    this.#granting = new Scheduler(
      this.#knowledge,
      this.#tallies,
      this.#waiting,
      this.#permits,
      alarm,
    )
  }

  /** Other settings hold from now on, for those who wait as well. */
  configure(settings: Settings, now: number): void {
    this.#knowledge.configure(settings)
    this.#waiting.configure(settings)
    if (this.#waiting.count === 0) return
    this.#rejectIfSpent(now)
    this.#granting.drain(now)
  }

  /** A request comes; its ticket says when it may go or has failed. */
  arrive(route: Route, wish: RequestOptions, now: number, resume?: OnResult): PendingRequest {
    this.#begin(now)
    this.#knowledge.space(now)
    const place = this.#webhooks.place(route)
    const ticket = new PendingRequest(++this.#sequence, route, wish, place, now)
    ticket.resume = resume
    const refusal = this.#refusal(ticket, now)
    if (refusal === undefined) {
      this.#joinHere(ticket, now)
    } else {
      ticket.state = "over"
      ticket.end(Exit.fail(refusal))
      this.#waiting.rest(place.lane, now)
    }
    return ticket
  }

  /**
   * The fiber of a granted request has resumed. Returns whether it has its permit; if it was passed
   * over in the meantime, it waits again, at its old place in the queue.
   */
  claim(ticket: PendingRequest, now: number): boolean {
    if (ticket.state === "passedOver") this.#rejoin(ticket, now)
    else if (ticket.state === "granted") {
      if (ticket.owner.polls === true) this.#gate.start(ticket.sentAt, now, ticket.route.kind)
      this.#permits.hold(ticket, now)
    }
    return ticket.state === "held"
  }

  /**
   * The fiber of a waiting request asks for its turn, which takes the place of alarms. Returns the
   * instant at which it has to poll again, or `undefined` when the wait is over.
   */
  poll(ticket: PendingRequest, now: number): number | undefined {
    if (ticket.state === "passedOver") this.#rejoin(ticket, now)
    if (ticket.ending !== undefined) return undefined
    this.#waiting.expect(ticket, now)
    this.#begin(now)
    this.#resume(ticket, now)
    this.#granting.pumpLane(ticket.place.lane, now)
    if (ticket.ending !== undefined) return undefined
    const at = this.#polling.next(ticket, this.#gate, now)
    this.#waiting.expect(ticket, at)
    return at
  }

  /** The request is done, or given up; its lane goes on. */
  settle(ticket: PendingRequest, outcome: Outcome, now: number): void {
    if (!this.#end(ticket, outcome, now)) return
    this.#granting.pumpLane(ticket.place.lane, now)
    this.#reclaim(now)
  }

  /**
   * The attempt is done, and another is wanted, not before `notBefore`, in the old place. An
   * ordered request holds the others up meanwhile, a concurrent one rests beside the queue.
   */
  again(
    ticket: PendingRequest,
    outcome: Outcome,
    notBefore: number,
    now: number,
    resume?: OnResult,
  ): void {
    if (!this.#end(ticket, outcome, now)) return
    ticket.resume = resume
    ticket.notBefore = notBefore
    this.#waitAgain(ticket, now)
    this.#granting.pumpLane(ticket.place.lane, now)
    this.#reclaim(now)
  }

  /** The caller has gone: a waiting request leaves the queue, a granted permit was never used. */
  cancel(ticket: PendingRequest, now: number): void {
    if (ticket.hasPermit) this.settle(ticket, neverSent, now)
    const { bucket, place, state } = ticket
    if (state !== "waiting" && state !== "resting") {
      ticket.state = "over"
      return
    }
    const concerned = bucket.queue.head === ticket
    this.#waiting.leave(ticket)
    ticket.state = "over"
    if (place.lane.asking === ticket) this.#granting.pumpLane(place.lane, now)
    else if (concerned) this.#granting.pump(bucket, now)
    this.#waiting.rest(place.lane, now)
  }

  /** An alarm went off. */
  wake(target: TimerTarget, now: number): void {
    this.#reclaim(now)
    if (target instanceof BucketState) this.#granting.pump(target, now)
    else if (target instanceof GlobalLimiter) this.#granting.drain(now)
    else if (target instanceof WebhookRegistry) this.#waiting.sweep(now)
    else if (target instanceof Permits) this.#watch(now)
    else this.#resume(target, now)
  }

  /** Learns from an answer to a request that took no permit here. */
  update(route: Route, answer: Answer, now: number): void {
    this.#begin(now)
    const place = this.#webhooks.place(route)
    this.#learn(place, answer, undefined, now)
    this.#granting.pumpLane(place.lane, now)
    this.#waiting.rest(place.lane, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    this.#begin(now)
    return this.#webhooks.find(route, now)
  }

  /** Milliseconds that a request made now would wait, as far as is known. */
  estimate(route: Route, policy: Policy, now: number): number {
    this.#reclaim(now)
    const bucket = this.#webhooks.find(route, now)
    const passes = this.#gate.opensAt(route.kind)
    const at = Math.max(now, finiteInstant(passes) ?? 0, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.known) return at - now
    return Math.max(at, estimateTurn(bucket, policy, now)) - now
  }

  /** Forgets what was learned; whoever waits goes on by the new knowledge. */
  clear(now: number, route?: Route): void {
    this.#reclaim(now)
    this.#knowledge.graveyard.clear(route?.major)
    for (const bucket of this.#webhooks.forget(route)) this.#granting.pump(bucket, now)
  }

  /** The owner's scope is closed: whoever waits on its behalf fails. */
  close(owner: RequestOwner, now: number): void {
    for (const lane of this.#webhooks.busy()) {
      for (const ticket of lane.pending()) {
        if (ticket.owner === owner) {
          this.#waiting.fail(ticket, new DiscordRateLimiterClosed(errorFields(ticket.route)))
        }
      }
      this.#granting.pumpLane(lane, now)
      this.#waiting.rest(lane, now)
    }
  }

  snapshot(now: number): Snapshot {
    this.#begin(now)
    return {
      ...this.#webhooks.counts(),
      deadWebhooks: this.#knowledge.graveyard.size,
      invalidRequests: this.#knowledge.invalid.count(now),
      strategies: this.#tallies.snapshot(),
    }
  }

  #refusal(ticket: PendingRequest, now: number): WaitError | undefined {
    const { route, bucket, deadline, owner } = ticket
    const refusal = this.#knowledge.refusal(route, now)
    if (refusal !== undefined) return refusal
    const capacity = owner.queueCapacity ?? Number.POSITIVE_INFINITY
    if (bucket.waiting >= capacity) this.#waiting.passOverAbsent(bucket.lane, now)
    if (bucket.waiting >= capacity) return new WebhookQueueFull({ ...errorFields(route), capacity })
    if (deadline === Number.POSITIVE_INFINITY) return undefined
    const at = now + this.estimate(route, ticket.policy, now)
    return at > deadline ? this.#waiting.tooLate(ticket, at, now) : undefined
  }

  /** Before a transition: lapsed permits are taken back, and what has been idle is forgotten. */
  #begin(now: number): void {
    this.#reclaim(now)
    this.#waiting.tidy(now)
  }

  /**
   * Takes back the permits whose holders are assumed to be gone. One that nobody used is free again;
   * the request of any other may have been sent until its lease ended.
   */
  #reclaim(now: number): void {
    let ticket = this.#permits.lapsed(now)
    for (; ticket !== undefined; ticket = this.#permits.lapsed(now)) {
      const isHeld = ticket.state === "held"
      this.#conclude(ticket, isHeld ? unknown : neverSent, ticket.presentUntil)
      ticket.state = isHeld ? "expired" : "passedOver"
      if (!isHeld) ticket.attempts -= 1
      this.#granting.pumpLane(ticket.place.lane, now)
    }
  }

  /** While requests wait, their turn may depend on permits that lapse. */
  #watch(now: number): void {
    if (this.#waiting.count > 0) this.#permits.watch(now)
  }

  #join(ticket: PendingRequest, now: number): void {
    this.#waiting.enter(ticket, now)
    this.#granting.pump(ticket.bucket, now)
    if (ticket.ending === undefined) this.#tallies.waits(ticket)
  }

  /** The same in a call by its own fiber, which is there to use the permit. */
  #joinHere(ticket: PendingRequest, now: number): void {
    this.#join(ticket, now)
    if (ticket.state === "granted") this.#permits.hold(ticket, now)
  }

  /** Back into the queue, to its old place. */
  #resume(ticket: PendingRequest, now: number): void {
    if (ticket.state !== "resting") return
    this.#waiting.leave(ticket)
    if (ticket.notBefore > now) this.#waiting.pause(ticket, ticket.notBefore, now)
    else this.#join(ticket, now)
  }

  /** The webhook may have been forgotten since the request was passed over. */
  #rejoin(ticket: PendingRequest, now: number): void {
    this.#begin(now)
    ticket.place = this.#webhooks.place(ticket.route)
    this.#waitAgain(ticket, now)
    this.#waiting.rest(ticket.place.lane, now)
  }

  #waitAgain(ticket: PendingRequest, now: number): void {
    const { notBefore } = ticket
    ticket.ending = undefined
    ticket.since = now
    ticket.state = "over"
    const refusal = this.#refusalToWaitAgain(ticket, now)
    if (refusal !== undefined) ticket.end(Exit.fail(refusal))
    else if (notBefore <= now || ticket.ordered) this.#joinHere(ticket, now)
    else this.#waiting.pause(ticket, notBefore, now)
  }

  #refusalToWaitAgain(ticket: PendingRequest, now: number): WaitError | undefined {
    const { deadline, notBefore, owner, route } = ticket
    if (owner.closed === true) return new DiscordRateLimiterClosed(errorFields(route))
    return (
      this.#knowledge.refusal(route, now) ??
      (notBefore > deadline ? this.#waiting.tooLate(ticket, notBefore, now) : undefined)
    )
  }

  /** Ends a permit. One that has expired has freed what it took; its response still teaches. */
  #end(ticket: PendingRequest, outcome: Outcome, now: number): boolean {
    if (ticket.hasPermit) {
      this.#conclude(ticket, outcome, now)
      return true
    }
    if (ticket.state !== "expired") return false
    ticket.state = "over"
    // The webhook may have been forgotten in the meantime.
    ticket.place = this.#webhooks.place(ticket.route)
    if (outcome._tag === "Answered") {
      const { limited } = outcome.answer
      if (limited !== undefined) this.#tallies.limited(ticket, limited.scope)
      this.#learn(ticket.place, outcome.answer, ticket.sentAt, now)
    }
    this.#waiting.rest(ticket.place.lane, now)
    return true
  }

  #conclude(ticket: PendingRequest, outcome: Outcome, now: number): void {
    const { place, policy, sentAt } = ticket
    this.#permits.release(ticket)
    ticket.state = "over"
    place.bucket.inFlight -= 1
    place.inFlight -= 1
    place.lane.inFlight -= 1
    const limited = outcome._tag === "Answered" ? outcome.answer.limited : undefined
    if (limited !== undefined) this.#tallies.limited(ticket, limited.scope)
    if (outcome._tag === "Answered") this.#learn(place, outcome.answer, sentAt, now)
    else if (outcome._tag === "Unknown") {
      ticket.bucket.window.consume(sentAt, now, ticket.bucket.inFlight)
    }
    const isOpen = outcome._tag === "Answered" && !isHostWide(limited)
    this.#gate.settled(ticket, isOpen, place.lane.kind)
    ticket.bucket.observe(policy, toObservation(outcome, sentAt, now))
    if (outcome._tag === "Answered") this.#show(ticket, limited)
    this.#waiting.rest(place.lane, now)
  }

  #learn(place: RouteState, answer: Answer, sentAt: number | undefined, now: number): void {
    const { bucket, lane } = place
    const taught = this.#knowledge.learn(place, answer, sentAt, now)
    if (bucket !== place.bucket && bucket.waiting === 0) this.#granting.stepOut(bucket)
    if (!this.#rejectIfSpent(now) && DeadWebhooks.isEnd(answer, lane.kind)) {
      this.#waiting.turnAway(lane, now)
    }
    for (const one of taught) this.#granting.pumpLane(one, now)
  }

  /** While the budget of invalid requests is spent, none may wait. */
  #rejectIfSpent(now: number): boolean {
    if (!this.#knowledge.isSpent(now)) return false
    for (const lane of this.#webhooks.busy()) this.#waiting.turnAway(lane, now)
    return true
  }

  /** Makes what is known visible. Hidden limits are believed, or believed anew, after a 429. */
  #show(ticket: PendingRequest, limited: Limited | undefined): void {
    const { bucket, policy, route } = ticket
    const { hiddenLimit: limit, hiddenPeriod: period } = this.#tallies.learned(ticket, bucket)
    if (limited === undefined || limit === undefined) return
    this.#news.hidden(route.name, bucket.id, { strategy: policy.name, limit, period })
  }
}

function isHostWide(limited: Limited | undefined): boolean {
  return limited !== undefined && limited.scope !== "user" && limited.scope !== "shared"
}

function toObservation(outcome: Outcome, sentAt: number, at: number): Observation {
  return outcome._tag === "Answered"
    ? { _tag: "Answered", at, sentAt, answer: outcome.answer }
    : { _tag: outcome._tag, at, sentAt }
}

/**
 * The limiter as a state machine: one owner of all state, changed by a few named transitions, each
 * of them synchronous and given its instant. It has no idea of fibers: whoever waits reads or is
 * told how it ended by the ticket, and the clock is reached through `alarm`.
 */
import * as Exit from "effect/Exit"
import { RateLimiterClosed, RateLimitQueueFull } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer, Limited } from "../Answer.js"
import type { Outcome } from "../Permit.js"
import type { Route } from "../Route.js"
import type { Observation, Policy } from "../strategy/Policy.js"
import { BucketState, type Ending, type RouteState, Ticket, type Wish } from "./bucketState.js"
import { Gate } from "./gate.js"
import { Granting, turn } from "./granting.js"
import { Graveyard } from "./graveyard.js"
import { Knowledge } from "./knowledge.js"
import { News, type Tell } from "./news.js"
import type { Settings } from "./settings.js"
import type { Snapshot } from "./snapshot.js"
import { Tallies } from "./tallies.js"
import { type Alarm, finite, type Target, Waiting } from "./waiting.js"
import { Webhooks } from "./webhooks.js"

type Resume = (ending: Ending) => void

export class Machine {
  readonly #queueCapacity: number
  readonly #news: News
  readonly #knowledge: Knowledge
  readonly #webhooks: Webhooks
  readonly #gate: Gate
  readonly #tallies = new Tallies()
  readonly #waiting: Waiting
  readonly #granting: Granting
  #sequence = 0

  constructor(settings: Settings, alarm: Alarm, tell: Tell = () => {}) {
    this.#queueCapacity = settings.queueCapacity
    this.#news = new News(tell)
    this.#knowledge = new Knowledge(settings, this.#news)
    this.#webhooks = this.#knowledge.webhooks
    this.#gate = this.#knowledge.gate
    this.#waiting = new Waiting(settings, this.#knowledge, this.#tallies, alarm)
    this.#granting = new Granting(this.#knowledge, this.#tallies, this.#waiting, alarm)
  }

  /** A request comes; its ticket says when it may go or has failed. */
  arrive(route: Route, wish: Wish, now: number, resume?: Resume): Ticket {
    this.#waiting.tidy(now)
    this.#knowledge.space(now)
    const place = this.#webhooks.place(route)
    const ticket = new Ticket(++this.#sequence, route, wish, place, now)
    ticket.resume = resume
    const refusal = this.#refusal(ticket, now)
    if (refusal === undefined) {
      this.#join(ticket, now)
    } else {
      ticket.state = "over"
      ticket.end(Exit.fail(refusal))
      this.#waiting.rest(place.lane, now)
    }
    return ticket
  }

  /** The request is done, or given up; its lane goes on. */
  settle(ticket: Ticket, outcome: Outcome, now: number): void {
    if (ticket.state !== "granted") return
    this.#conclude(ticket, outcome, now)
    this.#granting.pumpLane(ticket.place.lane, now)
  }

  /**
   * The attempt is done, and another is wanted, not before `notBefore`, in the old place. An
   * ordered request holds the others up meanwhile, a concurrent one rests beside the queue.
   */
  again(ticket: Ticket, outcome: Outcome, notBefore: number, now: number, resume?: Resume): void {
    if (ticket.state !== "granted") return
    this.#conclude(ticket, outcome, now)
    ticket.ending = undefined
    ticket.resume = resume
    ticket.since = now
    ticket.notBefore = notBefore
    const refusal =
      this.#knowledge.refusal(ticket.route, now) ??
      (notBefore > ticket.deadline ? this.#waiting.tooLate(ticket, notBefore, now) : undefined)
    if (refusal !== undefined) ticket.end(Exit.fail(refusal))
    else if (notBefore <= now || ticket.ordered) this.#join(ticket, now)
    else this.#waiting.pause(ticket, notBefore)
    this.#granting.pumpLane(ticket.place.lane, now)
  }

  /** The caller has gone: a waiting request leaves the queue, a granted permit was never used. */
  cancel(ticket: Ticket, now: number): void {
    if (ticket.state === "granted") this.settle(ticket, { _tag: "NeverSent" }, now)
    if (ticket.state === "over") return
    const { bucket, place } = ticket
    const concerned = bucket.queue.head === ticket
    this.#waiting.leave(ticket)
    ticket.state = "over"
    if (place.lane.asking === ticket) this.#granting.pumpLane(place.lane, now)
    else if (concerned) this.#granting.pump(bucket, now)
    this.#waiting.rest(place.lane, now)
  }

  /** An alarm went off. */
  wake(target: Target, now: number): void {
    if (target instanceof BucketState) this.#granting.pump(target, now)
    else if (target instanceof Gate) this.#granting.drain(now)
    else if (target instanceof Webhooks) this.#waiting.sweep(now)
    else this.#resume(target, now)
  }

  /** Learns from an answer to a request that took no permit here. */
  update(route: Route, answer: Answer, now: number): void {
    this.#waiting.tidy(now)
    const place = this.#webhooks.place(route)
    this.#learn(place, answer, undefined, now)
    this.#granting.pumpLane(place.lane, now)
    this.#waiting.rest(place.lane, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    this.#waiting.tidy(now)
    return this.#webhooks.find(route, now)
  }

  /** Milliseconds that a request made now would wait, as far as is known. */
  estimate(route: Route, policy: Policy, now: number): number {
    const bucket = this.#webhooks.find(route, now)
    const passes = this.#gate.opensAt(route.kind)
    const at = Math.max(now, finite(passes) ?? 0, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.known) return at - now
    return Math.max(at, turn(bucket, policy, now)) - now
  }

  /** Forgets what was learned; whoever waits goes on by the new knowledge. */
  clear(now: number, route?: Route): void {
    this.#knowledge.graveyard.clear(route?.major)
    for (const bucket of this.#webhooks.forget(route)) this.#granting.pump(bucket, now)
  }

  /** The owner's scope is closed: whoever waits on its behalf fails. */
  close(owner: object, now: number): void {
    for (const lane of this.#webhooks.busy()) {
      for (const ticket of lane.pending()) {
        if (ticket.owner === owner) {
          this.#waiting.fail(ticket, new RateLimiterClosed({ route: ticket.route.name }))
        }
      }
      this.#granting.pumpLane(lane, now)
      this.#waiting.rest(lane, now)
    }
  }

  snapshot(now: number): Snapshot {
    this.#waiting.tidy(now)
    return {
      ...this.#webhooks.counts(),
      deadWebhooks: this.#knowledge.graveyard.size,
      invalidRequests: this.#knowledge.invalid.count(now),
      strategies: this.#tallies.snapshot(),
    }
  }

  #refusal(ticket: Ticket, now: number): WaitError | undefined {
    const { route, bucket, deadline } = ticket
    const refusal = this.#knowledge.refusal(route, now)
    if (refusal !== undefined) return refusal
    const capacity = this.#queueCapacity
    if (bucket.waiting >= capacity) return new RateLimitQueueFull({ route: route.name, capacity })
    if (deadline === Number.POSITIVE_INFINITY) return undefined
    const at = now + this.estimate(route, ticket.policy, now)
    return at > deadline ? this.#waiting.tooLate(ticket, at, now) : undefined
  }

  #join(ticket: Ticket, now: number): void {
    this.#waiting.enter(ticket)
    this.#granting.pump(ticket.bucket, now)
    if (ticket.ending === undefined) this.#tallies.waits(ticket)
  }

  /** Back into the queue, to its old place. */
  #resume(ticket: Ticket, now: number): void {
    if (ticket.state !== "resting") return
    this.#waiting.leave(ticket)
    if (ticket.notBefore > now) this.#waiting.pause(ticket, ticket.notBefore)
    else this.#join(ticket, now)
  }

  #conclude(ticket: Ticket, outcome: Outcome, now: number): void {
    const { place, policy, sentAt } = ticket
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
    ticket.bucket.observe(policy, observation(outcome, sentAt, now))
    if (outcome._tag === "Answered") this.#show(ticket, limited)
    this.#waiting.rest(place.lane, now)
  }

  #learn(place: RouteState, answer: Answer, sentAt: number | undefined, now: number): void {
    const { bucket, lane } = place
    const taught = this.#knowledge.learn(place, answer, sentAt, now)
    if (bucket !== place.bucket && bucket.waiting === 0) this.#granting.stepOut(bucket)
    if (this.#knowledge.isSpent(now))
      for (const one of this.#webhooks.busy()) this.#waiting.turnAway(one, now)
    else if (Graveyard.isDeath(answer, lane.kind)) this.#waiting.turnAway(lane, now)
    for (const one of taught) this.#granting.pumpLane(one, now)
  }

  /** Makes what is known visible. Hidden limits are believed, or believed anew, after a 429. */
  #show(ticket: Ticket, limited: Limited | undefined): void {
    const { bucket, policy, route } = ticket
    const { hiddenLimit: limit, hiddenPeriod: period } = this.#tallies.learned(ticket, bucket)
    if (limited === undefined || limit === undefined) return
    this.#news.hidden(route.name, bucket.id, { strategy: policy.name, limit, period })
  }
}

function isHostWide(limited: Limited | undefined): boolean {
  return limited?.scope === "global" || limited?.scope === "edge"
}

function observation(outcome: Outcome, sentAt: number, at: number): Observation {
  return outcome._tag === "Answered"
    ? { _tag: "Answered", at, sentAt, answer: outcome.answer }
    : { _tag: outcome._tag, at, sentAt }
}

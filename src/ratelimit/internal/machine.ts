/**
 * The limiter as a state machine: one owner of all state, changed by a few named transitions, each
 * of them synchronous and given its instant. It has no idea of fibers: whoever waits reads or is
 * told how it ended by the ticket, and the clock is reached through `alarm`.
 */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { RateLimitError, RateLimiterClosed, RateLimitQueueFull } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer, Limited, LimitScope } from "../Answer.js"
import type { Outcome } from "../Permit.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Route } from "../Route.js"
import type { Observation, Policy } from "../strategy/Policy.js"
import {
  BucketState,
  type Ending,
  type Lane,
  type RouteState,
  Ticket,
  type Wish,
} from "./bucketState.js"
import { Gate } from "./gate.js"
import { Graveyard } from "./graveyard.js"
import { Knowledge } from "./knowledge.js"
import type { Settings } from "./settings.js"
import type { Snapshot } from "./snapshot.js"
import { Tallies } from "./tallies.js"
import { Webhooks } from "./webhooks.js"

/**
 * What an alarm can be set for: a bucket, a request between two attempts, the gate, or the sweep of
 * idle webhooks.
 */
export type Target = BucketState | Ticket | Gate | Webhooks

/** Asks to be woken by `wake` at an instant, at most once for each target; or not any more. */
export type Alarm = (target: Target, at: number | undefined) => void

type Resume = (ending: Ending) => void

/** Idle webhooks are swept no more often than this (milliseconds). */
const mostOften = 1000
const longestWait = Duration.toMillis(longestDelay)

export class Machine {
  readonly #settings: Settings
  readonly #alarm: Alarm
  readonly #idleAfter: number
  readonly #sweepEvery: number
  readonly #knowledge: Knowledge
  readonly #webhooks: Webhooks
  readonly #gate: Gate
  readonly #tallies = new Tallies()
  /** Buckets whose head may go as soon as the global limit allows, each for one request a turn. */
  readonly #line = new Set<BucketState>()
  #sequence = 0
  #sweptAt = 0

  constructor(settings: Settings, alarm: Alarm) {
    this.#settings = settings
    this.#alarm = alarm
    this.#idleAfter = Duration.toMillis(settings.idleAfter)
    this.#sweepEvery = Math.max(this.#idleAfter, mostOften)
    this.#knowledge = new Knowledge(settings)
    this.#webhooks = this.#knowledge.webhooks
    this.#gate = this.#knowledge.gate
  }

  /** A request comes; its ticket says when it may go or has failed. */
  arrive(route: Route, wish: Wish, now: number, resume?: Resume): Ticket {
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
      this.#rest(place.lane, now)
    }
    return ticket
  }

  /** The request is done, or given up; its lane goes on. */
  settle(ticket: Ticket, outcome: Outcome, now: number): void {
    if (ticket.state !== "granted") return
    this.#conclude(ticket, outcome, now)
    this.#pumpLane(ticket.place.lane, now)
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
      (notBefore > ticket.deadline ? this.#tooLate(ticket, notBefore, now) : undefined)
    if (refusal !== undefined) ticket.end(Exit.fail(refusal))
    else if (notBefore <= now || ticket.ordered) this.#join(ticket, now)
    else this.#pause(ticket, notBefore)
    this.#pumpLane(ticket.place.lane, now)
  }

  /** The caller has gone: a waiting request leaves the queue, a granted permit was never used. */
  cancel(ticket: Ticket, now: number): void {
    if (ticket.state === "granted") this.settle(ticket, { _tag: "NeverSent" }, now)
    if (ticket.state === "over") return
    const { bucket, place } = ticket
    const concerned = bucket.queue.head === ticket
    this.#leave(ticket)
    ticket.state = "over"
    if (place.lane.asking === ticket) this.#pumpLane(place.lane, now)
    else if (concerned) this.#pump(bucket, now)
    this.#rest(place.lane, now)
  }

  /** An alarm went off. */
  wake(target: Target, now: number): void {
    if (target instanceof BucketState) this.#pump(target, now)
    else if (target instanceof Gate) this.#drain(now)
    else if (target instanceof Webhooks) this.#sweep(now)
    else this.#resume(target, now)
  }

  /** Learns from an answer to a request that took no permit here. */
  update(route: Route, answer: Answer, now: number): void {
    const place = this.#webhooks.place(route)
    this.#learn(place, answer, undefined, now)
    this.#pumpLane(place.lane, now)
    this.#rest(place.lane, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    return this.#webhooks.find(route, now)
  }

  /** Milliseconds that a request made now would wait, as far as is known. */
  estimate(route: Route, policy: Policy, now: number): number {
    const bucket = this.#webhooks.find(route, now)
    const passes = this.#gate.opensAt()
    const at = Math.max(now, finite(passes) ?? 0, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.known) return at - now
    return Math.max(at, turn(bucket, policy, now)) - now
  }

  /** Forgets what was learned; whoever waits goes on by the new knowledge. */
  clear(now: number, route?: Route): void {
    this.#knowledge.graveyard.clear(route?.major)
    for (const bucket of this.#webhooks.forget(route)) this.#pump(bucket, now)
  }

  /** The owner's scope is closed: whoever waits on its behalf fails. */
  close(owner: object, now: number): void {
    for (const lane of this.#webhooks.busy()) {
      for (const ticket of lane.pending()) {
        if (ticket.owner === owner) {
          this.#fail(ticket, new RateLimiterClosed({ route: ticket.route.name }))
        }
      }
      this.#pumpLane(lane, now)
      this.#rest(lane, now)
    }
  }

  snapshot(now: number): Snapshot {
    return {
      ...this.#webhooks.counts(),
      deadWebhooks: this.#knowledge.graveyard.size,
      invalidRequests: this.#knowledge.invalid.count(now),
      strategies: this.#tallies.snapshot(),
    }
  }

  // --- queueing -------------------------------------------------------------------------------

  #refusal(ticket: Ticket, now: number): WaitError | undefined {
    const { route, bucket, deadline } = ticket
    const refusal = this.#knowledge.refusal(route, now)
    if (refusal !== undefined) return refusal
    const capacity = this.#settings.queueCapacity
    if (bucket.waiting >= capacity) return new RateLimitQueueFull({ route: route.name, capacity })
    if (deadline === Number.POSITIVE_INFINITY) return undefined
    const at = now + this.estimate(route, ticket.policy, now)
    return at > deadline ? this.#tooLate(ticket, at, now) : undefined
  }

  #join(ticket: Ticket, now: number): void {
    const { lane } = ticket.place
    this.#webhooks.wake(lane)
    ticket.state = "waiting"
    lane.waiting += 1
    ticket.bucket.enqueue(ticket)
    this.#pump(ticket.bucket, now)
    if (isWaiting(ticket)) this.#tallies.waits(ticket)
  }

  /** Aside until its time has come. */
  #pause(ticket: Ticket, until: number): void {
    const { lane } = ticket.place
    this.#webhooks.wake(lane)
    ticket.state = "resting"
    lane.waiting += 1
    lane.resting.add(ticket)
    this.#alarm(ticket, until)
  }

  /** Back into the queue, to its old place. */
  #resume(ticket: Ticket, now: number): void {
    if (ticket.state !== "resting") return
    if (ticket.notBefore > now) {
      this.#alarm(ticket, ticket.notBefore)
      return
    }
    this.#leave(ticket)
    this.#join(ticket, now)
  }

  #leave(ticket: Ticket): void {
    const { lane } = ticket.place
    lane.waiting -= 1
    this.#tallies.left(ticket)
    if (ticket.state === "waiting") {
      ticket.bucket.queue.remove(ticket)
    } else {
      lane.resting.delete(ticket)
      this.#alarm(ticket, undefined)
    }
  }

  #fail(ticket: Ticket, error: WaitError): void {
    this.#end(ticket, Exit.fail(error))
  }

  #end(ticket: Ticket, ending: Ending): void {
    this.#leave(ticket)
    ticket.state = "over"
    ticket.end(ending)
  }

  #tooLate(ticket: Ticket, at: number, now: number): RateLimitError {
    const { bucket, route } = ticket
    return new RateLimitError({
      route: route.name,
      reason: "maxWait",
      retryAfter: Duration.millis(at - now),
      scope: this.#blockedBy(bucket, now) ?? "bucket",
      bucket: bucket.id,
      attempts: ticket.attempts,
    })
  }

  #blockedBy(bucket: BucketState, now: number): LimitScope | undefined {
    const { blockedBy, blockedUntil } = this.#gate
    if (blockedUntil > Math.max(now, bucket.blockedUntil)) return blockedBy
    return bucket.blockedUntil > now ? (bucket.blockedBy ?? "user") : undefined
  }

  /** Nothing of the webhook may be under way any more: then it is forgotten after a while. */
  #rest(lane: Lane, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#webhooks.rest(lane, now)
    // Without a layer open there is no alarm, so it is not left to the alarm alone.
    if (now - this.#sweptAt >= this.#idleAfter) this.#sweep(now)
    this.#alarm(this.#webhooks, finite(now + this.#sweepEvery))
  }

  /** Forgets what has been idle for long. */
  #sweep(now: number): void {
    this.#sweptAt = now
    this.#knowledge.graveyard.sweep(now)
    this.#webhooks.sweep(now - this.#idleAfter)
    const idle = this.#webhooks.idle > 0 || this.#knowledge.graveyard.size > 0
    this.#alarm(this.#webhooks, idle ? finite(now + this.#sweepEvery) : undefined)
  }

  // --- granting -------------------------------------------------------------------------------

  /** Lets go whoever may go, and sets the alarm for the next. */
  #pump(bucket: BucketState, now: number): void {
    for (let head = bucket.queue.head; head !== undefined; head = bucket.queue.head) {
      const at = this.#verdict(head, now)
      if (at === undefined) continue
      const passes = this.#gate.opensAt()
      const known = Math.max(finite(at) ?? 0, finite(passes) ?? 0)
      if (at <= now && passes <= now && this.#line.size === 0) {
        this.#grant(head, now)
      } else if (bucket.patience < known || bucket.patience <= now) {
        this.#dismiss(bucket, known, now)
      } else if (at <= now) {
        this.#lineUp(bucket)
        return
      } else {
        this.#alarm(bucket, finite(Math.min(at, bucket.patience)))
        return
      }
    }
    this.#stepOut(bucket)
  }

  /** Whoever would have to wait for too long fails; nobody goes before the instant `known`. */
  #dismiss(bucket: BucketState, known: number, now: number): void {
    bucket.patience = Number.POSITIVE_INFINITY
    for (const ticket of bucket.queue) {
      if (ticket.deadline < known || ticket.deadline <= now) {
        this.#fail(ticket, this.#tooLate(ticket, Math.max(known, now), now))
      } else {
        bucket.patience = Math.min(bucket.patience, ticket.deadline)
      }
    }
    this.#rest(bucket.lane, now)
  }

  /** Something of this webhook has changed. Its buckets take turns by the arrival of their heads. */
  #pumpLane(lane: Lane, now: number): void {
    lane.asking = undefined
    const buckets = [...lane.buckets.values()]
    if (buckets.length > 1) buckets.sort((a, b) => headSequence(a) - headSequence(b))
    for (const bucket of buckets) this.#pump(bucket, now)
    if (this.#line.size > 0) this.#drain(now)
  }

  #lineUp(bucket: BucketState): void {
    this.#line.add(bucket)
    this.#alarm(bucket, finite(bucket.patience))
    this.#alarm(this.#gate, finite(this.#gate.opensAt()))
  }

  /** Nobody waits here any more. */
  #stepOut(bucket: BucketState): void {
    bucket.patience = Number.POSITIVE_INFINITY
    this.#alarm(bucket, undefined)
    if (this.#line.delete(bucket) && this.#line.size === 0) this.#alarm(this.#gate, undefined)
  }

  /** One request for each bucket in line while the gate is open. */
  #drain(now: number): void {
    this.#knowledge.space(now)
    for (const bucket of this.#line) {
      if (this.#gate.opensAt() > now) break
      this.#line.delete(bucket)
      const { head } = bucket.queue
      const at = head === undefined ? undefined : this.#verdict(head, now)
      if (head !== undefined && at !== undefined && at <= now) this.#grant(head, now)
      this.#pump(bucket, now)
    }
    this.#alarm(this.#gate, this.#line.size > 0 ? finite(this.#gate.opensAt()) : undefined)
  }

  /**
   * The instant from which the first in a queue may go: now, later, or `Infinity` for "when
   * something changes". A request whose policy throws ends with the defect.
   */
  #verdict(ticket: Ticket, now: number): number | undefined {
    try {
      return this.#decide(ticket, now)
    } catch (defect) {
      this.#end(ticket, Exit.die(defect))
      this.#rest(ticket.place.lane, now)
      return undefined
    }
  }

  #decide(ticket: Ticket, now: number): number {
    const { bucket, policy } = ticket
    const { lane } = ticket.place
    const notBefore = Math.max(ticket.notBefore, bucket.blockedUntil)
    if (notBefore > now) return notBefore
    const whenAnswered = bucket.inFlight > 0 ? Number.POSITIVE_INFINITY : now
    let at: number
    // Who was promised a slot by Retry-After, or knows nothing, goes alone, whatever the policy says.
    if (bucket.looking || !bucket.known) {
      at = whenAnswered
    } else {
      const broken = bucket.brokenBy(policy)
      if (broken !== undefined) throw broken.defect
      this.#tallies.unused(ticket, bucket.rollFor(policy, now))
      const wait = policyWait(bucket, policy, now)
      at = wait === undefined ? now : wait > 0 ? now + wait : whenAnswered
    }
    if (at > now || lane.inFlight === 0) return at
    return mayJoin(ticket, lane) ? now : Number.POSITIVE_INFINITY
  }

  #grant(ticket: Ticket, now: number): void {
    const { bucket, policy } = ticket
    this.#leave(ticket)
    ticket.state = "granted"
    ticket.sentAt = now
    ticket.attempts += 1
    ticket.waited += now - ticket.since
    ticket.place.lane.inFlight += 1
    bucket.tickets.add(ticket)
    this.#gate.pass(ticket, now)
    this.#tallies.sent(ticket, now - ticket.since)
    bucket.observe(policy, { _tag: "Sent", at: now, waited: ticket.waited })
    ticket.end(Exit.void)
  }

  // --- learning -------------------------------------------------------------------------------

  #conclude(ticket: Ticket, outcome: Outcome, now: number): void {
    const { place, policy, sentAt } = ticket
    ticket.state = "over"
    ticket.bucket.tickets.delete(ticket)
    place.lane.inFlight -= 1
    const limited = outcome._tag === "Answered" ? outcome.answer.limited : undefined
    if (limited !== undefined) this.#tallies.limited(ticket, limited.scope)
    if (outcome._tag === "Answered") this.#learn(place, outcome.answer, sentAt, now)
    else if (outcome._tag === "Unknown") ticket.bucket.window.consume(sentAt, now)
    this.#gate.settled(ticket, outcome._tag === "Answered" && !isHostWide(limited))
    ticket.bucket.observe(policy, observation(outcome, sentAt, now))
    this.#rest(place.lane, now)
  }

  #learn(place: RouteState, answer: Answer, sentAt: number | undefined, now: number): void {
    const { bucket, lane } = place
    this.#knowledge.learn(place, answer, sentAt, now)
    if (bucket !== place.bucket && bucket.waiting === 0) this.#stepOut(bucket)
    // Whoever waits for a webhook that is gone, or for anything when the budget of refused requests
    // is spent, fails without asking Discord.
    if (this.#knowledge.isSpent(now))
      for (const one of this.#webhooks.busy()) this.#turnAway(one, now)
    else if (Graveyard.isDeath(answer)) this.#turnAway(lane, now)
  }

  #turnAway(lane: Lane, now: number): void {
    for (const ticket of lane.pending()) {
      const refusal = this.#knowledge.refusal(ticket.route, now)
      if (refusal !== undefined) this.#fail(ticket, refusal)
    }
    this.#rest(lane, now)
  }
}

/** Whether a request may go although others of its webhook are under way. */
function mayJoin(ticket: Ticket, lane: Lane): boolean {
  const { asking } = lane
  if (!ticket.ordered) return asking === undefined || ticket.sequence < asking.sequence
  if (asking === undefined || ticket.sequence < asking.sequence) lane.asking = ticket
  return false
}

/** The instant at which the turn of a request that joins this queue now would come. */
function turn(bucket: BucketState, policy: Policy, now: number): number {
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

function isWaiting(ticket: Ticket): boolean {
  return ticket.state === "waiting"
}

function headSequence(bucket: BucketState): number {
  return bucket.queue.head?.sequence ?? 0
}

function finite(at: number): number | undefined {
  return at === Number.POSITIVE_INFINITY ? undefined : at
}

/** Milliseconds the policy wants to wait; 0 until an answer comes, `undefined` not at all. */
function policyWait(bucket: BucketState, policy: Policy, now: number): number | undefined {
  if (!policy.shouldWait(bucket.seenBy(policy), now)) return undefined
  const wait = Duration.toMillis(policy.calculateWait(bucket, now))
  return wait > 0 ? Math.min(wait, longestWait) : 0
}

function isHostWide(limited: Limited | undefined): boolean {
  return limited?.scope === "global" || limited?.scope === "edge"
}

function observation(outcome: Outcome, sentAt: number, at: number): Observation {
  return outcome._tag === "Answered"
    ? { _tag: "Answered", at, sentAt, answer: outcome.answer }
    : { _tag: outcome._tag, at, sentAt }
}

/**
 * The limiter as a state machine: one owner of all state, changed by a few named transitions, each
 * of them synchronous and given its instant. It has no idea of fibers: a ticket is told through
 * `resume`, and the clock is reached through `alarm`.
 */
import * as Duration from "effect/Duration"
import * as MutableList from "effect/MutableList"
import {
  InvalidRequestBudget,
  RateLimitError,
  RateLimiterClosed,
  RateLimitQueueFull,
} from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer, Limited } from "../Answer.js"
import type { Outcome } from "../Permit.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Route } from "../Route.js"
import type { Observation, Policy } from "../strategy/Policy.js"
import { type BucketState, type Lane, type RouteState, Ticket, type Wish } from "./bucketState.js"
import { Gate } from "./gate.js"
import { Graveyard } from "./graveyard.js"
import { InvalidRequests } from "./invalidRequests.js"
import { RoundTrips } from "./roundTrips.js"
import { Webhooks } from "./webhooks.js"

/** What a status page shows; see `RateLimiter.Snapshot`. */
interface Snapshot {
  readonly buckets: number
  readonly waiting: number
  readonly inFlight: number
  readonly deadWebhooks: number
  readonly invalidRequests: number
}

/** @internal */
export interface Settings {
  /** Requests in any `globalWindow`. */
  readonly globalLimit: number
  readonly globalWindow: Duration.Duration
  /** Waiting requests of one bucket at most. */
  readonly queueCapacity: number
  /** How long an idle webhook is remembered after its last reset. */
  readonly idleAfter: Duration.Duration
  /** Answers 401, 403 and 429 in 10 minutes at most. */
  readonly invalidRequestLimit: number
}

/** What an alarm can be set for: a bucket, the gate, or the sweep of idle webhooks. */
export type Target = BucketState | Gate | Webhooks

/** Asks to be woken by `wake` at an instant, at most once for each target; or not any more. */
export type Alarm = (target: Target, at: number | undefined) => void

type Resume = Ticket["resume"]

/** A 429 without a delay, though from Discord: look again after this many milliseconds. */
const shortestBlock = 1000
const longestWait = Duration.toMillis(longestDelay)

export class Machine {
  readonly gate: Gate
  readonly #settings: Settings
  readonly #alarm: Alarm
  readonly #webhooks: Webhooks
  readonly #idleAfter: number
  readonly #graveyard = new Graveyard()
  readonly #invalid: InvalidRequests
  /** Buckets whose head may go as soon as the global limit allows, each for one request a turn. */
  readonly #line = MutableList.empty<BucketState>()
  #roundTrip: RoundTrips | undefined = undefined
  #sequence = 0

  constructor(settings: Settings, alarm: Alarm) {
    this.#settings = settings
    this.#alarm = alarm
    this.gate = new Gate(settings)
    this.#webhooks = new Webhooks()
    this.#idleAfter = Duration.toMillis(settings.idleAfter)
    this.#invalid = new InvalidRequests(settings.invalidRequestLimit)
  }

  /** A request comes; `resume` is called when it may go or has failed. */
  arrive(route: Route, wish: Wish, now: number, resume: Resume): Ticket {
    this.gate.space(this.#invalid.spacing(now))
    const place = this.#webhooks.place(route)
    const ticket = new Ticket(++this.#sequence, route, wish, place, now)
    ticket.resume = resume
    this.#join(ticket, now)
    return ticket
  }

  /** The request is done, or given up; its lane goes on. */
  settle(ticket: Ticket, outcome: Outcome, now: number): void {
    if (ticket.state !== "granted") return
    this.#conclude(ticket, outcome, now)
    this.#pumpLane(ticket.place.lane, now)
  }

  /** The attempt is done, and another is wanted, not before `notBefore`, in the old place. */
  again(ticket: Ticket, outcome: Outcome, notBefore: number, now: number, resume: Resume): void {
    if (ticket.state !== "granted") return
    this.#conclude(ticket, outcome, now)
    this.rejoin(ticket, notBefore, now, resume)
  }

  /** A settled request returns to its old place in the queue. */
  rejoin(ticket: Ticket, notBefore: number, now: number, resume: Resume): void {
    ticket.resume = resume
    ticket.since = now
    ticket.notBefore = notBefore
    this.#join(ticket, now)
    this.#pumpLane(ticket.place.lane, now)
  }

  /** The caller has gone: a waiting request leaves the queue, a granted permit was never used. */
  cancel(ticket: Ticket, now: number): void {
    if (ticket.state === "granted") {
      this.settle(ticket, { _tag: "NeverSent" }, now)
    } else if (ticket.state === "waiting") {
      const wasHead = ticket.bucket.queue.head === ticket
      this.#leave(ticket)
      ticket.state = "over"
      if (wasHead) this.#pump(ticket.bucket, now)
      this.#rest(ticket.place.lane, now)
    }
  }

  /** An alarm went off. */
  wake(target: Target, now: number): void {
    if (target instanceof Gate) this.#drain(now)
    else if (target instanceof Webhooks) this.#sweep(now)
    else this.#pump(target, now)
  }

  /** Learns from an answer to a request that took no permit here. */
  update(route: Route, answer: Answer, now: number): void {
    const place = this.#webhooks.place(route)
    this.#learn(place, answer, now, now)
    this.#pumpLane(place.lane, now)
    this.#rest(place.lane, now)
  }

  find(route: Route, now: number): BucketState | undefined {
    return this.#webhooks.find(route, now)
  }

  /** Milliseconds that a request made now would wait, as far as is known. */
  estimate(route: Route, policy: Policy, now: number): number {
    const bucket = this.#webhooks.find(route, now)
    const at = Math.max(now, this.gate.blockedUntil, bucket?.blockedUntil ?? 0)
    if (bucket === undefined || !bucket.known) return at - now
    return Math.max(at, this.#turn(bucket, policy, now)) - now
  }

  /** Forgets what was learned; whoever waits goes on by the new knowledge. */
  clear(now: number, route?: Route): void {
    this.#graveyard.clear(route?.major)
    for (const bucket of this.#webhooks.forget(route)) this.#pump(bucket, now)
  }

  /** The owner's scope is closed: whoever waits on its behalf fails. */
  close(owner: object, now: number): void {
    for (const lane of this.#webhooks.busy()) {
      for (const ticket of waitingIn(lane)) {
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
      deadWebhooks: this.#graveyard.size,
      invalidRequests: this.#invalid.count(now),
    }
  }

  // --- queueing -------------------------------------------------------------------------------

  #join(ticket: Ticket, now: number): void {
    const refusal = this.#refusal(ticket, now)
    const { lane } = ticket.place
    if (refusal !== undefined) {
      ticket.state = "over"
      ticket.resume(refusal)
      this.#rest(lane, now)
      return
    }
    this.#webhooks.wake(lane)
    ticket.state = "waiting"
    lane.waiting += 1
    ticket.bucket.queue.insert(ticket)
    this.#pump(ticket.bucket, now)
  }

  /** Nothing of the webhook may be under way any more: then it is forgotten after a while. */
  #rest(lane: Lane, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#webhooks.rest(lane, now)
    this.#alarm(this.#webhooks, now + this.#idleAfter)
  }

  /** Forgets what has been idle for long. */
  #sweep(now: number): void {
    this.#graveyard.sweep(now)
    const idle = this.#webhooks.sweep(now - this.#idleAfter)
    this.#alarm(this.#webhooks, idle ? now + this.#idleAfter : undefined)
  }

  #refusal(ticket: Ticket, now: number): WaitError | undefined {
    const { route, bucket } = ticket
    const dead = this.#graveyard.find(route, now)
    if (dead !== undefined) return dead
    const used = this.#invalid.count(now)
    if (used >= this.#invalid.limit) {
      const retryAfter = Duration.millis(this.#invalid.retryAfter(now))
      const limit = this.#invalid.limit
      return new InvalidRequestBudget({ route: route.name, used, limit, retryAfter })
    }
    const capacity = this.#settings.queueCapacity
    if (bucket.queue.length >= capacity) {
      return new RateLimitQueueFull({ route: route.name, capacity })
    }
    if (ticket.deadline === Number.POSITIVE_INFINITY) return undefined
    const at = now + this.estimate(route, ticket.policy, now)
    return at > ticket.deadline ? tooLate(ticket, at, now) : undefined
  }

  #leave(ticket: Ticket): void {
    ticket.bucket.queue.remove(ticket)
    ticket.place.lane.waiting -= 1
  }

  #fail(ticket: Ticket, error: WaitError): void {
    this.#leave(ticket)
    ticket.state = "over"
    ticket.resume(error)
  }

  // --- granting -------------------------------------------------------------------------------

  /** Lets go whoever may go, and sets the alarm for the next. */
  #pump(bucket: BucketState, now: number): void {
    for (let head = bucket.queue.head; head !== undefined; head = bucket.queue.head) {
      const at = this.#verdict(head, now)
      const passes = at <= now ? this.gate.opensAt() : at
      if (passes > head.deadline && (passes < Number.POSITIVE_INFINITY || now >= head.deadline)) {
        this.#fail(head, tooLate(head, passes, now))
      } else if (at > now) {
        this.#alarm(bucket, finite(Math.min(at, head.deadline)))
        return
      } else if (passes > now || MutableList.length(this.#line) > 0) {
        this.#lineUp(bucket)
        return
      } else {
        this.#grant(head, now)
      }
    }
    this.#alarm(bucket, undefined)
  }

  /** Something of this webhook has changed. Its buckets take turns by the arrival of their heads. */
  #pumpLane(lane: Lane, now: number): void {
    const buckets = [...lane.buckets.values()]
    if (buckets.length > 1) buckets.sort((a, b) => headSequence(a) - headSequence(b))
    for (const bucket of buckets) this.#pump(bucket, now)
    if (MutableList.length(this.#line) > 0) this.#drain(now)
  }

  #lineUp(bucket: BucketState): void {
    if (!bucket.lined) {
      bucket.lined = true
      MutableList.append(this.#line, bucket)
    }
    this.#alarm(bucket, finite(bucket.queue.head?.deadline ?? Number.POSITIVE_INFINITY))
    this.#alarm(this.gate, finite(this.gate.opensAt()))
  }

  /** One request for each bucket in line while the gate is open. */
  #drain(now: number): void {
    this.gate.space(this.#invalid.spacing(now))
    while (this.gate.opensAt() <= now) {
      const bucket = MutableList.shift(this.#line)
      if (bucket === undefined) break
      bucket.lined = false
      const head = bucket.queue.head
      if (head !== undefined && this.#verdict(head, now) <= now) this.#grant(head, now)
      this.#pump(bucket, now)
    }
    const waits = MutableList.length(this.#line) > 0
    this.#alarm(this.gate, waits ? finite(this.gate.opensAt()) : undefined)
  }

  /** The instant from which a request may go: now, later, or `Infinity` for "when something changes". */
  #verdict(ticket: Ticket, now: number): number {
    const { bucket, policy } = ticket
    if (ticket.notBefore > now) return ticket.notBefore
    if (ticket.ordered && ticket.place.lane.inFlight > 0) return Number.POSITIVE_INFINITY
    if (bucket.blockedUntil > now) return bucket.blockedUntil
    const whenAnswered = bucket.inFlight > 0 ? Number.POSITIVE_INFINITY : now
    // Who was promised a slot by Retry-After, or knows nothing, goes alone, whatever the policy says.
    if (bucket.looking || !bucket.known) return whenAnswered
    this.#roll(bucket, policy, now)
    const wait = policyWait(bucket, policy, now)
    if (wait === undefined) return now
    return wait > 0 ? now + wait : whenAnswered
  }

  #roll(bucket: BucketState, policy: Policy, now: number): void {
    const { resetAt } = bucket
    const unused = bucket.window.roll(now, policy.lead?.(bucket.seenBy(policy)))
    if (unused === undefined || resetAt === undefined) return
    const head = bucket.queue.head
    const waiting = head !== undefined && head.since < resetAt ? bucket.waiting : 0
    bucket.observe(policy, { _tag: "WindowOver", at: now, unused, waiting })
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
    this.gate.pass(ticket, now)
    bucket.observe(policy, { _tag: "Sent", at: now, waited: ticket.waited })
    ticket.resume()
  }

  /** The instant at which the turn of a request that joins this queue now would come. */
  #turn(bucket: BucketState, policy: Policy, now: number): number {
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

  // --- learning -------------------------------------------------------------------------------

  #conclude(ticket: Ticket, outcome: Outcome, now: number): void {
    const { place, policy, sentAt } = ticket
    ticket.state = "over"
    ticket.bucket.tickets.delete(ticket)
    place.lane.inFlight -= 1
    if (outcome._tag === "Answered") this.#learn(place, outcome.answer, sentAt, now)
    else if (outcome._tag === "Unknown") ticket.bucket.window.consume(sentAt, now)
    this.gate.settled(ticket, outcome._tag === "Answered" && !isHostWide(outcome.answer.limited))
    ticket.bucket.observe(policy, observation(outcome, sentAt, now))
    this.#rest(place.lane, now)
  }

  #learn(place: RouteState, answer: Answer, sentAt: number, now: number): void {
    const { limited } = answer
    if (InvalidRequests.isInvalid(answer)) {
      this.#invalid.add(now)
      this.gate.space(this.#invalid.spacing(now))
    }
    if (limited?.scope === "edge") {
      this.gate.blockEdge(limited.retryAfter, now)
      return
    }
    this.#webhooks.move(place, answer.headers.bucket)
    const { bucket } = place
    bucket.known = true
    bucket.window.roll(now)
    bucket.window.answered(answer.headers, sentAt, now, limited !== undefined)
    this.#observeRoundTrip(bucket, now - sentAt)
    this.#webhooks.teach(place)
    if (limited !== undefined) this.#block(bucket, limited, answer, now)
    else if (sentAt >= bucket.blockedUntil) bucket.looking = false
    if (Graveyard.isDeath(answer)) this.#bury(place.lane, answer, now)
  }

  #block(bucket: BucketState, limited: Limited, answer: Answer, now: number): void {
    const delay = limited.retryAfter ?? answer.headers.resetAfter ?? shortestBlock
    if (limited.scope === "global") {
      this.gate.block(now + delay)
      return
    }
    bucket.blockedUntil = Math.max(bucket.blockedUntil, now + delay)
    bucket.blockedBy = limited.scope
    bucket.looking = true
  }

  /** The webhook is gone: whoever waits for it fails without asking Discord. */
  #bury(lane: Lane, answer: Answer, now: number): void {
    this.#graveyard.bury(lane.major, answer, now)
    for (const ticket of waitingIn(lane)) {
      const refusal = this.#graveyard.find(ticket.route, now)
      if (refusal !== undefined) this.#fail(ticket, refusal)
    }
  }

  #observeRoundTrip(bucket: BucketState, last: number): void {
    if (bucket.roundTrip === undefined) bucket.roundTrip = RoundTrips.first(last)
    else bucket.roundTrip.add(last)
    if (this.#roundTrip === undefined) this.#roundTrip = RoundTrips.first(last)
    else this.#roundTrip.add(last)
    this.gate.observe(this.#roundTrip.longest - this.#roundTrip.shortest)
  }
}

function* waitingIn(lane: Lane): Generator<Ticket> {
  for (const bucket of lane.buckets.values()) yield* bucket.queue
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

function tooLate(ticket: Ticket, at: number, now: number): RateLimitError {
  const { bucket, route } = ticket
  const known = at < Number.POSITIVE_INFINITY ? at - now : 0
  return new RateLimitError({
    route: route.name,
    reason: "maxWait",
    retryAfter: Duration.millis(known),
    scope: bucket.blockedUntil > now ? (bucket.blockedBy ?? "user") : "bucket",
    bucket: bucket.id,
    attempts: ticket.attempts,
  })
}

function isHostWide(limited: Limited | undefined): boolean {
  return limited?.scope === "global" || limited?.scope === "edge"
}

function observation(outcome: Outcome, sentAt: number, at: number): Observation {
  return outcome._tag === "Answered"
    ? { _tag: "Answered", at, sentAt, answer: outcome.answer }
    : { _tag: outcome._tag, at, sentAt }
}

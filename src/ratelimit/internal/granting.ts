/** Who goes, and when: the head of a queue, as far as its bucket, its webhook and the gate allow. */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Kind } from "../Route.js"
import type { Policy } from "../strategy/Policy.js"
import type { BucketState, Lane, Ticket } from "./bucketState.js"
import type { Gate } from "./gate.js"
import type { Knowledge } from "./knowledge.js"
import { millisOf } from "./millis.js"
import type { Tallies } from "./tallies.js"
import type { Permits } from "./permits.js"
import { type Alarm, finite, type Waiting } from "./waiting.js"

const longestWait = Duration.toMillis(longestDelay)

export class Granting {
  readonly #alarm: Alarm
  readonly #knowledge: Knowledge
  readonly #gate: Gate
  readonly #tallies: Tallies
  readonly #waiting: Waiting
  readonly #permits: Permits
  /**
   * Buckets whose head may go as soon as the gate allows, each for one request a turn. Those of
   * interactions do not wait behind the global limit.
   */
  readonly #lines: Readonly<Record<Kind, Set<BucketState>>> = {
    interaction: new Set(),
    webhook: new Set(),
  }

  constructor(
    knowledge: Knowledge,
    tallies: Tallies,
    waiting: Waiting,
    permits: Permits,
    alarm: Alarm,
  ) {
    this.#alarm = alarm
    this.#permits = permits
    this.#knowledge = knowledge
    this.#gate = knowledge.gate
    this.#tallies = tallies
    this.#waiting = waiting
  }

  /** Lets go whoever may go, and sets the alarm for the next. */
  pump(bucket: BucketState, now: number): void {
    for (let head = bucket.queue.head; head !== undefined; head = bucket.queue.head) {
      if (head.presentUntil < now) {
        this.#waiting.passOver(head)
        continue
      }
      const at = this.#verdict(head, now)
      if (at === undefined) continue
      const passes = this.#gate.opensAt(bucket.lane.kind)
      const known = Math.max(finite(at) ?? 0, finite(passes) ?? 0)
      if (at <= now && passes <= now && this.#lines[bucket.lane.kind].size === 0) {
        this.#grant(head, now)
      } else if (bucket.patience < known || bucket.patience <= now) {
        this.#waiting.dismiss(bucket, known, now)
      } else if (at <= now) {
        this.#lineUp(bucket)
        if (passes === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      } else {
        this.#alarm(bucket, finite(Math.min(at, bucket.patience)))
        if (at === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      }
    }
    this.stepOut(bucket)
  }

  /** Something of this webhook has changed. Its buckets take turns by the arrival of their heads. */
  pumpLane(lane: Lane, now: number): void {
    lane.asking = undefined
    for (const bucket of byArrival(lane.buckets)) this.pump(bucket, now)
    if (this.#isLinedUp) this.drain(now)
  }

  /** One request for each bucket in line while the gate is open. */
  drain(now: number): void {
    this.#knowledge.space(now)
    // Somebody waits for the response to an interaction, and its token is short-lived.
    this.#drainLine("interaction", now)
    this.#drainLine("webhook", now)
    this.#alarmGate()
  }

  /** Nobody waits here any more. */
  stepOut(bucket: BucketState): void {
    bucket.patience = Number.POSITIVE_INFINITY
    this.#alarm(bucket, undefined)
    if (this.#lines[bucket.lane.kind].delete(bucket) && !this.#isLinedUp) {
      this.#alarm(this.#gate, undefined)
    }
  }

  #drainLine(kind: Kind, now: number): void {
    const line = this.#lines[kind]
    for (const bucket of line) {
      if (this.#gate.opensAt(kind) > now) break
      line.delete(bucket)
      const { head } = bucket.queue
      const at = head === undefined ? undefined : this.#verdict(head, now)
      if (head !== undefined && at !== undefined && at <= now) this.#grant(head, now)
      this.pump(bucket, now)
    }
  }

  get #isLinedUp(): boolean {
    return this.#lines.webhook.size > 0 || this.#lines.interaction.size > 0
  }

  #alarmGate(): void {
    const opensFor = (kind: Kind) =>
      this.#lines[kind].size > 0 ? this.#gate.opensAt(kind) : Number.POSITIVE_INFINITY
    this.#alarm(this.#gate, finite(Math.min(opensFor("webhook"), opensFor("interaction"))))
  }

  #lineUp(bucket: BucketState): void {
    this.#lines[bucket.lane.kind].add(bucket)
    this.#alarm(bucket, finite(bucket.patience))
    this.#alarmGate()
  }

  /**
   * The instant from which the first in a queue may go: now, later, or `Infinity` for "when
   * something changes". A request whose policy throws ends with the defect.
   */
  #verdict(ticket: Ticket, now: number): number | undefined {
    try {
      return this.#decide(ticket, now)
    } catch (defect) {
      this.#waiting.end(ticket, Exit.die(defect))
      this.#waiting.rest(ticket.place.lane, now)
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
    const { bucket, place, policy } = ticket
    this.#waiting.leave(ticket)
    this.#permits.grant(ticket, now)
    ticket.attempts += 1
    ticket.waited += now - ticket.since
    place.lane.inFlight += 1
    place.inFlight += 1
    bucket.inFlight += 1
    this.#gate.pass(ticket, now, place.lane.kind)
    this.#tallies.sent(ticket, now - ticket.since)
    bucket.observe(policy, { _tag: "Sent", at: now, waited: ticket.waited })
    ticket.end(Exit.void)
  }
}

/** The instant at which the turn of a request that joins this queue now would come. */
export function turn(bucket: BucketState, policy: Policy, now: number): number {
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
function mayJoin(ticket: Ticket, lane: Lane): boolean {
  const { asking } = lane
  if (!ticket.ordered) return asking === undefined || ticket.sequence < asking.sequence
  if (asking === undefined || ticket.sequence < asking.sequence) lane.asking = ticket
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
  const wait = millisOf(policy.calculateWait(bucket, now))
  return wait > 0 ? Math.min(wait, longestWait) : 0
}

/** Who goes, and when: the head of a queue, as far as its bucket, its webhook and the gate allow. */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { type WaitError, WebhookRateLimited } from "../../error/WebhookError.js"
import type { LimitScope } from "../Answer.js"
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
  readonly #alarm: SetTimer
  readonly #knowledge: Learning
  readonly #gate: GlobalLimiter
  readonly #tallies: Statistics
  readonly #waiting: PendingRequests
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
    knowledge: Learning,
    tallies: Statistics,
    waiting: PendingRequests,
    permits: Permits,
    alarm: SetTimer,
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
      const known = Math.max(finiteInstant(at) ?? 0, finiteInstant(passes) ?? 0)
      if (at <= now && passes <= now && this.#lines[bucket.lane.kind].size === 0) {
        this.#grant(head, now)
      } else if (bucket.patience < known || bucket.patience <= now) {
        this.#waiting.dismiss(bucket, known, now)
      } else if (at <= now) {
        this.#lineUp(bucket)
        if (passes === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      } else {
        this.#alarm(bucket, finiteInstant(Math.min(at, bucket.patience)))
        if (at === Number.POSITIVE_INFINITY) this.#permits.watch(now)
        return
      }
    }
    this.stepOut(bucket)
  }

  /** Something of this webhook has changed. Its buckets take turns by the arrival of their heads. */
  pumpLane(lane: WebhookState, now: number): void {
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
    this.#alarm(this.#gate, finiteInstant(Math.min(opensFor("webhook"), opensFor("interaction"))))
  }

  #lineUp(bucket: BucketState): void {
    this.#lines[bucket.lane.kind].add(bucket)
    this.#alarm(bucket, finiteInstant(bucket.patience))
    this.#alarmGate()
  }

  /**
   * The instant from which the first in a queue may go: now, later, or `Infinity` for "when
   * something changes". A request whose policy throws ends with the defect.
   */
  #verdict(ticket: PendingRequest, now: number): number | undefined {
    try {
      return this.#decide(ticket, now)
    } catch (defect) {
      this.#waiting.end(ticket, Exit.die(defect))
      this.#waiting.rest(ticket.place.lane, now)
      return undefined
    }
  }

  #decide(ticket: PendingRequest, now: number): number {
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
    return mayOverlap(ticket, lane) ? now : Number.POSITIVE_INFINITY
  }

  #grant(ticket: PendingRequest, now: number): void {
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
  readonly #alarm: SetTimer
  #idleAfter: number
  /** Whether some of those who wait poll. */
  hasPolling = false
  readonly #knowledge: Learning
  readonly #tallies: Statistics
  #sweptAt = 0
  /** How many wait, on all webhooks. */
  count = 0

  constructor(settings: Settings, knowledge: Learning, tallies: Statistics, alarm: SetTimer) {
    this.#alarm = alarm
    this.#idleAfter = settings.idleAfter
    this.#knowledge = knowledge
    this.#tallies = tallies
  }

  configure({ idleAfter }: Settings): void {
    this.#idleAfter = idleAfter
  }

  /** Into the queue, to the place of its arrival. */
  enter(ticket: PendingRequest, now: number): void {
    const { lane } = ticket.place
    this.#knowledge.webhooks.wake(lane)
    this.expect(ticket, now)
    ticket.state = "waiting"
    lane.waiting += 1
    this.count += 1
    ticket.bucket.enqueue(ticket)
  }

  /** Aside until its time has come. */
  pause(ticket: PendingRequest, until: number, now: number): void {
    const { lane } = ticket.place
    this.#knowledge.webhooks.wake(lane)
    this.expect(ticket, now)
    ticket.state = "resting"
    lane.waiting += 1
    this.count += 1
    lane.lay(ticket)
    this.#alarm(ticket, until)
  }

  /** It waits no more. */
  leave(ticket: PendingRequest): void {
    const { lane } = ticket.place
    lane.waiting -= 1
    this.count -= 1
    this.#tallies.left(ticket)
    if (ticket.state === "waiting") {
      ticket.bucket.queue.remove(ticket)
    } else {
      lane.raise(ticket)
      this.#alarm(ticket, undefined)
    }
  }

  /** Its fiber polls at this instant, if it polls; it is assumed to be gone when it is late. */
  expect(ticket: PendingRequest, at: number): void {
    const polls = ticket.owner.polls === true
    if (polls) this.hasPolling = true
    ticket.presentUntil = polls ? at + pollGrace : Number.POSITIVE_INFINITY
  }

  /** Its fiber did not poll: it waits no more, unless the fiber comes back. */
  passOver(ticket: PendingRequest): void {
    this.leave(ticket)
    ticket.state = "passedOver"
    this.rest(ticket.place.lane, ticket.presentUntil)
  }

  /** Passes over all whose fibers did not poll. */
  passOverAbsent(lane: WebhookState, now: number): void {
    if (!this.hasPolling) return
    for (const ticket of lane.pending()) {
      if (ticket.presentUntil < now) this.passOver(ticket)
    }
  }

  fail(ticket: PendingRequest, error: WaitError): void {
    this.end(ticket, Exit.fail(error))
  }

  end(ticket: PendingRequest, ending: WaitResult): void {
    this.leave(ticket)
    ticket.state = "over"
    ticket.end(ending)
  }

  /** Whoever would have to wait for too long fails; nobody goes before the instant `known`. */
  dismiss(bucket: BucketState, known: number, now: number): void {
    bucket.patience = Number.POSITIVE_INFINITY
    for (const ticket of bucket.queue) {
      if (ticket.deadline < known || ticket.deadline <= now) {
        this.fail(ticket, this.tooLate(ticket, Math.max(known, now), now))
      } else {
        bucket.patience = Math.min(bucket.patience, ticket.deadline)
      }
    }
    this.rest(bucket.lane, now)
  }

  /** Whoever waits for what must not be asked for any more fails without asking Discord. */
  turnAway(lane: WebhookState, now: number): void {
    for (const ticket of lane.pending()) {
      const refusal = this.#knowledge.refusal(ticket.route, now)
      if (refusal !== undefined) this.fail(ticket, refusal)
    }
    this.rest(lane, now)
  }

  tooLate(ticket: PendingRequest, at: number, now: number): WebhookRateLimited {
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
  rest(lane: WebhookState, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#knowledge.webhooks.rest(lane, now)
    if (this.#areMany) this.#alarm(this.#knowledge.webhooks, finiteInstant(now + this.#sweepEvery))
  }

  /** Sweeps when it is time to: not all are worth an alarm, and without a layer open there is none. */
  tidy(now: number): void {
    if (now - this.#sweptAt >= this.#idleAfter) this.sweep(now)
  }

  /** Forgets what has been idle for long. */
  sweep(now: number): void {
    const { graveyard, webhooks } = this.#knowledge
    this.#sweptAt = now
    for (const lane of webhooks.busy()) this.passOverAbsent(lane, now)
    graveyard.sweep(now)
    webhooks.sweep(now - this.#idleAfter)
    this.#alarm(webhooks, this.#areMany ? finiteInstant(now + this.#sweepEvery) : undefined)
  }

  get #sweepEvery(): number {
    return Math.max(this.#idleAfter, minSweepInterval)
  }

  get #areMany(): boolean {
    return this.#knowledge.webhooks.idle + this.#knowledge.graveyard.size > maxUnswept
  }

  #blockedBy(bucket: BucketState, now: number): LimitScope | undefined {
    const { by, until } = this.#knowledge.gate.blockOf(bucket.lane.kind)
    if (until > Math.max(now, bucket.blockedUntil)) return by
    return bucket.blockedUntil > now ? (bucket.blockedBy ?? "user") : undefined
  }
}

/** An alarm for never is none. */
export function finiteInstant(at: number): number | undefined {
  return at === Number.POSITIVE_INFINITY ? undefined : at
}

/**
 * Who waits, and where: in the queue of a bucket, or aside until his time has come. Also whether a
 * webhook has nobody under way any more, so that it can be forgotten.
 */
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { WebhookRateLimited } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { LimitScope } from "../Answer.js"
import { errorFields } from "../errorFields.js"
import type { BucketState, Ending, Lane, Ticket } from "./bucketState.js"
import type { Gate } from "./gate.js"
import type { Knowledge } from "./knowledge.js"
import type { Permits } from "./permits.js"
import { pollGrace } from "./polling.js"
import type { Settings } from "./settings.js"
import type { Tallies } from "./tallies.js"
import type { Webhooks } from "./webhooks.js"

/**
 * What an alarm can be set for: a bucket, a request between two attempts, the gate, the permits that
 * others wait for, or the sweep of idle webhooks.
 */
export type Target = BucketState | Ticket | Gate | Permits | Webhooks

/** Asks to be woken by `wake` at an instant, at most once for each target; or not any more. */
export type Alarm = (target: Target, at: number | undefined) => void

/** Idle webhooks are swept no more often than this (milliseconds). */
const mostOften = 1000

/**
 * So few that are idle or dead are worth no timer, which would keep a program alive that has nothing
 * else to do: they are swept when somebody next uses the limiter.
 */
const few = 100

export class Waiting {
  readonly #alarm: Alarm
  #idleAfter: number
  /** Whether some of those who wait poll. */
  hasPolling = false
  readonly #knowledge: Knowledge
  readonly #tallies: Tallies
  #sweptAt = 0
  /** How many wait, on all webhooks. */
  count = 0

  constructor(settings: Settings, knowledge: Knowledge, tallies: Tallies, alarm: Alarm) {
    this.#alarm = alarm
    this.#idleAfter = settings.idleAfter
    this.#knowledge = knowledge
    this.#tallies = tallies
  }

  configure({ idleAfter }: Settings): void {
    this.#idleAfter = idleAfter
  }

  /** Into the queue, to the place of its arrival. */
  enter(ticket: Ticket, now: number): void {
    const { lane } = ticket.place
    this.#knowledge.webhooks.wake(lane)
    this.expect(ticket, now)
    ticket.state = "waiting"
    lane.waiting += 1
    this.count += 1
    ticket.bucket.enqueue(ticket)
  }

  /** Aside until its time has come. */
  pause(ticket: Ticket, until: number, now: number): void {
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
  leave(ticket: Ticket): void {
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
  expect(ticket: Ticket, at: number): void {
    const polls = ticket.owner.polls === true
    if (polls) this.hasPolling = true
    ticket.presentUntil = polls ? at + pollGrace : Number.POSITIVE_INFINITY
  }

  /** Its fiber did not poll: it waits no more, unless the fiber comes back. */
  passOver(ticket: Ticket): void {
    this.leave(ticket)
    ticket.state = "passedOver"
    this.rest(ticket.place.lane, ticket.presentUntil)
  }

  /** Passes over all whose fibers did not poll. */
  passOverAbsent(lane: Lane, now: number): void {
    if (!this.hasPolling) return
    for (const ticket of lane.pending()) {
      if (ticket.presentUntil < now) this.passOver(ticket)
    }
  }

  fail(ticket: Ticket, error: WaitError): void {
    this.end(ticket, Exit.fail(error))
  }

  end(ticket: Ticket, ending: Ending): void {
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
  turnAway(lane: Lane, now: number): void {
    for (const ticket of lane.pending()) {
      const refusal = this.#knowledge.refusal(ticket.route, now)
      if (refusal !== undefined) this.fail(ticket, refusal)
    }
    this.rest(lane, now)
  }

  tooLate(ticket: Ticket, at: number, now: number): WebhookRateLimited {
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
  rest(lane: Lane, now: number): void {
    if (lane.inFlight > 0 || lane.waiting > 0) return
    this.#knowledge.webhooks.rest(lane, now)
    if (this.#areMany) this.#alarm(this.#knowledge.webhooks, finite(now + this.#sweepEvery))
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
    this.#alarm(webhooks, this.#areMany ? finite(now + this.#sweepEvery) : undefined)
  }

  get #sweepEvery(): number {
    return Math.max(this.#idleAfter, mostOften)
  }

  get #areMany(): boolean {
    return this.#knowledge.webhooks.idle + this.#knowledge.graveyard.size > few
  }

  #blockedBy(bucket: BucketState, now: number): LimitScope | undefined {
    const { by, until } = this.#knowledge.gate.blockOf(bucket.lane.kind)
    if (until > Math.max(now, bucket.blockedUntil)) return by
    return bucket.blockedUntil > now ? (bucket.blockedBy ?? "user") : undefined
  }
}

/** An alarm for never is none. */
export function finite(at: number): number | undefined {
  return at === Number.POSITIVE_INFINITY ? undefined : at
}

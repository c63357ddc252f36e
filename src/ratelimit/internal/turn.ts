/** A ticket as its fiber sees it: a wait is an asynchronous effect, and interruption leaves the queue. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RuntimeFlags from "effect/RuntimeFlags"
import { DiscordRateLimiterClosed } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import { type Outcome, type Permit, unknown } from "../Permit.js"
import type { Route } from "../Route.js"
import { errorFields } from "../errorFields.js"
import type { Ticket, Waiter } from "./bucketState.js"
import { write } from "./log.js"
import type { Machine } from "./machine.js"
import type { Notice } from "./news.js"

/** Makes an effect as interruptible as the caller of the mask is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Through whom a request waits; those of one end together. */
export interface Owner extends Waiter {
  readonly closed: boolean
  readonly polls: boolean
  readonly sleep: (milliseconds: number) => Effect.Effect<void>
  readonly machine: Machine
  readonly now: () => number
  /** What the machine has told since somebody looked. */
  readonly news: Array<Notice>
}

/** The permit of a ticket that has been granted. */
export class Held implements Permit {
  readonly route: Route
  readonly #owner: Owner
  readonly #ticket: Ticket

  constructor(owner: Owner, ticket: Ticket) {
    this.#owner = owner
    this.#ticket = ticket
    this.route = ticket.route
  }

  readonly waited = (): number => this.#ticket.waited

  readonly settle = (outcome: Outcome): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { machine, news, now } = this.#owner
      machine.settle(this.#ticket, outcome, now())
      return news.length === 0 ? Effect.void : write(news)
    })

  readonly again = (
    outcome: Outcome,
    after?: Duration.DurationInput,
  ): Effect.Effect<void, WaitError> =>
    masked((restore) => {
      const ticket = this.#ticket
      const owner = this.#owner
      if (ticket.state !== "held" && ticket.state !== "expired") {
        return Effect.dieMessage("permit.again: this permit is over")
      }
      const now = owner.now()
      if (owner.closed) {
        owner.machine.settle(ticket, outcome, now)
        return Effect.fail(new DiscordRateLimiterClosed(errorFields(this.route)))
      }
      const delay = after === undefined ? 0 : Duration.toMillis(after)
      owner.machine.again(ticket, outcome, now + delay, now)
      const turn = whenGranted(owner, ticket, restore, () => Effect.void)
      return owner.news.length === 0 ? turn : Effect.zipRight(write(owner.news), turn)
    })

  /** Ends it, whatever its state. */
  abandon(): void {
    if (this.#ticket.state === "over") return
    const now = this.#owner.now()
    this.#owner.machine.settle(this.#ticket, unknown, now)
    this.#owner.machine.cancel(this.#ticket, now)
  }
}

/** `Effect.uninterruptibleMask` at half its price in memory: a hundred thousand may wait inside. */
export function masked<A, E, R>(
  use: (restore: Restore) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  return Effect.withFiberRuntime((_, { runtimeFlags }) =>
    RuntimeFlags.interruption(runtimeFlags)
      ? Effect.uninterruptible(Effect.suspend(() => use(Effect.interruptible)))
      : use(Effect.uninterruptible),
  )
}

/**
 * Waits for the ticket's turn, then uses it; to be run in a mask. Interrupted, it leaves the queue.
 * A fiber that resumes too late for its turn waits again.
 */
export function whenGranted<A, E, R>(
  owner: Owner,
  ticket: Ticket,
  restore: Restore,
  use: () => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | WaitError, R> {
  if (ticket.state === "held") return use()
  if (ticket.ending !== undefined) return Effect.flatMap(ticket.ending, use)
  return Effect.matchCauseEffect(restore(owner.polls ? polled(owner, ticket) : ended(ticket)), {
    onFailure: (cause) => {
      owner.machine.cancel(ticket, owner.now())
      return Effect.failCause(cause)
    },
    onSuccess: () =>
      owner.machine.claim(ticket, owner.now()) ? use() : whenGranted(owner, ticket, restore, use),
  })
}

/**
 * Runs `use` with the granted permit. A permit left unsettled is settled as `Unknown`, or as
 * `NeverSent` if the interruption came before `use` was called.
 */
export function held<A, E, R>(
  owner: Owner,
  ticket: Ticket,
  restore: Restore,
  use: (permit: Permit) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  const permit = new Held(owner, ticket)
  let isUsed = false
  const used = Effect.suspend(() => {
    isUsed = true
    return use(permit)
  })
  return Effect.matchCauseEffect(restore(used), {
    onFailure: (cause) => {
      if (isUsed) permit.abandon()
      else owner.machine.cancel(ticket, owner.now())
      return Effect.failCause(cause)
    },
    onSuccess: (value) => {
      permit.abandon()
      return Effect.succeed(value)
    },
  })
}

/** The end of the wait. */
function ended(ticket: Ticket): Effect.Effect<void, WaitError> {
  return Effect.async<void, WaitError>((resume) => {
    if (ticket.ending === undefined) ticket.resume = resume
    else resume(ticket.ending)
  })
}

/** The same by polling: nothing but its own timer resumes the fiber. */
function polled(owner: Owner, ticket: Ticket): Effect.Effect<void, WaitError> {
  return Effect.suspend(() => {
    const now = owner.now()
    const at = owner.machine.poll(ticket, now)
    if (at === undefined) return ticket.ending ?? Effect.void
    return Effect.flatMap(owner.sleep(Math.ceil(at - now)), () => polled(owner, ticket))
  })
}

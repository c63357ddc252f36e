/** A ticket as its fiber sees it: a wait is an asynchronous effect, and interruption leaves the queue. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { RateLimiterClosed } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import { type Outcome, type Permit, type Restore, unknown, type WaitOptions } from "../Permit.js"
import type { Route } from "../Route.js"
import type { Alarms } from "./alarms.js"
import type { Ending, Ticket, Wish } from "./bucketState.js"
import type { Machine, Target } from "./machine.js"

/** Whose waits end together. */
export interface Owner {
  closed: boolean
}

export class Turn implements Permit {
  readonly route: Route
  readonly #owner: Owner
  readonly #machine: Machine
  readonly #alarms: Alarms<Target>
  readonly #ticket: Ticket | undefined
  /** What the last wait came to, until the fiber takes it; `undefined` while it goes on. */
  #came: Effect.Effect<void, WaitError> | undefined = undefined
  #listener: ((came: Effect.Effect<void, WaitError>) => void) | undefined = undefined

  constructor(
    owner: Owner,
    machine: Machine,
    alarms: Alarms<Target>,
    route: Route,
    options: WaitOptions,
  ) {
    this.#owner = owner
    this.#machine = machine
    this.#alarms = alarms
    this.route = route
    if (owner.closed) this.#refuse()
    else {
      const wish = wishOf(options, owner)
      this.#ticket = machine.arrive(route, wish, alarms.now(), this.#resume)
    }
  }

  readonly waited = (): number => this.#ticket?.waited ?? 0

  readonly settle = (outcome: Outcome): Effect.Effect<void> =>
    Effect.sync(() => {
      if (this.#ticket !== undefined)
        this.#machine.settle(this.#ticket, outcome, this.#alarms.now())
    })

  readonly again = (outcome: Outcome, after?: Duration.Duration): Effect.Effect<void, WaitError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const ticket = this.#ticket
        if (ticket === undefined || ticket.state !== "granted") {
          return Effect.dieMessage("permit.again: this permit is over")
        }
        const delay = after === undefined ? 0 : Duration.toMillis(after)
        const now = this.#alarms.now()
        this.#came = undefined
        if (this.#owner.closed) {
          this.#machine.settle(ticket, outcome, now)
          this.#refuse()
        } else {
          this.#machine.again(ticket, outcome, now + delay, now, this.#resume)
        }
        return this.turn(restore)
      }),
    )

  /** Waits until it may go; interrupted, it leaves the queue. */
  turn(restore: Restore): Effect.Effect<void, WaitError> {
    if (this.#came !== undefined) return this.#came
    const wait = Effect.async<void, WaitError>((resume) => {
      if (this.#came === undefined) this.#listener = resume
      else resume(this.#came)
    })
    return Effect.tapErrorCause(restore(wait), () => this.#cancel)
  }

  /** Ends it, whatever its state; a permit of which nothing is known counts as used. */
  get abandon(): Effect.Effect<void> {
    return Effect.zipRight(this.settle(unknown), this.#cancel)
  }

  get #cancel(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#ticket !== undefined) this.#machine.cancel(this.#ticket, this.#alarms.now())
    })
  }

  #refuse(): void {
    this.#came = Effect.fail(new RateLimiterClosed({ route: this.route.name }))
  }

  readonly #resume = (ending?: Ending): void => {
    this.#came = ending === undefined ? Effect.void : effectOf(ending)
    this.#listener?.(this.#came)
    this.#listener = undefined
  }
}

function effectOf(ending: Ending): Effect.Effect<never, WaitError> {
  return ending._tag === "Failure" ? Effect.fail(ending.error) : Effect.die(ending.defect)
}

function wishOf(options: WaitOptions, owner: Owner): Wish {
  return {
    policy: options.policy,
    ordered: options.delivery !== "concurrent",
    maxWait:
      options.maxWait === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(options.maxWait),
    owner,
  }
}

/** Repeats calls to a store that is unavailable, and logs one line each time. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { DiscordOutboxUnavailable } from "./OutboxError.js"
import type { Stored } from "./store.js"

/** Whether the failure has nothing to do with the rows of the call, so that a later call may succeed. */
const isAbsence = ({ reason }: DiscordOutboxUnavailable): boolean =>
  reason === "connection" || reason === "full"

/** Whether the failure concerns every row, not one of a batch. */
export const isCommon = ({ reason }: DiscordOutboxUnavailable): boolean =>
  reason !== "constraint" && reason !== "damaged"

/** The longest pause between two calls to a store that is unavailable. */
export const maxPauseMillis = 2000

/** Without an end. */
const pauses = Schedule.union(
  Schedule.exponential("100 millis"),
  Schedule.spaced(`${maxPauseMillis} millis`),
)

function describeDefect(defect: unknown): Stored<never> {
  return Effect.zipRight(
    Effect.logError("Outbox: a defect of the store", Cause.die(defect)),
    new DiscordOutboxUnavailable({
      operation: "Outbox.worker",
      reason: "damaged",
      detail: "a defect, which is in the log",
    }),
  )
}

export class Availability {
  #isAway = false

  /** Waits while the store is unavailable. Every call may be repeated: a lost response does not matter. */
  readonly whileAway = <A>(call: Stored<A>): Stored<A> =>
    Effect.retry(this.observe(call), { schedule: pauses, while: isAbsence })

  /** Repeats the call until it succeeds. */
  readonly persist = <A>(call: Stored<A>): Effect.Effect<A> =>
    Effect.orDie(Effect.retry(this.observe(call), pauses))

  /** Logs the beginning and the end of an absence. A defect of the engine is a failure like others. */
  observe<A>(call: Stored<A>): Stored<A> {
    return Effect.tapBoth(Effect.catchAllDefect(call, describeDefect), {
      onFailure: (error) => (this.#isAway ? Effect.void : this.#report(error)),
      onSuccess: () => (this.#isAway ? this.#reportReturn : Effect.void),
    })
  }

  #report(error: DiscordOutboxUnavailable): Effect.Effect<void> {
    this.#isAway = true
    return Effect.logError("Outbox: the store is not available; its entries wait", error)
  }

  readonly #reportReturn: Effect.Effect<void> = Effect.suspend(() => {
    this.#isAway = false
    return Effect.logInfo("Outbox: the store is available again")
  })
}

/** Sleeping fibers, at most one for each target. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

const nanosPerMilli = 1e6

interface Alarm {
  readonly at: number
  readonly fiber: Fiber.RuntimeFiber<void>
}

export class Alarms<Target extends object> {
  readonly #clock: Clock.Clock
  readonly #ring: (target: Target, now: number) => void
  readonly #set = new Map<Target, Alarm>()

  constructor(clock: Clock.Clock, ring: (target: Target, now: number) => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** How many are set. */
  get size(): number {
    return this.#set.size
  }

  /** Milliseconds on a clock that only moves forward. */
  now(): number {
    return Number(this.#clock.unsafeCurrentTimeNanos()) / nanosPerMilli
  }

  /** An earlier alarm stays: its target asks again. */
  set(target: Target, at: number | undefined): void {
    const current = this.#set.get(target)
    if (at === undefined) {
      if (current === undefined) return
      this.#set.delete(target)
      current.fiber.unsafeInterruptAsFork(FiberId.none)
      return
    }
    if (current !== undefined) {
      if (current.at <= at) return
      current.fiber.unsafeInterruptAsFork(FiberId.none)
    }
    this.#set.set(target, { at, fiber: this.#sleep(target, at) })
  }

  clear(): void {
    for (const { fiber } of this.#set.values()) fiber.unsafeInterruptAsFork(FiberId.none)
    this.#set.clear()
  }

  #sleep(target: Target, at: number): Fiber.RuntimeFiber<void> {
    // Whole milliseconds, rounded up: a timer must never ring too early to be of use.
    const delay = Duration.millis(Math.max(0, Math.ceil(at - this.now())))
    // Alarms are set from synchronous transitions, which have no fiber of their own.
    // oxlint-disable-next-line no-restricted-properties
    return Runtime.runFork(Runtime.defaultRuntime)(
      Effect.zipRight(
        Effect.sleep(delay),
        Effect.sync(() => {
          this.#set.delete(target)
          this.#ring(target, this.now())
        }),
      ).pipe(Effect.withClock(this.#clock)),
    )
  }
}

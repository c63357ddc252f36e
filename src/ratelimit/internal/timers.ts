/** Timers on sleeping fibers, at most one per target. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

interface Timer {
  readonly at: number
  readonly cancel: () => void
}

export class Timers<Target extends object> {
  readonly #clock: Clock.Clock
  readonly #onTimer: (target: Target, now: number) => void
  readonly #timers = new Map<Target, Timer>()

  constructor(clock: Clock.Clock, ring: (target: Target, now: number) => void) {
    this.#clock = clock
    this.#onTimer = ring
  }

  /** Number of active timers. */
  get size(): number {
    return this.#timers.size
  }

  /** Milliseconds on a clock that only moves forward. */
  now(): number {
    return currentMillis(this.#clock)
  }

  /** Sets or cancels a timer. An earlier one stays, since its target then sets the next. */
  schedule(target: Target, at: number | undefined): void {
    const current = this.#timers.get(target)
    if (at === undefined) {
      if (current === undefined) return
      this.#timers.delete(target)
      current.cancel()
      return
    }
    if (current !== undefined) {
      if (current.at <= at) return
      current.cancel()
    }
    const cancel = scheduleAt(this.#clock, at, () => {
      this.#timers.delete(target)
      this.#onTimer(target, this.now())
    })
    this.#timers.set(target, { at, cancel })
  }

  clear(): void {
    for (const { cancel } of this.#timers.values()) cancel()
    this.#timers.clear()
  }
}

const nanosPerMilli = 1e6

/** Milliseconds on a clock that only moves forward. */
export function currentMillis(clock: Clock.Clock): number {
  return Number(clock.unsafeCurrentTimeNanos()) / nanosPerMilli
}

/** Calls `ring` at a time; the returned function cancels it. */
export function scheduleAt(clock: Clock.Clock, at: number, ring: () => void): () => void {
  // Whole milliseconds, rounded up: a timer must not expire early.
  const delay = Duration.millis(Math.max(0, Math.ceil(at - currentMillis(clock))))
  // The caller has no fiber, or one that must not be the timer's parent.
  // oxlint-disable-next-line no-restricted-properties
  const fiber = Runtime.runFork(Runtime.defaultRuntime)(
    Effect.zipRight(Effect.sleep(delay), Effect.sync(ring)).pipe(Effect.withClock(clock)),
  )
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}

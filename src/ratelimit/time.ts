/** Milliseconds, a clock that only moves forward, and timers on it. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

/** Converts to milliseconds; a number is returned without allocating a `Duration`. */
export function toMillis(input: Duration.DurationInput): number {
  return typeof input === "number" ? input : Duration.toMillis(input)
}

/** One nanosecond: `16.1 * 1000` is 16100.000000000002, which must not become 16101. */
const roundingError = 1e-6

/** Converts seconds to whole milliseconds, rounded up. */
export function secondsToMillis(seconds: number): number {
  return Math.max(0, Math.ceil(seconds * 1000 - roundingError))
}

const nanosPerMilli = 1e6

/** Milliseconds on a clock that only moves forward. */
export function currentMillis(clock: Clock.Clock): number {
  return Number(clock.unsafeCurrentTimeNanos()) / nanosPerMilli
}

/** Calls `onTimer` at a time; the returned function cancels it. */
export function scheduleAt(clock: Clock.Clock, at: number, onTimer: () => void): () => void {
  // Whole milliseconds, rounded up: a timer must not expire early.
  const delay = Duration.millis(Math.max(0, Math.ceil(at - currentMillis(clock))))
  // The caller has no fiber, or one that must not be the timer's parent.
  // oxlint-disable-next-line no-restricted-properties
  const fiber = Runtime.runFork(Runtime.defaultRuntime)(
    Effect.zipRight(Effect.sleep(delay), Effect.sync(onTimer)).pipe(Effect.withClock(clock)),
  )
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}

interface Timer {
  readonly at: number
  readonly cancel: () => void
}

/** Timers on sleeping fibers, at most one per target. */
export class Timers<Target extends object> {
  readonly #clock: Clock.Clock
  readonly #onTimer: (target: Target, now: number) => void
  readonly #timers = new Map<Target, Timer>()

  constructor(clock: Clock.Clock, onTimer: (target: Target, now: number) => void) {
    this.#clock = clock
    this.#onTimer = onTimer
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
    if (current !== undefined) {
      if (at !== undefined && current.at <= at) return
      this.#timers.delete(target)
      current.cancel()
    }
    if (at === undefined) return
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

/**
 * Whether the runtime isolates the input and output of each request, drops the fibers of a request
 * that ends, and fails when one request continues another: Cloudflare Workers (workerd) and Vercel's
 * Edge runtime on it.
 */
export function isolatesRequests(): boolean {
  const { EdgeRuntime, navigator } = globalThis as {
    readonly EdgeRuntime?: unknown
    readonly navigator?: { readonly userAgent?: string }
  }
  return navigator?.userAgent === "Cloudflare-Workers" || EdgeRuntime !== undefined
}

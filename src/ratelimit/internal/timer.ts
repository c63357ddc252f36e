/** Time, as far as synchronous code needs it: what it is, and a call when more of it has passed. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

const nanosPerMilli = 1e6

/** Milliseconds on a clock that only moves forward. */
export function nowOn(clock: Clock.Clock): number {
  return Number(clock.unsafeCurrentTimeNanos()) / nanosPerMilli
}

/** Calls back at an instant, unless what it answers with is called before. */
export function ringAt(clock: Clock.Clock, at: number, ring: () => void): () => void {
  // Whole milliseconds, rounded up: a timer must never ring too early to be of use.
  const delay = Duration.millis(Math.max(0, Math.ceil(at - nowOn(clock))))
  // Whoever sets it has no fiber of its own, or one that is not to be the timer's parent.
  // oxlint-disable-next-line no-restricted-properties
  const fiber = Runtime.runFork(Runtime.defaultRuntime)(
    Effect.zipRight(Effect.sleep(delay), Effect.sync(ring)).pipe(Effect.withClock(clock)),
  )
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}

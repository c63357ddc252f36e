/**
 * A clock whose time a test sets, and whose sleeps are real: a step of an engine that waits for another
 * connection goes on, whereas `TestClock` would never wake it.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export interface ManualClock extends Clock.Clock {
  readonly adjust: (millis: number) => Effect.Effect<void>
}

export function makeManualClock(): ManualClock {
  let now = 0
  const real = Clock.make()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    sleep: (duration: Duration.Duration) => real.sleep(duration),
    adjust: (millis) =>
      Effect.sync(() => {
        now += millis
      }),
  }
}

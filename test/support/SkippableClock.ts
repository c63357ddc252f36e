/**
 * The real clock, with a way to skip time: sleepers whose time has come by then wake at once. For
 * tests over sockets, which need real time to pass, and must not depend on how much of it does.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const nanosPerMilli = 1_000_000n

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

class SkippableClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly #real = Clock.make()
  readonly #sleepers = new Set<Sleeper>()
  #skipped = 0

  unsafeCurrentTimeMillis(): number {
    return this.#real.unsafeCurrentTimeMillis() + this.#skipped
  }

  unsafeCurrentTimeNanos(): bigint {
    return this.#real.unsafeCurrentTimeNanos() + BigInt(this.#skipped) * nanosPerMilli
  }

  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const skipped = Effect.async<void>((resume) => {
      const at = this.unsafeCurrentTimeMillis() + Duration.toMillis(duration)
      const sleeper: Sleeper = { at, wake: () => resume(Effect.void) }
      this.#sleepers.add(sleeper)
      return Effect.sync(() => void this.#sleepers.delete(sleeper))
    })
    return Effect.raceFirst(this.#real.sleep(duration), skipped)
  }

  skip(duration: Duration.Duration): void {
    this.#skipped += Duration.toMillis(duration)
    const now = this.unsafeCurrentTimeMillis()
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}

class Skip extends Context.Tag("test/Skip")<Skip, (duration: Duration.Duration) => void>() {}

/** Runs the effect, and everything that it forks, on a clock of its own. */
export const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, Exclude<R, Skip>> =>
  Effect.suspend(() => {
    const clock = new SkippableClock()
    return effect.pipe(
      Effect.provideService(Skip, (duration) => clock.skip(duration)),
      Effect.withClock(clock),
    )
  })

/** Only inside of `run`. */
export const skip = (duration: Duration.DurationInput): Effect.Effect<void, never, Skip> =>
  Effect.map(Skip, (by) => by(Duration.decode(duration)))

export type { Skip }

/**
 * A time limit for each of many requests, at the price of one fiber each and one sleeper for all:
 * `Effect.timeout` takes two fibers and a timer for each, which is a third of all that a request
 * costs here.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

const nanosPerMilli = 1e6

/**
 * Interrupts the effect, even where the caller cannot be interrupted, when it takes too long, and
 * then calls `onTimeout`. Interrupting the caller interrupts the effect. It must not fail: what a
 * fiber fails with is logged, and may hold the URL.
 */
export function within(
  effect: Effect.Effect<void>,
  limit: Duration.Duration,
  onTimeout: () => void,
): Effect.Effect<void> {
  return Effect.uninterruptibleMask((restore) =>
    Effect.clockWith((clock) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) => {
        const queue = queueOf(clock, limit)
        const watch = queue.add(fiber)
        fiber.addObserver(() => queue.remove(watch))
        return Effect.flatMap(
          Effect.onInterrupt(restore(Fiber.await(fiber)), () => Fiber.interrupt(fiber)),
          (exit) => (watch.expired ? Effect.sync(onTimeout) : exit),
        )
      }),
    ),
  )
}

interface Watch {
  readonly fiber: Fiber.RuntimeFiber<void>
  readonly at: number
  expired: boolean
}

/** The running requests of one time limit, so that the first to begin is the first whose time is up. */
class Deadlines {
  readonly #clock: Clock.Clock
  readonly #millis: number
  readonly #watched = new Set<Watch>()
  #sleeper: Fiber.RuntimeFiber<void> | undefined = undefined

  readonly #siblings: Map<number, Deadlines>

  constructor(clock: Clock.Clock, millis: number, siblings: Map<number, Deadlines>) {
    this.#clock = clock
    this.#millis = millis
    this.#siblings = siblings
  }

  add(fiber: Fiber.RuntimeFiber<void>): Watch {
    this.#siblings.set(this.#millis, this)
    const watch = { fiber, at: this.#now() + this.#millis, expired: false }
    this.#watched.add(watch)
    if (this.#sleeper === undefined) this.#sleepUntil(watch.at)
    return watch
  }

  remove(watch: Watch): void {
    this.#watched.delete(watch)
    if (this.#watched.size > 0) return
    this.#siblings.delete(this.#millis)
    // A timer that nobody needs would keep the process alive.
    this.#sleeper?.unsafeInterruptAsFork(FiberId.none)
    this.#sleeper = undefined
  }

  #ring(): void {
    this.#sleeper = undefined
    const now = this.#now()
    for (const watch of this.#watched) {
      if (watch.at > now) {
        this.#sleepUntil(watch.at)
        return
      }
      this.#watched.delete(watch)
      watch.expired = true
      watch.fiber.unsafeInterruptAsFork(FiberId.none)
    }
  }

  /** Milliseconds on a clock that only moves forward. */
  #now(): number {
    return Number(this.#clock.unsafeCurrentTimeNanos()) / nanosPerMilli
  }

  #sleepUntil(at: number): void {
    const delay = Duration.millis(Math.max(0, Math.ceil(at - this.#now())))
    // Neither the first request nor any other is the parent of what they share.
    // oxlint-disable-next-line no-restricted-properties
    this.#sleeper = Runtime.runFork(Runtime.defaultRuntime)(
      Effect.zipRight(
        Effect.sleep(delay),
        Effect.sync(() => this.#ring()),
      ).pipe(Effect.withClock(this.#clock)),
    )
  }
}

/** Those with requests under way, by clock and milliseconds. */
const queues = new WeakMap<Clock.Clock, Map<number, Deadlines>>()

function queueOf(clock: Clock.Clock, limit: Duration.Duration): Deadlines {
  const millis = Duration.toMillis(limit)
  const ofClock = queues.get(clock) ?? new Map<number, Deadlines>()
  queues.set(clock, ofClock)
  return ofClock.get(millis) ?? new Deadlines(clock, millis, ofClock)
}

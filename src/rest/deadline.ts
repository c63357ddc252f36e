/**
 * A time limit for each of many requests, at the price of one fiber each and one sleeper for all:
 * `Effect.timeout` takes two fibers and a timer for each, which is a third of all that a request
 * costs here.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import { nowOn, ringAt } from "../ratelimit/internal/timer.js"
import type { Restore } from "../ratelimit/Permit.js"

/** A scheduler's priority behind that of fibers. */
const afterOthers = 1

/**
 * Runs the effect in a fiber of its own, and interrupts it, even where the caller cannot be
 * interrupted, when it takes too long; then calls `onTimeout`. The caller must not be interruptible
 * but by `restore`; interrupting it interrupts the effect. It must not fail: what a fiber fails
 * with is logged, and may hold the URL.
 */
export function within(
  effect: Effect.Effect<void>,
  limit: Duration.Duration,
  restore: Restore,
  onTimeout: () => void,
): Effect.Effect<void> {
  return Effect.withFiberRuntime((caller) => {
    const fiber = start(effect, caller)
    const exit = fiber.unsafePoll()
    if (exit !== null) return exit
    const watch = queueOf(clockOf(caller), limit).watch(fiber, caller)
    const end = Effect.async<void>((resume) => {
      fiber.addObserver((how) => resume(watch.expired ? Effect.sync(onTimeout) : how))
    })
    return Effect.catchAllCause(restore(end), (cause) =>
      Effect.zipRight(Fiber.interrupt(fiber), Effect.failCause(cause)),
    )
  })
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/**
 * `Effect.forkDaemon` for a tenth of its price: the fiber begins at once, on the caller's stack. It
 * can be interrupted, whatever the caller can.
 */
function start(effect: Effect.Effect<void>, caller: AnyFiber): Fiber.RuntimeFiber<void> {
  const runtime = Runtime.make({
    context: caller.currentContext,
    fiberRefs: caller.getFiberRefs(),
    runtimeFlags: Runtime.defaultRuntimeFlags,
  })
  // oxlint-disable-next-line no-restricted-properties
  return Runtime.runFork(runtime)(effect)
}

function clockOf(fiber: AnyFiber): Clock.Clock {
  return Context.get(fiber.currentDefaultServices, Clock.Clock)
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
  /** Stops the sleeper, while there is one. */
  #stop: (() => void) | undefined = undefined

  readonly #siblings: Map<number, Deadlines>

  constructor(clock: Clock.Clock, millis: number, siblings: Map<number, Deadlines>) {
    this.#clock = clock
    this.#millis = millis
    this.#siblings = siblings
  }

  watch(fiber: Fiber.RuntimeFiber<void>, caller: AnyFiber): Watch {
    this.#siblings.set(this.#millis, this)
    const watch = { fiber, at: nowOn(this.#clock) + this.#millis, expired: false }
    this.#watched.add(watch)
    if (this.#stop === undefined) this.#sleepUntil(watch.at)
    fiber.addObserver(() => {
      this.#watched.delete(watch)
      // Not at once, but when the caller had its turn: often it sends the next message.
      if (this.#watched.size === 0) {
        caller.currentScheduler.scheduleTask(() => this.#rest(), afterOthers, caller)
      }
    })
    return watch
  }

  /** A timer that nobody needs would keep the process alive. */
  #rest(): void {
    if (this.#watched.size > 0) return
    this.#siblings.delete(this.#millis)
    this.#stop?.()
    this.#stop = undefined
  }

  #ring(): void {
    this.#stop = undefined
    const now = nowOn(this.#clock)
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

  #sleepUntil(at: number): void {
    this.#stop = ringAt(this.#clock, at, () => this.#ring())
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

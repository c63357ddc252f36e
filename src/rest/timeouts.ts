/**
 * A time limit for each of many requests at the price of one sleeper for all: `Effect.timeout`
 * takes two fibers and a timer for each, which is a third of all that a request costs here.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import { isolatesRequests } from "../ratelimit/internal/runtime.js"
import { nowOn, ringAt } from "../ratelimit/internal/timer.js"
import type { Restore } from "./attempt.js"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** A scheduler's priority behind that of fibers. */
const afterOthers = 1

/** `Scheduler.Scheduler` of every supported version: since effect 3.20 a queue belongs to a fiber. */
interface TaskScheduler {
  scheduleTask(task: () => void, priority: number, fiber?: AnyFiber): void
}

export interface Watch {
  /** It ended in time. */
  readonly end: () => void
}

/** Calls back when something that the caller begins now has taken too long. */
export function watch(caller: AnyFiber, limit: Duration.Duration, onExpired: () => void): Watch {
  const clock = Context.get(caller.currentDefaultServices, Clock.Clock)
  // A sleeper for all would belong to the request that began first, and end with it.
  if (isolatesRequests()) {
    return { end: ringAt(clock, nowOn(clock) + Duration.toMillis(limit), onExpired) }
  }
  return queueOf(clock, limit).watch(caller, onExpired)
}

/** Each is a link of its queue. */
class Running implements Watch {
  readonly at: number
  readonly onExpired: () => void
  readonly #queue: Deadlines
  readonly #caller: AnyFiber

  constructor(queue: Deadlines, caller: AnyFiber, at: number, onExpired: () => void) {
    this.#queue = queue
    this.#caller = caller
    this.at = at
    this.onExpired = onExpired
  }

  end(): void {
    this.#queue.ended(this, this.#caller)
  }
}

/** The running requests of one time limit, so that the first to begin is the first whose time is up. */
class Deadlines {
  readonly #clock: Clock.Clock
  readonly #millis: number
  readonly #siblings: Map<number, Deadlines>
  readonly #running = new Set<Running>()
  /** Stops the sleeper, while there is one. */
  #stop: (() => void) | undefined = undefined

  constructor(clock: Clock.Clock, millis: number, siblings: Map<number, Deadlines>) {
    this.#clock = clock
    this.#millis = millis
    this.#siblings = siblings
  }

  watch(caller: AnyFiber, onExpired: () => void): Watch {
    this.#siblings.set(this.#millis, this)
    const running = new Running(this, caller, nowOn(this.#clock) + this.#millis, onExpired)
    this.#running.add(running)
    if (this.#stop === undefined) this.#sleepUntil(running.at)
    return running
  }

  ended(running: Running, caller: AnyFiber): void {
    this.#running.delete(running)
    // Not at once, but when the caller had its turn: often it sends the next message.
    if (this.#running.size === 0) {
      const scheduler: TaskScheduler = caller.currentScheduler
      scheduler.scheduleTask(() => this.#rest(), afterOthers, caller)
    }
  }

  /** A timer that nobody needs would keep the process alive. */
  #rest(): void {
    if (this.#running.size > 0) return
    this.#siblings.delete(this.#millis)
    this.#stop?.()
    this.#stop = undefined
  }

  #ring(): void {
    this.#stop = undefined
    const now = nowOn(this.#clock)
    for (const running of this.#running) {
      if (running.at > now) {
        this.#sleepUntil(running.at)
        return
      }
      this.#running.delete(running)
      running.onExpired()
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

/**
 * Runs the effect in a fiber of its own, and interrupts it, even where the caller cannot be
 * interrupted, when it takes too long; then calls `onTimeout`. The caller must not be interruptible
 * but by `restore`; interrupting it interrupts the effect, and nothing begins for one that has been
 * interrupted. The effect must not fail: what a fiber fails with is logged, and may hold the URL.
 */
export function within(
  effect: (restart: (limit: Duration.Duration) => void) => Effect.Effect<void>,
  limit: Duration.Duration,
  restore: Restore,
  onTimeout: () => void,
): Effect.Effect<void> {
  return Effect.suspend(() => {
    let begun: Fiber.RuntimeFiber<void> | undefined
    const run = Effect.withFiberRuntime<void>((caller) => {
      let expired = false
      let watching: Watch | undefined
      const restart = (time: Duration.Duration): void => {
        watching?.end()
        watching = watch(caller, time, () => {
          expired = true
          begun?.unsafeInterruptAsFork(FiberId.none)
        })
      }
      const fiber = startFiber(effect(restart), caller)
      begun = fiber
      fiber.addObserver(() => watching?.end())
      const exit = fiber.unsafePoll()
      if (exit !== null) return exit
      if (watching === undefined) restart(limit)
      return Effect.async<void>((resume) => {
        fiber.addObserver((how) => resume(expired ? Effect.sync(onTimeout) : how))
      })
    })
    return Effect.catchAllCause(restore(run), (cause) =>
      begun === undefined
        ? Effect.failCause(cause)
        : Effect.zipRight(Fiber.interrupt(begun), Effect.failCause(cause)),
    )
  })
}

/**
 * `Effect.forkDaemon` for a tenth of its price: the fiber begins at once, on the caller's stack. It
 * can be interrupted, whatever the caller can.
 */
function startFiber(effect: Effect.Effect<void>, caller: AnyFiber): Fiber.RuntimeFiber<void> {
  const runtime = Runtime.make({
    context: caller.currentContext,
    fiberRefs: caller.getFiberRefs(),
    runtimeFlags: Runtime.defaultRuntimeFlags,
  })
  // oxlint-disable-next-line no-restricted-properties
  return Runtime.runFork(runtime)(effect)
}

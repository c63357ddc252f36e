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
import { isolatesRequests } from "../ratelimit/internal/settings.js"
import { currentMillis, scheduleAt } from "../ratelimit/internal/timers.js"
import type { Restore } from "./attempt.js"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** A scheduler's priority behind that of fibers. */
const lowPriority = 1

/** `Scheduler.Scheduler` of every supported version: since effect 3.20 a queue belongs to a fiber. */
interface TaskScheduler {
  scheduleTask(task: () => void, priority: number, fiber?: AnyFiber): void
}

export interface Timeout {
  /** It ended in time. */
  readonly cancel: () => void
}

/** Calls back when something that the caller begins now has taken too long. */
export function startTimeout(
  caller: AnyFiber,
  limit: Duration.Duration,
  onExpired: () => void,
): Timeout {
  const clock = Context.get(caller.currentDefaultServices, Clock.Clock)
  // A sleeper for all would belong to the request that began first, and end with it.
  if (isolatesRequests()) {
    return { cancel: scheduleAt(clock, currentMillis(clock) + Duration.toMillis(limit), onExpired) }
  }
  return getQueue(clock, limit).add(caller, onExpired)
}

/** Each is a link of its queue. */
class QueuedTimeout implements Timeout {
  readonly at: number
  readonly onExpired: () => void
  readonly #queue: TimeoutQueue
  readonly #caller: AnyFiber

  constructor(queue: TimeoutQueue, caller: AnyFiber, at: number, onExpired: () => void) {
    this.#queue = queue
    this.#caller = caller
    this.at = at
    this.onExpired = onExpired
  }

  cancel(): void {
    this.#queue.remove(this, this.#caller)
  }
}

/** The entry requests of one time limit, so that the first to begin is the first whose time is up. */
class TimeoutQueue {
  readonly #clock: Clock.Clock
  readonly #millis: number
  readonly #siblings: Map<number, TimeoutQueue>
  readonly #entries = new Set<QueuedTimeout>()
  /** Stops the sleeper, while there is one. */
  #stop: (() => void) | undefined = undefined

  constructor(clock: Clock.Clock, millis: number, siblings: Map<number, TimeoutQueue>) {
    this.#clock = clock
    this.#millis = millis
    this.#siblings = siblings
  }

  add(caller: AnyFiber, onExpired: () => void): Timeout {
    this.#siblings.set(this.#millis, this)
    const entry = new QueuedTimeout(
      this,
      caller,
      currentMillis(this.#clock) + this.#millis,
      onExpired,
    )
    this.#entries.add(entry)
    if (this.#stop === undefined) this.#sleepUntil(entry.at)
    return entry
  }

  remove(entry: QueuedTimeout, caller: AnyFiber): void {
    this.#entries.delete(entry)
    // Not at once, but when the caller had its turn: often it sends the next message.
    if (this.#entries.size === 0) {
      const scheduler: TaskScheduler = caller.currentScheduler
      scheduler.scheduleTask(() => this.#stopIfEmpty(), lowPriority, caller)
    }
  }

  /** A timer that nobody needs would keep the process alive. */
  #stopIfEmpty(): void {
    if (this.#entries.size > 0) return
    this.#siblings.delete(this.#millis)
    this.#stop?.()
    this.#stop = undefined
  }

  #expire(): void {
    this.#stop = undefined
    const now = currentMillis(this.#clock)
    for (const entry of this.#entries) {
      if (entry.at > now) {
        this.#sleepUntil(entry.at)
        return
      }
      this.#entries.delete(entry)
      entry.onExpired()
    }
  }

  #sleepUntil(at: number): void {
    this.#stop = scheduleAt(this.#clock, at, () => this.#expire())
  }
}

/** Those with requests under way, by clock and milliseconds. */
const queues = new WeakMap<Clock.Clock, Map<number, TimeoutQueue>>()

function getQueue(clock: Clock.Clock, limit: Duration.Duration): TimeoutQueue {
  const millis = Duration.toMillis(limit)
  const ofClock = queues.get(clock) ?? new Map<number, TimeoutQueue>()
  queues.set(clock, ofClock)
  return ofClock.get(millis) ?? new TimeoutQueue(clock, millis, ofClock)
}

/**
 * Runs the effect in a fiber of its own, and interrupts it, even where the caller cannot be
 * interrupted, when it takes too long; then calls `onTimeout`. The caller must not be interruptible
 * but by `restore`; interrupting it interrupts the effect, and nothing begins for one that has been
 * interrupted. The effect must not fail: what a fiber fails with is logged, and may hold the URL.
 */
export function runWithTimeout(
  effect: (restart: (limit: Duration.Duration) => void) => Effect.Effect<void>,
  limit: Duration.Duration,
  restore: Restore,
  onTimeout: () => void,
): Effect.Effect<void> {
  return Effect.suspend(() => {
    let begun: Fiber.RuntimeFiber<void> | undefined
    const run = Effect.withFiberRuntime<void>((caller) => {
      let expired = false
      let timeout: Timeout | undefined
      const restart = (time: Duration.Duration): void => {
        timeout?.cancel()
        timeout = startTimeout(caller, time, () => {
          expired = true
          begun?.unsafeInterruptAsFork(FiberId.none)
        })
      }
      const fiber = forkImmediately(effect(restart), caller)
      begun = fiber
      fiber.addObserver(() => timeout?.cancel())
      const exit = fiber.unsafePoll()
      if (exit !== null) return exit
      if (timeout === undefined) restart(limit)
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
function forkImmediately(effect: Effect.Effect<void>, caller: AnyFiber): Fiber.RuntimeFiber<void> {
  const runtime = Runtime.make({
    context: caller.currentContext,
    fiberRefs: caller.getFiberRefs(),
    runtimeFlags: Runtime.defaultRuntimeFlags,
  })
  // oxlint-disable-next-line no-restricted-properties
  return Runtime.runFork(runtime)(effect)
}

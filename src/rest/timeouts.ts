/**
 * Timeouts of attempts. One sleeper serves all attempts with the same timeout: `Effect.timeout`
 * takes two fibers and a timer for each, which is a third of the cost of a request.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import { currentMillis, isolatesRequests, scheduleAt } from "../ratelimit/time.js"
import type { Restore } from "./attempt.js"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Runs after the fibers that are ready. */
const lowPriority = 1

/** `Scheduler.Scheduler` of every supported version: since effect 3.20 it takes a fiber. */
interface TaskScheduler {
  scheduleTask(task: () => void, priority: number, fiber?: AnyFiber): void
}

export interface Timeout {
  /** Cancels the timeout. */
  readonly cancel: () => void
}

/** Calls `onExpired` after `limit`, unless the timeout is cancelled. */
export function startTimeout(
  caller: AnyFiber,
  limit: Duration.Duration,
  onExpired: () => void,
): Timeout {
  const clock = Context.get(caller.currentDefaultServices, Clock.Clock)
  // A shared sleeper would belong to the first request, and end with it.
  if (isolatesRequests()) {
    return { cancel: scheduleAt(clock, currentMillis(clock) + Duration.toMillis(limit), onExpired) }
  }
  return getQueue(clock, limit).add(caller, onExpired)
}

/** An entry of a queue. */
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

/** The running attempts of one timeout, in the order in which they expire. */
class TimeoutQueue {
  readonly #clock: Clock.Clock
  readonly #millis: number
  readonly #siblings: Map<number, TimeoutQueue>
  readonly #entries = new Set<QueuedTimeout>()
  /** Cancels the sleeper, if there is one. */
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
    // Deferred until the caller has run: often it sends the next message at once.
    if (this.#entries.size === 0) {
      const scheduler: TaskScheduler = caller.currentScheduler
      scheduler.scheduleTask(() => this.#stopIfEmpty(), lowPriority, caller)
    }
  }

  /** An unused timer would keep the process alive. */
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

/** The queues with running attempts, by clock and milliseconds. */
const queues = new WeakMap<Clock.Clock, Map<number, TimeoutQueue>>()

function getQueue(clock: Clock.Clock, limit: Duration.Duration): TimeoutQueue {
  const millis = Duration.toMillis(limit)
  const ofClock = queues.get(clock) ?? new Map<number, TimeoutQueue>()
  queues.set(clock, ofClock)
  return ofClock.get(millis) ?? new TimeoutQueue(clock, millis, ofClock)
}

/**
 * Runs the effect in its own fiber and interrupts it after `limit`, even if the caller is
 * uninterruptible; then calls `onTimeout`. `restart` replaces the timeout by another one. The
 * caller must be uninterruptible except by `restore`; interrupting it interrupts the effect. The
 * effect must not fail: the failure of a fiber is logged, and may contain the URL.
 */
export function runWithTimeout(
  effect: (restart: (limit: Duration.Duration) => void) => Effect.Effect<void>,
  limit: Duration.Duration,
  restore: Restore,
  onTimeout: () => void,
): Effect.Effect<void> {
  return Effect.suspend(() => {
    let running: Fiber.RuntimeFiber<void> | undefined
    const run = Effect.withFiberRuntime<void>((caller) => {
      let expired = false
      let timeout: Timeout | undefined
      const restart = (time: Duration.Duration): void => {
        timeout?.cancel()
        timeout = startTimeout(caller, time, () => {
          expired = true
          running?.unsafeInterruptAsFork(FiberId.none)
        })
      }
      const fiber = forkImmediately(effect(restart), caller)
      running = fiber
      fiber.addObserver(() => timeout?.cancel())
      const exit = fiber.unsafePoll()
      if (exit !== null) return exit
      if (timeout === undefined) restart(limit)
      return Effect.async<void>((resume) => {
        fiber.addObserver((result) => resume(expired ? Effect.sync(onTimeout) : result))
      })
    })
    return Effect.catchAllCause(restore(run), (cause) =>
      running === undefined
        ? Effect.failCause(cause)
        : Effect.zipRight(Fiber.interrupt(running), Effect.failCause(cause)),
    )
  })
}

/**
 * Starts a fiber on the caller's stack, for a tenth of the cost of `Effect.forkDaemon`. The fiber
 * is interruptible even if the caller is not.
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

/** A time limit for an effect, at the price of one fiber. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type { Restore } from "./flight.js"
import { watch } from "./deadlines.js"
import type { AnyFiber, Watch } from "./deadlines.js"

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
      const fiber = start(effect(restart), caller)
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
function start(effect: Effect.Effect<void>, caller: AnyFiber): Fiber.RuntimeFiber<void> {
  const runtime = Runtime.make({
    context: caller.currentContext,
    fiberRefs: caller.getFiberRefs(),
    runtimeFlags: Runtime.defaultRuntimeFlags,
  })
  // oxlint-disable-next-line no-restricted-properties
  return Runtime.runFork(runtime)(effect)
}

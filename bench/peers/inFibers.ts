/** Lanes of a library whose calls are Effects: each lane is a promise and a fiber of its own. */
import * as Effect from "effect/Effect"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import type { Lanes, Target } from "./peer.js"

export async function inFibers<R, E>(
  runtime: ManagedRuntime.ManagedRuntime<R, E>,
  lanes: Lanes,
  took: Array<number>,
  send: (target: Target) => Effect.Effect<unknown, unknown, R>,
): Promise<void> {
  const timed = (target: Target) =>
    Effect.suspend(() => {
      const start = performance.now()
      return Effect.map(send(target), () => void took.push(performance.now() - start))
    })
  await Promise.all(
    lanes.map((lane) => runtime.runPromise(Effect.forEach(lane, timed, { discard: true }))),
  )
}

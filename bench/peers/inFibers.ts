/** For peers that speak in Effects: each lane is a promise and a fiber of its own. */
import { Effect, type ManagedRuntime } from "effect"
import type { Lanes, Target } from "./peer.js"

export async function inFibers<R, E>(
  runtime: ManagedRuntime.ManagedRuntime<R, E>,
  lanes: Lanes,
  send: (target: Target) => Effect.Effect<void, unknown, R>,
): Promise<void> {
  await Promise.all(
    lanes.map((lane) => runtime.runPromise(Effect.forEach(lane, send, { discard: true }))),
  )
}

import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Exchange, handle } from "../handle.js"
import type { SimulatedRequest } from "../http/exchange.js"
import { withForm } from "../http/body.js"
import type { World } from "../state.js"

/**
 * One request with its time on the way: request latency, the server's moment, response latency.
 * Interrupted before that moment, the request never reached the server; after it, the server acted.
 */
export const exchange = (world: World, request: SimulatedRequest): Effect.Effect<Exchange> =>
  Effect.gen(function* () {
    const arriving = yield* withForm(request, world.config.maxRequestBytes)
    yield* pause(world.config.requestLatency(world.random))
    const now = yield* Clock.currentTimeMillis
    const result = handle(world, now, arriving)
    yield* pause(world.config.responseLatency(world.random) + result.delayMillis)
    if (result.outcome === "silent") return yield* Effect.never
    if (result.outcome === "answered") result.entry.answeredAt = yield* Clock.currentTimeMillis
    return result
  })

/** No time at all is no sleep: a test without latency needs no `adjust`. */
function pause(millis: number): Effect.Effect<void> {
  return millis > 0 ? Effect.sleep(millis) : Effect.void
}

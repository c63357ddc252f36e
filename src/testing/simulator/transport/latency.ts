import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Exchange, handle } from "../handle.js"
import type { SimulatedRequest } from "../http/exchange.js"
import { attachForm } from "../http/body.js"
import type { State } from "../state.js"

/**
 * Runs one request: request latency, `handle`, response latency. If it is interrupted before
 * `handle`, the server did not receive the request; after it, the server processed it.
 */
export const runExchange = (state: State, request: SimulatedRequest): Effect.Effect<Exchange> =>
  Effect.gen(function* () {
    const arriving = yield* attachForm(request, state.config.maxRequestBytes)
    yield* sleepMillis(state.config.requestLatency(state.random))
    const now = yield* Clock.currentTimeMillis
    const result = handle(state, now, arriving)
    yield* sleepMillis(state.config.responseLatency(state.random) + result.delayMillis)
    if (result.outcome === "noResponse") return yield* Effect.never
    if (result.outcome === "completed") result.entry.respondedAt = yield* Clock.currentTimeMillis
    return result
  })

/** Sleeps only for a positive time, so that tests without latency need no `adjust`. */
function sleepMillis(millis: number): Effect.Effect<void> {
  return millis > 0 ? Effect.sleep(millis) : Effect.void
}

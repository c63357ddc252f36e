/**
 * How cautious to be with the slots of a bucket, chosen by a Layer; for one call, too.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { Policy } from "./strategy/Policy.js"
import { proactive } from "./strategy/proactive.js"
import { reactive } from "./strategy/reactive.js"

export type { Observation, Policy } from "./strategy/Policy.js"

/**
 * The strategy in force. It decides and learns, and holds no state: what it learned stays with the
 * limiter, so providing another one around a single call loses nothing.
 *
 * @example
 * ```ts
 * import { Strategy, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const urgent = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "now" }).pipe(Effect.provide(Strategy.layerReactive))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Strategy extends Context.Tag("effect-discord/Strategy")<Strategy, Policy>() {}

/**
 * Sends until the server says that no slot is left or answers 429, then waits for the reset.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerReactive: Layer.Layer<Strategy> = Layer.succeed(Strategy, reactive)

/**
 * Counts requests in flight, stays below the limit, and when more requests wait than fit, spreads
 * the last fifth of a window's slots. With limits that are all visible in headers: no 429.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerProactive: Layer.Layer<Strategy> = Layer.succeed(Strategy, proactive(0.8))

/**
 * How cautious to be with the slots of a bucket, chosen by a Layer; for one call, too.
 *
 * @since 0.1.0
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import { adaptive } from "./strategy/adaptive.js"
import { hideMemory, type Policy } from "./strategy/Policy.js"
import { proactive } from "./strategy/proactive.js"
import { reactive } from "./strategy/reactive.js"

/** The frontier it was chosen on is in the guide on strategies. */
const defaultConfidence = 0.925

export type { Findings, Observation, Policy } from "./strategy/Policy.js"

/**
 * A policy whose type of memory is hidden: what the tag `Strategy` and `Permit.WaitOptions` take.
 *
 * @since 0.1.0
 * @category models
 */
export type Service = Policy

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
export class Strategy extends Context.Tag("effect-discord/Strategy")<Strategy, Service>() {}

/**
 * Sends until the server says that no slot is left or answers 429, then waits for the reset. What
 * most clients do, and the baseline that the others are measured against.
 *
 * @example
 * ```ts
 * import { Strategy, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(Effect.provide(Strategy.layerReactive))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerReactive: Layer.Layer<Strategy> = Layer.succeed(Strategy, reactive)

/**
 * Never sends what would be refused: counts requests in flight, aims at the first instant at which
 * the next slots are back for certain, and takes the slots of a leaking bucket as they come back.
 * With limits that are all visible in headers: no 429.
 *
 * @example
 * ```ts
 * import { Strategy, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(Effect.provide(Strategy.layerProactive))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerProactive: Layer.Layer<Strategy> = Layer.succeed(Strategy, proactive(1))

/**
 * As `layerProactive`, and learns for each bucket what headers do not say: limits behind the
 * visible ones, other clients of the same webhook, and how early is too early after a reset.
 *
 * @example
 * ```ts
 * import { Strategy, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(Effect.provide(Strategy.layerAdaptive))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAdaptive: Layer.Layer<Strategy> = Layer.succeed(
  Strategy,
  adaptive({ confidence: defaultConfidence }),
)

/**
 * What `layerProactiveWith` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProactiveOptions {
  /**
   * The share of a window's slots that go at full speed, above 0 and at most 1 (default). When more
   * requests wait than fit, the other slots are spread over the rest of the window: an even pace,
   * which others who use the same webhook pay for with more 429 answers on both sides.
   */
  readonly threshold?: number | undefined
}

/**
 * `layerProactive` with options. Fails with `DiscordInvalidOption` when one is out of range.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 *
 * const careful = Strategy.layerProactiveWith({ threshold: 0.8 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerProactiveWith = (
  options: ProactiveOptions,
): Layer.Layer<Strategy, DiscordInvalidOption> =>
  Layer.effect(
    Strategy,
    Effect.map(
      demand("Strategy.threshold", options.threshold ?? 1, isShare, "above 0 and at most 1"),
      proactive,
    ),
  )

/**
 * What `layerAdaptiveWith` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface AdaptiveOptions {
  /**
   * Where others use the same webhook: take the last slot of a window only if it is still free with
   * this probability, between 0 and 1. Lower sends more and is refused more. Default: 0.925, which
   * halves the 429 answers for a tenth more time.
   */
  readonly confidence?: number | undefined
}

/**
 * `layerAdaptive` with options. Fails with `DiscordInvalidOption` when one is out of range.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 *
 * const impatient = Strategy.layerAdaptiveWith({ confidence: 0.5 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAdaptiveWith = (
  options: AdaptiveOptions,
): Layer.Layer<Strategy, DiscordInvalidOption> =>
  Layer.effect(
    Strategy,
    Effect.map(
      demand(
        "Strategy.confidence",
        options.confidence ?? defaultConfidence,
        isChance,
        "above 0 and below 1",
      ),
      (confidence) => adaptive({ confidence }),
    ),
  )

/**
 * A strategy of your own: a value without state. It decides on the bucket and the instant that it is
 * given; what it learns is the value that `observe` returns, kept by the limiter beside each bucket.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 *
 * // At most one message a second on each webhook, whatever the headers allow.
 * const gentle = Strategy.make({
 *   name: "gentle",
 *   initial: Number.NEGATIVE_INFINITY,
 *   shouldWait: (bucket, now) => now < bucket.memory + 1000,
 *   calculateWait: (bucket, now) => bucket.memory + 1000 - now,
 *   observe: (lastSentAt, event) => (event._tag === "Sent" ? event.at : lastSentAt),
 * })
 *
 * const layerGentle = Strategy.layer(gentle)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: <Memory>(policy: Policy<Memory>) => Service = hideMemory

/**
 * Provides a strategy that was made by {@link make}, or a policy.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 *
 * const layerOneByOne = Strategy.layer({
 *   name: "one by one",
 *   initial: undefined,
 *   shouldWait: (bucket) => bucket.inFlight > 0,
 *   calculateWait: () => "50 millis",
 *   observe: () => undefined,
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <Memory>(policy: Policy<Memory>): Layer.Layer<Strategy> =>
  Layer.succeed(Strategy, hideMemory(policy))

function isShare(value: number): boolean {
  return value > 0 && value <= 1
}

/** Who wants to be certain never sends where others do. */
function isChance(value: number): boolean {
  return value > 0 && value < 1
}

function demand(
  option: string,
  value: number,
  holds: (value: number) => boolean,
  expected: string,
): Effect.Effect<number, DiscordInvalidOption> {
  return holds(value)
    ? Effect.succeed(value)
    : Effect.fail(new DiscordInvalidOption({ option, expected, actual: String(value) }))
}

/**
 * Strategies decide how cautiously the slots of a bucket are used. A Layer provides one, also for a
 * single call.
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

/** The research page on strategies has the measurements behind this value. */
const defaultConfidence = 0.925

export type { ChannelMemory, Findings, Observation, Policy, PolicyData } from "./strategy/Policy.js"

/**
 * A policy with a hidden memory type, as `Strategy` and `Permit.WaitOptions` have it.
 *
 * @since 0.1.0
 * @category models
 */
export type Service = Policy

/**
 * The current strategy. It has no state: the limiter stores its memory, so providing another strategy
 * for a single call loses nothing.
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
 * Sends until no slot is left or a response is 429, then waits for the reset. Most clients do this; it
 * is the baseline of the measurements.
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
 * Counts requests in flight, starts at the first time at which the next slots have returned for
 * certain, and uses the slots of a leaking bucket as they return. If headers show all limits, there is
 * no 429.
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
 * Like `layerProactive`, and detects for each bucket what headers do not show: hidden limits, other
 * clients of the same webhook, and requests that arrive too early after a reset. Webhooks of one channel
 * share a hidden limit once responses contain their channel (`ResponseInfo.channelId`).
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
 * Options of `layerProactiveWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProactiveOptions {
  /**
   * Share of a window's slots that are used at full speed, above 0 and at most 1 (default). If more
   * requests wait, the other slots are spread over the rest of the window. With other clients on the
   * same webhook, that causes more 429 responses for both.
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
      validate("Strategy.threshold", options.threshold ?? 1, isShare, "above 0 and at most 1"),
      proactive,
    ),
  )

/**
 * Options of `layerAdaptiveWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface AdaptiveOptions {
  /**
   * Minimum probability, between 0 and 1, that the last slot of a window is still free, for using it
   * while other clients use the same webhook. A lower value sends more and causes more 429s. Default:
   * 0.925, which halves the 429 responses and takes a tenth more time.
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
      validate(
        "Strategy.confidence",
        options.confidence ?? defaultConfidence,
        isChance,
        "above 0 and below 1",
      ),
      (confidence) => adaptive({ confidence }),
    ),
  )

/**
 * Makes a strategy: a value without state. It decides from the bucket and the current time; `observe`
 * returns its memory, which the limiter stores with each bucket.
 *
 * @example
 * ```ts
 * import { Strategy } from "effect-discord"
 *
 * // At most one message a second on each webhook, whatever the headers allow.
 * const gentle = Strategy.make({
 *   name: "gentle",
 *   initial: -Infinity,
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
 * Provides a strategy from {@link make}, or a policy.
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

/** A confidence of 1 would never send where other clients do. */
function isChance(value: number): boolean {
  return value > 0 && value < 1
}

function validate(
  option: string,
  value: number,
  holds: (value: number) => boolean,
  expected: string,
): Effect.Effect<number, DiscordInvalidOption> {
  return holds(value)
    ? Effect.succeed(value)
    : Effect.fail(new DiscordInvalidOption({ option, expected, actual: String(value) }))
}

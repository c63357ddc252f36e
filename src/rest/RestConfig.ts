/**
 * How requests are carried: where to, how long, how often. Pure settings; every one has a default.
 *
 * @since 0.1.0
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Function from "effect/Function"
import * as Layer from "effect/Layer"
import { presets } from "./UploadLimits.js"
import type { UploadLimits } from "./UploadLimits.js"

/**
 * What may be set. Durations are anything that Effect reads as one: `"3 seconds"`, `500` (ms).
 *
 * @since 0.1.0
 * @category models
 */
export interface RestOptions {
  /** Where `/webhooks/...` begins, version included. Change it for a proxy or a simulator. */
  readonly baseUrl: string
  /**
   * Discord asks for the form `DiscordBot (url, version)`, and blocks what looks like a browser. A
   * real browser sends its own instead.
   */
  readonly userAgent: string
  /**
   * For one attempt, from sending it to the last byte of the answer. With files it is one second
   * longer for each 128 KiB, so that a slow line has time for a large file.
   */
  readonly timeout: Duration.DurationInput
  /**
   * How long an attempt may wait for a connection: for a free one and for a new one to be made. It
   * then fails with a `DiscordTransportError` whose `delivered` is `"no"`, and is repeated. `undefined`: as
   * long as `timeout`. Only the client of `NodeDiscord` reports when a request starts; with any
   * other, the wait counts as a part of `timeout`, and ends as `"unknown"`.
   */
  readonly connectionTimeout: Duration.DurationInput | undefined
  /** Repetitions after 5xx answers and failed connections; 429 answers are not counted here. */
  readonly maxRetries: number
  /** The pause before the first repetition; it doubles each time, and is shortened by up to a half at random. */
  readonly backoffBase: Duration.DurationInput
  /** The longest such pause. */
  readonly backoffMax: Duration.DurationInput
  /**
   * `safe`: repeat only what cannot take effect twice. `atLeastOnce`: repeat sending a message even
   * when the first attempt may have arrived; the message may then be posted twice.
   */
  readonly retry: "safe" | "atLeastOnce"
  /**
   * `ordered`: one request of a webhook is in flight at a time, so messages arrive in the order in
   * which they were sent. `concurrent`: as many as the rate limit allows.
   */
  readonly delivery: "ordered" | "concurrent"
  /** Fail with `WebhookRateLimited` as soon as the known wait is longer; `undefined` waits for ever. */
  readonly maxWait: Duration.DurationInput | undefined
  /** So many 429 answers in a row end a request with `WebhookRateLimited`. */
  readonly maxRateLimitAttempts: number
  /** How many files a message may have, and how large; see `UploadLimits.presets`. */
  readonly uploads: UploadLimits
}

const defaults: RestOptions = {
  baseUrl: "https://discord.com/api/v10",
  userAgent: "DiscordBot (https://www.npmjs.com/package/effect-discord, 0.1.0)",
  timeout: Duration.seconds(30),
  connectionTimeout: undefined,
  maxRetries: 3,
  backoffBase: Duration.seconds(1),
  backoffMax: Duration.seconds(60),
  retry: "safe",
  delivery: "ordered",
  maxWait: undefined,
  maxRateLimitAttempts: 5,
  uploads: presets.default,
}

/**
 * The settings in force. It is a reference: nothing has to be provided.
 *
 * @example
 * ```ts
 * import { RestConfig } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const patience = Effect.map(RestConfig.RestConfig, ({ maxWait }) => maxWait)
 * ```
 *
 * @since 0.1.0
 * @category references
 */
export class RestConfig extends Context.Reference<RestConfig>()("effect-discord/RestConfig", {
  defaultValue: () => defaults,
}) {}

/**
 * Changes some settings for everything that the layer is provided to; the others stay as they are.
 *
 * @example
 * ```ts
 * import { RestConfig } from "effect-discord"
 *
 * const throughProxy = RestConfig.layerWith({ baseUrl: "http://localhost:8080/api/v10" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Partial<RestOptions>): Layer.Layer<RestConfig> =>
  Layer.effect(
    RestConfig,
    Effect.map(RestConfig, (current) => ({ ...current, ...options })),
  )

/**
 * Changes some settings for one effect; the others stay as they are. Data-first and data-last.
 *
 * @example
 * ```ts
 * import { RestConfig, Webhook } from "effect-discord"
 *
 * const ping = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "ping" }).pipe(
 *     RestConfig.withOptions({ timeout: "3 seconds", maxWait: "1 second" }),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withOptions: {
  (
    options: Partial<RestOptions>,
  ): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, options: Partial<RestOptions>): Effect.Effect<A, E, R>
} = Function.dual(
  2,
  <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options: Partial<RestOptions>,
  ): Effect.Effect<A, E, R> =>
    Effect.flatMap(RestConfig, (current) =>
      Effect.provideService(effect, RestConfig, { ...current, ...options }),
    ),
)

/**
 * Settings of requests: base URL, timeouts, retries. Each has a default.
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
 * The settings. Durations are any `DurationInput`: `"3 seconds"`, `500` (ms).
 *
 * @since 0.1.0
 * @category models
 */
export interface RestOptions {
  /**
   * The URL before `/webhooks/...`, including the API version. Change it for a proxy or a
   * simulator.
   */
  readonly baseUrl: string
  /**
   * Discord requires the form `DiscordBot (url, version)`, and blocks what looks like a browser.
   * Browsers send their own instead.
   */
  readonly userAgent: string
  /**
   * Maximum duration of an attempt, from sending the request to the last byte of the response. With
   * files it is one second longer for each 128 KiB.
   */
  readonly timeout: Duration.DurationInput
  /**
   * Maximum time that an attempt waits for a free or a new connection. It then fails with a
   * `DiscordTransportError` whose `delivered` is `"no"`, and is retried. Default: `timeout`. Only
   * the client of `NodeDiscord` reports when a request starts; with any other client the wait is
   * part of `timeout`, and `delivered` is `"unknown"`.
   */
  readonly connectionTimeout: Duration.DurationInput | undefined
  /**
   * Maximum number of retries after 5xx responses and failed connections. Retries after 429
   * responses are not counted.
   */
  readonly maxRetries: number
  /**
   * Delay before the first retry. It doubles for each retry, and is shortened by up to a half at
   * random.
   */
  readonly backoffBase: Duration.DurationInput
  /** Maximum delay before a retry. */
  readonly backoffMax: Duration.DurationInput
  /**
   * `safe`: retries only requests that cannot take effect twice. `atLeastOnce`: also retries
   * sending a message that may have arrived; the message may then be posted twice.
   */
  readonly retry: "safe" | "atLeastOnce"
  /**
   * `ordered`: one request of a webhook is in flight at a time, so messages arrive in the order in
   * which they were sent. `concurrent`: as many requests as the rate limit allows.
   */
  readonly delivery: "ordered" | "concurrent"
  /**
   * Maximum wait for a permit. A request fails with `WebhookRateLimited` as soon as a longer wait
   * is known, also before it waits at all. `undefined`: no maximum.
   */
  readonly maxWait: Duration.DurationInput | undefined
  /**
   * Maximum number of consecutive 429 responses before a request fails with `WebhookRateLimited`.
   */
  readonly maxRateLimitAttempts: number
  /** Limits of the files of a message; see `UploadLimits.presets`. */
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
 * The current settings. It is a reference with a default, so it need not be provided.
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
 * Overrides some settings for what the layer is provided to.
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
 * Overrides some settings for one effect. Data-first and data-last.
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

/**
 * The rate limiter: one queue per bucket, scheduled by the rate limit headers of Discord's responses.
 *
 * @since 0.1.0
 * @module
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { globalValue } from "effect/GlobalValue"
import * as Layer from "effect/Layer"
import type * as Clock from "effect/Clock"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { DiscordInvalidOption, WaitError } from "../error/WebhookError.js"
import type { ResponseInfo } from "./ResponseInfo.js"
import { checked, type LayerSettings, type Options, unset } from "./settings.js"
import type { BucketSnapshot, Snapshot } from "./internal/statistics.js"
import { SharedLimiter } from "./internal/service.js"
import type { Permit, WaitOptions } from "./Permit.js"
import type { Route } from "./Route.js"
import { Strategy } from "./Strategy.js"
import { isolatesRequests } from "./time.js"

export type { Options } from "./settings.js"
export type { BucketSnapshot, Snapshot, StrategyCounts as Tally } from "./internal/statistics.js"

/**
 * The operations of a limiter.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Waits for a permit. The scope settles it as `unknown` if it is unsettled. */
  readonly wait: (
    route: Route,
    options: WaitOptions,
  ) => Effect.Effect<Permit, WaitError, Scope.Scope>
  /**
   * Waits for a permit and runs `use` with it, without a scope. A permit that `use` leaves unsettled,
   * by an interruption as well, is settled as `unknown`; an interruption before `use` is called
   * returns it unused.
   */
  readonly withPermit: <A, E, R>(
    route: Route,
    options: WaitOptions,
    use: (permit: Permit) => Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E | WaitError, R>
  /** Records the response of a request that had no permit of this limiter. */
  readonly update: (route: Route, response: ResponseInfo) => Effect.Effect<void>
  /** Returns the state of the bucket that a route counts against. */
  readonly getBucket: (route: Route) => Effect.Effect<Option.Option<BucketSnapshot>>
  /** Estimates how long a request made now would wait, without taking a permit. */
  readonly estimate: (route: Route, options: WaitOptions) => Effect.Effect<Duration.Duration>
  /**
   * Resets what was learned about one route's bucket, or everything including deleted webhooks. Waiting
   * requests stay in their queues. Blocks of all requests and the count of invalid requests stay,
   * because they protect the process from a ban.
   */
  readonly clear: (route?: Route) => Effect.Effect<void>
  /** Counts for a status page. */
  readonly snapshot: Effect.Effect<Snapshot>
}

/**
 * The rate limiter. It grants permits in order of arrival within a bucket, and updates its state from
 * every response. It also records deleted webhooks and counts invalid requests.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const status = Effect.gen(function* () {
 *   const limiter = yield* RateLimiter.RateLimiter
 *   const { waiting, deadWebhooks } = yield* limiter.snapshot
 *   return `${waiting} messages wait, ${deadWebhooks} webhooks are dead`
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class RateLimiter extends Context.Tag("effect-discord/RateLimiter")<
  RateLimiter,
  Service
>() {}

/**
 * Returns the state of the bucket that a route counts against; `None` before the first request.
 * `Webhook.route` returns the route of an operation.
 *
 * @example
 * ```ts
 * import { RateLimiter, Webhook } from "effect-discord"
 * import { Effect, Option } from "effect"
 *
 * const remaining = (hook: Webhook.Webhook) =>
 *   Effect.map(
 *     RateLimiter.getBucket(Webhook.route(hook)),
 *     Option.map((bucket) => bucket.remaining),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const getBucket = (
  route: Route,
): Effect.Effect<Option.Option<BucketSnapshot>, never, RateLimiter> =>
  Effect.flatMap(RateLimiter, (limiter) => limiter.getBucket(route))

/**
 * Estimates how long a request made now would wait with the current strategy, without taking a permit.
 *
 * @example
 * ```ts
 * import { RateLimiter, Webhook } from "effect-discord"
 * import { Duration, Effect } from "effect"
 *
 * const isBusy = (hook: Webhook.Webhook) =>
 *   Effect.map(
 *     RateLimiter.estimate(Webhook.route(hook)),
 *     Duration.greaterThan("1 second"),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const estimate = (
  route: Route,
): Effect.Effect<Duration.Duration, never, RateLimiter | Strategy> =>
  Effect.flatMap(Effect.all([RateLimiter, Strategy]), ([limiter, policy]) =>
    limiter.estimate(route, { policy }),
  )

/**
 * Resets what was learned about one route's bucket, or everything; see {@link Service}.
 *
 * @example
 * ```ts
 * import { RateLimiter, Webhook } from "effect-discord"
 *
 * const forget = (hook: Webhook.Webhook) => RateLimiter.clear(Webhook.route(hook))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const clear = (route?: Route): Effect.Effect<void, never, RateLimiter> =>
  Effect.flatMap(RateLimiter, (limiter) => limiter.clear(route))

/**
 * Returns counts of the whole limiter for a status page.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const status = Effect.map(
 *   RateLimiter.snapshot,
 *   ({ deadWebhooks, waiting }) => `${waiting} messages wait, ${deadWebhooks} webhooks are dead`,
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const snapshot: Effect.Effect<Snapshot, never, RateLimiter> = Effect.flatMap(
  RateLimiter,
  (limiter) => limiter.snapshot,
)

/**
 * The limiter of the process, with default options. There is one per `Clock`, so every test with a
 * `TestClock` has its own. Its state outlives the layer: providing the layer for a single call keeps
 * what was learned. When the layer's scope closes, requests that wait through it fail with
 * `DiscordRateLimiterClosed`.
 *
 * @example
 * ```ts
 * import { RateLimiter, Strategy } from "effect-discord"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { Layer } from "effect"
 *
 * const discord = Layer.mergeAll(FetchHttpClient.layer, RateLimiter.layer, Strategy.layerAdaptive)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<RateLimiter> = Layer.scoped(
  RateLimiter,
  Effect.suspend(() => shared(unset(isolatesRequests()))),
)

/**
 * The limiter of the process with options. It shares webhooks, buckets, the global limit and the
 * budget of invalid requests with `layer` and every other `layerWith`, independently of their options;
 * see `Options` for how different values combine.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "effect-discord"
 *
 * // Another process on this address takes the other half.
 * const oneOfTwoProcesses = RateLimiter.layerWith({ globalLimit: 25 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<RateLimiter, DiscordInvalidOption> =>
  Layer.scoped(RateLimiter, Effect.flatMap(settingsOf(options), shared))

/**
 * A separate limiter, which shares nothing, not even the global limit: for tests, and for requests that
 * Discord counts separately, such as those from another address.
 *
 * @example
 * ```ts
 * import { RateLimiter, Strategy } from "effect-discord"
 * import { DiscordSimulator } from "effect-discord/testing"
 * import { Layer } from "effect"
 *
 * const test = Layer.mergeAll(
 *   DiscordSimulator.layerTest,
 *   RateLimiter.layerMemory,
 *   Strategy.layerAdaptive,
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<RateLimiter> = Layer.scoped(
  RateLimiter,
  Effect.suspend(() => separate(unset(isolatesRequests()))),
)

/**
 * `layerMemory` with options. Fails with `DiscordInvalidOption` when one is out of range.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "effect-discord"
 *
 * // A bot shares this address and takes 30 of the 50 requests a second.
 * const limiter = RateLimiter.layerMemoryWith({ globalLimit: 20 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemoryWith = (options: Options): Layer.Layer<RateLimiter, DiscordInvalidOption> =>
  Layer.scoped(RateLimiter, Effect.flatMap(settingsOf(options), separate))

function separate(settings: LayerSettings): Effect.Effect<Service, never, Scope.Scope> {
  return Effect.flatMap(Effect.clock, (clock) => new SharedLimiter(clock).open(settings))
}

function shared(settings: LayerSettings): Effect.Effect<Service, never, Scope.Scope> {
  return Effect.flatMap(Effect.clock, (clock) => limiterOf(clock).open(settings))
}

function settingsOf(options: Options): Effect.Effect<LayerSettings, DiscordInvalidOption> {
  return Effect.suspend(() => checked(options, isolatesRequests()))
}

/** Returns the limiter of a clock: requests on different clocks cannot be limited together. */
function limiterOf(clock: Clock.Clock): SharedLimiter {
  const limiters = globalValue(
    "effect-discord/RateLimiter/cores",
    () => new WeakMap<Clock.Clock, SharedLimiter>(),
  )
  const limiter = limiters.get(clock) ?? new SharedLimiter(clock)
  limiters.set(clock, limiter)
  return limiter
}

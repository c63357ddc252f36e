/** The options of the shared limiter, and their validation. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import type { DistributedSettings } from "../ratelimit/distributed/limiter.js"
import {
  checked,
  fault as limiterFault,
  optionMillis,
  type Options as LimiterOptions,
} from "../ratelimit/settings.js"

const defaultPrefix = "discord"
const defaultLease = Duration.toMillis("15 seconds")
/** A process sends at most one heartbeat per second: a shorter lease might expire between two of them. */
const minLease = Duration.toMillis("2 seconds")
const maxLease = Duration.toMillis("1 hour")

/**
 * Options of a limiter that shares its limits.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends LimiterOptions {
  /**
   * The beginning of all keys; processes with the same prefix share limits. Braces are rejected, because Redis
   * Cluster chooses the node of a key by what is between braces. Default: `discord`.
   */
  readonly prefix?: string | undefined
  /**
   * A name for the IP address of this process. Processes with the same name share the global limit, blocks of
   * all requests and the invalid-request limit, because Discord counts them by address. Default: each process
   * has its own; then divide `globalLimit` by the number of processes on one address.
   */
  readonly address?: string | undefined
  /**
   * How long Redis may be unavailable until requests are sent with the limits of this process only, which may cause
   * 429 responses. Default: requests wait for Redis.
   */
  readonly fallbackAfter?: Duration.DurationInput | undefined
  /**
   * How long Redis may be unavailable until waiting requests fail with `DiscordRateLimiterUnavailable`. Default: they
   * wait for Redis.
   */
  readonly failAfter?: Duration.DurationInput | undefined
  /**
   * Time after which a process without a heartbeat counts as dead: 2 seconds to 1 hour. Default: 15 seconds. A
   * process that pauses for longer loses its turns: other processes wait for one rate-limit window and take over.
   * Messages that wait in the paused process may then be sent after newer ones of other processes. Limits still hold,
   * and each process keeps its own order.
   */
  readonly lease?: Duration.DurationInput | undefined
}

export interface RedisSettings extends DistributedSettings {
  readonly prefix: string
}

/** Fails with the first option that is out of range. */
export function checkOptions({
  address,
  failAfter,
  fallbackAfter,
  lease,
  prefix = defaultPrefix,
  ...rest
}: Options): Effect.Effect<RedisSettings, DiscordInvalidOption> {
  const never = Number.POSITIVE_INFINITY
  const settings = {
    prefix,
    address,
    lease: optionMillis(lease) ?? defaultLease,
    fallbackAfter: optionMillis(fallbackAfter) ?? never,
    failAfter: optionMillis(failAfter) ?? never,
  }
  const faults = [
    // Redis Cluster chooses the node of a key by what is between braces.
    /^[^{}]+$/.test(prefix)
      ? undefined
      : fault("prefix", "at least one character, and no braces", `"${prefix}"`),
    address === ""
      ? fault("address", "a name, or undefined without a shared address", '""')
      : undefined,
    settings.lease >= minLease && settings.lease <= maxLease
      ? undefined
      : fault("lease", "a duration from 2 seconds to 1 hour", lease),
    settings.fallbackAfter >= 0 ? undefined : fault("fallbackAfter", "a duration", fallbackAfter),
    settings.failAfter >= 0 ? undefined : fault("failAfter", "a duration", failAfter),
  ]
  const found = faults.find((one) => one !== undefined)
  if (found !== undefined) return Effect.fail(found)
  // A connection to Redis outlives a request, so `isolatedRequests` is false by default.
  return Effect.mapBoth(checked(rest, false), {
    onFailure: ({ actual, expected, option }) =>
      // `RateLimiter.x` becomes `RedisRateLimiter.x`.
      new DiscordInvalidOption({ option: `Redis${option}`, expected, actual }),
    // Redis takes whole milliseconds.
    onSuccess: (common) => ({ ...common, ...settings, lease: Math.ceil(settings.lease) }),
  })
}

function fault(name: keyof Options, expected: string, actual: unknown): DiscordInvalidOption {
  return limiterFault(name, expected, actual, "RedisRateLimiter")
}

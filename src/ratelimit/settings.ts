/** The settings of each layer, and their combination. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { DiscordInvalidOption } from "../error/WebhookError.js"

/**
 * Options of a limiter. The defaults follow Discord's documentation. A value out of range fails the
 * layer with `DiscordInvalidOption`, which names the option.
 *
 * Discord counts by IP address, so `layer` and every `layerWith` share one limiter. Each option documents
 * how the values of several open layers combine; a layer that leaves it out has no effect on it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Maximum number of requests in any interval of `globalWindow`, over all layers. Default: 50;
   * without a bot, Discord counts them by IP address. If layers set different limits, all of them
   * apply, so the lowest decides.
   */
  readonly globalLimit?: number | undefined
  /** Default: 1 second. */
  readonly globalWindow?: Duration.DurationInput | undefined
  /**
   * Maximum number of requests that wait for one bucket; through this layer, the next one fails with
   * `WebhookQueueFull`. Default: 10 000. Each layer has its own.
   */
  readonly queueCapacity?: number | undefined
  /**
   * How long an idle webhook is remembered after its last reset. Default: 2 minutes. Of several, the
   * longest applies. Up to 100 idle or dead webhooks are evicted on the next use of the limiter,
   * without a timer.
   */
  readonly idleAfter?: Duration.DurationInput | undefined
  /**
   * Maximum number of responses 401, 403 and 429 (unless shared) in 10 minutes. From half of the limit
   * requests are spaced, at the limit they fail with `DiscordInvalidRequestLimit`. Default: 8000; Discord
   * bans an IP address at 10 000. Of several, the lowest applies.
   */
  readonly invalidRequestLimit?: number | undefined
  /**
   * Whether the runtime isolates the input and output of each request and drops its fibers when it
   * ends, as Cloudflare Workers do. Each waiting request then polls by timers of its own (every 25
   * to 500 milliseconds), and no timer or fiber outlives the request that created it. Default:
   * `true` on Cloudflare Workers and on Vercel's Edge runtime, else `false`. Each layer has its own.
   */
  readonly isolatedRequests?: boolean | undefined
}

/** At most `limit` requests in any interval of `window` milliseconds. */
export interface GlobalLimit {
  readonly limit: number
  readonly window: number
}

/** The settings of one layer. `undefined` leaves a setting to the other layers. */
export interface LayerSettings {
  readonly globalLimit: GlobalLimit | undefined
  readonly invalidRequestLimit: number | undefined
  /** Milliseconds. */
  readonly idleAfter: number | undefined
  /** Maximum number of waiting requests per bucket, for requests through this layer. */
  readonly queueCapacity: number
  /** Whether requests through this layer poll; see `RateLimiter.Options`. */
  readonly isolatedRequests: boolean
}

/** The combined settings of all layers. */
export interface Settings {
  /** All of them apply. */
  readonly globalLimits: ReadonlyArray<GlobalLimit>
  /** Maximum number of responses 401, 403 and 429 in 10 minutes. */
  readonly invalidRequestLimit: number
  /** How long an idle webhook is remembered after its last reset (milliseconds). */
  readonly idleAfter: number
}

export const defaults = {
  globalLimit: 50,
  globalWindow: 1000,
  queueCapacity: 10_000,
  idleAfter: 120_000,
  invalidRequestLimit: 8000,
} as const

/** Bounds the number of stored send times. */
const maxGlobalLimit = 1_000_000

/** The settings of a layer without options. */
export function unset(isolatedRequests: boolean): LayerSettings {
  return {
    globalLimit: undefined,
    invalidRequestLimit: undefined,
    idleAfter: undefined,
    queueCapacity: defaults.queueCapacity,
    isolatedRequests,
  }
}

/** Validates options; fails with the first one that is out of range. */
export function checked(
  options: Options,
  defaultIsolated: boolean,
): Effect.Effect<LayerSettings, DiscordInvalidOption> {
  const { globalLimit, invalidRequestLimit, queueCapacity = defaults.queueCapacity } = options
  const globalWindow = optionMillis(options.globalWindow)
  const idleAfter = optionMillis(options.idleAfter)
  const faults = [
    isAbsentOr(globalLimit, (limit) => isCount(limit) && limit <= maxGlobalLimit)
      ? undefined
      : fault("globalLimit", `a whole number from 1 to ${maxGlobalLimit}`, globalLimit),
    isAbsentOr(globalWindow, (window) => window > 0 && Number.isFinite(window))
      ? undefined
      : fault("globalWindow", "a duration longer than nothing, and finite", options.globalWindow),
    queueCapacity >= 0 ? undefined : fault("queueCapacity", "0 or more", queueCapacity),
    isAbsentOr(invalidRequestLimit, isCount)
      ? undefined
      : fault("invalidRequestLimit", "a whole number of 1 or more", invalidRequestLimit),
    isAbsentOr(idleAfter, (duration) => duration >= 0)
      ? undefined
      : fault("idleAfter", "a duration", options.idleAfter),
  ]
  const found = faults.find((one) => one !== undefined)
  if (found !== undefined) return Effect.fail(found)
  return Effect.succeed({
    globalLimit: limitOf(globalLimit, globalWindow),
    invalidRequestLimit,
    idleAfter,
    queueCapacity,
    isolatedRequests: options.isolatedRequests ?? defaultIsolated,
  })
}

/** Combines layers: the strictest limits, the longest `idleAfter`, and defaults for the rest. */
export function combine(layers: ReadonlyArray<LayerSettings>): Settings {
  const globalLimits = layers.flatMap(({ globalLimit }) => globalLimit ?? [])
  const fallback = { limit: defaults.globalLimit, window: defaults.globalWindow }
  return {
    globalLimits: globalLimits.length > 0 ? globalLimits : [fallback],
    invalidRequestLimit:
      extreme(
        layers.map((layer) => layer.invalidRequestLimit),
        Math.min,
      ) ?? defaults.invalidRequestLimit,
    idleAfter:
      extreme(
        layers.map(({ idleAfter }) => idleAfter),
        Math.max,
      ) ?? defaults.idleAfter,
  }
}

/** Reduces the defined values; `undefined` if there is none. */
function extreme(
  values: ReadonlyArray<number | undefined>,
  pick: (one: number, other: number) => number,
): number | undefined {
  return values.reduce(
    (found, value) =>
      value === undefined ? found : found === undefined ? value : pick(found, value),
    undefined,
  )
}

/** The settings of the open layers, stored once for equal layers. */
export class OpenLayers {
  readonly #open = new Map<string, { readonly settings: LayerSettings; count: number }>()

  /** Returns whether the combined settings may have changed. */
  add(settings: LayerSettings): boolean {
    const key = keyOf(settings)
    const equal = this.#open.get(key)
    if (equal === undefined) this.#open.set(key, { settings, count: 1 })
    else equal.count += 1
    return equal === undefined
  }

  /** Returns whether the combined settings may have changed. */
  remove(settings: LayerSettings): boolean {
    const key = keyOf(settings)
    const equal = this.#open.get(key)
    if (equal === undefined) return false
    equal.count -= 1
    return equal.count === 0 && this.#open.delete(key)
  }

  get combined(): Settings {
    return combine(Array.from(this.#open.values(), ({ settings }) => settings))
  }
}

/** Identifies equal settings. */
function keyOf({ globalLimit, invalidRequestLimit, idleAfter }: LayerSettings): string {
  return [globalLimit?.limit, globalLimit?.window, invalidRequestLimit, idleAfter].join()
}

function limitOf(limit: number | undefined, window: number | undefined): GlobalLimit | undefined {
  return limit === undefined && window === undefined
    ? undefined
    : { limit: limit ?? defaults.globalLimit, window: window ?? defaults.globalWindow }
}

/** `NaN` for an invalid duration; Effect would treat a negative number or `NaN` as zero. */
export function optionMillis(input: Duration.DurationInput | undefined): number | undefined {
  if (input === undefined || typeof input === "number") return input
  return Option.match(Duration.decodeUnknown(input), {
    onNone: () => Number.NaN,
    onSome: Duration.toMillis,
  })
}

function isAbsentOr(value: number | undefined, isValid: (value: number) => boolean): boolean {
  return value === undefined || isValid(value)
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1
}

/** `owner` is the module whose option is out of range. */
export function fault(
  name: string,
  expected: string,
  actual: unknown,
  owner = "RateLimiter",
): DiscordInvalidOption {
  const shown = Duration.isDuration(actual) ? Duration.format(actual) : String(actual)
  return new DiscordInvalidOption({ option: `${owner}.${name}`, expected, actual: shown })
}

/** The settings of a limiter: what each layer sets, and what holds for all of them together. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { DiscordInvalidOption } from "../../error/WebhookError.js"

/**
 * Options of a limiter. The defaults follow Discord's documentation. A value out of range fails the
 * layer with `DiscordInvalidOption`, which names the option.
 *
 * Discord counts by IP address, so `layer` and every `layerWith` share one limiter. Each option says
 * what holds when several open layers set it; a layer that leaves it out has no say.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Maximum number of requests in any interval of `globalWindow`, over all layers. Default: 50;
   * without a bot, Discord counts them by IP address. Where layers set different limits, all of them
   * hold, so the lowest decides.
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
   * longest holds. While no more than 100 are idle or dead, they are forgotten when the limiter is
   * next used, without a timer.
   */
  readonly idleAfter?: Duration.DurationInput | undefined
  /**
   * Maximum number of responses 401, 403 and 429 (unless shared) in 10 minutes. From half of it on
   * requests are spaced, at all of it they fail with `DiscordInvalidRequestLimit`. Default: 8000; Discord
   * bans an IP address at 10 000. Of several, the lowest holds.
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

/** What one layer sets. Where it has no value, the layer leaves the matter to the others. */
export interface LayerSettings {
  readonly globalLimit: GlobalLimit | undefined
  readonly invalidRequestLimit: number | undefined
  /** Milliseconds. */
  readonly idleAfter: number | undefined
  /** Waiting requests of one bucket at most, for requests through this layer. */
  readonly queueCapacity: number
  /** Whether requests through this layer poll; see `RateLimiter.Options`. */
  readonly isolatedRequests: boolean
}

/** What holds for all requests of a limiter. */
export interface Settings {
  /** All of them hold. */
  readonly globalLimits: ReadonlyArray<GlobalLimit>
  /** Responses 401, 403 and 429 in 10 minutes at most. */
  readonly invalidRequestLimit: number
  /** How long an idle webhook is remembered after its last reset (milliseconds). */
  readonly idleAfter: number
}

export const defaults = {
  globalLimit: 50,
  globalWindow: Duration.toMillis("1 second"),
  queueCapacity: 10_000,
  idleAfter: Duration.toMillis("2 minutes"),
  invalidRequestLimit: 8000,
} as const

/** The instants of this many sends are kept. */
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

/** The settings of a layer, or the first option that is out of range. */
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

/** The strictest limits and the longest memory that layers set; the defaults where none of them does. */
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

/** `undefined` when there is no value at all. */
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

/** The settings of the layers that are open. Those of equal layers are kept once. */
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

/** What layers have in common. */
function keyOf({ globalLimit, invalidRequestLimit, idleAfter }: LayerSettings): string {
  return [globalLimit?.limit, globalLimit?.window, invalidRequestLimit, idleAfter].join()
}

function limitOf(limit: number | undefined, window: number | undefined): GlobalLimit | undefined {
  return limit === undefined && window === undefined
    ? undefined
    : { limit: limit ?? defaults.globalLimit, window: window ?? defaults.globalWindow }
}

/** `NaN`: it is no duration. Effect would take a negative number or `NaN` for zero. */
function optionMillis(input: Duration.DurationInput | undefined): number | undefined {
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

function fault(
  name: string,
  expected: string,
  actual: Duration.DurationInput | undefined,
): DiscordInvalidOption {
  const shown = Duration.isDuration(actual) ? Duration.format(actual) : String(actual)
  return new DiscordInvalidOption({ option: `RateLimiter.${name}`, expected, actual: shown })
}

/**
 * Whether the runtime isolates the input and output of each request, drops the fibers of a request
 * that ends, and fails when one request continues another: Cloudflare Workers (workerd) and Vercel's
 * Edge runtime on it.
 */
export function isolatesRequests(): boolean {
  const { EdgeRuntime, navigator } = globalThis as {
    readonly EdgeRuntime?: unknown
    readonly navigator?: { readonly userAgent?: string }
  }
  return navigator?.userAgent === "Cloudflare-Workers" || EdgeRuntime !== undefined
}

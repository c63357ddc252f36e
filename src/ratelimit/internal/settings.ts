/** What may be set on a limiter, checked when its layer is built. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidOption } from "../../error/WebhookError.js"

/** @internal */
export interface Settings {
  /** Requests in any `globalWindow`. */
  readonly globalLimit: number
  readonly globalWindow: Duration.Duration
  /** Waiting requests of one bucket at most. */
  readonly queueCapacity: number
  /** How long an idle webhook is remembered after its last reset. */
  readonly idleAfter: Duration.Duration
  /** Answers 401, 403 and 429 in 10 minutes at most. */
  readonly invalidRequestLimit: number
  /** Whether the runtime isolates requests; see `RateLimiter.Options`. */
  readonly isolatedRequests: boolean
}

/** @internal */
export const defaults: Settings = {
  globalLimit: 50,
  globalWindow: Duration.seconds(1),
  queueCapacity: 10_000,
  idleAfter: Duration.minutes(2),
  invalidRequestLimit: 8000,
  isolatedRequests: false,
}

/** The instants of this many sends are kept. */
const mostGlobal = 1_000_000

/** The settings, if they make sense. */
export function checked(settings: Settings): Effect.Effect<Settings, InvalidOption> {
  const { globalLimit, globalWindow, queueCapacity, idleAfter, invalidRequestLimit } = settings
  const faults = [
    isCount(globalLimit) && globalLimit <= mostGlobal
      ? undefined
      : fault("globalLimit", `a whole number from 1 to ${mostGlobal}`, globalLimit),
    Duration.greaterThan(globalWindow, Duration.zero) && Duration.isFinite(globalWindow)
      ? undefined
      : fault("globalWindow", "longer than nothing, and finite", Duration.format(globalWindow)),
    queueCapacity >= 0 ? undefined : fault("queueCapacity", "0 or more", queueCapacity),
    isCount(invalidRequestLimit)
      ? undefined
      : fault("invalidRequestLimit", "a whole number of 1 or more", invalidRequestLimit),
    Duration.toMillis(idleAfter) >= 0
      ? undefined
      : fault("idleAfter", "a duration", Duration.format(idleAfter)),
  ]
  const found = faults.find((one) => one !== undefined)
  return found === undefined ? Effect.succeed(settings) : Effect.fail(found)
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1
}

function fault(name: string, expected: string, actual: number | string): InvalidOption {
  return new InvalidOption({ option: `RateLimiter.${name}`, expected, actual: String(actual) })
}

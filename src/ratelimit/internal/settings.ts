/** What may be set on a limiter, checked when its layer is built. */
import * as Duration from "effect/Duration"

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
}

/** The instants of this many sends are kept. */
const mostGlobal = 1_000_000

/** Throws a `RangeError` that names the option. */
export function checked(settings: Settings): Settings {
  const { globalLimit, globalWindow, queueCapacity, idleAfter, invalidRequestLimit } = settings
  demand(
    Number.isInteger(globalLimit) && globalLimit >= 1 && globalLimit <= mostGlobal,
    `globalLimit must be a whole number from 1 to ${mostGlobal}, not ${globalLimit}`,
  )
  demand(
    Duration.greaterThan(globalWindow, Duration.zero) && Duration.isFinite(globalWindow),
    `globalWindow must be longer than nothing and end, not ${Duration.format(globalWindow)}`,
  )
  demand(queueCapacity >= 0, `queueCapacity must be 0 or more, not ${queueCapacity}`)
  demand(
    Number.isInteger(invalidRequestLimit) && invalidRequestLimit >= 1,
    `invalidRequestLimit must be a whole number of 1 or more, not ${invalidRequestLimit}`,
  )
  demand(
    Duration.toMillis(idleAfter) >= 0,
    `idleAfter must be a duration, not ${Duration.format(idleAfter)}`,
  )
  return settings
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new RangeError(`RateLimiter: ${message}`)
}

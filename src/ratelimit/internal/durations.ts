/** Durations in milliseconds. */
import * as Duration from "effect/Duration"

/** Converts to milliseconds; a number is returned without allocating a `Duration`. */
export function toMillis(input: Duration.DurationInput): number {
  return typeof input === "number" ? input : Duration.toMillis(input)
}

/** One nanosecond: `16.1 * 1000` is 16100.000000000002, which must not become 16101. */
const roundingError = 1e-6

/** Converts seconds to whole milliseconds, rounded up. */
export function secondsToMillis(seconds: number): number {
  return Math.max(0, Math.ceil(seconds * 1000 - roundingError))
}

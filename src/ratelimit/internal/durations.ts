/** Durations in milliseconds. */
import * as Duration from "effect/Duration"

/** A number is taken as it is, without making a `Duration` of it on a hot path. */
export function toMillis(input: Duration.DurationInput): number {
  return typeof input === "number" ? input : Duration.toMillis(input)
}

/** A nanosecond: `16.1 * 1000` is 16100.000000000002, which is no reason to wait for 16101. */
const roundingError = 1e-6

/** Whole milliseconds, and rather one too many than one too few. */
export function secondsToMillis(seconds: number): number {
  return Math.max(0, Math.ceil(seconds * 1000 - roundingError))
}

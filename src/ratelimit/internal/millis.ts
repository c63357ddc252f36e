/** Durations in milliseconds. */
import * as Duration from "effect/Duration"

/** A number is taken as it is, without making a `Duration` of it on a hot path. */
export function millisOf(input: Duration.DurationInput): number {
  return typeof input === "number" ? input : Duration.toMillis(input)
}

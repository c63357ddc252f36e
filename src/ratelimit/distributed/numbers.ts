/** Schemas of numbers, and the conversion of times between the clocks of processes and the store. */
import * as Schema from "effect/Schema"

/** A finite number. It rejects `1e999` as well, which JSON reads as `Infinity`. */
export const Finite = Schema.Finite

/** A number that may be infinite, which JSON does not have. */
export const Bound = Schema.transform(
  Schema.Union(Finite, Schema.Literal("Infinity", "-Infinity")),
  Schema.Number,
  {
    strict: true,
    decode: Number,
    encode: (value) =>
      Number.isFinite(value) ? value : value > 0 ? ("Infinity" as const) : ("-Infinity" as const),
  },
)

/**
 * Converts times of one clock to those of another. The offset is known with an error, so the result is the latest or
 * the earliest possible time: the one with which no request starts too early.
 */
export interface TimeShift {
  /** For a time before which nothing may start, like a reset. */
  readonly toLatest: (at: number) => number
  /** For a time that has passed, and for a lower bound. */
  readonly toEarliest: (at: number) => number
}

/** `offset` is added to each time, and is wrong by at most `maxError` milliseconds. */
export function shiftBy(offset: number, maxError: number): TimeShift {
  return {
    toLatest: (at) => at + offset + maxError,
    toEarliest: (at) => at + offset - maxError,
  }
}

/** Applies a function unless the value is missing. */
export function ifDefined<A, B>(value: A | undefined, f: (value: A) => B): B | undefined {
  return value === undefined ? undefined : f(value)
}

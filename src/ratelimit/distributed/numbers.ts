/** Schemas of numbers, and times that are moved to the clock of another process. */
import * as Schema from "effect/Schema"

/** A finite number; also `1e999` is rejected, which JSON reads as `Infinity`. */
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
 * Moves times from one clock to another. The distance of two clocks is only known within bounds, so a
 * time is moved to the side on which an error grants no request too early.
 */
export interface Shift {
  /** For a time before which nothing may start, like a reset. */
  readonly late: (at: number) => number
  /** For a time that has passed, and for a lower bound. */
  readonly early: (at: number) => number
}

export function shiftBy(millis: number, uncertainty: number): Shift {
  return {
    late: (at) => at + millis + uncertainty,
    early: (at) => at + millis - uncertainty,
  }
}

/** Applies a function unless the value is missing. */
export function ifDefined<A, B>(value: A | undefined, f: (value: A) => B): B | undefined {
  return value === undefined ? undefined : f(value)
}

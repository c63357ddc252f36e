/**
 * Discord's ids: unsigned 64-bit numbers, written as decimal strings, that contain the time of
 * their creation.
 *
 * @since 0.1.0
 * @module
 */
import * as DateTime from "effect/DateTime"
import * as EffectOrder from "effect/Order"
import * as Schema from "effect/Schema"
import { generatedSnowflake } from "./fields.js"

/** Milliseconds from the Unix epoch to the first second of 2015 (Discord: Snowflakes). */
const discordEpoch = 1_420_070_400_000
/** Bits below the timestamp: worker 5, process 5, increment 12. */
const timestampShift = 22n
const maxSnowflake = "18446744073709551615"
const decimal = /^(0|[1-9][0-9]*)$/

const checkSnowflake = (text: string) =>
  isSnowflake(text) || "must be a snowflake: the decimal digits of an unsigned 64-bit number"

const generated = { arbitrary: () => generatedSnowflake }

/**
 * An id as Discord sends it. Branded, so that it cannot be mistaken for text.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 *
 * const id = Snowflake.make("175928847299117063")
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Snowflake = Schema.String.pipe(
  Schema.filter(checkSnowflake, generated),
  Schema.brand("Snowflake"),
)
/**
 * @since 0.1.0
 * @category models
 */
export type Snowflake = typeof Snowflake.Type

/**
 * An id in an input: a plain string with the same rule, so that both `"123"` and a received
 * {@link Snowflake} are accepted.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(Snowflake.SnowflakeInput)("175928847299117063") // true
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const SnowflakeInput = Schema.String.pipe(Schema.filter(checkSnowflake, generated))

/**
 * Creates an id from a string of digits or a bigint; throws if it is not one.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 *
 * Snowflake.make(175928847299117063n) // "175928847299117063"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (id: string | bigint): Snowflake => Snowflake.make(String(id))

/**
 * Returns the smallest id of a time (in milliseconds), for use as a bound.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 *
 * Snowflake.fromTimestamp("2016-04-30T11:18:25.796Z") // "175928847298985984"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTimestamp = (moment: DateTime.DateTime.Input): Snowflake =>
  make(BigInt(DateTime.toEpochMillis(DateTime.unsafeMake(moment)) - discordEpoch) << timestampShift)

/**
 * Returns the time at which the id was created, to the millisecond.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 *
 * Snowflake.timestamp("175928847299117063") // 2016-04-30T11:18:25.796Z
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const timestamp = (id: string): DateTime.Utc =>
  DateTime.unsafeMake(Number(BigInt(id) >> timestampShift) + discordEpoch)

/**
 * Numeric order, which is the order of creation.
 *
 * @example
 * ```ts
 * import { Array } from "effect"
 * import { Snowflake } from "effect-discord"
 *
 * Array.sort(["10", "9"], Snowflake.Order) // ["9", "10"]
 * ```
 *
 * @since 0.1.0
 * @category instances
 */
export const Order: EffectOrder.Order<string> = EffectOrder.make((self, that) => {
  // Without leading zeros a longer number is a larger one.
  if (self.length !== that.length) return self.length < that.length ? -1 : 1
  return self === that ? 0 : self < that ? -1 : 1
})

/**
 * Whether a string is a snowflake.
 *
 * @example
 * ```ts
 * import { Snowflake } from "effect-discord"
 *
 * Snowflake.isSnowflake("007") // false
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export function isSnowflake(text: string): boolean {
  return (
    // The regular expression alone would accept `["1"]` from untyped callers.
    typeof text === "string" &&
    decimal.test(text) &&
    (text.length < maxSnowflake.length ||
      (text.length === maxSnowflake.length && text <= maxSnowflake))
  )
}

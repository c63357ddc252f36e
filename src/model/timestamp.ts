/**
 * Timestamps: ISO 8601 on the wire, with microseconds and an offset tolerated, and `DateTime.Utc` in
 * the program. What is sent may also be given as a `Date` or as ISO 8601 text.
 */
import * as DateTime from "effect/DateTime"
import type * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { FastCheckModule } from "./fields.js"

/** Generated timestamps lie in 2015..2100: Discord has none before, and ISO years have four digits. */
const minGenerated = 1_420_070_400_000
const maxGenerated = 4_102_444_800_000

/** ISO 8601 text with a zone; without one, its time would depend on the machine's zone. */
const withZone = /T.{1,20}(?:Z|[+-]\d\d:?\d\d)$/i

/** A timestamp that Discord sends. */
export const Timestamp: Schema.Schema<DateTime.Utc, string> = Schema.DateTimeUtc.pipe(
  Schema.compose(Schema.DateTimeUtcFromSelf.annotations({ arbitrary: () => generated })),
)

/** A `DateTime`, a valid `Date`, or ISO 8601 text with a zone, such as `2026-01-31T12:00:00Z`. */
export type TimestampInput = DateTime.DateTime | Date | string

/** A timestamp to be sent. Decoding gives a `DateTime.Utc`. */
export const TimestampCreate: Schema.Schema<TimestampInput, string> = Schema.transform(
  Timestamp,
  Schema.declare(isTimestampInput, {
    description:
      "a DateTime, a valid Date (new Date(milliseconds)) or ISO 8601 text with a zone (2026-01-31T12:00:00Z)",
    // Only a `DateTime` is generated, because the others do not survive a round trip.
    arbitrary: () => generated,
  }),
  { strict: true, decode: (utc): TimestampInput => utc, encode: toUtc },
)

/** Does not throw for a value that {@link isTimestampInput} accepts. */
function toUtc(value: TimestampInput): DateTime.Utc {
  return DateTime.toUtc(DateTime.unsafeMake(value))
}

function isTimestampInput(value: unknown): value is TimestampInput {
  if (DateTime.isDateTime(value)) return true
  if (Predicate.isString(value)) return withZone.test(value) && Option.isSome(DateTime.make(value))
  return Predicate.isDate(value) && Option.isSome(DateTime.make(value))
}

function generated(fc: FastCheckModule): FastCheck.Arbitrary<DateTime.Utc> {
  return fc
    .integer({ min: minGenerated, max: maxGenerated })
    .map((millis) => DateTime.unsafeMake(millis))
}

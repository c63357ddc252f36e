/** ISO 8601 on the wire (microseconds and offset tolerated), `DateTime.Utc` in the program. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

/** Generated moments lie in 2015..2100: Discord knows none before, and ISO years have four digits. */
const FIRST = 1_420_070_400_000
const LAST = 4_102_444_800_000

const moment = Schema.DateTimeUtcFromSelf.annotations({
  description:
    "a DateTime.Utc (DateTime.unsafeMake of effect makes one of a Date, milliseconds or an ISO string)",
  arbitrary: () => (fc) =>
    fc.integer({ min: FIRST, max: LAST }).map((ms) => DateTime.unsafeMake(ms)),
})

export const Timestamp: Schema.Schema<DateTime.Utc, string> = Schema.DateTimeUtc.pipe(
  Schema.compose(moment),
)

/** Durations as people write them: `500ms`, `1s`, `1 minute`, `1m30s`. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

interface Unit {
  /** The first is the one we write ourselves. */
  readonly names: readonly [string, ...ReadonlyArray<string>]
  readonly millis: number
}

const millisecond: Unit = {
  names: ["ms", "milli", "millis", "millisecond", "milliseconds"],
  millis: 1,
}

/** The longest first. */
const units: ReadonlyArray<Unit> = [
  { names: ["d", "day", "days"], millis: 86_400_000 },
  { names: ["h", "hour", "hours"], millis: 3_600_000 },
  { names: ["m", "min", "minute", "minutes"], millis: 60_000 },
  { names: ["s", "sec", "second", "seconds"], millis: 1000 },
  millisecond,
]

const name = units.flatMap(({ names }) => names).join("|")
const figure = String.raw`\d{1,15}(?:\.\d{1,6})?`
const pattern = new RegExp(`^(?:${figure} ?(?:${name})(?: ?(?=\\d)|$))+$`)
const part = new RegExp(`(${figure}) ?([a-z]+)`, "g")

/** A timer counts no further than 2^31 milliseconds, which is a little more. */
const longest = Duration.days(24)

/** From `shortest` to 24 days, in whole milliseconds. */
export const duration = (shortest: Duration.Duration): Schema.Schema<Duration.Duration, string> =>
  Schema.transform(
    Schema.String.pipe(Schema.maxLength(100), Schema.pattern(pattern)).annotations({
      jsonSchema: { type: "string", pattern: pattern.source },
    }),
    Schema.DurationFromSelf.pipe(
      Schema.filter(Duration.between({ minimum: shortest, maximum: longest })),
    ),
    { strict: true, decode: parse, encode: format },
  )

/** What to write, for an error. */
export const expectedDuration = (shortest: Duration.Duration): string =>
  `a duration such as 500ms, 30s or 1 minute, from ${format(shortest)} to ${format(longest)}`

function parse(text: string): Duration.Duration {
  const millis = [...text.matchAll(part)].map(
    ([, count, unit = ""]) => Number(count) * unitOf(unit).millis,
  )
  return Duration.millis(Math.round(millis.reduce((sum, one) => sum + one, 0)))
}

function unitOf(written: string): Unit {
  return units.find(({ names }) => names.includes(written)) ?? millisecond
}

function format(span: Duration.Duration): string {
  const total = Duration.toMillis(span)
  const { names, millis } =
    units.find((unit) => total > 0 && total % unit.millis === 0) ?? units[3] ?? millisecond
  return `${total / millis}${names[0]}`
}

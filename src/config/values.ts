/**
 * Values of the configuration: durations (`500ms`, `1 minute`, `1m30s`) and sizes (`25MB`, `20MiB` or a
 * number of bytes), and how errors show a value without repeating what may be a secret.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

interface TimeUnit {
  /** The first is used for encoding. */
  readonly names: readonly [string, ...ReadonlyArray<string>]
  readonly millis: number
}

const millisecond: TimeUnit = {
  names: ["ms", "milli", "millis", "millisecond", "milliseconds"],
  millis: 1,
}

const second: TimeUnit = { names: ["s", "sec", "second", "seconds"], millis: 1000 }

/** The longest first. */
const timeUnits: ReadonlyArray<TimeUnit> = [
  { names: ["d", "day", "days"], millis: 86_400_000 },
  { names: ["h", "hour", "hours"], millis: 3_600_000 },
  { names: ["m", "min", "minute", "minutes"], millis: 60_000 },
  second,
  millisecond,
]

const unitNames = timeUnits.flatMap(({ names }) => names).join("|")
const decimal = String.raw`\d{1,15}(?:\.\d{1,6})?`
const durationPattern = new RegExp(`^(?:${decimal} ?(?:${unitNames})(?: ?(?=\\d)|$))+$`)
const durationPart = new RegExp(`(${decimal}) ?([a-z]+)`, "g")

/** A timer is limited to 2^31 milliseconds, which is a little more. */
const maxDuration = Duration.days(24)

/** From `shortest` to 24 days, in whole milliseconds. */
export const duration = (shortest: Duration.Duration): Schema.Schema<Duration.Duration, string> =>
  Schema.transform(
    Schema.String.pipe(Schema.maxLength(100), Schema.pattern(durationPattern)).annotations({
      jsonSchema: { type: "string", pattern: durationPattern.source },
    }),
    Schema.DurationFromSelf.pipe(
      Schema.filter(Duration.between({ minimum: shortest, maximum: maxDuration })),
    ),
    { strict: true, decode: parseDuration, encode: formatDuration },
  )

/** Describes the expected form, for an error. */
export const describeDuration = (shortest: Duration.Duration): string =>
  `a duration such as 500ms, 30s or 1 minute, from ${formatDuration(shortest)} to ${formatDuration(maxDuration)}`

function parseDuration(text: string): Duration.Duration {
  const millis = [...text.matchAll(durationPart)].map(
    ([, count, unit = ""]) => Number(count) * findTimeUnit(unit).millis,
  )
  return Duration.millis(Math.round(millis.reduce((sum, one) => sum + one, 0)))
}

function findTimeUnit(written: string): TimeUnit {
  return timeUnits.find(({ names }) => names.includes(written)) ?? millisecond
}

function formatDuration(span: Duration.Duration): string {
  const total = Duration.toMillis(span)
  const { names, millis } =
    timeUnits.find((unit) => total > 0 && total % unit.millis === 0) ?? second
  return `${total / millis}${names[0]}`
}

const byteUnits: ReadonlyArray<readonly [name: string, bytes: number]> = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["B", 1],
]

const byteSizePattern = new RegExp(
  String.raw`^(\d{1,15}(?:\.\d{1,6})?) ?(${byteUnits.map(([name]) => name).join("|")})$`,
)

const isByteSize = (bytes: number): boolean => Number.isSafeInteger(bytes) && bytes >= 1

const wholeByteSize = () =>
  Schema.Number.pipe(Schema.filter(isByteSize, { jsonSchema: { type: "integer", minimum: 1 } }))

const byteSizeText = () =>
  Schema.String.pipe(Schema.pattern(byteSizePattern)).annotations({
    jsonSchema: { type: "string", pattern: byteSizePattern.source },
  })

/** Whole bytes, at least one. */
export const byteSize = (): Schema.Schema<number, number | string> =>
  Schema.transform(
    Schema.Union(wholeByteSize(), byteSizeText()),
    Schema.Number.pipe(Schema.filter(isByteSize)),
    {
      strict: true,
      decode: parseByteSize,
      encode: formatByteSize,
    },
  )

/** Describes the expected form, for an error. */
export const describeByteSize = "a size such as 25MB, 20MiB or 500000 (bytes)"

function parseByteSize(written: number | string): number {
  if (typeof written === "number") return written
  const [, figure, unit] = byteSizePattern.exec(written) ?? []
  const factor = byteUnits.find(([name]) => name === unit)?.[1] ?? Number.NaN
  return Math.round(Number(figure) * factor)
}

/** Formats in the largest unit that gives a whole number, binary units first. */
function formatByteSize(bytes: number): number | string {
  const [name, factor] = byteUnits.find(([, one]) => bytes % one === 0) ?? ["B", 1]
  return factor === 1 ? bytes : `${bytes / factor}${name}`
}

/** Maximum length of a text that an error repeats; a token is more than twice as long. */
const maxShownLength = 24

/** A URL, or part of one. */
const urlPattern = /:\/\/|\/webhooks\/|discord(?:app)?\.com/i

/** Returns a short value as it is, and the type of any other. */
export function describeValue(value: unknown): string {
  if (typeof value === "string")
    return isHarmless(value) ? JSON.stringify(value) : `a text of ${value.length} characters`
  if (value === null || value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "a section"
}

/** Describes a key of the file, which may be a misplaced secret. */
export function describeKey(key: string): string {
  if (!isHarmless(key)) return `(a key of ${key.length} characters)`
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
}

function isHarmless(text: string): boolean {
  return text.length <= maxShownLength && !urlPattern.test(text)
}

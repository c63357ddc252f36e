/**
 * The building blocks of outgoing limits. A refusal says the limit and the figure; the field is
 * the path of the issue. Text is counted in Unicode code points, as Discord's servers do.
 */
import * as Schema from "effect/Schema"
import type * as FastCheck from "effect/FastCheck"
import type { FastCheckModule } from "./generators.js"

/** Generated text is mostly short: limits are tested at their edges by tables, not by chance. */
const GENERATED_LENGTH = 24

/** Unicode code points of a string; a lone surrogate counts as one. */
export function codePoints(value: string): number {
  let count = value.length
  for (let i = 0; i + 1 < value.length; i++) {
    if (isHigh(value.charCodeAt(i)) && isLow(value.charCodeAt(i + 1))) {
      count--
      i++
    }
  }
  return count
}

/** `1 code point`, `2 code points`, `1 entry`, `2 entries`. */
function plural(count: number, unit: string): string {
  if (count === 1) return `${count} ${unit}`
  return `${count} ${unit.endsWith("y") ? `${unit.slice(0, -1)}ie` : unit}s`
}

export function atMost(limit: number, unit: string, actual: number): string {
  return `at most ${plural(limit, unit)}, got ${actual}`
}

function atLeast(limit: number, unit: string, actual: number): string {
  return `at least ${plural(limit, unit)}, got ${actual}`
}

/** Refuses a count outside `min..max`; `undefined` means it is inside. */
export function outside(
  actual: number,
  unit: string,
  min: number,
  max: number,
): string | undefined {
  if (actual > max) return atMost(max, unit, actual)
  return actual < min ? atLeast(min, unit, actual) : undefined
}

/**
 * A string of `min` to `max` code points. With `trim`, outer whitespace does not count
 * (Discord: Embed Limits).
 */
export function text(options: {
  readonly min?: number
  readonly max: number
  readonly trim?: boolean
}) {
  const { max, min = 0, trim = false } = options
  return Schema.String.pipe(
    Schema.filter(
      (value) => {
        // Units never number less than code points: the common case needs no counting.
        if (value.length <= max && min === 0) return undefined
        return outside(codePoints(trim ? value.trim() : value), "code point", min, max)
      },
      {
        arbitrary: () => (fc) =>
          fc.string({ unit: "binary", minLength: min, maxLength: Math.min(max, GENERATED_LENGTH) }),
      },
    ),
  )
}

/** A whole number in `min..max`. */
export function int(min: number, max: number, unit = "") {
  const what = unit === "" ? "a whole number" : `a whole number of ${unit}`
  return Schema.Number.pipe(
    Schema.filter(
      (value) =>
        (Number.isInteger(value) && value >= min && value <= max) ||
        `${what} from ${min} to ${max}, got ${value}`,
      { arbitrary: () => (fc) => fc.integer({ min, max }) },
    ),
  )
}

/** An array of `min` to `max` items, called `unit` in the refusal. */
export function items<A, I>(
  item: Schema.Schema<A, I>,
  options: {
    readonly min?: number
    readonly max: number
    readonly unit: string
    readonly generate?: number
  },
) {
  const { max, min = 0, unit } = options
  const list = Schema.Array(item)
  return list.pipe(
    Schema.filter((values) => outside(values.length, unit, min, max), {
      jsonSchema: { minItems: min, maxItems: Math.min(max, options.generate ?? 3) },
    }),
  )
}

/** Spec: every URL is at most 2048 code points (a link button's 512). */
const URL_MAX = 2048

const HTTP = /^https?:\/\//i
const ATTACHMENT = /^attachment:\/\/./i

const generatedHttp = (fc: FastCheckModule) =>
  fc
    .tuple(
      fc.constantFrom("http", "https"),
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.stringMatching(/^[a-z0-9._-]{0,9}$/),
    )
    .map(([scheme, host, path]) => `${scheme}://${host}.example/${path}`)
const generatedAttachment = (fc: FastCheckModule) =>
  fc.stringMatching(/^[a-z0-9]{1,8}$/).map((name) => `attachment://${name}.png`)

function url(
  max: number,
  expected: string,
  accepts: (value: string) => boolean,
  arbitrary: (fc: FastCheckModule) => FastCheck.Arbitrary<string>,
) {
  return Schema.String.pipe(
    Schema.filter(
      (value) => {
        if (!accepts(value)) return expected
        return outside(codePoints(value), "code point", 0, max)
      },
      { arbitrary: () => arbitrary },
    ),
  )
}

/** A URL that Discord opens: http or https. */
export function httpUrl(max = URL_MAX) {
  return url(max, "must be an http or https URL", isHttp, generatedHttp)
}

/** A URL of a picture or file: http, https or `attachment://name`. */
export const mediaUrl = url(
  URL_MAX,
  "must be an http, https or attachment:// URL",
  (value) => isHttp(value) || ATTACHMENT.test(value),
  (fc) => fc.oneof(generatedHttp(fc), generatedAttachment(fc)),
)

/** The URL of a file sent with the message: `attachment://name`. */
export const attachmentUrl = url(
  URL_MAX,
  "must be an attachment:// URL",
  (value) => ATTACHMENT.test(value),
  generatedAttachment,
)

function isHttp(value: string): boolean {
  return HTTP.test(value) && URL.canParse(value)
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/**
 * Schemas for limits of what is sent. An error text has the limit and the actual value; the issue's path
 * names the field. Text is counted in Unicode code points, as Discord's servers do.
 */
import * as Schema from "effect/Schema"
import type * as FastCheck from "effect/FastCheck"
import type { FastCheckModule } from "./fields.js"
import { parseUrl } from "./parseUrl.js"

/** Generated text is short, because tables test the edges of the limits. */
const maxGeneratedLength = 24

const pairs = /[\ud800-\udbff][\udc00-\udfff]/g

/** Unicode code points of a string; a lone surrogate counts as one. */
export function codePoints(value: string): number {
  return value.replace(pairs, "-").length
}

/** `1 code point`, `2 code points`, `1 entry`, `2 entries`. */
function plural(count: number, unit: string): string {
  if (count === 1) return `${count} ${unit}`
  return `${count} ${unit.endsWith("y") ? `${unit.slice(0, -1)}ie` : unit}s`
}

export function exceedsMax(limit: number, unit: string, actual: number): string {
  return `at most ${plural(limit, unit)}, got ${actual}`
}

/** Returns a message for a count outside `min..max`. */
export function checkRange(
  actual: number,
  unit: string,
  min: number,
  max: number,
): string | undefined {
  if (actual > max) return exceedsMax(max, unit, actual)
  return actual < min ? `at least ${plural(min, unit)}, got ${actual}` : undefined
}

/**
 * A code point of UTF-8, for generated text. To make a string of fast-check's own unit `binary`, a process
 * first lists all of them, which takes 0.8 s and 85 MB.
 */
const character = (fc: FastCheckModule) =>
  fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })).map(
    (code) => String.fromCodePoint(code),
    // So that fast-check finds `__proto__` and the like in it.
    (value) => String(value).codePointAt(0) ?? -1,
  )

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
        const broken = checkWellFormed(value)
        // Units never number less than code points: the common case needs no counting.
        if (broken !== undefined || (value.length <= max && min === 0)) return broken
        return checkRange(codePoints(trim ? value.trim() : value), "code point", min, max)
      },
      {
        arbitrary: () => (fc) =>
          fc.string({
            unit: character(fc),
            minLength: min,
            maxLength: Math.min(max, maxGeneratedLength),
          }),
      },
    ),
  )
}

const loneSurrogate = /\p{Surrogate}/u

/** Returns a message for text that UTF-8 cannot encode. Discord may respond with 500 (api-docs#6561). */
export function checkWellFormed(value: string): string | undefined {
  const index = value.search(loneSurrogate)
  if (index < 0) return undefined
  return `must not contain half a character, as at index ${index}: cut between code points, for example with Markdown.truncate`
}

const visible = /[^\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** Whether a text has only characters that JavaScript and Python count as white space. */
export function isBlank(value: string): boolean {
  return !visible.test(value)
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

/** An array of `min` to `max` items, called `unit` in messages. */
export function items<A, I>(
  item: Schema.Schema<A, I>,
  options: {
    readonly min?: number
    readonly max: number
    readonly unit: string
    /** Maximum number of generated items. Default: 3. */
    readonly generate?: number
  },
) {
  const { max, min = 0, unit } = options
  const list = Schema.Array(item)
  return list.pipe(
    Schema.filter((values) => checkRange(values.length, unit, min, max), {
      // Effect's arbitrary takes its bounds from here.
      jsonSchema: { minItems: min, maxItems: Math.min(max, options.generate ?? 3) },
    }),
  )
}

/** Code points of every URL (Discord's OpenAPI), except that of a link button, which has 512. */
const maxUrlLength = 2048

const httpPattern = /^https?:\/\//i
const attachmentPattern = /^attachment:\/\/./i
/** Discord rejects them (URL_TYPE_INVALID_URL), although parsers of URLs remove some of them. */
const blankPattern = /[\s\p{Cc}]/u

/** A part of generated URLs. A message has dozens of them, and `stringMatching` takes milliseconds for each. */
export const base36 = (fc: FastCheckModule) => fc.nat().map((number) => number.toString(36))

const generatedHttp = (fc: FastCheckModule) =>
  fc
    .tuple(
      fc.constantFrom("http", "https"),
      base36(fc),
      fc.string({ unit: fc.constantFrom("a", "9", ".", "_", "-"), maxLength: 9 }),
    )
    .map(([scheme, host, path]) => `${scheme}://${host}.example/${path}`)
const generatedAttachment = (fc: FastCheckModule) =>
  base36(fc).map((name) => `attachment://${name}.png`)

/** Returns a message for a URL that is not allowed. */
type UrlRule = (value: string) => string | undefined

function url(
  max: number,
  rule: UrlRule,
  arbitrary: (fc: FastCheckModule) => FastCheck.Arbitrary<string>,
) {
  return Schema.String.pipe(
    Schema.filter(
      (value) =>
        rule(value) ??
        checkWellFormed(value) ??
        checkRange(codePoints(value), "code point", 0, max),
      { arbitrary: () => arbitrary },
    ),
  )
}

const httpWith =
  (checkHost: (hostname: string) => string | undefined): UrlRule =>
  (value) => {
    const parsed = httpPattern.test(value) ? parseUrl(value) : undefined
    if (parsed === undefined) return "must be an http or https URL"
    return blankPattern.test(value)
      ? "must not contain blanks or line ends: write %20 for a blank"
      : checkHost(parsed.hostname)
  }

const http = httpWith(() => undefined)

/**
 * In embeds, Discord rejects a host without a dot, such as `localhost` (bugsink/bugsink#280); elsewhere
 * in a message it accepts it.
 */
const inEmbed = httpWith((hostname) =>
  // An IPv6 address is in brackets.
  /[.[]/.test(hostname)
    ? undefined
    : `must have a host with a dot, such as example.com, for Discord: leave out a URL of "${hostname}"`,
)

const attachment: UrlRule = (value) =>
  attachmentPattern.test(value)
    ? undefined
    : "must be an attachment:// URL: FileUpload.attachmentUrl(file) of a file in files"

/** Either what `rule` allows, or the URL of a file of the message. */
const orAttachmentUrl =
  (rule: UrlRule): UrlRule =>
  (value) => {
    if (attachmentPattern.test(value)) return undefined
    return httpPattern.test(value) ? rule(value) : "must be an http, https or attachment:// URL"
  }

const generatedMedia = (fc: FastCheckModule) => fc.oneof(generatedHttp(fc), generatedAttachment(fc))

/** A URL that Discord opens: http or https. */
export function httpUrl(max = maxUrlLength) {
  return url(max, http, generatedHttp)
}

/** A URL that an embed links to. */
export const embedUrl = url(maxUrlLength, inEmbed, generatedHttp)

/** A URL of a picture in an embed: http, https or `attachment://name`. */
export const embedMediaUrl = url(maxUrlLength, orAttachmentUrl(inEmbed), generatedMedia)

/** A URL of a picture or file in a component: http, https or `attachment://name`. */
export const mediaUrl = url(maxUrlLength, orAttachmentUrl(http), generatedMedia)

/** The URL of a file sent with the message: `attachment://name`. */
export const attachmentUrl = url(maxUrlLength, attachment, generatedAttachment)

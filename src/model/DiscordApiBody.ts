/**
 * Bodies of Discord's error responses: the error body with its tree of field errors, and the body
 * of a 429. Proxies, old API versions and Cloudflare send other bodies: decoding never throws.
 *
 * @since 0.1.0
 * @module
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Numeric, withDefault, required, nullishToAbsent } from "./fields.js"
import { formatPath } from "./Issue.js"

// An error tree has two forms: today's, where `_errors` holds the errors of a field, and that of API
// versions before 8, where a field holds a list of messages or of positions. The reader accepts a mix
// of both. Work and depth are bounded: the tree may be hostile.

/** See `DiscordApiBody.FieldError`. */
interface Leaf {
  readonly path: string
  readonly code?: string
  readonly message: string
}

type Path = ReadonlyArray<PropertyKey>

/** Deeper than any body that Discord accepts. A hostile tree must not overflow the stack. */
const maxDepth = 64

/** Bounds the work on a tree that is wide, or not a tree: untyped code may pass a cyclic object. */
const maxNodes = 100_000

/** The key of the errors of a field itself, beside the fields in it. */
const ownErrors = "_errors"

/** In versions before 8: the key of the errors of the whole body. */
const bodyErrors = "_misc"

/** Collects the first `max` leaves of a tree, and counts the others. */
class ErrorTree {
  readonly leaves: Array<Leaf> = []
  omitted = 0
  readonly #max: number
  #nodes = 0

  constructor(tree: unknown, max: number) {
    this.#max = max
    this.#node(tree, [], 0)
  }

  #node(node: unknown, path: Path, depth: number): void {
    this.#nodes += 1
    if (depth > maxDepth || this.#nodes > maxNodes) return
    if (Array.isArray(node)) this.#list(node, path, depth, true)
    else if (Predicate.isReadonlyRecord(node)) this.#record(node, path, depth)
  }

  #record(record: object, path: Path, depth: number): void {
    for (const [key, branch] of Object.entries(record)) {
      if (key === ownErrors) this.#own(branch, path, depth + 1)
      else this.#node(branch, key === bodyErrors ? path : [...path, step(key)], depth + 1)
    }
  }

  /** Usually a list of errors; some servers nest trees in it, or send a single error or a tree. */
  #own(branch: unknown, path: Path, depth: number): void {
    if (Array.isArray(branch)) this.#list(branch, path, depth, false)
    else if (isLeaf(branch)) this.#add(path, branch)
    else this.#node(branch, path, depth)
  }

  #list(items: ReadonlyArray<unknown>, path: Path, depth: number, isIndexed: boolean): void {
    for (const [index, item] of items.entries()) {
      if (typeof item === "string") this.#text(path, item)
      else if (isLeaf(item)) this.#add(path, item)
      else this.#node(item, isIndexed ? [...path, index] : path, depth + 1)
    }
  }

  /** The text may be a position without a reason, as in `{"embeds": ["0"]}`. */
  #text(path: Path, text: string): void {
    if (isIndex(text)) this.#add([...path, Number(text)], {})
    else this.#add(path, { message: text })
  }

  #add(path: Path, { code, message }: Readonly<Record<string, unknown>>): void {
    if (this.leaves.length >= this.#max) {
      this.omitted += 1
      return
    }
    const isCode = typeof code === "string" || typeof code === "number"
    this.leaves.push({
      path: formatPath(path),
      ...(isCode ? { code: String(code) } : {}),
      message: typeof message === "string" ? message : "is refused",
    })
  }
}

/** A number, also as text: servers between Discord and the caller change the type. */
const NumericOrText = Schema.Union(
  Numeric,
  Schema.NumberFromString.pipe(Schema.finite()),
).annotations({
  // JSON has no -0.
  arbitrary: () => (fc) => fc.integer(),
})

/**
 * An error of the API. `code` 0 is unspecific: use the status.
 *
 * @example
 * ```ts
 * import type { DiscordApiBody } from "effect-discord"
 *
 * const isUnknownWebhook = (body: DiscordApiBody.ErrorBody) => body.code === 10015
 * ```
 *
 * @see Discord: Error Messages
 * @since 0.1.0
 * @category models
 */
export const ErrorBody = Schema.Struct({
  code: withDefault(NumericOrText, () => 0),
  message: withDefault(Schema.String, () => ""),
  /** The tree of field errors as Discord sent it; {@link flatten} reads it. */
  errors: nullishToAbsent(
    Schema.Unknown.annotations({
      arbitrary: () => (fc) =>
        fc.constant({ _errors: [{ code: "BASE_TYPE_REQUIRED", message: "needed" }] }),
    }),
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface ErrorBody extends Schema.Schema.Type<typeof ErrorBody> {}

const seconds = NumericOrText.pipe(Schema.clamp(0, Number.MAX_SAFE_INTEGER)).annotations({
  arbitrary: () => (fc) => fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
})

/**
 * The body of a 429. A body without `retry_after` does not match; read its code with
 * {@link fromUnknown}. Pages from Cloudflare match neither.
 *
 * @example
 * ```ts
 * import type { DiscordApiBody } from "effect-discord"
 *
 * const milliseconds = (body: DiscordApiBody.RateLimitBody) => body.retryAfter * 1000
 * ```
 *
 * @see Discord: Rate Limits, Rate Limit Response Structure
 * @since 0.1.0
 * @category models
 */
export const RateLimitBody = Schema.Struct({
  message: withDefault(Schema.String, () => ""),
  /** Seconds, not negative. */
  retryAfter: required(seconds, "retry_after"),
  global: withDefault(Schema.Boolean, () => false),
  /** Set for limits that have a code of their own, such as slowmode (20016). */
  code: nullishToAbsent(NumericOrText),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface RateLimitBody extends Schema.Schema.Type<typeof RateLimitBody> {}

/**
 * One field error of Discord: `path` in camelCase, as the message was written; `code` such as
 * `BASE_TYPE_MAX_LENGTH`, an open set.
 *
 * @example
 * ```ts
 * import type { DiscordApiBody } from "effect-discord"
 *
 * const line = (field: DiscordApiBody.FieldError) => `${field.path}: ${field.message}`
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface FieldError {
  /** Empty when the error is about the whole body. */
  readonly path: string
  /** Absent in the form of old API versions. */
  readonly code?: string
  readonly message: string
}

/**
 * The content of an error body.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  /** Discord's JSON error code; 0 if it sent none. */
  readonly code: number
  /** Empty if it sent none. */
  readonly message: string
  /** The first 100. */
  readonly fields: ReadonlyArray<FieldError>
  /** How many more there were. */
  readonly omitted: number
}

/** More than anyone reads; a hostile body has hundreds of thousands. */
const maxFields = 100

/**
 * Returns the leaves of Discord's error tree, in order; none for any other value. Texts in lists
 * without `_errors`, the form of old API versions, are leaves as well.
 *
 * @example
 * ```ts
 * import { DiscordApiBody } from "effect-discord"
 *
 * DiscordApiBody.flatten({
 *   embeds: { 0: { fields: { 2: { name: { _errors: [{ code: "BASE_TYPE_REQUIRED", message: "This field is required" }] } } } } },
 * })
 * // [{ path: "embeds[0].fields[2].name", code: "BASE_TYPE_REQUIRED", message: "This field is required" }]
 * ```
 *
 * @see Discord: Error Messages
 * @since 0.1.0
 * @category conversions
 */
export const flatten = (errors: unknown): ReadonlyArray<FieldError> =>
  new ErrorTree(errors, Infinity).leaves

/**
 * Reads an error body: today's form, or the old one, a list for each field (`{"embeds": ["0"]}`).
 * Returns `None` for a body with no code, message or errors.
 *
 * @example
 * ```ts
 * import { DiscordApiBody } from "effect-discord"
 *
 * DiscordApiBody.fromUnknown({ code: 10015, message: "Unknown Webhook" })
 * // some({ code: 10015, message: "Unknown Webhook", fields: [], omitted: 0 })
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromUnknown = (body: unknown): Option.Option<Refusal> => {
  if (!Predicate.isReadonlyRecord(body)) return Option.none()
  const { message, errors }: { readonly message?: unknown; readonly errors?: unknown } = body
  const code = numberIn(body, "code")
  const hasForm = code !== undefined || typeof message === "string"
  const { leaves, omitted } = new ErrorTree(hasForm ? errors : (errors ?? body), maxFields)
  if (!hasForm && leaves.length === 0) return Option.none()
  return Option.some({
    code: code ?? 0,
    message: typeof message === "string" ? message : hasForm ? "" : "Invalid Form Body",
    fields: leaves,
    omitted,
  })
}

/**
 * Reads the body of a 429. Returns `None` for a body without `retry_after`.
 *
 * @example
 * ```ts
 * import { DiscordApiBody } from "effect-discord"
 *
 * DiscordApiBody.rateLimitFromUnknown({ message: "slow down", retry_after: 0.5, global: false })
 * // some({ message: "slow down", retryAfter: 0.5, global: false })
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const rateLimitFromUnknown = (body: unknown): Option.Option<RateLimitBody> => {
  if (!Predicate.isReadonlyRecord(body)) return Option.none()
  const code = numberIn(body, "code")
  const retryAfter = numberIn(body, "retry_after")
  if (retryAfter === undefined) return Option.none()
  const message = Reflect.get(body, "message")
  return Option.some({
    message: typeof message === "string" ? message : "",
    retryAfter: Math.min(Math.max(retryAfter, 0), Number.MAX_SAFE_INTEGER),
    global: Reflect.get(body, "global") === true,
    ...(code === undefined ? {} : { code }),
  })
}

/** Reads what {@link NumericOrText} decodes. */
function numberIn(body: object, key: string): number | undefined {
  const value: unknown = Reflect.get(body, key)
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) ? number : undefined
}

/** Whether a node is an error and not a branch. */
function isLeaf(node: unknown): node is Readonly<Record<string, unknown>> {
  if (!Predicate.isReadonlyRecord(node)) return false
  const { code, message } = node as { readonly code?: unknown; readonly message?: unknown }
  if (typeof message === "string" || typeof code === "string" || typeof code === "number")
    return true
  return Object.keys(node).length === 0
}

/** Digits as JSON writes an integer. */
function isIndex(key: string): boolean {
  return /^(?:0|[1-9][0-9]{0,14})$/.test(key)
}

/** `"0"` is an index; `icon_url` is what the user wrote as `iconUrl`. */
function step(key: string): PropertyKey {
  if (isIndex(key)) return Number(key)
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

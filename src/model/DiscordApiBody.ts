/**
 * What Discord says when it refuses: the error body with its tree of field errors, and the body
 * of a 429. Proxies, old API versions and the edge send other things: reading never throws.
 *
 * @since 0.1.0
 * @module
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

import { formatPath } from "./Issue.js"
import { Numeric, orElse, required, sometimes } from "./wire.js"

/**
 * An error of the API. `code` 0 is "general": go by the status.
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
  code: orElse("code", Numeric, () => 0),
  message: Schema.String,
  /** The tree of field errors as it came; {@link flatten} reads it. */
  errors: sometimes(
    "errors",
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

const seconds = Schema.JsonNumber.pipe(Schema.clamp(0, Number.MAX_SAFE_INTEGER))

/**
 * The body of a 429. Some have no delay ({@link fromUnknown} reads their code); what the edge in
 * front of the API sends is neither.
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
  message: orElse("message", Schema.String, () => ""),
  /** Seconds, not negative. */
  retryAfter: required("retry_after", seconds),
  global: orElse("global", Schema.Boolean, () => false),
  /** Set for limits that have a code of their own, such as slowmode (20016). */
  code: sometimes("code", Numeric),
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
 * An error body, taken apart.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  /** Discord's JSON error code; 0 when it sent none. */
  readonly code: number
  readonly message: string
  readonly fields: ReadonlyArray<FieldError>
}

const errorBody = Schema.decodeUnknownOption(ErrorBody)
const rateLimitBody = Schema.decodeUnknownOption(RateLimitBody)

/**
 * The leaves of Discord's error tree, in the tree's order. Whatever is not a tree has none.
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
export const flatten = (errors: unknown): ReadonlyArray<FieldError> => {
  const found: Array<FieldError> = []
  collect(errors, [], found)
  return found
}

/**
 * Reads an error body: today's form, or the old one of bare lists by field
 * (`{"embeds": ["0"]}`). None when it is neither.
 *
 * @example
 * ```ts
 * import { DiscordApiBody } from "effect-discord"
 *
 * DiscordApiBody.fromUnknown({ code: 10015, message: "Unknown Webhook" })
 * // some({ code: 10015, message: "Unknown Webhook", fields: [] })
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromUnknown = (body: unknown): Option.Option<Refusal> =>
  errorBody(body).pipe(
    Option.map(({ code, errors, message }) => ({ code, message, fields: flatten(errors) })),
    Option.orElse(() => oldForm(body)),
  )

/**
 * Reads the body of a 429; None when it is not Discord's.
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
export const rateLimitFromUnknown = (body: unknown): Option.Option<RateLimitBody> =>
  rateLimitBody(body)

/** Deeper than any body Discord takes; a hostile answer must not overflow the stack. */
const DEPTH_MAX = 64

function collect(tree: unknown, path: ReadonlyArray<PropertyKey>, found: Array<FieldError>): void {
  if (!Predicate.isReadonlyRecord(tree) || path.length > DEPTH_MAX) return
  for (const [key, branch] of Object.entries(tree)) {
    if (key !== "_errors") collect(branch, [...path, step(key)], found)
    else if (Array.isArray(branch)) found.push(...branch.flatMap((leaf) => fieldError(path, leaf)))
  }
}

function fieldError(path: ReadonlyArray<PropertyKey>, leaf: unknown): ReadonlyArray<FieldError> {
  const at = formatPath(path)
  if (typeof leaf === "string") return [{ path: at, message: leaf }]
  if (!Predicate.isReadonlyRecord(leaf)) return []
  const { code, message } = leaf as { readonly code?: unknown; readonly message?: unknown }
  const sentence = typeof message === "string" ? message : "is refused"
  const named = typeof code === "string" || typeof code === "number"
  return [{ path: at, ...(named ? { code: String(code) } : {}), message: sentence }]
}

/** Versions before 8: `{ field: [sentence, ...] }`, with neither code nor message. */
function oldForm(body: unknown): Option.Option<Refusal> {
  if (!Predicate.isReadonlyRecord(body)) return Option.none()
  const fields = Object.entries(body).flatMap(([key, sentences]) =>
    Array.isArray(sentences) ? sentences.flatMap((one) => fieldError([step(key)], one)) : [],
  )
  if (fields.length === 0) return Option.none()
  return Option.some({ code: 0, message: "Invalid Form Body", fields })
}

/** `"0"` is an index; `icon_url` is what the user wrote as `iconUrl`. */
function step(key: string): PropertyKey {
  if (/^(0|[1-9][0-9]*)$/.test(key)) return Number(key)
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

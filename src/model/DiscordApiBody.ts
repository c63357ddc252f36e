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

import { ErrorTree } from "./errorTree.js"
import { lazily } from "./lazily.js"
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
  message: orElse("message", Schema.String, () => ""),
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
  /** Empty when it sent none. */
  readonly message: string
  /** The first 100. */
  readonly fields: ReadonlyArray<FieldError>
  /** How many more there were. */
  readonly omitted: number
}

/** More than anyone reads; a hostile body has hundreds of thousands. */
const maxFields = 100

const rateLimitBody = lazily(() => Schema.decodeUnknownOption(RateLimitBody))

/**
 * The leaves of Discord's error tree, in the tree's order. What is not a tree has none. Sentences in
 * bare lists, the form of old API versions, are leaves as well.
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
  new ErrorTree(errors, Number.POSITIVE_INFINITY).leaves

/**
 * Reads an error body: today's form, or the old one of bare lists by field
 * (`{"embeds": ["0"]}`). A body without `message` keeps its code and its tree. None when it has
 * none of the three.
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
  rateLimitBody()(body)

function numberIn(body: object, key: string): number | undefined {
  const value: unknown = Reflect.get(body, key)
  return typeof value === "number" && Number.isFinite(value) ? value : undefined
}

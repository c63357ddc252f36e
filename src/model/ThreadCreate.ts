/**
 * A thread being started in a forum or media channel, where every message belongs to one.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { items, text } from "./limits.js"
import { SnowflakeInput } from "./Snowflake.js"
import { optional, required } from "./fields.js"
import { makeStrictEncoder } from "./codec.js"

/** Discord: Start Thread in Forum or Media Channel. */
const maxName = 100
const maxTags = 5

/**
 * The name of a thread: 1 to 100 code points.
 *
 * @example
 * ```ts
 * import { ThreadCreate } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(ThreadCreate.ThreadName)("x".repeat(101)) // false
 * ```
 *
 * @see Discord: Start Thread in Forum or Media Channel
 * @since 0.1.0
 * @category models
 */
export const ThreadName = text({ min: 1, max: maxName })

/**
 * Ids of tags of the channel, at most 5. Where Discord's client offers no id, `GET /channels/{id}`
 * of a bot lists them as `available_tags`.
 *
 * @example
 * ```ts
 * import { ThreadCreate } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(ThreadCreate.AppliedTags)(["175928847299117063"]) // true
 * ```
 *
 * @see Discord: Forum Tag Object
 * @since 0.1.0
 * @category models
 */
export const AppliedTags = items(SnowflakeInput, { max: maxTags, unit: "tag" })

/**
 * What a new thread is called, and its tags.
 *
 * @example
 * ```ts
 * import type { ThreadCreate } from "effect-discord"
 *
 * const thread: ThreadCreate.ThreadCreate = {
 *   name: "Release 1.4",
 *   appliedTags: ["1102600212839804939"],
 * }
 * ```
 *
 * @see Discord: Execute Webhook
 * @since 0.1.0
 * @category models
 */
export const ThreadCreate = Schema.Struct({
  name: required(ThreadName, "thread_name"),
  /** A channel may require one. */
  appliedTags: optional(AppliedTags, "applied_tags"),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface ThreadCreate extends Schema.Schema.Type<typeof ThreadCreate> {}

/**
 * The JSON that Discord receives, as a part of the message's.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof ThreadCreate> {}

/**
 * Encodes a thread to JSON, or returns all issues; an unknown field is rejected.
 *
 * @example
 * ```ts
 * import { ThreadCreate } from "effect-discord"
 *
 * const json = ThreadCreate.encode({ name: "Release 1.4" })
 * // succeeds with { thread_name: "Release 1.4" }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode: (thread: ThreadCreate) => Effect.Effect<Encoded, ParseResult.ParseError> =
  makeStrictEncoder(ThreadCreate)

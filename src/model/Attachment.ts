/**
 * Attachments: received ones, and the metadata of files that are sent.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { int, items, text } from "./limits.js"
import { Snowflake, SnowflakeInput } from "./Snowflake.js"
import { Timestamp } from "./timestamp.js"
import { User } from "./User.js"
import {
  generatedSnowflake,
  list,
  Numeric,
  optional,
  withDefault,
  nullishToAbsent,
} from "./fields.js"

/** Discord's OpenAPI, MessageAttachmentRequest; the description is also in Discord: Attachment Object. */
const maxFilename = 1024
const maxTitle = 1024
const maxDescription = 1024
/** Characters of base64. */
const maxWaveform = 400
/** Seconds. */
const maxDuration = 2_147_483_647

/** Attachments of a message (Discord: JSON error 30015). */
const maxAttachments = 10

/** The `n` of `files[n]` as a number, or an id as a string; encoded as a string. */
const AttachmentId = Schema.transform(
  SnowflakeInput,
  Schema.Union(SnowflakeInput, int(0, Number.MAX_SAFE_INTEGER)).annotations({
    arbitrary: () => generatedSnowflake,
  }),
  { strict: true, decode: (id): string | number => id, encode: (id) => String(id) },
)

/**
 * Metadata of a file: a file that is sent (`id` is the `n` of its `files[n]`), or one already on
 * the message (`id` is the attachment's).
 *
 * @example
 * ```ts
 * import type { Attachment } from "effect-discord"
 *
 * const first: Attachment.AttachmentCreate = { id: 0, description: "A cat, asleep" }
 * ```
 *
 * @see Discord: Attachment Object, Attachment Request Structure
 * @since 0.1.0
 * @category models
 */
export const AttachmentCreate = Schema.Struct({
  id: AttachmentId,
  filename: optional(text({ min: 1, max: maxFilename })),
  title: optional(text({ max: maxTitle })),
  /** Alt text. */
  description: optional(text({ max: maxDescription })),
  isSpoiler: optional(Schema.Boolean, "is_spoiler"),
  /** Seconds; voice messages only. */
  durationSecs: optional(
    Schema.Number.pipe(
      Schema.filter(
        (seconds) =>
          (seconds >= 0 && seconds <= maxDuration) ||
          `a number of seconds from 0 to ${maxDuration}, got ${seconds}`,
        { arbitrary: () => (fc) => fc.integer({ min: 0, max: 12_000 }).map((n) => n / 10) },
      ),
    ),
    "duration_secs",
  ),
  /** Base64; voice messages only. */
  waveform: optional(text({ max: maxWaveform })),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface AttachmentCreate extends Schema.Schema.Type<typeof AttachmentCreate> {}

/**
 * The attachments of one message: at most 10.
 *
 * @example
 * ```ts
 * import { Attachment } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(Attachment.AttachmentsCreate)([{ id: 0 }, { id: 1 }]) // true
 * ```
 *
 * @see Discord: Attachment Object, Attachment Request Structure
 * @since 0.1.0
 * @category models
 */
export const AttachmentsCreate = items(AttachmentCreate, {
  max: maxAttachments,
  unit: "attachment",
})

/**
 * A file of a message as Discord sends it. `url` is signed and expires. Only `id` is required;
 * `filename` and `url` are empty if Discord sends none.
 *
 * @example
 * ```ts
 * import type { Attachment } from "effect-discord"
 *
 * const kilobytes = (file: Attachment.Attachment) => Math.ceil(file.size / 1024)
 * ```
 *
 * @see Discord: Attachment Object
 * @since 0.1.0
 * @category models
 */
export const Attachment = Schema.Struct({
  id: Snowflake,
  filename: withDefault(Schema.String, () => ""),
  /** Bytes. */
  size: withDefault(Numeric, () => 0),
  url: withDefault(Schema.String, () => ""),
  proxyUrl: nullishToAbsent(Schema.String, "proxy_url"),
  title: nullishToAbsent(Schema.String),
  description: nullishToAbsent(Schema.String),
  /** Media type, such as `image/png`. */
  contentType: nullishToAbsent(Schema.String, "content_type"),
  /** Pixels. */
  width: nullishToAbsent(Numeric),
  /** Pixels. */
  height: nullishToAbsent(Numeric),
  ephemeral: nullishToAbsent(Schema.Boolean),
  /** Seconds. */
  durationSecs: nullishToAbsent(Numeric, "duration_secs"),
  waveform: nullishToAbsent(Schema.String),
  flags: nullishToAbsent(Numeric),
  placeholder: nullishToAbsent(Schema.String),
  placeholderVersion: nullishToAbsent(Numeric, "placeholder_version"),
  clipParticipants: nullishToAbsent(list(User), "clip_participants"),
  clipCreatedAt: nullishToAbsent(Timestamp, "clip_created_at"),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Attachment extends Schema.Schema.Type<typeof Attachment> {}

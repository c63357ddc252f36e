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
  required,
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

/** `n` of `files[n]` as a number, or any id as a string; always a string on the wire. */
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
  id: required("id", AttachmentId),
  filename: optional("filename", text({ min: 1, max: maxFilename })),
  title: optional("title", text({ max: maxTitle })),
  /** Alt text. */
  description: optional("description", text({ max: maxDescription })),
  isSpoiler: optional("is_spoiler", Schema.Boolean),
  /** Seconds; voice messages only. */
  durationSecs: optional(
    "duration_secs",
    Schema.Number.pipe(
      Schema.filter(
        (seconds) =>
          (seconds >= 0 && seconds <= maxDuration) ||
          `a number of seconds from 0 to ${maxDuration}, got ${seconds}`,
        { arbitrary: () => (fc) => fc.integer({ min: 0, max: 12_000 }).map((n) => n / 10) },
      ),
    ),
  ),
  /** Base64; voice messages only. */
  waveform: optional("waveform", text({ max: maxWaveform })),
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
 * A file of a message as Discord sends it. `url` is signed and expires. Only `id` must be there;
 * `filename` and `url` are empty where Discord sends none.
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
  filename: withDefault("filename", Schema.String, () => ""),
  /** Bytes. */
  size: withDefault("size", Numeric, () => 0),
  url: withDefault("url", Schema.String, () => ""),
  proxyUrl: nullishToAbsent("proxy_url", Schema.String),
  title: nullishToAbsent("title", Schema.String),
  description: nullishToAbsent("description", Schema.String),
  /** Media type, such as `image/png`. */
  contentType: nullishToAbsent("content_type", Schema.String),
  /** Pixels. */
  width: nullishToAbsent("width", Numeric),
  /** Pixels. */
  height: nullishToAbsent("height", Numeric),
  ephemeral: nullishToAbsent("ephemeral", Schema.Boolean),
  /** Seconds. */
  durationSecs: nullishToAbsent("duration_secs", Numeric),
  waveform: nullishToAbsent("waveform", Schema.String),
  flags: nullishToAbsent("flags", Numeric),
  placeholder: nullishToAbsent("placeholder", Schema.String),
  placeholderVersion: nullishToAbsent("placeholder_version", Numeric),
  clipParticipants: nullishToAbsent("clip_participants", list(User)),
  clipCreatedAt: nullishToAbsent("clip_created_at", Timestamp),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Attachment extends Schema.Schema.Type<typeof Attachment> {}

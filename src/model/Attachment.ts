/**
 * Files of a message: what Discord tells about them, and what we ask for when sending.
 *
 * @since 0.1.0
 * @module
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

import { int, items, text } from "./limits.js"
import { Snowflake, SnowflakeInput } from "./Snowflake.js"
import { Timestamp } from "./timestamp.js"
import { User } from "./User.js"
import { list, Numeric, optional, orElse, required, sometimes } from "./fields.js"

/** Discord's OpenAPI, MessageAttachmentRequest; the description is also in Discord: Attachment Object. */
const FILENAME_MAX = 1024
const TITLE_MAX = 1024
const DESCRIPTION_MAX = 1024
/** Characters of base64. */
const WAVEFORM_MAX = 400
/** Seconds. */
const DURATION_MAX = 2_147_483_647

/** Attachments of a message (Discord: JSON error 30015). */
const ATTACHMENTS_MAX = 10

/** `n` of `files[n]` as a number, or any id as a string; always a string on the wire. */
const AttachmentId = Schema.transform(
  SnowflakeInput,
  Schema.Union(SnowflakeInput, int(0, Number.MAX_SAFE_INTEGER)).annotations({
    arbitrary: () => (fc) => Arbitrary.makeLazy(SnowflakeInput)(fc),
  }),
  { strict: true, decode: (id): string | number => id, encode: (id) => String(id) },
)

/**
 * What to say about a file: one being sent (`id` is the `n` of its `files[n]`), or one already on
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
  filename: optional("filename", text({ min: 1, max: FILENAME_MAX })),
  title: optional("title", text({ max: TITLE_MAX })),
  /** Alt text. */
  description: optional("description", text({ max: DESCRIPTION_MAX })),
  isSpoiler: optional("is_spoiler", Schema.Boolean),
  /** Seconds; voice messages only. */
  durationSecs: optional(
    "duration_secs",
    Schema.Number.pipe(
      Schema.filter(
        (seconds) =>
          (seconds >= 0 && seconds <= DURATION_MAX) ||
          `a number of seconds from 0 to ${DURATION_MAX}, got ${seconds}`,
        { arbitrary: () => (fc) => fc.integer({ min: 0, max: 12_000 }).map((n) => n / 10) },
      ),
    ),
  ),
  /** Base64; voice messages only. */
  waveform: optional("waveform", text({ max: WAVEFORM_MAX })),
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
  max: ATTACHMENTS_MAX,
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
  filename: orElse("filename", Schema.String, () => ""),
  /** Bytes. */
  size: orElse("size", Numeric, () => 0),
  url: orElse("url", Schema.String, () => ""),
  proxyUrl: sometimes("proxy_url", Schema.String),
  title: sometimes("title", Schema.String),
  description: sometimes("description", Schema.String),
  /** Media type, such as `image/png`. */
  contentType: sometimes("content_type", Schema.String),
  /** Pixels. */
  width: sometimes("width", Numeric),
  /** Pixels. */
  height: sometimes("height", Numeric),
  ephemeral: sometimes("ephemeral", Schema.Boolean),
  /** Seconds. */
  durationSecs: sometimes("duration_secs", Numeric),
  waveform: sometimes("waveform", Schema.String),
  flags: sometimes("flags", Numeric),
  placeholder: sometimes("placeholder", Schema.String),
  placeholderVersion: sometimes("placeholder_version", Numeric),
  clipParticipants: sometimes("clip_participants", list(User)),
  clipCreatedAt: sometimes("clip_created_at", Timestamp),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Attachment extends Schema.Schema.Type<typeof Attachment> {}

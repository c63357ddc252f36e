/**
 * A message in the form of Slack's incoming webhooks, which Discord also accepts. It is for programs
 * that already produce Slack messages; `MessageCreate` supports more.
 *
 * @see https://discord.com/developers/docs/resources/webhook#execute-slackcompatible-webhook
 * @since 0.1.0
 * @module
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import * as Color from "./Color.js"
import { lazy } from "./lazy.js"
import { httpUrl, text } from "./limits.js"
import { WebhookName } from "./WebhookName.js"
import { optional, strictList } from "./fields.js"
import { makeStrictEncoder } from "./codec.js"

/** Code points (Discord's OpenAPI). Slack itself accepts longer texts. */
const maxText = 2000

/** Slack's names for colours. Discord's OpenAPI has none, so they are sent as the colours that Slack shows. */
const shades = { good: "#2eb886", warning: "#daa038", danger: "#a30200" } as const

const invalidColor = "must be a colour such as 0x5865f2, #5865f2, good, warning or danger"

const isRgb = lazy(() => Schema.is(Color.Color))

/** JSON made for Slack may lack the `#`. */
const hexPattern = /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i

/** The last second since 1970 that a `DateTime` can hold. */
const maxSeconds = 8_640_000_000_000

/**
 * The colour of an attachment's edge: a `Color`, or one of Slack's names.
 *
 * @example
 * ```ts
 * import type { SlackMessage } from "effect-discord"
 *
 * const edge: SlackMessage.SlackColor = "good"
 * ```
 *
 * @see https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
 * @since 0.1.0
 * @category models
 */
export const SlackColor: Schema.Schema<Color.Color | keyof typeof shades, string> =
  Schema.transform(
    Schema.String,
    Schema.Union(Schema.Number, Schema.String).pipe(
      // The message depends on the value, which a type guard does not allow, so a filter with it comes first.
      Schema.filter((value) => isColor(value) || invalidColor),
      Schema.filter(isColor, {
        arbitrary: () => (fc) => fc.integer({ min: 0, max: 0xffffff }).map(Color.toHex),
      }),
    ),
    { strict: true, decode: withHash, encode: (_, color) => toWire(color) },
  )
/**
 * @since 0.1.0
 * @category models
 */
export type SlackColor = typeof SlackColor.Type

const seconds = Schema.Union(Schema.Number, Schema.NumberFromString).pipe(
  Schema.filter((value) => (value >= 0 && value <= maxSeconds) || "must be seconds since 1970"),
)

/** Encoded as whole seconds. Slack sometimes sends a string with a fraction. */
const Moment = Schema.transform(
  seconds,
  Schema.DateTimeUtcFromSelf.annotations({
    arbitrary: () => (fc) =>
      fc.integer({ min: 0, max: 2 ** 32 }).map((second) => DateTime.unsafeMake(second * 1000)),
  }),
  {
    strict: true,
    decode: (second) => DateTime.unsafeMake(second * 1000),
    encode: (moment) => Math.floor(DateTime.toEpochMillis(moment) / 1000),
  },
)

/**
 * A row or cell of an attachment. `short` puts it beside others.
 *
 * These are Slack's names, which Discord reads, although its OpenAPI calls them `name`, `value` and
 * `inline`, as in an embed.
 *
 * @example
 * ```ts
 * import type { SlackMessage } from "effect-discord"
 *
 * const field: SlackMessage.SlackField = { title: "Status", value: "green", short: true }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const SlackField = Schema.Struct({
  title: optional(Schema.String),
  value: optional(Schema.String),
  short: optional(Schema.Boolean),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface SlackField extends Schema.Schema.Type<typeof SlackField> {}

/**
 * An attachment in Slack's sense: a framed block below the text, which Discord shows as an embed.
 *
 * @example
 * ```ts
 * import type { SlackMessage } from "effect-discord"
 *
 * const attachment: SlackMessage.SlackAttachment = {
 *   color: "danger",
 *   title: "Build 7 failed",
 *   titleLink: "https://ci.example.com/builds/7",
 *   fields: [{ title: "Branch", value: "main", short: true }],
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const SlackAttachment = Schema.Struct({
  /** Above the block. */
  pretext: optional(Schema.String),
  title: optional(Schema.String),
  titleLink: optional(httpUrl(), "title_link"),
  text: optional(Schema.String),
  color: optional(SlackColor),
  authorName: optional(Schema.String, "author_name"),
  authorLink: optional(httpUrl(), "author_link"),
  authorIcon: optional(httpUrl(), "author_icon"),
  fields: optional(strictList(SlackField)),
  imageUrl: optional(httpUrl(), "image_url"),
  thumbUrl: optional(httpUrl(), "thumb_url"),
  footer: optional(Schema.String),
  footerIcon: optional(httpUrl(), "footer_icon"),
  /** A moment, shown in the footer, to the second. */
  ts: optional(Moment),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface SlackAttachment extends Schema.Schema.Type<typeof SlackAttachment> {}

/**
 * A message for Slack's incoming webhooks, without the fields that Discord does not support:
 * `channel`, `icon_emoji`, `mrkdwn`, `mrkdwn_in`, and blocks.
 *
 * @example
 * ```ts
 * import type { SlackMessage } from "effect-discord"
 *
 * const message: SlackMessage.SlackMessage = {
 *   username: "CI",
 *   text: "Build 7 is done",
 *   attachments: [{ color: "good", text: "All tests pass" }],
 * }
 * ```
 *
 * @see Discord: Execute Slack-Compatible Webhook
 * @since 0.1.0
 * @category models
 */
export const SlackMessage = Schema.Struct({
  /** At most 2000 code points. */
  text: optional(text({ max: maxText })),
  /** Shown instead of the webhook's name. */
  username: optional(WebhookName),
  /** Shown instead of the webhook's avatar. */
  iconUrl: optional(httpUrl(), "icon_url"),
  attachments: optional(strictList(SlackAttachment)),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface SlackMessage extends Schema.Schema.Type<typeof SlackMessage> {}

/**
 * The JSON that Discord receives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof SlackMessage> {}

/**
 * Encodes a message to JSON, or returns all issues; an unknown field is rejected.
 *
 * @example
 * ```ts
 * import { SlackMessage } from "effect-discord"
 *
 * const json = SlackMessage.encode({ attachments: [{ text: "done", color: "good" }] })
 * // succeeds with { attachments: [{ text: "done", color: "#2eb886" }] }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode: (message: SlackMessage) => Effect.Effect<Encoded, ParseResult.ParseError> =
  makeStrictEncoder(SlackMessage)

/**
 * Decodes JSON that was made for Slack, to send it to Discord. Fields that Discord does not support
 * are left out without an error.
 *
 * @example
 * ```ts
 * import { SlackMessage } from "effect-discord"
 *
 * const message = SlackMessage.decode({ channel: "#ci", text: "done", icon_url: null })
 * // succeeds with { text: "done" }
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (json: unknown): Effect.Effect<SlackMessage, ParseResult.ParseError> =>
  Schema.decodeUnknown(SlackMessage, { errors: "all" })(json)

/**
 * Whether the message is empty, which Discord rejects.
 *
 * @example
 * ```ts
 * import { SlackMessage } from "effect-discord"
 *
 * SlackMessage.isEmpty({ text: "", username: "CI" }) // true
 * ```
 *
 * @since 0.1.0
 * @category predicates
 */
export const isEmpty = (message: SlackMessage): boolean =>
  (message.text ?? "") === "" && (message.attachments ?? []).length === 0

function isColor(value: string | number): value is SlackColor {
  if (typeof value === "number") return isRgb()(value)
  return isShade(value) || (value.startsWith("#") && hexPattern.test(value))
}

function isShade(value: string): value is keyof typeof shades {
  return Object.hasOwn(shades, value)
}

function withHash(value: string): string {
  return hexPattern.test(value) && !value.startsWith("#") ? `#${value}` : value
}

function toWire(color: SlackColor): string {
  if (typeof color === "string") return isShade(color) ? shades[color] : color
  return Color.toHex(color)
}

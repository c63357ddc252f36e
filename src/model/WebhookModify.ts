/**
 * A change of the webhook itself.
 *
 * @since 0.1.0
 * @module
 */
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { WebhookName } from "./WebhookName.js"
import { nullable, optional } from "./fields.js"
import { makeStrictEncoder } from "./codec.js"

/** Discord: Image Data. WebP and `image/jpg` are accepted as well (discord-api-docs#378, #8538). */
const imagePattern = /^data:image\/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/i

const ImageData = Schema.String.pipe(
  Schema.filter(
    (value) =>
      imagePattern.test(value) ||
      "must be data:image/png, jpeg, gif or webp with ;base64, and the picture: see WebhookModify.avatar",
    {
      arbitrary: () => (fc) =>
        fc
          .constantFrom("png", "jpeg", "jpg", "gif", "webp")
          .map((type) => `data:image/${type};base64,AAAA`),
    },
  ),
)

/**
 * What to change: `name`, `avatar` (a data URI), or both; `avatar: null` removes the avatar.
 *
 * @example
 * ```ts
 * import type { WebhookModify } from "effect-discord"
 *
 * const change: WebhookModify.WebhookModify = { name: "Builds", avatar: null }
 * ```
 *
 * @see Discord: Modify Webhook with Token
 * @since 0.1.0
 * @category models
 */
export const WebhookModify = Schema.Struct({
  name: optional(WebhookName),
  /** `data:image/png;base64,...`; png, jpeg, gif or webp. {@link avatar} makes it of bytes. */
  avatar: nullable(ImageData),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface WebhookModify extends Schema.Schema.Type<typeof WebhookModify> {}

/**
 * The JSON that Discord receives.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded extends Schema.Schema.Encoded<typeof WebhookModify> {}

/**
 * Encodes a change to JSON, or returns all issues; an unknown field is rejected.
 *
 * @example
 * ```ts
 * import { WebhookModify } from "effect-discord"
 *
 * const json = WebhookModify.encode({ name: "Builds" })
 * // succeeds with { name: "Builds" }
 * ```
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode: (change: WebhookModify) => Effect.Effect<Encoded, ParseResult.ParseError> =
  makeStrictEncoder(WebhookModify)

/** The first bytes of each format; `undefined` matches any byte. */
const signatures: ReadonlyArray<readonly [type: string, bytes: ReadonlyArray<number | undefined>]> =
  [
    ["png", [0x89, ...ascii("PNG"), 0x0d, 0x0a, 0x1a, 0x0a]],
    ["jpeg", [0xff, 0xd8, 0xff]],
    ["gif", ascii("GIF87a")],
    ["gif", ascii("GIF89a")],
    ["webp", [...ascii("RIFF"), undefined, undefined, undefined, undefined, ...ascii("WEBP")]],
  ]

/**
 * The bytes of a picture as an `avatar`: a data URI of the format that the first bytes show. None
 * if they are no PNG, JPEG, GIF or WebP.
 *
 * @example
 * ```ts
 * import { Webhook, WebhookModify } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const setAvatar = (hook: Webhook.Webhook, picture: Uint8Array) =>
 *   Effect.flatMap(WebhookModify.avatar(picture), (avatar) => Webhook.modify(hook, { avatar }))
 * ```
 *
 * @see Discord: Image Data
 * @since 0.1.0
 * @category constructors
 */
export const avatar = (picture: Uint8Array): Option.Option<string> => {
  const found = signatures.find(([, bytes]) =>
    bytes.every((byte, index) => byte === undefined || picture[index] === byte),
  )
  return Option.map(
    Option.fromNullable(found),
    ([type]) => `data:image/${type};base64,${Encoding.encodeBase64(picture)}`,
  )
}

function ascii(text: string): ReadonlyArray<number> {
  return Array.from(text, (character) => character.charCodeAt(0))
}

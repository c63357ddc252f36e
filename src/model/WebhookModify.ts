/**
 * A change of the webhook itself.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"

import { WebhookName } from "./WebhookName.js"
import { clearable, optional } from "./wire.js"
import { strictEncoder } from "./compiled.js"

/** Discord: Image Data. */
const IMAGE = /^data:image\/(png|jpeg|gif);base64,[A-Za-z0-9+/]+={0,2}$/

const ImageData = Schema.String.pipe(
  Schema.filter(
    (value) =>
      IMAGE.test(value) || "must be data:image/png, jpeg or gif with ;base64, and the picture",
    {
      arbitrary: () => (fc) =>
        fc.constantFrom("png", "jpeg", "gif").map((type) => `data:image/${type};base64,AAAA`),
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
  name: optional("name", WebhookName),
  /** `data:image/png;base64,...`; png, jpeg or gif. */
  avatar: clearable("avatar", ImageData),
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
 * The JSON of a change, or everything that is wrong with it; an unknown field is refused.
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
  strictEncoder(WebhookModify)

/**
 * A webhook as Discord returns it.
 *
 * @since 0.1.0
 * @module
 */
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

import { Snowflake } from "./Snowflake.js"
import { User } from "./User.js"
import { Numeric, withDefault, nullishToAbsent } from "./fields.js"

/**
 * A webhook as Discord sends it: only `id` must be there. `token` and `url` are secrets and stay
 * redacted.
 *
 * @example
 * ```ts
 * import type { WebhookInfo } from "effect-discord"
 *
 * const ownedByApplication = (webhook: WebhookInfo.WebhookInfo) => webhook.applicationId !== undefined
 * ```
 *
 * @see Discord: Webhook Object
 * @since 0.1.0
 * @category models
 */
export const WebhookInfo = Schema.Struct({
  id: Snowflake,
  /** 1 incoming (also where Discord sends none), 2 channel follower, 3 application. */
  type: withDefault(Numeric, () => 1),
  guildId: nullishToAbsent(Snowflake, "guild_id"),
  channelId: nullishToAbsent(Snowflake, "channel_id"),
  /** The user who created it; absent in requests with the token. */
  user: nullishToAbsent(User),
  name: nullishToAbsent(Schema.String),
  /** Hash of the avatar. */
  avatar: nullishToAbsent(Schema.String),
  token: nullishToAbsent(Schema.Redacted(Schema.String)),
  applicationId: nullishToAbsent(Snowflake, "application_id"),
  url: nullishToAbsent(Schema.Redacted(Schema.String)),
  sourceGuild: nullishToAbsent(
    Schema.Struct({
      id: Snowflake,
      name: nullishToAbsent(Schema.String),
      icon: nullishToAbsent(Schema.String),
    }),
    "source_guild",
  ),
  sourceChannel: nullishToAbsent(
    Schema.Struct({ id: Snowflake, name: nullishToAbsent(Schema.String) }),
    "source_channel",
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface WebhookInfo extends Schema.Schema.Type<typeof WebhookInfo> {}

/**
 * Decodes the response of Get and Modify Webhook.
 *
 * @example
 * ```ts
 * import { WebhookInfo } from "effect-discord"
 *
 * const webhook = WebhookInfo.decode({ id: "223704706495545344", type: 1, channel_id: null })
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (json: unknown): Effect.Effect<WebhookInfo, ParseResult.ParseError> =>
  Schema.decodeUnknown(WebhookInfo)(json)

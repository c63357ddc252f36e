/**
 * Users, and the authors of webhook messages, which are no real users.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { Snowflake } from "./Snowflake.js"
import { Numeric, withDefault, nullishToAbsent } from "./fields.js"

/**
 * A user as Discord sends it. Only `id` must be there; `username` is empty where Discord sends
 * none. The author of a webhook message may have nothing else but `avatar`, and its `id` is the
 * webhook's.
 *
 * @example
 * ```ts
 * import type { User } from "effect-discord"
 *
 * const name = (user: User.User) => user.globalName ?? user.username
 * ```
 *
 * @see Discord: User Object
 * @since 0.1.0
 * @category models
 */
export const User = Schema.Struct({
  id: Snowflake,
  username: withDefault(Schema.String, () => ""),
  discriminator: nullishToAbsent(Schema.String),
  globalName: nullishToAbsent(Schema.String, "global_name"),
  /** Hash of the avatar; `a_` in front means animated. */
  avatar: nullishToAbsent(Schema.String),
  bot: nullishToAbsent(Schema.Boolean),
  system: nullishToAbsent(Schema.Boolean),
  banner: nullishToAbsent(Schema.String),
  accentColor: nullishToAbsent(Numeric, "accent_color"),
  flags: nullishToAbsent(Numeric),
  publicFlags: nullishToAbsent(Numeric, "public_flags"),
  primaryGuild: nullishToAbsent(
    Schema.Struct({
      identityGuildId: nullishToAbsent(Snowflake, "identity_guild_id"),
      identityEnabled: nullishToAbsent(Schema.Boolean, "identity_enabled"),
      tag: nullishToAbsent(Schema.String),
      badge: nullishToAbsent(Schema.String),
    }),
    "primary_guild",
  ),
  avatarDecoration: nullishToAbsent(
    Schema.Struct({
      asset: Schema.String,
      skuId: nullishToAbsent(Snowflake, "sku_id"),
    }),
    "avatar_decoration_data",
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface User extends Schema.Schema.Type<typeof User> {}

/**
 * Users, and the authors of webhook messages, which are no real users.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { Snowflake } from "./Snowflake.js"
import { Numeric, withDefault, required, nullishToAbsent } from "./fields.js"

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
  username: withDefault("username", Schema.String, () => ""),
  discriminator: nullishToAbsent("discriminator", Schema.String),
  globalName: nullishToAbsent("global_name", Schema.String),
  /** Hash of the avatar; `a_` in front means animated. */
  avatar: nullishToAbsent("avatar", Schema.String),
  bot: nullishToAbsent("bot", Schema.Boolean),
  system: nullishToAbsent("system", Schema.Boolean),
  banner: nullishToAbsent("banner", Schema.String),
  accentColor: nullishToAbsent("accent_color", Numeric),
  flags: nullishToAbsent("flags", Numeric),
  publicFlags: nullishToAbsent("public_flags", Numeric),
  primaryGuild: nullishToAbsent(
    "primary_guild",
    Schema.Struct({
      identityGuildId: nullishToAbsent("identity_guild_id", Snowflake),
      identityEnabled: nullishToAbsent("identity_enabled", Schema.Boolean),
      tag: nullishToAbsent("tag", Schema.String),
      badge: nullishToAbsent("badge", Schema.String),
    }),
  ),
  avatarDecoration: nullishToAbsent(
    "avatar_decoration_data",
    Schema.Struct({
      asset: required("asset", Schema.String),
      skuId: nullishToAbsent("sku_id", Snowflake),
    }),
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface User extends Schema.Schema.Type<typeof User> {}

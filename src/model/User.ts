/**
 * Users, and the authors of webhook messages, which are no real users.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { Snowflake } from "./Snowflake.js"
import { Numeric, orElse, required, sometimes } from "./fields.js"

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
  username: orElse("username", Schema.String, () => ""),
  discriminator: sometimes("discriminator", Schema.String),
  globalName: sometimes("global_name", Schema.String),
  /** Hash of the avatar; `a_` in front means animated. */
  avatar: sometimes("avatar", Schema.String),
  bot: sometimes("bot", Schema.Boolean),
  system: sometimes("system", Schema.Boolean),
  banner: sometimes("banner", Schema.String),
  accentColor: sometimes("accent_color", Numeric),
  flags: sometimes("flags", Numeric),
  publicFlags: sometimes("public_flags", Numeric),
  primaryGuild: sometimes(
    "primary_guild",
    Schema.Struct({
      identityGuildId: sometimes("identity_guild_id", Snowflake),
      identityEnabled: sometimes("identity_enabled", Schema.Boolean),
      tag: sometimes("tag", Schema.String),
      badge: sometimes("badge", Schema.String),
    }),
  ),
  avatarDecoration: sometimes(
    "avatar_decoration_data",
    Schema.Struct({
      asset: required("asset", Schema.String),
      skuId: sometimes("sku_id", Snowflake),
    }),
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface User extends Schema.Schema.Type<typeof User> {}

/**
 * The outbox on a database: PostgreSQL, or SQLite through any of the clients of `@effect/sql`.
 *
 * Requires the package `@effect/sql` and a client such as `@effect/sql-pg`. Entries, leases and counts are in
 * tables with a common prefix, which the layer creates and migrates.
 *
 * @since 0.1.0
 * @module
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import { Engine } from "../outbox/engine.js"
import * as Outbox from "../outbox/Outbox.js"
import type { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import { makeOutbox } from "../outbox/service.js"
import { makeResolverVault, makeSealedVault } from "../outbox/tokens.js"
import type { Resolver } from "../outbox/tokens.js"
import { makeSqlStore } from "./sqlStore.js"

/**
 * Where the tokens of webhooks come from. They are never stored in plain text.
 *
 * - `keys`: tokens are stored with the entries, sealed with AES-256-GCM. A key is 32 bytes in base64, as
 *   printed by `openssl rand -base64 32`. The first key seals, every key opens: to rotate keys, put the new one
 *   in front.
 * - `resolve`: tokens are not stored; the worker gets the webhook by its id.
 *
 * @since 0.1.0
 * @category models
 */
export type Tokens =
  | { readonly keys: readonly [Redacted.Redacted, ...ReadonlyArray<Redacted.Redacted>] }
  | { readonly resolve: Resolver }

/**
 * Options of an outbox on a database.
 *
 * @since 0.1.0
 * @category models
 */
export interface SqlOptions extends Outbox.Options {
  readonly tokens: Tokens
  /**
   * The beginning of the names of all tables: letters, digits and `_`; on PostgreSQL also a schema, as in
   * `discord.outbox_`. Default: `discord_outbox_`.
   */
  readonly tablePrefix?: string | undefined
}

/**
 * The outbox on the database of the `SqlClient`. A transaction of that client can contain `Outbox.send`: the
 * message is then sent if and only if the transaction commits.
 *
 * @example
 * ```ts
 * import { PgClient } from "@effect/sql-pg"
 * import { SqlOutbox } from "effect-discord/sql"
 * import { Config, Effect, Layer } from "effect"
 *
 * const OutboxLive = Layer.unwrapEffect(
 *   Effect.map(Config.redacted("OUTBOX_KEY"), (key) => SqlOutbox.layer({ tokens: { keys: [key] } })),
 * ).pipe(Layer.provideMerge(PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: SqlOptions,
): Layer.Layer<
  Outbox.Outbox | Outbox.Engine,
  DiscordInvalidOption | DiscordOutboxUnavailable,
  SqlClient
> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const { tablePrefix = "discord_outbox_", tokens, ...rest } = options
      const vault =
        "keys" in tokens ? yield* makeSealedVault(tokens.keys) : makeResolverVault(tokens.resolve)
      const store = yield* makeSqlStore({ tablePrefix })
      const { engine, outbox } = yield* makeOutbox(store, vault, true, rest)
      return Context.make(Outbox.Outbox, outbox).pipe(Context.add(Engine, engine))
    }),
  )

/**
 * `layer` with options from the configuration.
 *
 * @example
 * ```ts
 * import { SqlOutbox } from "effect-discord/sql"
 * import { Config } from "effect"
 *
 * const OutboxLive = SqlOutbox.layerConfig({
 *   tokens: Config.map(Config.redacted("OUTBOX_KEY"), (key) => ({ keys: [key] as const })),
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<SqlOptions>,
): Layer.Layer<
  Outbox.Outbox | Outbox.Engine,
  ConfigError.ConfigError | DiscordInvalidOption | DiscordOutboxUnavailable,
  SqlClient
> => Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))

/**
 * The outbox in an SQLite file, for programs on one machine. Requires the packages `@effect/sql` and
 * `@libsql/client`, which install without a compiler.
 *
 * @since 0.1.0
 * @module
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import type * as Outbox from "../outbox/Outbox.js"
import type { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"
import * as SqlOutbox from "../sql/SqlOutbox.js"
import { checkFilename } from "./databasePath.js"
import { readOrCreateKey } from "./keyFile.js"
import { layerSqliteClient } from "./sqliteClient.js"

/**
 * Options of an outbox in an SQLite file.
 *
 * @since 0.1.0
 * @category models
 */
export interface SqliteOptions extends Omit<SqlOutbox.SqlOptions, "tokens"> {
  /** The path of the file, in a directory that exists; the file is created if it does not exist. */
  readonly filename: string
  /**
   * Where tokens come from. Default: sealed with the key in the file `<filename>.key`, which is created with
   * mode 0600. Without that file, a copy of the database reveals no token.
   */
  readonly tokens?: SqlOutbox.Tokens | undefined
}

/**
 * The outbox in an SQLite file. It also provides the `SqlClient` of the file, for tables of the program: a
 * transaction may contain `Outbox.send`.
 *
 * @example
 * ```ts
 * import { NodeDiscord } from "effect-discord/node"
 * import { Outbox } from "effect-discord/outbox"
 * import { SqliteOutbox } from "effect-discord/sqlite"
 * import { Layer } from "effect"
 *
 * const OutboxLive = Outbox.worker().pipe(
 *   Layer.provideMerge(SqliteOutbox.layer({ filename: "outbox.db" })),
 *   Layer.provide(NodeDiscord.layer),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: SqliteOptions,
): Layer.Layer<
  Outbox.Outbox | Outbox.Engine | SqlClient,
  DiscordInvalidOption | DiscordOutboxUnavailable
> => {
  const { filename, tokens, ...rest } = options
  const found: Effect.Effect<SqlOutbox.Tokens, DiscordOutboxUnavailable> =
    tokens === undefined
      ? Effect.map(readOrCreateKey(`${filename}.key`), (key) => ({ keys: [key] }))
      : Effect.succeed(tokens)
  const outbox = Layer.unwrapEffect(
    Effect.map(found, (all) => SqlOutbox.layer({ ...rest, tokens: all })),
  )
  return Layer.unwrapEffect(
    Effect.as(checkFilename(filename), Layer.provideMerge(outbox, layerSqliteClient(filename))),
  )
}

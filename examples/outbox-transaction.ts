/**
 * Stores an order and its message in one transaction: both are stored, or neither.
 *
 *     npx tsx examples/outbox-transaction.ts
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Webhook } from "effect-discord"
import { Outbox } from "effect-discord/outbox"
import { SqliteOutbox } from "effect-discord/sqlite"
import { discord } from "./support/discord.js"

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly order: number }> {}

const placeOrder = (hook: Webhook.Webhook, order: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`INSERT INTO orders ${sql.insert({ id: order })}`
    yield* Outbox.send(hook, { content: `Order ${order}` }, { key: `order-${order}` })
    if (order === 2) return yield* new OutOfStock({ order })
    return yield* Console.log(`Order ${order} is placed.`)
  })

const program = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  yield* sql`CREATE TABLE orders (id INTEGER PRIMARY KEY)`

  yield* Effect.forEach([1, 2, 3], (order) =>
    sql
      .withTransaction(placeOrder(hook, order))
      .pipe(Effect.catchTag("OutOfStock", () => Console.log(`Order ${order} is out of stock.`))),
  )

  const orders = yield* sql<{ readonly id: number }>`SELECT id FROM orders ORDER BY id`
  yield* Console.log(`\nOrders: ${orders.map(({ id }) => id).join(", ")}`)
  const entries = yield* Outbox.list()
  yield* Effect.forEach(entries, ({ id }) => Outbox.await(id))
  const keys = entries.map(({ key }) => key)
  yield* Console.log(`Messages that were sent: ${keys.join(", ")}`)
})

const folder = mkdtempSync(join(tmpdir(), "outbox-"))
const outbox = Outbox.worker().pipe(
  Layer.provideMerge(SqliteOutbox.layer({ filename: join(folder, "shop.db") })),
  Layer.provideMerge(discord),
)

program.pipe(
  Effect.provide(outbox),
  Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true }))),
  NodeRuntime.runMain,
)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
// Order 1 is placed.
// Order 2 is out of stock.
// Order 3 is placed.
//
// Orders: 1, 3
// Messages that were sent: order-1, order-3

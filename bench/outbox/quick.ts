import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Redacted from "effect/Redacted"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { SqlOutbox } from "../../src/sql/index.js"
import { SqliteOutbox } from "../../src/sqlite/index.js"
import { getPostgres } from "../../test/support/postgres.js"
import { Remote } from "../peers/remote.js"
import type { DiscordCommands } from "./discord.js"

const [, , engine = "sqlite", hooks = "100", total = "5000", conc = "100"] = process.argv
const discord = new Remote<DiscordCommands>("../outbox/discord.js")
const baseUrl = await discord.call("baseUrl", undefined as never)
await discord.call("configure", 0)
const targets = await discord.call("webhooks", Number(hooks))
const folder = mkdtempSync(join(tmpdir(), "bench-outbox-"))
const key = Redacted.make(Buffer.alloc(32, 7).toString("base64"))
const layer =
  engine === "sqlite"
    ? SqliteOutbox.layer({ filename: join(folder, "a.db"), capacity: { perWebhook: 1e6 } })
    : engine === "pg"
      ? SqlOutbox.layer({ tokens: { keys: [key] }, capacity: { perWebhook: 1e6 } }).pipe(
          Layer.provide(PgClient.layer({ ...(await getPostgres()) })),
        )
      : Outbox.layerMemory({ capacity: { perWebhook: 1e6 } })
const program = Effect.gen(function* () {
  const all = yield* Effect.forEach(targets, (t) => Webhook.make(t))
  let t0 = performance.now()
  const ids = yield* Effect.forEach(
    Array.from({ length: Number(total) }, (_, i) => i),
    (i) => Outbox.send(all[i % all.length]!, { content: `m${i}` }),
    { concurrency: 200 },
  )
  console.log("enqueue/s", Math.round((Number(total) / (performance.now() - t0)) * 1000))
  t0 = performance.now()
  const c0 = process.cpuUsage()
  yield* Effect.provide(
    Effect.gen(function* () {
      yield* Effect.repeat(Outbox.stats, {
        until: (s) => s.sent === ids.length,
        schedule: Schedule.spaced("200 millis"),
      }).pipe(Effect.timeout("60 seconds"), Effect.ignore)
    }),
    Outbox.worker({ concurrency: Number(conc) }).pipe(
      Layer.provide([
        NodeDiscord.layerHttpClient,
        RateLimiter.layerWith({ globalLimit: 1_000_000 }),
        Strategy.layerAdaptive,
      ]),
      Layer.provide(RestConfig.layerWith({ baseUrl })),
    ),
  )
  const { sent } = yield* Outbox.stats
  const c = process.cpuUsage(c0)
  console.log(
    "sent",
    sent,
    "per s",
    Math.round((sent / (performance.now() - t0)) * 1000),
    "cpu us/msg",
    Math.round((c.user + c.system) / sent),
  )
})
await Effect.runPromise(Effect.provide(program, layer) as Effect.Effect<void, unknown>)
discord.stop()
process.exit(0)

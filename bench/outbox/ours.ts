/** The outbox of this SDK on one of its engines, as a process. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { Outbox, OutboxMetrics } from "../../src/outbox/index.js"
import { SqlOutbox } from "../../src/sql/index.js"
import { SqliteOutbox } from "../../src/sqlite/index.js"
import type { Target } from "./discord.js"
import { serve } from "./system.js"
import type { Setup, State, System } from "./system.js"

const key = Redacted.make(Buffer.alloc(32, 7).toString("base64"))
const pageSize = 1000
const silent = Logger.minimumLogLevel(LogLevel.None)

function layerOf({ filename, name, port, prefix }: Setup) {
  const options = { capacity: { perWebhook: 10_000_000 } }
  if (name === "memory") return Outbox.layerMemory(options)
  const sql = { ...options, tablePrefix: prefix, tokens: { keys: [key] as const } }
  if (name === "sqlite") return SqliteOutbox.layer({ ...sql, filename })
  return SqlOutbox.layer(sql).pipe(
    Layer.provide(
      PgClient.layer({ host: "127.0.0.1", port, database: "postgres", username: "postgres" }),
    ),
  )
}

/** The limiter without the global limit, as for all that is measured here. */
const layerDiscord = (baseUrl: string) =>
  Layer.mergeAll(
    NodeDiscord.layerHttpClient,
    RateLimiter.layerWith({ globalLimit: 1_000_000 }),
    Strategy.layerAdaptive,
    RestConfig.layerWith({ baseUrl }),
  )

const readState = Effect.gen(function* () {
  const { dead, ready, sending } = yield* Outbox.stats
  const inDoubt: Array<string> = []
  let after: string | undefined
  for (;;) {
    const page = yield* Outbox.list({ after, limit: pageSize })
    for (const entry of page) if (entry.inDoubt > 0) inDoubt.push(getContent(entry.body))
    if (page.length < pageSize) break
    after = page.at(-1)?.id
  }
  return { pending: ready + sending, dead, inDoubt } satisfies State
})

async function open(setup: Setup): Promise<System> {
  let commits = 0
  const counted = Layer.map(layerOf(setup), (context) => {
    const engine = Context.get(context, Outbox.Engine)
    const commit: typeof engine.store.commit = (owner, steps) => {
      commits += 1
      return engine.store.commit(owner, steps)
    }
    const store = { ...engine.store, commit }
    return Context.add(context, Outbox.Engine, { ...engine, store })
  })
  // Faults cause warnings, which are not part of the result.
  const runtime = ManagedRuntime.make(Layer.provideMerge(counted, silent))
  const scope = Effect.runSync(Scope.make())
  const hooks = new Map<string, Webhook.Webhook>()
  for (const target of setup.targets) {
    hooks.set(target.id, await runtime.runPromise(Webhook.make(target)))
  }
  const hookOf = ({ id }: Target): Webhook.Webhook => {
    const hook = hooks.get(id)
    if (hook === undefined) throw new Error(`there is no webhook ${id}`)
    return hook
  }
  const countSent = () => Effect.runSync(Metric.value(OutboxMetrics.sent)).count
  const before = countSent()
  return {
    add: async (target, content, id) => {
      await runtime.runPromise(Outbox.send(hookOf(target), { content }, { key: id }))
    },
    work: async (concurrency) => {
      const worker = Outbox.worker({ concurrency, lease: setup.lease }).pipe(
        Layer.provide(layerDiscord(setup.baseUrl)),
      )
      await runtime.runPromise(Layer.buildWithScope(worker, scope))
    },
    sent: () => countSent() - before,
    commits: () => commits,
    state: () => runtime.runPromise(readState),
    close: async () => {
      await runtime.runPromise(Scope.close(scope, Exit.void))
      await runtime.dispose()
    },
  }
}

function getContent(body: unknown): string {
  return typeof body === "object" && body !== null && "content" in body ? String(body.content) : ""
}

serve(open)

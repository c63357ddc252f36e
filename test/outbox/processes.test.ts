/**
 * The laws of the outbox with real processes, which are killed, stopped and restarted, on SQLite and
 * PostgreSQL. Longer with a larger `LAW_RUNS`.
 */
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { ConfigError } from "effect/ConfigError"
import type { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { hasPostgres, startPostgres } from "../support/postgres.js"
import { isThorough, runs } from "../support/laws.js"
import { folder, openTables, sqlite as sqliteEngine } from "./engines.js"
import { type Database, type Fleet, limitPeriod, makeFleet, type Member } from "./Fleet.js"
import { audit, report } from "./fleetLaws.js"

interface Opened {
  readonly database: Database
  readonly sql: SqlClient.SqlClient
  /** Restarts the server, if there is one. */
  readonly restart: (how: "fast" | "kill") => Promise<void>
}

interface Engine {
  readonly name: string
  readonly dialect: "sqlite" | "pg"
  readonly isAvailable: boolean
  readonly open: Effect.Effect<
    Opened,
    ConfigError | DiscordOutboxUnavailable | SqlError,
    Scope.Scope
  >
}

const sqlite: Engine = {
  name: "SQLite",
  dialect: "sqlite",
  isAvailable: true,
  open: Effect.gen(function* () {
    const filename = join(yield* folder, "outbox.db")
    return {
      database: { _tag: "sqlite", filename },
      sql: yield* sqliteEngine.connect({ filename, tablePrefix: "" }),
      restart: () => Promise.resolve(),
    }
  }),
}

const postgres: Engine = {
  name: "PostgreSQL",
  dialect: "pg",
  isAvailable: hasPostgres,
  open: Effect.gen(function* () {
    const { database, host, port, start, stop, username } = yield* Effect.acquireRelease(
      Effect.promise(startPostgres),
      ({ stop: end }) => Effect.promise(() => end("fast")),
    )
    const address = { database, host, port, username }
    const context = yield* Layer.build(PgClient.layer(address))
    return {
      database: { _tag: "pg", address },
      sql: Context.get(context, SqlClient.SqlClient),
      restart: async (how) => {
        await stop(how)
        await delay(random(0, 300))
        await start()
      },
    }
  }),
}

let count = 0

const open = (engine: Engine, webhooks: number, inDoubt: "resend" | "hold" = "resend") =>
  Effect.gen(function* () {
    const opened = yield* engine.open
    const tablePrefix = `f${(count += 1)}_`
    yield* openTables(opened.sql, tablePrefix)
    const fleet = yield* makeFleet({ ...opened, tablePrefix, inDoubt, webhooks })
    yield* Effect.promise(() => audit(fleet, engine.dialect))
    return { ...opened, fleet }
  })

function random(from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from + 1))
}

/** What happens to a fleet, one after the other, while its producers go on. */
class Life {
  readonly #fleet: Fleet
  readonly #restart: Opened["restart"]
  #producer: Member
  /** The worker that owns every queue. */
  #owner: Member

  constructor(fleet: Fleet, restart: Opened["restart"]) {
    this.#fleet = fleet
    this.#restart = restart
    this.#producer = this.#produce()
    this.#owner = fleet.startWorker()
  }

  #produce(): Member {
    return this.#fleet.startProducer(["a", "b"])
  }

  /** Starts the next owner, and waits for a moment in the middle of the work. */
  async #next(): Promise<Member> {
    const next = this.#fleet.startWorker()
    await Promise.all([next.started(), this.#fleet.arrived(random(6, 12))])
    await delay(random(0, 40))
    return next
  }

  /** A deploy: the owner ends when its requests have ended, so that nothing is in doubt. */
  async deploy(): Promise<void> {
    const next = await this.#next()
    this.#owner.signal("SIGTERM")
    await this.#owner.ended()
    this.#owner = next
    await this.#fleet.settledUntilNow()
    expect((await this.#fleet.rows()).filter((row) => Number(row.in_doubt) > 0)).toEqual([])
  }

  /** A crash of the owner, while the database restarts, and of the producer. */
  async crash(): Promise<void> {
    const next = await this.#next()
    const restarted = this.#restart(random(0, 1) === 0 ? "fast" : "kill")
    await delay(random(0, 100))
    this.#owner.signal("SIGKILL")
    this.#producer.signal("SIGKILL")
    this.#producer = this.#produce()
    this.#owner = next
    await restarted
  }

  /** The owner stops beyond its lease, and goes on when another one has done its work. */
  async stop(): Promise<void> {
    const fleet = this.#fleet
    const next = await this.#next()
    const stopped = this.#owner
    await stopOutsideOfTransactions(fleet, stopped)
    const inFlight = await sendingKeys(fleet)
    this.#producer.signal("SIGTERM")
    await this.#producer.ended()
    await fleet.settled()
    // A late request is not limited by the window of the other worker's requests.
    await delay(limitPeriod)
    const rows = await fleet.rows()
    const requests = await fleet.requestsOf(stopped)
    stopped.signal("SIGCONT")
    stopped.signal("SIGTERM")
    await stopped.ended()
    expect(await fleet.rows()).toEqual(rows)
    // Between the check of the lease and the request, nothing can hold up a late process.
    const late = (await fleet.requestsOf(stopped)).slice(requests.length)
    expect(late.filter((content) => !inFlight.has(content))).toEqual([])
    this.#owner = next
  }
}

const cases = [
  { engine: sqlite, inDoubt: "resend" },
  { engine: postgres, inDoubt: "hold" },
  { engine: sqlite, inDoubt: "hold" },
  { engine: postgres, inDoubt: "resend" },
] as const

describe.concurrent("processes", () => {
  for (const { engine, inDoubt } of cases) {
    it.scopedLive.skipIf(!engine.isAvailable || !isThorough)(
      `on ${engine.name} survive a deploy, a crash and a pause (inDoubt: ${inDoubt})`,
      () =>
        Effect.gen(function* () {
          const crashes = runs(5)
          const { fleet, restart } = yield* open(engine, 3, inDoubt)
          yield* Effect.promise(async () => {
            const life = new Life(fleet, restart)
            await life.deploy()
            for (let n = 0; n < crashes; n += 1) await life.crash()
            await life.stop()
            await fleet.stopWorkers()
            const result = await report(fleet)
            expect(result).toMatchObject({ violations: [], limited: 0 })
            expect(result.takeovers).toBeGreaterThan(0)
          })
        }),
    )
  }
})

/** A process that is stopped in a transaction of SQLite would hold the lock of the file. */
async function stopOutsideOfTransactions(fleet: Fleet, member: Member): Promise<void> {
  for (;;) {
    member.signal("SIGSTOP")
    const written = fleet.query(`UPDATE {p}settings SET name = name`).then(() => true)
    if (await Promise.race([written, delay(500).then(() => false)])) return
    member.signal("SIGCONT")
    await written
  }
}

async function sendingKeys(fleet: Fleet): Promise<ReadonlySet<string>> {
  const rows = await fleet.rows()
  return new Set(rows.filter(({ state }) => state === "sending").map((row) => row.entry_key))
}

/** Processes that share an outbox, the simulator that they send to, and what each engine has recorded. */
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DiscordSimulator } from "../../src/testing/index.js"
import { ChildProgram, getProgram } from "../support/ChildProgram.js"

export type Database =
  | { readonly _tag: "sqlite"; readonly filename: string }
  | {
      readonly _tag: "pg"
      readonly address: {
        readonly host: string
        readonly port: number
        readonly database: string
        readonly username: string
      }
    }

/** What the processes of a fleet have in common. */
export interface Shared {
  readonly baseUrl: string
  readonly database: Database
  readonly tablePrefix: string
  readonly key: string
  readonly inDoubt: "resend" | "hold"
  readonly lease: `${number} seconds`
  /** Pending entries of a webhook. Producers wait when it is full, so that there is always work. */
  readonly capacity: number
  readonly webhooks: ReadonlyArray<{ readonly id: string; readonly token: string }>
}

export interface ProcessSettings extends Shared {
  readonly role: "worker" | "producer"
  readonly name: string
  /** The names of a producer's series of messages. */
  readonly series: ReadonlyArray<string>
}

export class Member extends ChildProgram<ProcessSettings> {
  /** SIGTERM itself ends a process that has only just begun. */
  override ended(): Promise<void> {
    return super.ended("SIGTERM")
  }
}

/** What an engine has recorded of an entry. */
export interface Row {
  readonly id: string
  readonly webhook_id: string
  readonly entry_key: string
  readonly state: string
  readonly attempts: number | string
  readonly in_doubt: number | string
  readonly error: string | null
}

export class Fleet {
  readonly simulator: DiscordSimulator.Service
  readonly hooks: ReadonlyArray<DiscordSimulator.SimulatedWebhook>
  readonly sql: SqlClient.SqlClient
  readonly members: Array<Member> = []
  readonly shared: Shared
  readonly #path: string

  constructor(
    path: string,
    shared: Shared,
    simulator: DiscordSimulator.Service,
    hooks: ReadonlyArray<DiscordSimulator.SimulatedWebhook>,
    sql: SqlClient.SqlClient,
  ) {
    this.#path = path
    this.shared = shared
    this.simulator = simulator
    this.hooks = hooks
    this.sql = sql
  }

  startWorker(): Member {
    return this.#start({ role: "worker", series: [] })
  }

  startProducer(series: ReadonlyArray<string>): Member {
    return this.#start({ role: "producer", series })
  }

  #start(own: Pick<ProcessSettings, "role" | "series">): Member {
    const name = `${own.role}-${this.members.length + 1}`
    const member = new Member(this.#path, { ...this.shared, ...own, name })
    this.members.push(member)
    return member
  }

  get producers(): ReadonlyArray<Member> {
    return this.members.filter(({ settings }) => settings.role === "producer")
  }

  get workers(): ReadonlyArray<Member> {
    return this.members.filter(({ settings }) => settings.role === "worker")
  }

  query<A extends object>(text: string): Promise<ReadonlyArray<A>> {
    return Effect.runPromise(this.sql.unsafe<A>(text.replaceAll("{p}", this.shared.tablePrefix)))
  }

  rows(): Promise<ReadonlyArray<Row>> {
    return this.query<Row>(
      `SELECT id, webhook_id, entry_key, state, attempts, in_doubt, error FROM {p}entries ORDER BY seq`,
    )
  }

  /** Waits until every entry is sent or dead. */
  settled(): Promise<void> {
    return this.#settled("")
  }

  /** Waits until every entry that is stored now is sent or dead. */
  async settledUntilNow(): Promise<void> {
    const [last] = await this.query<{ readonly seq: number | string }>(
      `SELECT max(seq) AS seq FROM {p}entries`,
    )
    await this.#settled(`AND seq <= ${last?.seq ?? 0}`)
  }

  async #settled(condition: string): Promise<void> {
    const pending = `SELECT 1 FROM {p}entries
      WHERE sent_at IS NULL AND dead_at IS NULL ${condition} LIMIT 1`
    while ((await this.query(pending)).length > 0) await delay(50)
  }

  async messageCount(): Promise<number> {
    return (await Effect.runPromise(this.simulator.statistics)).messages
  }

  /** Waits until so many more messages have arrived. */
  async arrived(more: number): Promise<void> {
    const count = (await this.messageCount()) + more
    while ((await this.messageCount()) < count) await delay(5)
  }

  /** The contents of the requests of a process, in the order of arrival. */
  async requestsOf({ name }: Member): Promise<ReadonlyArray<string>> {
    const traffic = await Effect.runPromise(this.simulator.traffic)
    return traffic.flatMap(({ body, headers }) =>
      headers["user-agent"] === name ? [(body as { content: string }).content] : [],
    )
  }

  /** Ends the workers as a deploy does. */
  async stopWorkers(): Promise<void> {
    const running = this.workers.filter(({ isRunning }) => isRunning)
    for (const worker of running) worker.signal("SIGTERM")
    await Promise.all(running.map((worker) => worker.ended()))
  }
}

/** Milliseconds of a window of the simulated limits. */
export const limitPeriod = 500

interface Setting {
  readonly sql: SqlClient.SqlClient
  readonly database: Database
  readonly tablePrefix: string
  readonly inDoubt?: "resend" | "hold"
  readonly webhooks: number
}

/** A fleet without members. They are killed when the scope closes. */
export const makeFleet = ({
  database,
  inDoubt = "resend",
  sql,
  tablePrefix,
  webhooks,
}: Setting): Effect.Effect<Fleet, never, Scope.Scope> =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.make({
      globalLimit: "none",
      latency: { request: "15 millis", response: "15 millis" },
      limits: { execute: { limit: 5, period: limitPeriod } },
      maxTrafficRecords: 100_000,
      maxStoredMessages: 100_000,
    })
    const server = yield* Effect.orDie(
      NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0 }),
    )
    const { baseUrl } = yield* simulator.serve.pipe(
      Effect.provideService(HttpServer.HttpServer, server),
    )
    const hooks = yield* Effect.replicateEffect(simulator.createWebhook(), webhooks)
    const shared: Shared = {
      baseUrl,
      database,
      tablePrefix,
      inDoubt,
      lease: "2 seconds",
      capacity: 10,
      key: randomBytes(32).toString("base64"),
      webhooks: hooks.map(({ id, token }) => ({ id, token })),
    }
    const fleet = new Fleet(
      yield* Effect.promise(() => getProgram("test/outbox/outboxProcess.ts")),
      shared,
      simulator,
      hooks,
      sql,
    )
    yield* Effect.addFinalizer(() =>
      Effect.promise(() => Promise.all(fleet.members.map((member) => member.kill()))),
    )
    return fleet
  })

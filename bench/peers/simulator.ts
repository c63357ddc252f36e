/** The simulated Discord in a process of its own, over a socket. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { Target } from "./peer.js"
import { answer } from "./remote.js"

/** What of the simulator changes from one measurement to the next. */
export interface Scene {
  /** Messages for each webhook in a window; left out, there is no limit and no header. */
  readonly limit?: { readonly limit: number; readonly periodMs: number } | undefined
  /** Milliseconds from request to answer, half of it each way. */
  readonly linkMs: number
  /** Requests per second over all webhooks. Default: no limit. */
  readonly global?: number | undefined
}

const runtime = ManagedRuntime.make(
  Layer.merge(
    DiscordSimulator.layerWith({
      globalLimit: "none",
      maxStoredMessages: 1,
      maxTrafficRecords: 2000,
    }),
    NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }),
  ),
)

const withSimulator = <A>(use: (simulator: DiscordSimulator.Service) => Effect.Effect<A>) =>
  runtime.runPromise(Effect.flatMap(DiscordSimulator.DiscordSimulator, use))

const served = new Promise<string>((resolve, reject) => {
  runtime
    .runPromise(
      Effect.scoped(
        Effect.flatMap(DiscordSimulator.serve, ({ baseUrl }) =>
          Effect.zipRight(
            Effect.sync(() => resolve(baseUrl)),
            Effect.repeat(Effect.sleep("1 hour"), Schedule.forever),
          ),
        ),
      ),
    )
    .catch(reject)
})

const created = new Map<string, DiscordSimulator.SimulatedWebhook>()

const commands = {
  baseUrl: (): Promise<string> => served,

  scene: ({ limit, linkMs, global }: Scene): Promise<void> =>
    withSimulator((simulator) =>
      Effect.zipRight(
        simulator.configure({
          latency: linkMs,
          globalLimit: global ?? "none",
          limits: {
            execute: limit === undefined ? "none" : { limit: limit.limit, period: limit.periodMs },
          },
        }),
        simulator.clearTraffic,
      ),
    ),

  webhooks: (count: number): Promise<ReadonlyArray<Target>> =>
    withSimulator((simulator) =>
      Effect.map(Effect.replicateEffect(simulator.createWebhook(), count), (made) => {
        for (const webhook of made) created.set(webhook.id, webhook)
        return made.map(({ id, token }): Target => ({ id, token }))
      }),
    ),

  /**
   * How many requests to these webhooks were answered with 429, and with 2xx. Then they are deleted:
   * tens of thousands of them would make the simulator slow, and the last to be measured with it.
   */
  retire: (ids: ReadonlyArray<string>): Promise<{ limited: number; stored: number }> =>
    withSimulator((simulator) =>
      Effect.gen(function* () {
        const records = yield* simulator.traffic
        const own = new Set(ids)
        const statuses = records
          .filter(({ webhookId }) => webhookId !== undefined && own.has(webhookId))
          .map(({ status = 0 }) => status)
        for (const id of ids) {
          const webhook = created.get(id)
          if (webhook !== undefined) yield* simulator.deleteWebhook(webhook)
          created.delete(id)
        }
        return {
          limited: statuses.filter((status) => status === 429).length,
          stored: statuses.filter((status) => status >= 200 && status < 300).length,
        }
      }),
    ),
}

export type SimulatorCommands = typeof commands

answer(commands)

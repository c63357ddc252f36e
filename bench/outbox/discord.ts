/** The simulated Discord in a process of its own, over a socket. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { DiscordSimulator } from "../../src/testing/index.js"
import { answer } from "../peers/remote.js"

const runtime = ManagedRuntime.make(
  Layer.merge(
    DiscordSimulator.layerWith({
      globalLimit: "none",
      maxStoredMessages: 1_000_000,
      maxTrafficRecords: 1,
    }),
    NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }),
  ),
)

const withSimulator = <A>(use: (simulator: DiscordSimulator.Service) => Effect.Effect<A>) =>
  runtime.runPromise(Effect.flatMap(DiscordSimulator.DiscordSimulator, use))

const served = runtime.runPromise(
  Effect.async<string>((resume) => {
    runtime.runFork(
      Effect.scoped(
        Effect.flatMap(DiscordSimulator.serve, ({ baseUrl }) =>
          Effect.zipRight(
            Effect.sync(() => resume(Effect.succeed(baseUrl))),
            Effect.never,
          ),
        ),
      ),
    )
  }),
)

const created = new Map<string, DiscordSimulator.SimulatedWebhook>()

export interface Target {
  readonly id: string
  readonly token: string
}

export interface Arrived {
  /** The contents of each webhook, in the order of arrival. */
  readonly contents: Readonly<Record<string, ReadonlyArray<string>>>
  /** Responses with status 429. */
  readonly limited: number
}

const commands = {
  baseUrl: (): Promise<string> => served,

  /** `limit` messages of each webhook in 2 seconds; 0: no limit. */
  configure: (limit: number): Promise<void> =>
    withSimulator((simulator) =>
      simulator.configure({
        limits: { execute: limit === 0 ? "none" : { limit, period: "2 seconds" } },
      }),
    ),

  webhooks: (count: number): Promise<ReadonlyArray<Target>> =>
    withSimulator((simulator) =>
      Effect.map(Effect.replicateEffect(simulator.createWebhook(), count), (made) => {
        for (const webhook of made) created.set(webhook.id, webhook)
        return made.map(({ id, token }): Target => ({ id, token }))
      }),
    ),

  count: (): Promise<number> =>
    withSimulator((simulator) => Effect.map(simulator.statistics, ({ messages }) => messages)),

  arrived: (ids: ReadonlyArray<string>): Promise<Arrived> =>
    withSimulator((simulator) =>
      Effect.gen(function* () {
        const contents: Record<string, ReadonlyArray<string>> = {}
        for (const id of ids) {
          const messages = yield* simulator.messages(created.get(id)!)
          contents[id] = messages.map(({ content }) => String(content))
          yield* simulator.deleteWebhook(created.get(id)!)
          created.delete(id)
        }
        const { byStatus } = yield* simulator.statistics
        return { contents, limited: byStatus[429] ?? 0 }
      }),
    ),
}
export type DiscordCommands = typeof commands

answer(commands)

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

/** A message as it arrived. */
export interface Message {
  readonly content: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Arrived {
  /** The messages of each webhook, in the order of arrival. */
  readonly messages: ReadonlyArray<ReadonlyArray<Message>>
  /** Responses with status 429. */
  readonly limited: number
}

export interface Rules {
  /** Messages of each webhook in a window; 0: no limit. */
  readonly limit: number
  readonly periodMs: number
  readonly latencyMs: number
}

const toMessage = ({
  content,
  timestamp,
}: {
  content?: unknown
  timestamp?: unknown
}): Message => ({
  content: String(content),
  at: Date.parse(String(timestamp)),
})

const commands = {
  baseUrl: (): Promise<string> => served,

  configure: ({ latencyMs, limit, periodMs }: Rules): Promise<void> =>
    withSimulator((simulator) =>
      simulator.configure({
        limits: { execute: limit === 0 ? "none" : { limit, period: periodMs } },
        latency: latencyMs,
      }),
    ),

  webhooks: (count: number): Promise<ReadonlyArray<Target>> =>
    withSimulator((simulator) =>
      Effect.map(Effect.replicateEffect(simulator.createWebhook(), count), (made) => {
        for (const webhook of made) created.set(webhook.id, webhook)
        return made.map(({ id, token }): Target => ({ id, token }))
      }),
    ),

  /** Processor time of this process in microseconds. */
  cpu: (): number => {
    const { system, user } = process.cpuUsage()
    return system + user
  },

  /** What arrived at these webhooks, which are then deleted. */
  arrived: (targets: ReadonlyArray<Target>): Promise<Arrived> =>
    withSimulator((simulator) =>
      Effect.gen(function* () {
        const messages: Array<ReadonlyArray<Message>> = []
        for (const { id } of targets) {
          const webhook = created.get(id)
          if (webhook === undefined) return yield* Effect.dieMessage(`no webhook ${id}`)
          const all = yield* simulator.messages(webhook)
          messages.push(all.map(toMessage))
          yield* simulator.deleteWebhook(webhook)
          created.delete(id)
        }
        const { byStatus } = yield* simulator.statistics
        return { messages, limited: byStatus[429] ?? 0 }
      }),
    ),
}
export type DiscordCommands = typeof commands

answer(commands)

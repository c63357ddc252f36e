/** A Redis and a simulator of Discord for the processes of a test. */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DiscordSimulator } from "../../src/testing/index.js"
import { type RedisServer, startRedis } from "../support/redis.js"

export interface Servers {
  readonly baseUrl: string
  readonly redis: RedisServer
  readonly simulator: DiscordSimulator.Service
}

export const openServers = (
  options: DiscordSimulator.Options,
): Effect.Effect<Servers, never, Scope.Scope> =>
  Effect.gen(function* () {
    const redis = yield* Effect.acquireRelease(
      Effect.promise(() => startRedis()),
      ({ kill }) => Effect.promise(() => kill()),
    )
    const simulator = yield* DiscordSimulator.make({
      globalLimit: "none",
      latency: { request: "10 millis", response: "10 millis" },
      ...options,
    })
    const server = yield* Effect.orDie(
      NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0 }),
    )
    const { baseUrl } = yield* simulator.serve.pipe(
      Effect.provideService(HttpServer.HttpServer, server),
    )
    return { baseUrl, redis, simulator }
  })

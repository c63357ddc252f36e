/** A simulated Discord and a way to it: one of the rows that the conformance suite runs over. */
import { createServer } from "node:http"
import type { Socket } from "node:net"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { inTurns } from "../support/laws.js"

/** How many connections the server has open now. */
export class Connections extends Context.Tag("test/Connections")<
  Connections,
  Effect.Effect<number>
>() {}

export type TestEnvironment =
  | DiscordSimulator.DiscordSimulator
  | HttpClient.HttpClient
  | RateLimiter.RateLimiter
  | Strategy.Strategy
  | Connections

/** Builds a world with a simulator of these options. */
export type Transport = (
  options: DiscordSimulator.Options,
) => Layer.Layer<TestEnvironment, HttpServerError.ServeError>

/** Limits are the limiter's business; only the tests that are about them have any. */
const unlimited = {
  execute: "none",
  getMessage: "none",
  getWebhook: "none",
} satisfies DiscordSimulator.LimitOptions

const limiter = Layer.merge(
  Layer.orDie(RateLimiter.layerMemoryWith({ globalLimit: 1000 })),
  Strategy.layerProactive,
)

/** Of a request, on a busy machine as well. */
export const timeout = "1 day"

const unhurried = { timeout, connectionTimeout: timeout } as const

const inProcess: Transport = (options) =>
  Layer.mergeAll(
    limiter,
    RestConfig.layerWith(unhurried),
    DiscordSimulator.layerTestWith({ globalLimit: "none", limits: unlimited, ...options }),
    Layer.succeed(Connections, Effect.succeed(0)),
  )

const overSocket =
  (client: Layer.Layer<HttpClient.HttpClient>): Transport =>
  (options) =>
    Layer.unwrapScoped(
      Effect.gen(function* () {
        const sockets = new Set<Socket>()
        const server = createServer().on("connection", (socket) => {
          sockets.add(socket)
          socket.on("close", () => sockets.delete(socket))
        })
        const simulator = yield* DiscordSimulator.make({
          globalLimit: "none",
          limits: unlimited,
          ...options,
        })
        const port = yield* Layer.build(
          NodeHttpServer.layerServer(() => server, { host: "127.0.0.1", port: 0 }),
        )
        // `fetch` opens connections ahead of need, and a server that closes waits for them.
        yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
        const { baseUrl } = yield* Effect.provide(simulator.serve, port)
        return Layer.mergeAll(
          limiter,
          client,
          RestConfig.layerWith({ baseUrl, ...unhurried }),
          Layer.succeed(DiscordSimulator.DiscordSimulator, simulator),
          Layer.succeed(
            Connections,
            Effect.sync(() => sockets.size),
          ),
        )
      }),
    )

type NamedTransport = readonly [name: string, transport: Transport]

const overSockets: ReadonlyArray<NamedTransport> = [
  ["NodeDiscord.layerHttpClient", overSocket(Layer.orDie(NodeDiscord.layerHttpClient))],
  ["NodeHttpClient.layerUndici", overSocket(NodeHttpClient.layerUndici)],
  ["NodeHttpClient.layer", overSocket(NodeHttpClient.layer)],
  ["FetchHttpClient.layer", overSocket(FetchHttpClient.layer)],
]

const suites = [
  "conformance",
  "messages",
  "files",
  "threads",
  "interactions",
  "configured",
  "programs",
  "services",
] as const

/** While typing, a suite runs in process and over one of the clients; the suites together have all. */
export const transportsOf = (suite: (typeof suites)[number]): ReadonlyArray<NamedTransport> => [
  ["in process", inProcess],
  ...inTurns(overSockets, suites.indexOf(suite), suites.length),
]

/**
 * A process that shares limits through Redis, which the tests of processes start, stop and kill:
 * `redisProcess.mjs SETTINGS`, JSON. It prints `started`, sends a round of messages for each line that comes,
 * prints each message that was accepted, and ends when those of the last round were.
 */
import { createInterface } from "node:readline"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { RedisConnection, RedisRateLimiter } from "../../src/redis/index.js"
import type { Settings } from "./SenderProcess.js"

const { baseUrl, idleAfter, lease, messages, name, prefix, redisUrl, rounds, webhook } = JSON.parse(
  process.argv[2] ?? "{}",
) as Settings

const DiscordLive = Layer.mergeAll(
  NodeDiscord.layerHttpClient,
  RedisRateLimiter.layer({ prefix, lease, idleAfter, globalLimit: 1_000_000 }).pipe(
    Layer.provide(RedisConnection.layer(redisUrl)),
  ),
  Strategy.layerAdaptive,
  RestConfig.layerWith({ baseUrl }),
)

const print = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const main = Effect.gen(function* () {
  const hook = yield* Webhook.make(webhook)
  yield* print("started")
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
  for (let round = 0; round < rounds; round += 1) {
    yield* Effect.promise(() => lines.next())
    yield* Effect.forEach(
      Array.from({ length: messages }, (_, index) => `${name}-${round * messages + index}`),
      (content) => Effect.zipRight(Webhook.send(hook, { content }), print(content)),
      { concurrency: "unbounded", discard: true },
    )
  }
  process.stdin.destroy()
}).pipe(
  Effect.provide(DiscordLive),
  Effect.provide(
    Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  ),
)

NodeRuntime.runMain(main)

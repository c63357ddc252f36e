/**
 * Two processes send ten messages each to one webhook at the same time, and share its limit through Redis.
 * It needs a Redis at `REDIS_URL`, by default `redis://127.0.0.1:6379`.
 *
 *     npx tsx examples/shared-limits.ts
 */
import * as Command from "@effect/platform/Command"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import { NodeDiscord } from "effect-discord/node"
import { RedisConnection, RedisRateLimiter } from "effect-discord/redis"
import { discord, restFromEnvironment } from "./support/discord.js"

const redisUrl = Config.string("REDIS_URL").pipe(Config.withDefault("redis://127.0.0.1:6379"))
const RedisLive = RedisConnection.layerConfig(redisUrl)

/** What one process would have, but for the limiter. */
const SharedDiscord = Layer.mergeAll(
  NodeDiscord.layerHttpClient,
  Strategy.layerAdaptive,
  restFromEnvironment,
  RedisRateLimiter.layer({ prefix: "example" }).pipe(Layer.provide(RedisLive)),
)

const numbers = Array.from({ length: 10 }, (_, index) => index + 1)

/** One of the two processes. */
const sender = (name: string) =>
  Effect.gen(function* () {
    const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
    yield* Effect.forEach(numbers, (number) =>
      Webhook.send(hook, { content: `${name}: message ${number}` }),
    )
    const { strategies } = yield* RateLimiter.snapshot
    const { limited, requests } = strategies["adaptive"]!
    yield* Console.log(
      `Process ${name}: ${requests} requests, ${limited.user} of them over the limit of 5 in 2 seconds.`,
    )
  }).pipe(Effect.provide(SharedDiscord))

const start = (name: string) =>
  Effect.gen(function* () {
    const environment = yield* Config.all({
      DISCORD_WEBHOOK_URL: Config.string("DISCORD_WEBHOOK_URL"),
      DISCORD_CLIENT_BASE_URL: Config.string("DISCORD_CLIENT_BASE_URL").pipe(
        Config.withDefault("https://discord.com/api/v10"),
      ),
    })
    return yield* Command.make(
      process.execPath,
      ...process.execArgv,
      process.argv[1] ?? "",
      name,
    ).pipe(Command.env(environment), Command.stderr("inherit"), Command.string)
  })

const program = Effect.gen(function* () {
  const reports = yield* Effect.forEach(["A", "B"], start, { concurrency: "unbounded" })
  for (const report of reports) yield* Console.log(report.trim())
}).pipe(Effect.provide([discord, NodeContext.layer]))

/** Whether there is a Redis. */
const isAvailable = Effect.scoped(Layer.build(RedisLive)).pipe(Effect.isSuccess)

const skip = Console.log(
  "Skipped: there is no Redis at REDIS_URL. Start one, for example with `redis-server`.",
)

const [, , name] = process.argv
if (name === undefined) {
  NodeRuntime.runMain(Effect.if(isAvailable, { onTrue: () => program, onFalse: () => skip }))
} else {
  NodeRuntime.runMain(sender(name))
}

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
// Process A: 10 requests, 0 of them over the limit of 5 in 2 seconds.
// Process B: 10 requests, 0 of them over the limit of 5 in 2 seconds.

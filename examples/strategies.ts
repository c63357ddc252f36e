/**
 * A limit without headers: they show 5 messages in 2 s, but a channel accepts at most 30 a minute.
 * Reactive exceeds it every minute, adaptive once. Time is simulated, so that the example runs in
 * seconds.
 *
 *     npx tsx examples/strategies.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"

const numbers = Array.from({ length: 150 }, (_, index) => index + 1)

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const hook = yield* Webhook.fromUrl((yield* discord.createWebhook()).url)
  const send = (number: number) => Webhook.send(hook, { content: `message ${number}` })
  const all = Effect.forEach(numbers, send, { concurrency: "unbounded", discard: true })

  const sending = yield* Effect.fork(Effect.zipRight(all, Clock.currentTimeMillis))
  yield* TestClock.adjust("5 minutes")
  const seconds = (yield* Fiber.join(sending)) / 1000

  const { name } = yield* Strategy.Strategy
  const limited = (yield* RateLimiter.snapshot).strategies[name]?.limited
  const { beliefs } = Option.getOrThrow(yield* RateLimiter.getBucket(Webhook.route(hook)))
  yield* Console.log(`${name}: ${numbers.length} messages in ${seconds.toFixed(2)} s`)
  yield* Console.log(`429 responses: ${limited?.shared}`)
  yield* Console.log(`learned: ${JSON.stringify(beliefs ?? "nothing", null, 2)}\n`)
})

/** Runs the program with its own Discord, limiter and clock. */
const run = (strategy: typeof Strategy.layerReactive) =>
  program.pipe(
    Effect.provide([
      DiscordSimulator.layerTestWith({
        hiddenLimit: { limit: 30, period: "1 minute" },
        latency: "120 millis",
      }),
      RateLimiter.layerMemory,
      strategy,
      Logger.minimumLogLevel(LogLevel.Error),
    ]),
    Effect.provide(TestContext.TestContext),
  )

NodeRuntime.runMain(
  Effect.forEach([Strategy.layerReactive, Strategy.layerAdaptive], run, { discard: true }),
)

// Output:
// reactive: 150 messages in 251.68 s
// 429 responses: 4
// learned: "nothing"
//
// adaptive: 150 messages in 250.75 s
// 429 responses: 1
// learned: {
//   "hiddenLimit": {
//     "limit": 30,
//     "periodMillis": 60000,
//     "evidence": 1,
//     "confirmedAt": 12036,
//     "mostSeen": 30,
//     "shortestMillis": 12036,
//     "probing": null,
//     "cleanWindowsToProbe": {
//       "shorter": 29,
//       "restore": null,
//       "more": 29
//     }
//   },
//   "othersPerSecond": 0,
//   "cautionMillis": 0
// }

/**
 * Compares a custom strategy with the default: it spreads messages evenly instead of sending five at
 * once and then none for two seconds. Time is simulated.
 *
 *     npx tsx examples/custom-strategy.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import type { Bucket } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"

/**
 * Its memory is the instant of the last request, which the limiter stores with each bucket. The
 * limiter enforces order, 429s and the global limit for every strategy.
 */
const steady = Strategy.make<number>({
  name: "steady",
  initial: Number.NEGATIVE_INFINITY,
  shouldWait: (bucket, now) => now < opensAt(bucket),
  calculateWait: (bucket, now) => opensAt(bucket) - now,
  observe: (lastSentAt, event) => (event._tag === "Sent" ? event.at : lastSentAt),
})

function opensAt({ limit, memory, period, remaining, resetAt }: Bucket.Bucket<number>): number {
  if (remaining < 1) return resetAt ?? 0
  return limit === undefined || period === undefined ? 0 : memory + period / limit
}

const numbers = Array.from({ length: 12 }, (_, index) => index + 1)

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const hook = yield* Webhook.fromUrl((yield* discord.createWebhook()).url)
  const send = (number: number) =>
    Effect.zipRight(Webhook.send(hook, { content: `message ${number}` }), Clock.currentTimeMillis)
  const sending = yield* Effect.fork(Effect.forEach(numbers, send, { concurrency: "unbounded" }))
  yield* TestClock.adjust("1 minute")
  const stored = yield* Fiber.join(sending)

  const { name } = yield* Strategy.Strategy
  const { limited } = yield* discord.statistics
  yield* Console.log(`${name.padEnd(10)}${timeline(stored)}   429 responses: ${limited.user}`)
})

/** One character for each 100 ms. */
function timeline(instants: ReadonlyArray<number>): string {
  const line = Array.from({ length: 48 }, () => "·")
  for (const at of instants) line[Math.floor(at / 100)] = "●"
  return line.join("")
}

/** Runs the program with its own Discord, limiter and clock. */
const run = (strategy: Layer.Layer<Strategy.Strategy>) =>
  program.pipe(
    Effect.provide([
      DiscordSimulator.layerTestWith({ latency: "100 millis" }),
      RateLimiter.layerMemory,
      strategy,
    ]),
    Effect.provide(TestContext.TestContext),
  )

NodeRuntime.runMain(
  Console.log("Twelve messages at once, 5 in 2 s allowed; a dot is 100 ms.\n").pipe(
    Effect.zipRight(
      Effect.forEach([Strategy.layerAdaptive, Strategy.layer(steady)], run, { discard: true }),
    ),
  ),
)

// Output:
// Twelve messages at once, 5 in 2 s allowed; a dot is 100 ms.
//
// adaptive  ·●●●●●···············●●●●●···············●●·····   429 responses: 0
// steady    ·●···●···●···●···●····●···●···●···●···●····●···●   429 responses: 0

/**
 * Sends twenty messages at once to a webhook that accepts 5 per 2 seconds, and prints which requests
 * wait, for what, and until when.
 *
 *     npx tsx examples/rate-limit-burst.ts
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import type { Bucket } from "effect-discord"
import { dim, discord } from "./support/discord.js"

const numbers = Array.from({ length: 20 }, (_, index) => index + 1)

/** The limiter's clock, in milliseconds. */
const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Number of 429 responses. */
let rateLimited = 0
const countRateLimited = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.tap(({ status }) => Effect.sync(() => void (rateLimited += status === 429 ? 1 : 0))),
  ),
)

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
  const start = yield* now

  const send = (number: number) =>
    Effect.gen(function* () {
      const message = yield* Webhook.send(hook, { content: `message ${number}` })
      const at = yield* now
      const bucket = Option.getOrThrow(yield* RateLimiter.getBucket(Webhook.route(hook)))
      if (number === 1) yield* Console.log(`The response names it: ${limitOf(bucket)}.\n`)
      yield* Console.log(`${seconds(at - start)}  ${slots(bucket)}  message ${number}`)
      yield* explain(bucket, start)
      return message.id
    })

  yield* Console.log("\n20 messages at once. The limit is unknown, so one request goes first.")
  const ids = yield* Effect.forEach(numbers, send, { concurrency: "unbounded" })

  yield* Console.log(`\nDone after ${seconds((yield* now) - start)}.`)
  const isInOrder = ids.every((id, index) => index === 0 || BigInt(id) > BigInt(ids[index - 1]!))
  yield* Console.log(`Stored in sending order: ${isInOrder ? "yes" : "no"}.`)
  yield* Console.log(`429 responses: ${rateLimited}.`)
})

program.pipe(Effect.provide(Layer.provideMerge(countRateLimited, discord)), NodeRuntime.runMain)

/** Evaluates the strategy as the limiter does, and prints why the next request waits. */
function explain(bucket: Bucket.Bucket, start: number) {
  return Effect.gen(function* () {
    const strategy = yield* Strategy.Strategy
    const at = yield* now
    const isNextInFlight = bucket.inFlight > 0
    if (bucket.waiting === 0 || isNextInFlight || !strategy.shouldWait(bucket, at)) return
    const until = seconds(at + Duration.toMillis(strategy.calculateWait(bucket, at)) - start)
    const why =
      bucket.remaining === 0
        ? `no slot is free until ${until}`
        : `the strategy reserves the last slots until ${until}`
    yield* Console.log(dim(`        ${bucket.waiting} wait: ${why}`))
  })
}

function seconds(millis: number): string {
  return `${(millis / 1000).toFixed(2)} s`
}

function limitOf({ limit, period = 0 }: Bucket.Bucket): string {
  return limit === undefined ? "no limit" : `${limit} in ${Math.ceil(period / 1000)} s`
}

function slots({ limit, remaining }: Bucket.Bucket): string {
  return limit === undefined ? "" : "●".repeat(limit - remaining) + "○".repeat(remaining)
}

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// 20 messages at once. The limit is unknown, so one request goes first.
// The response names it: 5 in 2 s.
//
// 0.18 s  ●○○○○  message 1
// 0.22 s  ●●○○○  message 2
// 0.24 s  ●●●○○  message 3
// 0.27 s  ●●●●○  message 4
// 0.29 s  ●●●●●  message 5
//         15 wait: no slot is free until 2.13 s
// 2.15 s  ●○○○○  message 6
// 2.16 s  ●●○○○  message 7
// 2.16 s  ●●●○○  message 8
// 2.17 s  ●●●●○  message 9
// 2.17 s  ●●●●●  message 10
//         10 wait: no slot is free until 4.14 s
// 4.15 s  ●○○○○  message 11
// 4.16 s  ●●○○○  message 12
// 4.17 s  ●●●○○  message 13
// 4.18 s  ●●●●○  message 14
// 4.19 s  ●●●●●  message 15
//         5 wait: no slot is free until 6.15 s
// 6.16 s  ●○○○○  message 16
// 6.17 s  ●●○○○  message 17
// 6.18 s  ●●●○○  message 18
// 6.18 s  ●●●●○  message 19
// 6.19 s  ●●●●●  message 20
//
// Done after 6.20 s.
// Stored in sending order: yes.
// 429 responses: 0.

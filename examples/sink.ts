/**
 * Sends a stream of test results to a channel. Each is an embed; results within 300 ms share a
 * message, so that 23 results take three requests.
 *
 *     npx tsx examples/sink.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Webhook } from "effect-discord"
import type { MessageCreate } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

/** 23 results, with a pause after the 13th. */
const results = Stream.range(1, 23).pipe(
  Stream.rechunk(1),
  Stream.tap((number) => (number === 14 ? Effect.sleep("700 millis") : Effect.void)),
  Stream.map((number): MessageCreate.MessageCreate => {
    const passed = number % 9 !== 0
    return {
      embeds: [
        {
          title: `Test ${number} ${passed ? "passed" : "failed"}`,
          color: passed ? 0x57f287 : 0xed4245,
        },
      ],
    }
  }),
)

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nBatches of results within 300 ms")
  const batching = Webhook.sink(hook, { batchWithin: "300 millis" })
  const count = yield* Stream.run(results, batching)
  yield* Console.log(`  ${count} results arrived`)

  yield* Console.log("\nThe stream fails: earlier results are sent first")
  const breaking = results.pipe(Stream.take(3), Stream.concat(Stream.fail("the source failed")))
  yield* Stream.run(breaking, batching).pipe(
    Effect.catchAll((error) => Console.log(`  ${String(error)}`)),
  )

  yield* Console.log("\nA message is invalid: onError skips it")
  const skipping = Webhook.sink(hook, {
    onError: (error) =>
      Webhook.isDead(error) ? Effect.fail(error) : Console.log(`  skipped: ${error.message}`),
  })
  const texts = ["one", "x".repeat(2001), "three"]
  const arrived = yield* Stream.run(
    Stream.map(Stream.fromIterable(texts), (content) => ({ content })),
    skipping,
  )
  yield* Console.log(`  ${arrived} of ${texts.length} arrived`)
})

program.pipe(Effect.provide(Layer.provideMerge(printTraffic, discord)), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Batches of results within 300 ms
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   3 of 5 left
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   2 of 5 left
//   23 results arrived
//
// The stream fails: earlier results are sent first
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   1 of 5 left
//   the source failed
//
// A message is invalid: onError skips it
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   0 of 5 left
//   skipped: Webhook.sink (webhook 1576127944038809601): content: at most 2000 code points, got 2001
//   POST   /webhooks/{webhook.id}/{webhook.token} -> 200   4 of 5 left
//   2 of 3 arrived

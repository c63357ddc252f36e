/** What is left of webhooks that were used once. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Webhook } from "../../src/index.js"

/** Bytes in use after a collection. */
const collectGarbage: Effect.Effect<number> = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  collect()
  return process.memoryUsage().heapUsed
})

/** A Discord that remembers nothing. */
export const forgetful = HttpClient.make((request) =>
  Effect.sync(() =>
    HttpClientResponse.fromWeb(
      request,
      new Response(null, {
        status: 204,
        headers: {
          "x-ratelimit-bucket": "a-bucket",
          "x-ratelimit-limit": "5",
          "x-ratelimit-remaining": "4",
          "x-ratelimit-reset-after": "2.000",
        },
      }),
    ),
  ),
)

/** One message on each of `count` webhooks, and then an hour without requests. */
const useOnce = (first: number, count: number) =>
  Effect.gen(function* () {
    for (let index = first; index < first + count; index += 1) {
      const id = String(1_000_000 + index)
      const hook = yield* Webhook.make({ id, token: `token-${index}` })
      yield* Webhook.send(hook, { content: "once" }, { wait: false })
    }
    yield* Effect.sleep("1 hour")
  })

const rounds = 5
const perRound = 1000

/**
 * Bytes kept for each of 5000 webhooks: the least of five rounds, since what is compiled and cached
 * meanwhile is no leak, and a leak shows in every round.
 */
export const keptOfEach = Effect.gen(function* () {
  let least = Number.POSITIVE_INFINITY
  let before = yield* collectGarbage
  for (let round = 0; round < rounds; round += 1) {
    yield* useOnce(round * perRound, perRound)
    const after = yield* collectGarbage
    least = Math.min(least, (after - before) / perRound)
    before = after
  }
  return Math.max(0, least)
})

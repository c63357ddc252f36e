/** What a 429 holds up, through the pipeline and the real limiter. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { RateLimiter, RestConfig, Route, Strategy } from "../../src/index.js"
import { executeRequest, network } from "./network.js"
import type { Event } from "./network.js"

const to = (webhookId: string, method: Route.Method = "POST") =>
  executeRequest({
    route: Route.make({ method, template: "/webhooks/{id}/{token}", webhookId, tokenDigest: "d" }),
  })

/** Sends the first request into the script, the others 10 ms later; returns when each was done. */
const timesBy = (
  options: Partial<RestConfig.RestOptions>,
  script: ReadonlyArray<Event>,
  first: ReturnType<typeof to>,
  ...others: ReadonlyArray<ReturnType<typeof to>>
) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const timed = (one: ReturnType<typeof to>) =>
      Effect.fork(Effect.zipRight(one, Clock.currentTimeMillis))
    const fibers = [yield* timed(first)]
    yield* TestClock.adjust(10)
    for (const other of others) fibers.push(yield* timed(other))
    yield* TestClock.adjust("1 hour")
    const exits = yield* Effect.forEach(fibers, Fiber.await)
    return exits.map((exit) => (Exit.isSuccess(exit) ? exit.value - start : "failed"))
  }).pipe(
    RestConfig.withOptions(options),
    Effect.provide(
      Layer.mergeAll(network(...script).layer, RateLimiter.layerMemory, Strategy.layerReactive),
    ),
  )

const timesOf = (
  script: ReadonlyArray<Event>,
  first: ReturnType<typeof to>,
  ...others: ReadonlyArray<ReturnType<typeof to>>
) => timesBy({}, script, first, ...others)

describe("a 429 with a code of Discord's and no delay", () => {
  const coded: Event = {
    answer: 429,
    body: { message: "Maximum number of edits to messages older than 1 hour reached", code: 30046 },
  }

  it.effect("holds up its own route for a second, and nothing else", () =>
    Effect.gen(function* () {
      const times = yield* timesOf(
        [coded, { answer: 204 }],
        to("1", "PATCH"),
        to("2"),
        to("2", "PATCH"),
      )
      expect(times).toEqual([1000, 10, 10])
    }),
  )

  it.effect("waits longer each time", () =>
    Effect.gen(function* () {
      const times = yield* timesOf([coded, coded, coded, { answer: 204 }], to("1", "PATCH"))
      expect(times).toEqual([7000])
    }),
  )
})

describe("a 429 without anything of Discord's", () => {
  it.effect("holds up every request for a minute", () =>
    Effect.gen(function* () {
      const blocked: Event = { answer: 429, body: "error code: 1015" }
      const times = yield* timesOf([blocked, { answer: 204 }], to("1"), to("2"))
      expect(times).toEqual([60_000, 60_000])
    }),
  )

  const page: Event = { answer: 429, body: "<html><title>429 Too Many Requests</title></html>" }
  for (const [baseUrl, first] of [
    ["https://discord.com/api/v10", 60_000],
    ["https://canary.discord.com/api/v10", 60_000],
    ["https://proxy.example/api/v10", 1000],
    ["https://discord.com.example/api/v10", 1000],
    ["http://localhost:8080/api/v10", 1000],
  ] as const) {
    it.effect(`holds up every request of ${baseUrl} for ${first} ms, then for twice as long`, () =>
      Effect.gen(function* () {
        const options = { baseUrl }
        const once = yield* timesBy(options, [page, { answer: 204 }], to("1"), to("2"))
        expect(once).toEqual([first, first])
        expect(yield* timesBy(options, [page, page, { answer: 204 }], to("1"))).toEqual([3 * first])
      }),
    )
  }
})

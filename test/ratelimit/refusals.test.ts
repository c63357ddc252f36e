/**
 * How the limiter reacts to 429s, dead webhooks, invalid requests and the global limit. `driver.log` has
 * `name@ms` for each attempt and `name!Error@ms` for each failure. `takes`: milliseconds in flight (default
 * 100); `before`: outcomes of earlier attempts, each with the milliseconds until the next; `outcome`: that of
 * the last. `literal` is a policy without margins or pacing.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import { neverSent, unknown } from "../../src/ratelimit/Permit.js"
import {
  response,
  withoutHeaders,
  blocked,
  deleted,
  headers,
  limited,
  ok,
  route,
} from "./responses.js"
import { type LimiterDriver, makeDriver } from "./LimiterDriver.js"
import { literal } from "./model/policies.js"
import { isLowestPeers } from "../support/peers.js"

const stories =
  (run: typeof it.effect.skip) =>
  <E>(
    name: string,
    test: (driver: LimiterDriver) => Effect.Effect<void, E, RateLimiter.RateLimiter>,
    options: RateLimiter.Options = {},
  ) =>
    run(name, () =>
      Effect.flatMap(makeDriver, test).pipe(Effect.provide(RateLimiter.layerMemoryWith(options))),
    )

const story = stories(it.effect)
/** Skipped on the oldest Effect, where `TestClock` may hang if a timer is stopped while another starts. */
const storyOfStoppedTimers = stories(it.effect.skipIf(isLowestPeers))

const other = route({ webhookId: "2" })
const concurrent = { delivery: "concurrent" } as const

/** Starts many requests, each on its own webhook. */
const crowd = (
  driver: LimiterDriver,
  count: number,
  request: Parameters<LimiterDriver["start"]>[1] = {},
) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) =>
      Effect.fork(
        driver.send(String(index), { route: route({ webhookId: `crowd ${index}` }), ...request }),
      ),
  ).pipe(Effect.zipLeft(TestClock.adjust(0)))

describe("429", () => {
  for (const scope of ["user", "shared"] as const) {
    story(`${scope}: blocks this bucket only, until its delay has elapsed`, (driver) =>
      Effect.gen(function* () {
        yield* driver.start("a", { takes: 0, before: [[limited(3000, scope), 0]] })
        yield* driver.start("b", { route: other })
        yield* TestClock.adjust("10 seconds")
        expect(driver.log).toEqual(["a@0", "b@0", "a@3000"])
      }),
    )
  }

  storyOfStoppedTimers(
    "after a block one request probes, and the rest start after its success",
    (driver) =>
      Effect.gen(function* () {
        yield* driver.send("learn", { takes: 0 })
        yield* driver.start("a", { ...concurrent, takes: 0, before: [[limited(1000), 0]] })
        yield* driver.start("b", concurrent)
        yield* driver.start("c", concurrent)
        yield* TestClock.adjust(999)
        expect(driver.log.slice(2)).toEqual([])
        yield* TestClock.adjust("10 seconds")
        expect(driver.log.slice(2)).toEqual(["a@1000", "b@1000", "c@1000"])
      }),
  )

  story("a probe that gets a 429 lets the next request probe", (driver) =>
    Effect.gen(function* () {
      const before = [
        [limited(1000), 0],
        [limited(1000), 0],
      ] as const
      yield* driver.start("a", { ...concurrent, before })
      yield* driver.start("b", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "a@1100", "a@2200", "b@2300"])
    }),
  )

  for (const [limit, next] of [
    [1, 5200],
    [5, 3600],
  ] as const) {
    story(
      `after a probe without a response, the next waits until one of ${limit} slots is refilled`,
      (driver) =>
        Effect.gen(function* () {
          const used = { limit, remaining: 0 }
          yield* driver.send("learn", { takes: 0, outcome: ok({ ...used, resetAfter: 2000 }) })
          yield* TestClock.adjust(2000)
          yield* driver.start("a", {
            ...concurrent,
            before: [[limited(1000, "user", used), 0]],
            outcome: unknown,
          })
          yield* TestClock.adjust(200)
          yield* driver.start("b", concurrent)
          yield* TestClock.adjust("10 seconds")
          expect(driver.log).toEqual(["learn@0", "a@2000", "a@3100", `b@${next}`])
        }),
    )
  }

  story("a response to a request from before the block does not end probing", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("learn", { takes: 0 })
      yield* driver.start("late", { ...concurrent, takes: 500, outcome: ok({ remaining: 3 }) })
      yield* driver.start("a", { ...concurrent, takes: 10, before: [[limited(1000), 0]] })
      yield* TestClock.adjust(600)
      yield* driver.start("b", concurrent)
      yield* driver.start("c", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(driver.log.slice(1)).toEqual(["late@0", "a@0", "a@1010", "b@1020", "c@1020"])
    }),
  )

  story("without a delay it waits for the reset, or for a second, doubled each time", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", {
        takes: 0,
        before: [
          [limited(undefined, "user", { resetAfter: 3000 }), 0],
          [limited(0, "user", { resetAfter: undefined }), 0],
          [limited(Number.NaN, "user", { resetAfter: 0 }), 0],
          [limited(undefined, "user", { resetAfter: undefined }), 0],
        ],
      })
      yield* TestClock.adjust("1 minute")
      expect(driver.log).toEqual(["a@0", "a@3000", "a@4000", "a@6000", "a@10000"])
    }),
  )

  story(
    "without a delay, 429s of requests in flight together double the wait once, and a success resets it",
    (driver) =>
      Effect.gen(function* () {
        const before = [[limited(undefined, "user", { resetAfter: undefined }), 0]] as const
        yield* driver.send("learn", { takes: 0 })
        yield* driver.start("a", { ...concurrent, before })
        yield* driver.start("b", { ...concurrent, before })
        yield* TestClock.adjust("10 seconds")
        expect(driver.log.slice(1)).toEqual(["a@0", "b@0", "a@1100", "b@1200"])
        yield* driver.start("c", { takes: 0, before })
        yield* TestClock.adjust("10 seconds")
        expect(driver.log.slice(5)).toEqual(["c@10000", "c@11000"])
      }),
  )

  story("global: nothing goes, then one, then the rest", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { takes: 0, before: [[blocked("global", 1000), 0]] })
      yield* crowd(driver, 3)
      expect(driver.log).toEqual(["a@0"])
      yield* TestClock.adjust(1000)
      expect(driver.log).toEqual(["a@0", "a@1000", "0@1000", "1@1000", "2@1000"])
    }),
  )

  story("global: an unknown bucket stays unknown", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { ...concurrent, before: [[blocked("global", 1000), 0]] })
      yield* driver.start("b", concurrent)
      yield* driver.start("c", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "a@1100", "b@1200", "c@1200"])
    }),
  )

  storyOfStoppedTimers(
    "edge (a block by Cloudflare): a request probes after a minute, then at intervals up to 15 minutes",
    (driver) =>
      Effect.gen(function* () {
        const before = Array.from({ length: 7 }, () => [blocked("edge"), 0] as const)
        yield* driver.start("a", { takes: 0, before })
        for (const name of ["b", "c"]) yield* driver.start(name)
        yield* TestClock.adjust("2 hours")
        const minutes = [0, 1, 3, 7, 15, 30, 45, 60].map((minute) => `a@${minute * 60_000}`)
        expect(driver.log).toEqual([...minutes, "b@3600000", "c@3600100"])
      }),
  )

  story(
    "edge: 429s of requests in flight together double the wait once, and a success resets it",
    (driver) =>
      Effect.gen(function* () {
        const before = [[blocked("edge"), 0]] as const
        yield* crowd(driver, 5, { before })
        yield* TestClock.adjust("1 minute")
        yield* TestClock.adjust("1 minute")
        expect(driver.log.length).toBe(10)
        yield* driver.start("again", { before })
        yield* TestClock.adjust("1 hour")
        expect(driver.log.slice(10)).toEqual(["again@120000", "again@180100"])
      }),
  )

  story("edge: Retry-After replaces the minute", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { takes: 0, before: [[blocked("edge", 5000), 0]] })
      yield* TestClock.adjust("1 hour")
      expect(driver.log).toEqual(["a@0", "a@5000"])
    }),
  )

  story("edge: after a probe that was never sent, the next request probes", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { takes: 0, before: [[blocked("edge"), 0]], outcome: neverSent })
      yield* crowd(driver, 1)
      yield* TestClock.adjust("1 minute")
      expect(driver.log).toEqual(["a@0", "a@60000", "0@60000"])
    }),
  )

  story("the error of a wait names who blocks", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { takes: 0, before: [[limited(3000, "shared"), 0]] })
      const error = yield* Effect.flip(driver.send("b", { maxWait: Duration.seconds(1) }))
      expect(error).toMatchObject({ scope: "shared", retryAfter: Duration.seconds(3) })
      yield* driver.start("c", { route: other, takes: 0, before: [[blocked("global", 60_000), 0]] })
      const wait = yield* driver.limiter.estimate(other, { policy: literal })
      expect(wait).toEqual(Duration.minutes(1))
    }),
  )
})

describe("dead webhooks", () => {
  for (const code of [10015, 50027] as const) {
    story(`${code}: waiting and later requests fail at once`, (driver) =>
      Effect.gen(function* () {
        yield* driver.start("a", { outcome: deleted(code) })
        yield* driver.start("b")
        yield* driver.start("c", { route: route({ method: "PATCH" }) })
        yield* TestClock.adjust(100)
        const error = yield* Effect.flip(driver.send("d"))
        const tag = code === 10015 ? "WebhookNotFound" : "WebhookUnauthorized"
        expect(error).toMatchObject({ _tag: tag, remembered: true, code, webhookId: "1" })
        expect(driver.log).toEqual(["a@0", `b!${tag}@100`, `c!${tag}@100`, `d!${tag}@100`])
        expect(yield* driver.limiter.snapshot).toMatchObject({ deadWebhooks: 1, waiting: 0 })
        yield* driver.start("e", { route: other })
        yield* TestClock.adjust("1 hour")
        yield* driver.start("f")
        expect(driver.log.slice(4)).toEqual(["e@100", "f@3600100"])
      }),
    )
  }

  story("parked and retrying requests fail, too", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("parked", { ...concurrent, before: [[ok(), 5000]] })
      yield* TestClock.adjust(100)
      yield* driver.start("killer", { ...concurrent, before: [[deleted(), 0]] })
      yield* TestClock.adjust(100)
      const both = ["killer!WebhookNotFound@200", "parked!WebhookNotFound@200"]
      expect(driver.log.slice(2).sort()).toEqual(both)
    }),
  )

  story("an unknown message does not kill the webhook", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { outcome: withoutHeaders({ status: 404, code: 10008 }) })
      yield* driver.start("b")
      yield* TestClock.adjust("1 second")
      expect(driver.log).toEqual(["a@0", "b@100"])
    }),
  )

  story("clear brings it back", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("a", { takes: 0, outcome: deleted() })
      yield* driver.limiter.clear(route())
      yield* driver.start("b")
      expect(driver.log).toEqual(["a@0", "b@0"])
    }),
  )

  story("update kills it, too", (driver) =>
    Effect.gen(function* () {
      yield* driver.limiter.update(route(), response({ status: 404, code: 10015 }))
      yield* Effect.flip(driver.send("a"))
      expect(driver.log).toEqual(["a!WebhookNotFound@0"])
    }),
  )
})

describe("invalid requests", () => {
  const forbidden = withoutHeaders({ status: 403, code: 50013 })

  story(
    "are spaced from half of the budget on, fail when it is used up, and expire",
    (driver) =>
      Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          yield* driver.send("a", { takes: 0, outcome: forbidden })
        }
        expect(driver.log).toEqual(["a@0", "a@0", "a@0", "a@0"])
        const fiber = yield* driver.start("b", { takes: 0, outcome: forbidden })
        // The 4 left of 8 are spread over 10 minutes: one each 150 s.
        yield* TestClock.adjust("150 seconds")
        yield* Fiber.join(fiber)
        expect(driver.log.slice(4)).toEqual(["b@150000"])
        for (let index = 0; index < 3; index++) {
          yield* driver.limiter.update(other, response({ status: 401, headers: headers() }))
        }
        const error = yield* Effect.flip(driver.send("c"))
        expect(error).toMatchObject({ _tag: "DiscordInvalidRequestLimit", used: 8, limit: 8 })
        expect(error).toMatchObject({ retryAfter: Duration.seconds(450) })
        yield* TestClock.adjust("450 seconds")
        expect((yield* driver.limiter.snapshot).invalidRequests).toBe(4)
        yield* TestClock.adjust("150 seconds")
        expect((yield* driver.limiter.snapshot).invalidRequests).toBe(0)
        yield* driver.start("d")
        yield* driver.start("e", { route: other })
        expect(driver.log.slice(6)).toEqual(["d@750000", "e@750000"])
      }),
    { invalidRequestLimit: 8 },
  )

  story(
    "requests that wait when the budget is spent fail, on every webhook",
    (driver) =>
      Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          yield* driver.send("a", { takes: 0, outcome: forbidden })
        }
        // Spaced by 150 s from now on.
        yield* driver.start("b", { takes: 0 })
        yield* driver.start("c", { takes: 0, route: other })
        for (let index = 0; index < 4; index++) {
          yield* driver.limiter.update(other, response({ status: 401, headers: headers() }))
        }
        yield* TestClock.adjust("1 second")
        expect(driver.log.slice(4)).toEqual([
          "b!DiscordInvalidRequestLimit@0",
          "c!DiscordInvalidRequestLimit@0",
        ])
        expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      }),
    { invalidRequestLimit: 8 },
  )

  story("a 429 counts as invalid with scope user, and not with scope shared", (driver) =>
    Effect.gen(function* () {
      yield* driver.limiter.update(
        other,
        response({ status: 429, limited: { scope: "shared", retryAfter: 1 } }),
      )
      expect((yield* driver.limiter.snapshot).invalidRequests).toBe(0)
      yield* driver.limiter.update(
        other,
        response({ status: 429, limited: { scope: "user", retryAfter: 1 } }),
      )
      expect((yield* driver.limiter.snapshot).invalidRequests).toBe(1)
    }),
  )
})

describe("the global limit", () => {
  story("holds for any second", (driver) =>
    Effect.gen(function* () {
      yield* crowd(driver, 120, { takes: 0 })
      expect(driver.log.length).toBe(50)
      yield* TestClock.adjust(999)
      expect(driver.log.length).toBe(50)
      yield* TestClock.adjust(1)
      expect(driver.log.length).toBe(100)
      yield* TestClock.adjust(1000)
      expect(driver.log.length).toBe(120)
    }),
  )

  story(
    "takes the spread of round trips into account",
    (driver) =>
      Effect.gen(function* () {
        yield* driver
          .send("fast", { takes: 0 })
          .pipe(Effect.zipRight(TestClock.adjust("5 seconds")))
        const slow = yield* driver.start("slow", { takes: 100 })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(slow)
        yield* crowd(driver, 4, { takes: 0 })
        yield* TestClock.adjust("5 seconds")
        expect(driver.log.slice(2)).toEqual(["0@10000", "1@10000", "2@11100", "3@11100"])
      }),
    { globalLimit: 2 },
  )

  story(
    "is fair: a long queue of one webhook does not delay another",
    (driver) =>
      Effect.gen(function* () {
        yield* driver.send("learn", { takes: 0, outcome: withoutHeaders() })
        const request = { ...concurrent, takes: 0, outcome: withoutHeaders() }
        yield* Effect.replicateEffect(Effect.fork(driver.send("many", request)), 10_000)
        yield* TestClock.adjust(0)
        yield* driver.start("one", { route: other })
        yield* TestClock.adjust("1 second")
        expect(driver.log.slice(0, 52)).toContain("one@1000")
        expect(driver.log.length).toBe(100)
      }),
    { queueCapacity: 20_000 },
  )

  story(
    "a request whose wait would exceed maxWait fails at once",
    (driver) =>
      Effect.gen(function* () {
        yield* crowd(driver, 3, { takes: 0, maxWait: Duration.millis(500) })
        yield* TestClock.adjust("5 seconds")
        expect(driver.log).toEqual(["0@0", "1!WebhookRateLimited@0", "2!WebhookRateLimited@0"])
      }),
    { globalLimit: 1 },
  )
})

describe("update, clear, estimate", () => {
  story("update teaches what a request outside has seen", (driver) =>
    Effect.gen(function* () {
      yield* driver.limiter.update(route(), response({ headers: headers({ remaining: 0 }) }))
      const bucket = Option.getOrThrow(yield* driver.limiter.getBucket(route()))
      expect(bucket).toMatchObject({ id: "hash", limit: 5, remaining: 0, resetAt: 2000 })
      expect(bucket.roundTrip).toBe(undefined)
      yield* driver.start("a")
      yield* TestClock.adjust("2 seconds")
      expect(driver.log).toEqual(["a@2000"])
    }),
  )

  story("clear lets waiting requests start by the new state", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("learn", { takes: 0, outcome: ok({ remaining: 0 }) })
      yield* driver.start("a")
      yield* driver.start("b")
      yield* driver.limiter.clear()
      yield* TestClock.adjust(0)
      expect(driver.log.slice(1)).toEqual(["a@0"])
    }),
  )

  story("clear without a route evicts idle webhooks", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("a", { takes: 0 })
      yield* driver.limiter.clear()
      expect(yield* driver.limiter.snapshot).toMatchObject({ buckets: 0 })
      expect(yield* driver.limiter.getBucket(route())).toEqual(Option.none())
    }),
  )

  story("estimate takes no permit", (driver) =>
    Effect.gen(function* () {
      const estimate = driver.limiter.estimate(route(), { policy: literal })
      expect(yield* estimate).toEqual(Duration.zero)
      yield* driver.send("a", { takes: 0 })
      expect(yield* estimate).toEqual(Duration.zero)
      yield* driver.send("b", { takes: 0, outcome: ok({ remaining: 0 }) })
      expect(yield* estimate).toEqual(Duration.seconds(2))
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )
})

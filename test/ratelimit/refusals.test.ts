import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { neverSent } from "../../src/ratelimit/Permit.js"
import * as RateLimiter from "../../src/ratelimit/RateLimiter.js"
import { answer, bare, blocked, gone, headers, limited, ok, route } from "./answers.js"
import { type Desk, openDesk } from "./desk.js"
import { literal } from "./model/policies.js"
import { testClockMayHang } from "../support/peers.js"

const stories =
  (run: typeof it.effect.skip) =>
  <E>(
    name: string,
    test: (desk: Desk) => Effect.Effect<void, E, RateLimiter.RateLimiter>,
    options: RateLimiter.Options = {},
  ) =>
    run(name, () =>
      Effect.flatMap(openDesk, test).pipe(Effect.provide(RateLimiter.layerMemoryWith(options))),
    )

const story = stories(it.effect)
const storyOfStoppedTimers = stories(it.effect.skipIf(testClockMayHang))

const other = route({ webhookId: "2" })
const concurrent = { delivery: "concurrent" } as const

/** Asks for many, each on a webhook of its own. */
const crowd = (desk: Desk, count: number, request: Parameters<Desk["ask"]>[1] = {}) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) =>
      Effect.fork(
        desk.send(String(index), { route: route({ webhookId: `crowd ${index}` }), ...request }),
      ),
  ).pipe(Effect.zipLeft(TestClock.adjust(0)))

describe("429", () => {
  for (const scope of ["user", "shared"] as const) {
    story(`${scope}: blocks the bucket for as long as it says, and no other`, (desk) =>
      Effect.gen(function* () {
        yield* desk.ask("a", { takes: 0, before: [[limited(3000, scope), 0]] })
        yield* desk.ask("b", { route: other })
        yield* TestClock.adjust("10 seconds")
        expect(desk.log).toEqual(["a@0", "b@0", "a@3000"])
      }),
    )
  }

  storyOfStoppedTimers("after a block one goes first, and the rest look", (desk) =>
    Effect.gen(function* () {
      yield* desk.send("learn", { takes: 0 })
      yield* desk.ask("a", { ...concurrent, takes: 0, before: [[limited(1000), 0]] })
      yield* desk.ask("b", concurrent)
      yield* desk.ask("c", concurrent)
      yield* TestClock.adjust(999)
      expect(desk.log.slice(2)).toEqual([])
      yield* TestClock.adjust("10 seconds")
      expect(desk.log.slice(2)).toEqual(["a@1000", "b@1000", "c@1000"])
    }),
  )

  story("who looks and is refused lets the next one look", (desk) =>
    Effect.gen(function* () {
      const before = [
        [limited(1000), 0],
        [limited(1000), 0],
      ] as const
      yield* desk.ask("a", { ...concurrent, before })
      yield* desk.ask("b", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(desk.log).toEqual(["a@0", "a@1100", "a@2200", "b@2300"])
    }),
  )

  story("an answer to a request from before the block does not end the looking", (desk) =>
    Effect.gen(function* () {
      yield* desk.send("learn", { takes: 0 })
      yield* desk.ask("late", { ...concurrent, takes: 500, outcome: ok({ remaining: 3 }) })
      yield* desk.ask("a", { ...concurrent, takes: 10, before: [[limited(1000), 0]] })
      yield* TestClock.adjust(600)
      yield* desk.ask("b", concurrent)
      yield* desk.ask("c", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(desk.log.slice(1)).toEqual(["late@0", "a@0", "a@1010", "b@1020", "c@1020"])
    }),
  )

  story("without a delay it waits for the reset, or for a second, doubled each time", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", {
        takes: 0,
        before: [
          [limited(undefined, "user", { resetAfter: 3000 }), 0],
          [limited(0, "user", { resetAfter: undefined }), 0],
          [limited(Number.NaN, "user", { resetAfter: 0 }), 0],
          [limited(undefined, "user", { resetAfter: undefined }), 0],
        ],
      })
      yield* TestClock.adjust("1 minute")
      expect(desk.log).toEqual(["a@0", "a@3000", "a@4000", "a@6000", "a@10000"])
    }),
  )

  story("without a delay, those in flight together count once, and success forgets", (desk) =>
    Effect.gen(function* () {
      const before = [[limited(undefined, "user", { resetAfter: undefined }), 0]] as const
      yield* desk.send("learn", { takes: 0 })
      yield* desk.ask("a", { ...concurrent, before })
      yield* desk.ask("b", { ...concurrent, before })
      yield* TestClock.adjust("10 seconds")
      expect(desk.log.slice(1)).toEqual(["a@0", "b@0", "a@1100", "b@1200"])
      yield* desk.ask("c", { takes: 0, before })
      yield* TestClock.adjust("10 seconds")
      expect(desk.log.slice(5)).toEqual(["c@10000", "c@11000"])
    }),
  )

  story("global: nothing goes, then one, then the rest", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { takes: 0, before: [[blocked("global", 1000), 0]] })
      yield* crowd(desk, 3)
      expect(desk.log).toEqual(["a@0"])
      yield* TestClock.adjust(1000)
      expect(desk.log).toEqual(["a@0", "a@1000", "0@1000", "1@1000", "2@1000"])
    }),
  )

  story("global: an unknown bucket stays unknown", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { ...concurrent, before: [[blocked("global", 1000), 0]] })
      yield* desk.ask("b", concurrent)
      yield* desk.ask("c", concurrent)
      yield* TestClock.adjust("10 seconds")
      expect(desk.log).toEqual(["a@0", "a@1100", "b@1200", "c@1200"])
    }),
  )

  storyOfStoppedTimers("edge: nothing goes for a minute, then one looks, for ever longer", (desk) =>
    Effect.gen(function* () {
      const before = Array.from({ length: 7 }, () => [blocked("edge"), 0] as const)
      yield* desk.ask("a", { takes: 0, before })
      for (const name of ["b", "c"]) yield* desk.ask(name)
      yield* TestClock.adjust("2 hours")
      const minutes = [0, 1, 3, 7, 15, 30, 45, 60].map((minute) => `a@${minute * 60_000}`)
      expect(desk.log).toEqual([...minutes, "b@3600000", "c@3600100"])
    }),
  )

  story("edge: those in flight together count once, and success forgets", (desk) =>
    Effect.gen(function* () {
      const before = [[blocked("edge"), 0]] as const
      yield* crowd(desk, 5, { before })
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("1 minute")
      expect(desk.log.length).toBe(10)
      yield* desk.ask("again", { before })
      yield* TestClock.adjust("1 hour")
      expect(desk.log.slice(10)).toEqual(["again@120000", "again@180100"])
    }),
  )

  story("edge: a delay is believed", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { takes: 0, before: [[blocked("edge", 5000), 0]] })
      yield* TestClock.adjust("1 hour")
      expect(desk.log).toEqual(["a@0", "a@5000"])
    }),
  )

  story("edge: a probe that was never sent or is lost lets the next one look", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { takes: 0, before: [[blocked("edge"), 0]], outcome: neverSent })
      yield* crowd(desk, 1)
      yield* TestClock.adjust("1 minute")
      expect(desk.log).toEqual(["a@0", "a@60000", "0@60000"])
    }),
  )

  story("the error of a wait names who blocks", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { takes: 0, before: [[limited(3000, "shared"), 0]] })
      const error = yield* Effect.flip(desk.send("b", { maxWait: Duration.seconds(1) }))
      expect(error).toMatchObject({ scope: "shared", retryAfter: Duration.seconds(3) })
      yield* desk.ask("c", { route: other, takes: 0, before: [[blocked("global", 60_000), 0]] })
      const wait = yield* desk.limiter.estimate(other, { policy: literal })
      expect(wait).toEqual(Duration.minutes(1))
    }),
  )
})

describe("dead webhooks", () => {
  for (const code of [10015, 50027] as const) {
    story(`${code}: whoever waits fails at once, and whoever comes later`, (desk) =>
      Effect.gen(function* () {
        yield* desk.ask("a", { outcome: gone(code) })
        yield* desk.ask("b")
        yield* desk.ask("c", { route: route({ method: "PATCH" }) })
        yield* TestClock.adjust(100)
        const error = yield* Effect.flip(desk.send("d"))
        const tag = code === 10015 ? "WebhookNotFound" : "WebhookUnauthorized"
        expect(error).toMatchObject({ _tag: tag, remembered: true, code, webhookId: "1" })
        expect(desk.log).toEqual(["a@0", `b!${tag}@100`, `c!${tag}@100`, `d!${tag}@100`])
        expect(yield* desk.limiter.snapshot).toMatchObject({ deadWebhooks: 1, waiting: 0 })
        yield* desk.ask("e", { route: other })
        yield* TestClock.adjust("1 hour")
        yield* desk.ask("f")
        expect(desk.log.slice(4)).toEqual(["e@100", "f@3600100"])
      }),
    )
  }

  story("who rests or goes again fails, too", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("resting", { ...concurrent, before: [[ok(), 5000]] })
      yield* TestClock.adjust(100)
      yield* desk.ask("killer", { ...concurrent, before: [[gone(), 0]] })
      yield* TestClock.adjust(100)
      const both = ["killer!WebhookNotFound@200", "resting!WebhookNotFound@200"]
      expect(desk.log.slice(2).sort()).toEqual(both)
    }),
  )

  story("an unknown message does not kill the webhook", (desk) =>
    Effect.gen(function* () {
      yield* desk.ask("a", { outcome: bare({ status: 404, code: 10008 }) })
      yield* desk.ask("b")
      yield* TestClock.adjust("1 second")
      expect(desk.log).toEqual(["a@0", "b@100"])
    }),
  )

  story("clear brings it back", (desk) =>
    Effect.gen(function* () {
      yield* desk.send("a", { takes: 0, outcome: gone() })
      yield* desk.limiter.clear(route())
      yield* desk.ask("b")
      expect(desk.log).toEqual(["a@0", "b@0"])
    }),
  )

  story("update kills it, too", (desk) =>
    Effect.gen(function* () {
      yield* desk.limiter.update(route(), answer({ status: 404, code: 10015 }))
      yield* Effect.flip(desk.send("a"))
      expect(desk.log).toEqual(["a!WebhookNotFound@0"])
    }),
  )
})

describe("invalid requests", () => {
  const forbidden = bare({ status: 403, code: 50013 })

  story(
    "are spaced from half of the budget on, refused when it is used up, and forgotten",
    (desk) =>
      Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          yield* desk.send("a", { takes: 0, outcome: forbidden })
        }
        expect(desk.log).toEqual(["a@0", "a@0", "a@0", "a@0"])
        const fiber = yield* desk.ask("b", { takes: 0, outcome: forbidden })
        // 4 of 8 are left for 10 minutes.
        yield* TestClock.adjust("150 seconds")
        yield* Fiber.join(fiber)
        expect(desk.log.slice(4)).toEqual(["b@150000"])
        for (let index = 0; index < 3; index++) {
          yield* desk.limiter.update(other, answer({ status: 401, headers: headers() }))
        }
        const error = yield* Effect.flip(desk.send("c"))
        expect(error).toMatchObject({ _tag: "DiscordInvalidRequestLimit", used: 8, limit: 8 })
        expect(error).toMatchObject({ retryAfter: Duration.seconds(450) })
        yield* TestClock.adjust("450 seconds")
        expect((yield* desk.limiter.snapshot).invalidRequests).toBe(4)
        yield* TestClock.adjust("150 seconds")
        expect((yield* desk.limiter.snapshot).invalidRequests).toBe(0)
        yield* desk.ask("d")
        yield* desk.ask("e", { route: other })
        expect(desk.log.slice(6)).toEqual(["d@750000", "e@750000"])
      }),
    { invalidRequestLimit: 8 },
  )

  story(
    "whoever waits when the budget is spent fails then, on every webhook",
    (desk) =>
      Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          yield* desk.send("a", { takes: 0, outcome: forbidden })
        }
        // Spaced by 150 s from now on.
        yield* desk.ask("b", { takes: 0 })
        yield* desk.ask("c", { takes: 0, route: other })
        for (let index = 0; index < 4; index++) {
          yield* desk.limiter.update(other, answer({ status: 401, headers: headers() }))
        }
        yield* TestClock.adjust("1 second")
        expect(desk.log.slice(4)).toEqual([
          "b!DiscordInvalidRequestLimit@0",
          "c!DiscordInvalidRequestLimit@0",
        ])
        expect(yield* desk.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      }),
    { invalidRequestLimit: 8 },
  )

  story("a shared 429 is none; a user's is", (desk) =>
    Effect.gen(function* () {
      yield* desk.limiter.update(
        other,
        answer({ status: 429, limited: { scope: "shared", retryAfter: 1 } }),
      )
      expect((yield* desk.limiter.snapshot).invalidRequests).toBe(0)
      yield* desk.limiter.update(
        other,
        answer({ status: 429, limited: { scope: "user", retryAfter: 1 } }),
      )
      expect((yield* desk.limiter.snapshot).invalidRequests).toBe(1)
    }),
  )
})

describe("the global limit", () => {
  story("holds for any second", (desk) =>
    Effect.gen(function* () {
      yield* crowd(desk, 120, { takes: 0 })
      expect(desk.log.length).toBe(50)
      yield* TestClock.adjust(999)
      expect(desk.log.length).toBe(50)
      yield* TestClock.adjust(1)
      expect(desk.log.length).toBe(100)
      yield* TestClock.adjust(1000)
      expect(desk.log.length).toBe(120)
    }),
  )

  story(
    "takes the spread of round trips into account",
    (desk) =>
      Effect.gen(function* () {
        yield* desk.send("fast", { takes: 0 }).pipe(Effect.zipRight(TestClock.adjust("5 seconds")))
        const slow = yield* desk.ask("slow", { takes: 100 })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(slow)
        yield* crowd(desk, 4, { takes: 0 })
        yield* TestClock.adjust("5 seconds")
        expect(desk.log.slice(2)).toEqual(["0@10000", "1@10000", "2@11100", "3@11100"])
      }),
    { globalLimit: 2 },
  )

  story(
    "is fair: a long queue of one webhook does not delay another",
    (desk) =>
      Effect.gen(function* () {
        yield* desk.send("learn", { takes: 0, outcome: bare() })
        const request = { ...concurrent, takes: 0, outcome: bare() }
        yield* Effect.replicateEffect(Effect.fork(desk.send("many", request)), 10_000)
        yield* TestClock.adjust(0)
        yield* desk.ask("one", { route: other })
        yield* TestClock.adjust("1 second")
        expect(desk.log.slice(0, 52)).toContain("one@1000")
        expect(desk.log.length).toBe(100)
      }),
    { queueCapacity: 20_000 },
  )

  story(
    "lets those in line give up in time",
    (desk) =>
      Effect.gen(function* () {
        yield* crowd(desk, 3, { takes: 0, maxWait: Duration.millis(500) })
        yield* TestClock.adjust("5 seconds")
        expect(desk.log).toEqual(["0@0", "1!WebhookRateLimited@0", "2!WebhookRateLimited@0"])
      }),
    { globalLimit: 1 },
  )
})

describe("update, clear, estimate", () => {
  story("update teaches what a request outside has seen", (desk) =>
    Effect.gen(function* () {
      yield* desk.limiter.update(route(), answer({ headers: headers({ remaining: 0 }) }))
      const bucket = Option.getOrThrow(yield* desk.limiter.getBucket(route()))
      expect(bucket).toMatchObject({ id: "hash", limit: 5, remaining: 0, resetAt: 2000 })
      expect(bucket.roundTrip).toBe(undefined)
      yield* desk.ask("a")
      yield* TestClock.adjust("2 seconds")
      expect(desk.log).toEqual(["a@2000"])
    }),
  )

  story("clear lets whoever waits go on by the new knowledge", (desk) =>
    Effect.gen(function* () {
      yield* desk.send("learn", { takes: 0, outcome: ok({ remaining: 0 }) })
      yield* desk.ask("a")
      yield* desk.ask("b")
      yield* desk.limiter.clear()
      yield* TestClock.adjust(0)
      expect(desk.log.slice(1)).toEqual(["a@0"])
    }),
  )

  story("clear of everything forgets idle webhooks", (desk) =>
    Effect.gen(function* () {
      yield* desk.send("a", { takes: 0 })
      yield* desk.limiter.clear()
      expect(yield* desk.limiter.snapshot).toMatchObject({ buckets: 0 })
      expect(yield* desk.limiter.getBucket(route())).toEqual(Option.none())
    }),
  )

  story("estimate takes no permit", (desk) =>
    Effect.gen(function* () {
      const estimate = desk.limiter.estimate(route(), { policy: literal })
      expect(yield* estimate).toEqual(Duration.zero)
      yield* desk.send("a", { takes: 0 })
      expect(yield* estimate).toEqual(Duration.zero)
      yield* desk.send("b", { takes: 0, outcome: ok({ remaining: 0 }) })
      expect(yield* estimate).toEqual(Duration.seconds(2))
      expect(yield* desk.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )
})

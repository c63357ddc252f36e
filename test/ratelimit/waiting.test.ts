import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import { neverSent, unknown } from "../../src/ratelimit/Permit.js"
import { withoutHeaders, limited, ok, route } from "./responses.js"
import { type LimiterDriver, makeDriver } from "./LimiterDriver.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { reactive, literal } from "./model/policies.js"

const story = <E>(
  name: string,
  test: (driver: LimiterDriver) => Effect.Effect<void, E, RateLimiter.RateLimiter>,
  options: RateLimiter.Options = {},
) =>
  it.effect(name, () =>
    Effect.flatMap(makeDriver, test).pipe(Effect.provide(RateLimiter.layerMemoryWith(options))),
  )

const patch = route({ method: "PATCH" })
const other = route({ webhookId: "2" })

/** An edit that takes a second, on a bucket without limits. */
const edit = {
  route: patch,
  delivery: "concurrent",
  takes: 1000,
  outcome: withoutHeaders(),
} as const

/** Five for the first webhook's bucket, then this many seconds of nothing. */
const learn = (driver: LimiterDriver, request: Parameters<LimiterDriver["send"]>[1] = {}) =>
  driver.send("learn", { takes: 0, ...request })

describe("waiting", () => {
  story("the first request goes at once", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a")
      expect(driver.log).toEqual(["a@0"])
      expect(yield* driver.limiter.snapshot).toMatchObject({ buckets: 1, inFlight: 1, waiting: 0 })
    }),
  )

  story("ordered requests of a webhook go one by one, in the order of their arrival", (driver) =>
    Effect.gen(function* () {
      for (const name of ["a", "b", "c"]) yield* driver.start(name)
      yield* driver.start("d", { route: patch })
      yield* TestClock.adjust("1 second")
      expect(driver.log).toEqual(["a@0", "b@100", "c@200", "d@300"])
    }),
  )

  story("an unknown bucket is probed by one request, even if all are concurrent", (driver) =>
    Effect.gen(function* () {
      for (const name of ["a", "b", "c"]) yield* driver.start(name, { delivery: "concurrent" })
      expect(driver.log).toEqual(["a@0"])
      yield* TestClock.adjust("1 second")
      expect(driver.log).toEqual(["a@0", "b@100", "c@100"])
    }),
  )

  story("concurrent requests use all free slots, and the others wait for the reset", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 3, limit: 4 }) })
      for (const name of "abcde") yield* driver.start(name, { delivery: "concurrent", takes: 5000 })
      expect(driver.log.slice(1)).toEqual(["a@0", "b@0", "c@0"])
      yield* TestClock.adjust("2 seconds")
      expect(driver.log.slice(4)).toEqual(["d@2000"])
    }),
  )

  story("responses without headers cause no waiting", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: withoutHeaders() })
      for (let index = 0; index < 20; index++) yield* driver.start("a", { delivery: "concurrent" })
      expect(driver.log.length).toBe(21)
    }),
  )

  story("a failure of the edge teaches nothing: the next is a probe again", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: withoutHeaders({ status: 502 }) })
      for (const name of ["a", "b"]) yield* driver.start(name, { delivery: "concurrent" })
      expect(driver.log).toEqual(["learn@0", "a@0"])
    }),
  )

  story("a webhook starts from what another has taught", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ limit: 2, remaining: 1 }) })
      for (const name of "abc") {
        yield* driver.start(name, { route: other, delivery: "concurrent", takes: 9000 })
      }
      expect(driver.log.slice(1)).toEqual(["a@0", "b@0"])
      const bucket = Option.getOrThrow(yield* driver.limiter.getBucket(other))
      expect(bucket).toMatchObject({ id: "hash", limit: 2, inFlight: 2, waiting: 1, period: 2000 })
    }),
  )

  story("different webhooks do not wait for one another", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 0 }) })
      yield* driver.start("a")
      yield* driver.start("b", { route: other })
      expect(driver.log).toEqual(["learn@0", "b@0"])
    }),
  )

  story("two tokens of one webhook are counted apart", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 0 }) })
      yield* driver.start("a", { route: route({ token: "another" }) })
      expect(driver.log).toEqual(["learn@0", "a@0"])
    }),
  )

  story("a younger concurrent request of another bucket lets an ordered one go first", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { route: patch, outcome: withoutHeaders() })
      yield* learn(driver, { outcome: withoutHeaders() })
      yield* driver.start("edit 1", edit)
      yield* driver.start("send", { outcome: withoutHeaders() })
      yield* TestClock.adjust("500 millis")
      // Without turns the edits would overlap for ever.
      yield* driver.start("edit 2", edit)
      yield* TestClock.adjust("1 second")
      expect(driver.log.slice(2)).toEqual(["edit 1@0", "send@1000", "edit 2@1000"])
    }),
  )

  story("an ordered request that gives up asking lets the others go", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { route: patch, outcome: withoutHeaders() })
      yield* learn(driver, { outcome: withoutHeaders() })
      yield* driver.start("edit 1", edit)
      const sender = yield* driver.start("send")
      yield* driver.start("edit 2", edit)
      yield* Fiber.interrupt(sender)
      yield* TestClock.adjust(0)
      expect(driver.log.slice(2)).toEqual(["edit 1@0", "send!interrupted@0", "edit 2@0"])
    }),
  )
})

describe("outcomes", () => {
  story("neverSent gives the slot back", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 1 }) })
      yield* driver.send("a", { takes: 0, outcome: neverSent })
      yield* driver.start("b")
      expect(driver.log.slice(1)).toEqual(["a@0", "b@0"])
    }),
  )

  story("unknown keeps the slot used until the window is over", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 1 }) })
      yield* driver.send("a", { takes: 0, outcome: unknown })
      yield* driver.start("b")
      expect(driver.log.slice(1)).toEqual(["a@0"])
      yield* TestClock.adjust("10 seconds")
      expect(driver.log.length).toBe(3)
    }),
  )

  story("an interrupted request in flight counts as unknown", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 1 }) })
      const fiber = yield* driver.start("a")
      yield* Fiber.interrupt(fiber)
      const bucket = Option.getOrThrow(yield* driver.limiter.getBucket(route()))
      expect(bucket).toMatchObject({ remaining: 0, inFlight: 0 })
    }),
  )

  story("a permit is settled once", (driver) =>
    Effect.gen(function* () {
      yield* driver.limiter.withPermit(route(), { policy: reactive }, (permit) =>
        Effect.zipRight(permit.settle(ok({ remaining: 3 })), permit.settle(unknown)),
      )
      const bucket = Option.getOrThrow(yield* driver.limiter.getBucket(route()))
      expect(bucket).toMatchObject({ remaining: 3, inFlight: 0 })
    }),
  )

  story("an unsettled scoped permit is unknown when the scope closes", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver)
      const inFlight = yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* driver.limiter.wait(route(), { policy: reactive })
          expect(permit.waited()).toBe(0)
          return (yield* driver.limiter.snapshot).inFlight
        }),
      )
      expect(inFlight).toBe(1)
      const bucket = Option.getOrThrow(yield* driver.limiter.getBucket(route()))
      expect(bucket).toMatchObject({ remaining: 3, inFlight: 0 })
    }),
  )

  story("a scoped wait that is interrupted leaves the queue", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a")
      const fiber = yield* Effect.fork(
        Effect.scoped(driver.limiter.wait(route(), { policy: reactive })),
      )
      yield* TestClock.adjust(0)
      expect((yield* driver.limiter.snapshot).waiting).toBe(1)
      yield* Fiber.interrupt(fiber)
      expect((yield* driver.limiter.snapshot).waiting).toBe(0)
    }),
  )

  story("a permit contains how long it was waited for", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a")
      const waited = yield* Effect.fork(
        driver.limiter.withPermit(route(), { policy: reactive }, (permit) =>
          Effect.as(permit.settle(ok()), permit.waited()),
        ),
      )
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(waited)).toBe(100)
    }),
  )

  story("another turn of a permit that is over is a mistake in the program", (driver) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        driver.limiter.withPermit(route(), { policy: reactive }, (permit) =>
          Effect.zipRight(permit.settle(ok()), permit.retry(ok())),
        ),
      )
      expect(Exit.isFailure(exit) && exit.cause._tag).toBe("Die")
    }),
  )
})

describe("interruption", () => {
  story("an interrupted waiter returns at once, and the next goes", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a")
      const fiber = yield* driver.start("b")
      yield* driver.start("c")
      yield* TestClock.adjust(50)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 second")
      expect(driver.log).toEqual(["a@0", "b!interrupted@50", "c@100"])
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )

  story("an interruption between grant and start gives the slot back", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 0 }) })
      const fiber = yield* driver.start("a")
      // Granted by this answer, and interrupted before its fiber has run.
      yield* driver.limiter.clear(route())
      yield* Fiber.interrupt(fiber)
      expect(driver.log.slice(1)).toEqual(["a!interrupted@0"])
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      expect(Option.getOrThrow(yield* driver.limiter.getBucket(route())).remaining).toBe(Infinity)
    }),
  )

  story("a request interrupted in another turn leaves the queue", (driver) =>
    Effect.gen(function* () {
      const before = [[limited(1000), 0]] as const
      const fiber = yield* driver.start("a", { before })
      yield* driver.start("b")
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "a!interrupted@500", "b@1100"])
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )

  story("a concurrent request interrupted while it rests is gone", (driver) =>
    Effect.gen(function* () {
      const before = [[neverSent, 5000]] as const
      const fiber = yield* driver.start("a", { before, delivery: "concurrent" })
      yield* TestClock.adjust(500)
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 1, inFlight: 0 })
      yield* Fiber.interrupt(fiber)
      expect(yield* driver.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )
})

describe("maxWait", () => {
  const maxWait = Duration.seconds(1)

  story("fails before waiting when the wait is longer than maxWait", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 0 }) })
      const error = yield* Effect.flip(driver.send("a", { maxWait }))
      expect(error).toMatchObject({
        _tag: "WebhookRateLimited",
        reason: "maxWait",
        scope: "bucket",
        bucket: "hash",
        attempts: 0,
        retryAfter: Duration.seconds(2),
      })
    }),
  )

  story("waits when the wait is within maxWait", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ remaining: 0, resetAfter: 1000 }) })
      yield* driver.start("a", { maxWait })
      yield* TestClock.adjust("1 second")
      expect(driver.log.slice(1)).toEqual(["a@1000"])
    }),
  )

  story("fails while waiting when the wait turns out to be too long", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { outcome: limited(60_000) })
      yield* driver.start("patient")
      yield* driver.start("b", { maxWait })
      yield* TestClock.adjust("100 millis")
      expect(driver.log).toEqual(["a@0", "b!WebhookRateLimited@100"])
    }),
  )

  story("fails when its maxWait elapsed, also behind a request with a longer one", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { takes: 10_000 })
      yield* driver.start("patient")
      yield* driver.start("b", { maxWait })
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "b!WebhookRateLimited@1000", "patient@10000"])
    }),
  )

  story("counts those ahead by windows", (driver) =>
    Effect.gen(function* () {
      yield* learn(driver, { outcome: ok({ limit: 2, remaining: 0, resetAfter: 1000 }) })
      yield* driver.start("a", { maxWait })
      yield* driver.start("b", { maxWait })
      yield* driver.start("c", { maxWait })
      expect(driver.log.slice(1)).toEqual(["c!WebhookRateLimited@0"])
      const wait = yield* driver.limiter.estimate(route(), { policy: reactive })
      expect(wait).toEqual(Duration.seconds(2))
    }),
  )

  story("a limited request whose delay is longer fails at once", (driver) =>
    Effect.gen(function* () {
      const before = [[neverSent, 5000]] as const
      yield* driver.start("a", { before, maxWait, delivery: "concurrent" })
      yield* TestClock.adjust("100 millis")
      expect(driver.log).toEqual(["a@0", "a!WebhookRateLimited@100"])
    }),
  )
})

describe("an interruption", () => {
  const outcome = (interruptAt: "Sent" | undefined, after: number) =>
    Effect.gen(function* () {
      const { limiter } = yield* makeDriver
      const events: Array<string> = []
      let interrupt = () => {}
      let isUsed = false
      const policy: Policy = {
        ...literal,
        name: "recording",
        observe: (memory, { _tag }) => {
          events.push(_tag)
          if (_tag === interruptAt) interrupt()
          return memory
        },
      }
      const fiber = yield* Effect.fork(
        limiter.withPermit(route(), { policy }, () => {
          isUsed = true
          return Effect.never
        }),
      )
      interrupt = () => fiber.unsafeInterruptAsFork(FiberId.none)
      yield* TestClock.adjust(after)
      if (interruptAt === undefined) interrupt()
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isInterrupted(exit)).toBe(true)
      expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      return { events, isUsed }
    }).pipe(Effect.provide(RateLimiter.layerMemory))

  it.effect("before the permit is used returns it", () =>
    Effect.gen(function* () {
      expect(yield* outcome("Sent", 0)).toEqual({ events: ["Sent", "NeverSent"], isUsed: false })
    }),
  )

  it.effect("while the permit is used leaves the outcome unknown", () =>
    Effect.gen(function* () {
      expect(yield* outcome(undefined, 100)).toEqual({ events: ["Sent", "Unknown"], isUsed: true })
    }),
  )
})

describe("queueCapacity", () => {
  story(
    "fails requests that find the queue full",
    (driver) =>
      Effect.gen(function* () {
        yield* driver.start("a")
        yield* driver.start("b")
        yield* driver.start("c")
        const error = yield* Effect.flip(driver.send("d"))
        expect(error).toMatchObject({ _tag: "WebhookQueueFull", capacity: 2 })
        yield* TestClock.adjust("1 second")
        expect(driver.log).toEqual(["a@0", "d!WebhookQueueFull@0", "b@100", "c@200"])
      }),
    { queueCapacity: 2 },
  )

  story(
    "lets a limited request return to a full queue",
    (driver) =>
      Effect.gen(function* () {
        yield* driver.start("a", { before: [[limited(1000), 0]] })
        yield* driver.start("b")
        yield* driver.start("c")
        yield* TestClock.adjust("10 seconds")
        expect(driver.log).toEqual(["a@0", "a@1100", "b@1200", "c@1300"])
      }),
    { queueCapacity: 2 },
  )
})

describe("again", () => {
  story("a limited ordered request is repeated before all others", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { before: [[limited(1000), 3000]] })
      yield* driver.start("b")
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "a@3100", "b@3200"])
    }),
  )

  story("others pass a concurrent request that rests", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("a", { before: [[ok(), 3000]], delivery: "concurrent" })
      yield* driver.start("b", { delivery: "concurrent" })
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "b@100", "a@3100"])
    }),
  )

  story(
    "a request that rests for longer than webhooks are remembered comes back to its own",
    (driver) =>
      Effect.gen(function* () {
        yield* driver.start("a", {
          before: [[ok(), 3_600_000]],
          delivery: "concurrent",
          takes: 1000,
        })
        yield* TestClock.adjust("1 hour")
        yield* driver.start("b")
        yield* TestClock.adjust("1 hour")
        expect(driver.log).toEqual(["a@0", "b@3600000", "a@3601000"])
      }),
  )
})

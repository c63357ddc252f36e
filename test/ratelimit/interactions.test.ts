/** Interactions have buckets as webhooks have, and are not bound to the global limit. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import { withoutHeaders, blocked, deleted, limited, ok, route } from "./responses.js"
import { type LimiterDriver, makeDriver } from "./LimiterDriver.js"

const story = <E>(
  name: string,
  test: (driver: LimiterDriver) => Effect.Effect<void, E, RateLimiter.RateLimiter>,
  options: RateLimiter.Options = {},
) =>
  it.effect(name, () =>
    Effect.flatMap(makeDriver, test).pipe(Effect.provide(RateLimiter.layerMemoryWith(options))),
  )

const interaction = (token: string) => route({ webhookId: "app", token, kind: "interaction" })
const webhook = (webhookId: string) => route({ webhookId })

describe("interactions and the global limit", () => {
  story(
    "interactions neither wait for the global limit nor use it up",
    (driver) =>
      Effect.gen(function* () {
        const ask = (name: string) =>
          driver.start(name, { route: name.startsWith("i") ? interaction(name) : webhook(name) })
        yield* Effect.forEach(["i1", "i2", "i3", "w1", "w2", "w3", "i4"], ask)
        yield* TestClock.adjust("10 seconds")
        expect(driver.log.slice(0, 6)).toEqual(["i1@0", "i2@0", "i3@0", "w1@0", "w2@0", "i4@0"])
        expect(driver.log.slice(6)).toEqual(["w3@1000"])
      }),
    { globalLimit: 2 },
  )

  story("a global block holds webhooks up, and no interaction", (driver) =>
    Effect.gen(function* () {
      yield* driver.start("w1", {
        route: webhook("1"),
        takes: 0,
        before: [[blocked("global", 5000), 0]],
      })
      yield* driver.start("w2", { route: webhook("2") })
      yield* driver.start("i1", { route: interaction("one"), takes: 0 })
      // The success of an interaction is no sign that the block is over.
      yield* driver.start("w3", { route: webhook("3") })
      yield* TestClock.adjust("4999 millis")
      expect(driver.log).toEqual(["w1@0", "i1@0"])
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toHaveLength(5)
    }),
  )

  story("an interaction that gets a global 429 waits for it, like other requests", (driver) =>
    Effect.gen(function* () {
      const before = [[blocked("global", 3000), 0]] as const
      yield* driver.start("i1", { route: interaction("one"), takes: 0, before })
      yield* driver.start("w1", { route: webhook("1") })
      yield* driver.start("i2", { route: interaction("two") })
      yield* TestClock.adjust("10 seconds")
      expect([...driver.log].sort()).toEqual(["i1@0", "i1@3000", "i2@0", "w1@3000"])
    }),
  )

  story("a block by the edge holds interactions up as well; one goes first", (driver) =>
    Effect.gen(function* () {
      const before = [[blocked("edge", 5000), 0]] as const
      yield* driver.start("w1", { route: webhook("1"), takes: 0, before })
      yield* driver.start("i1", { route: interaction("one"), takes: 500 })
      yield* driver.start("i2", { route: interaction("two"), takes: 500 })
      yield* TestClock.adjust("20 seconds")
      expect([...driver.log].sort()).toEqual(["i1@5000", "i2@5500", "w1@0", "w1@5500"])
    }),
  )

  story(
    "near the limit of invalid requests interactions are spaced like all others",
    (driver) =>
      Effect.gen(function* () {
        const unauthorised = withoutHeaders({ status: 401 })
        for (const name of ["a", "b", "c", "d", "e"])
          yield* driver.send(name, { route: webhook(name), takes: 0, outcome: unauthorised })
        yield* driver.start("i1", { route: interaction("one"), takes: 0 })
        yield* driver.start("i2", { route: interaction("two"), takes: 0 })
        yield* TestClock.adjust("20 minutes")
        const [first, second] = driver.log.slice(5).map((line) => Number(line.split("@")[1]))
        expect(first).toBeGreaterThan(0)
        expect(second).toBeGreaterThan(first!)
      }),
    { invalidRequestLimit: 10 },
  )

  story("each has a bucket of its own, and waits for that", (driver) =>
    Effect.gen(function* () {
      const limit = { limit: 1, remaining: 0, resetAfter: 2000 }
      for (const name of ["a", "b"])
        yield* driver.start(name, { route: interaction("one"), takes: 0, outcome: ok(limit) })
      yield* driver.start("c", { route: interaction("two"), takes: 0 })
      yield* driver.start("d", {
        route: interaction("three"),
        takes: 0,
        before: [[limited(500), 0]],
      })
      yield* TestClock.adjust("10 seconds")
      expect(driver.log).toEqual(["a@0", "c@0", "d@0", "d@500", "b@2000"])
    }),
  )

  story("a request interrupted while the edge blocks leaves the queue", (driver) =>
    Effect.gen(function* () {
      const before = [[blocked("edge", 5000), 0]] as const
      yield* driver.start("w1", { route: webhook("1"), takes: 0, before })
      const waiting = yield* driver.start("i1", { route: interaction("one") })
      yield* driver.start("i2", { route: interaction("two") })
      yield* Fiber.interrupt(waiting)
      yield* TestClock.adjust("20 seconds")
      expect(driver.log).toEqual(["w1@0", "i1!interrupted@0", "i2@5000", "w1@5100"])
    }),
  )
})

describe("the end of an interaction", () => {
  story("an unknown webhook is not remembered: the response may come", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("a", { route: interaction("one"), takes: 0, outcome: deleted(10015) })
      yield* driver.send("b", { route: interaction("one"), takes: 0 })
      expect(driver.log).toEqual(["a@0", "b@0"])
    }),
  )

  story("an invalid token is: nothing more is sent with it", (driver) =>
    Effect.gen(function* () {
      yield* driver.send("a", { route: interaction("one"), takes: 0, outcome: deleted(50027) })
      const exit = yield* Effect.exit(driver.send("b", { route: interaction("one"), takes: 0 }))
      expect(exit).toMatchObject(
        Exit.fail({
          _tag: "WebhookInteractionError",
          reason: "expired",
          code: 50027,
          remembered: true,
        }),
      )
      yield* driver.send("c", { route: interaction("two"), takes: 0 })
      expect(driver.log).toEqual(["a@0", "b!WebhookInteractionError@0", "c@0"])
    }),
  )
})

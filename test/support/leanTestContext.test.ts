/** The context of a test is Effect's, although it is built in another way. */
import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as TestServices from "effect/TestServices"
import { describe } from "vitest"

const minute = 60_000

describe("the context of a test", () => {
  it.scoped("has all services", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(TestContext.TestContext)
      const services = [DefaultServices.liveServices, TestServices.liveServices]
      const expected = services.flatMap(({ unsafeMap }) => [...unsafeMap.keys()])
      expect([...context.unsafeMap.keys()].sort()).toEqual(
        [...expected, TestClock.TestClock.key].sort(),
      )
    }),
  )

  it.effect.each(["one test", "another test"])("has a clock of its own, in %s", () =>
    Effect.gen(function* () {
      expect(yield* Clock.currentTimeMillis).toBe(0)
      yield* TestClock.adjust(minute)
      expect(yield* Clock.currentTimeMillis).toBe(minute)
    }),
  )

  it.effect("wakes a sleeper when the fibers that woke before it wait again", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const note = (name: string) => Effect.sync(() => order.push(name))
      const yieldOften = Effect.repeatN(Effect.yieldNow(), 3000)
      const early = Effect.delay(Effect.zipRight(yieldOften, note("early")), 10)
      const late = Effect.delay(note("late"), 20)
      yield* Effect.fork(Effect.all([early, late], { concurrency: 2 }))
      yield* TestClock.adjust(minute)
      expect(order).toEqual(["early", "late"])
    }),
  )

  it.effect("has the method of Effect's clock that is replaced", () =>
    Effect.gen(function* () {
      const clock: object = yield* TestClock.testClock()
      expect(Object.getPrototypeOf(clock)).toHaveProperty("awaitSuspended")
    }),
  )

  it.effect("does not change the clock around it", () =>
    Effect.gen(function* () {
      const inside = Effect.zipRight(TestClock.adjust(minute), Clock.currentTimeMillis)
      expect(yield* Effect.provide(inside, Layer.fresh(TestContext.TestContext))).toBe(minute)
      expect(yield* Clock.currentTimeMillis).toBe(0)
    }),
  )
})

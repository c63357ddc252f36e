/** The limiter on fibers that a runtime drops: they are never resumed, and run no finaliser. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/TestClock"
import { layerMemoryWith } from "../../src/ratelimit/RateLimiter.js"
import { type LimiterDriver, makeDriver, type RequestOptions } from "./LimiterDriver.js"
import { ok, route } from "./responses.js"

/** What runs now, and what another request has resumed. */
interface Runtime {
  current: Context | undefined
  readonly resumedByOthers: Array<string>
}

/** Runs the fibers of one request until the request ends; then their tasks are dropped. */
class Context implements Scheduler.Scheduler {
  isDropped = false
  readonly #name: string
  readonly #runtime: Runtime

  constructor(name: string, runtime: Runtime) {
    this.#name = name
    this.#runtime = runtime
  }

  shouldYield(fiber: Fiber.RuntimeFiber<unknown, unknown>): number | false {
    return Scheduler.defaultScheduler.shouldYield(fiber)
  }

  scheduleTask(task: () => void, priority: number): void {
    if (this.isDropped) return
    const { current } = this.#runtime
    if (current !== undefined && current !== this) this.#runtime.resumedByOthers.push(this.#name)
    Scheduler.defaultScheduler.scheduleTask(() => this.#run(task), priority)
  }

  #run(task: () => void): void {
    if (this.isDropped) return
    const before = this.#runtime.current
    this.#runtime.current = this
    task()
    this.#runtime.current = before
  }
}

interface Harness {
  readonly driver: LimiterDriver
  readonly runtime: Runtime
  /** Starts a request in a context of its own. Returns a function that ends the context. */
  readonly ask: (name: string, request?: RequestOptions) => Effect.Effect<() => void>
}

const makeHarness = Effect.map(makeDriver, (driver): Harness => {
  const runtime: Runtime = { current: undefined, resumedByOthers: [] }
  const ask = (name: string, request: RequestOptions = {}) =>
    Effect.gen(function* () {
      const context = new Context(name, runtime)
      yield* driver
        .send(name, { lease: Duration.seconds(10), ...request })
        .pipe(Effect.forkDaemon, Effect.withScheduler(context))
      yield* TestClock.adjust(0)
      return () => {
        context.isDropped = true
      }
    })
  return { driver, runtime, ask }
})

for (const isolatedRequests of [false, true]) {
  const story = (name: string, play: (harness: Harness) => Effect.Effect<void>) =>
    it.effect(name, () =>
      Effect.flatMap(makeHarness, play).pipe(Effect.provide(layerMemoryWith({ isolatedRequests }))),
    )

  describe(`a dropped fiber, ${isolatedRequests ? "where fibers poll" : "where alarms resume fibers"}`, () => {
    story("in flight: the next request goes when the lease has ended", ({ ask, driver }) =>
      Effect.gen(function* () {
        const drop = yield* ask("a", { takes: 500 })
        yield* ask("b")
        yield* TestClock.adjust("200 millis")
        drop()
        yield* TestClock.adjust("9 seconds")
        expect(driver.log).toEqual(["a@0"])
        yield* TestClock.adjust("2 seconds")
        expect(driver.log[1]).toMatch(/^b@1\d{4}$/)
        yield* TestClock.adjust("1 minute")
        const { inFlight, waiting } = yield* driver.limiter.snapshot
        expect({ inFlight, waiting }).toEqual({ inFlight: 0, waiting: 0 })
      }),
    )

    story("waiting: it is passed over in two seconds at most, however many", ({ ask, driver }) =>
      Effect.gen(function* () {
        yield* ask("a", { takes: 500 })
        const drop = yield* ask("b")
        yield* ask("c")
        yield* TestClock.adjust("200 millis")
        drop()
        yield* TestClock.adjust("5 seconds")
        expect(driver.log.map((line) => line[0])).toEqual(["a", "c"])
        const at = Number(driver.log[1]?.split("@")[1])
        expect(at).toBeLessThanOrEqual(500 + 2000)
        const { inFlight, waiting } = yield* driver.limiter.snapshot
        expect({ inFlight, waiting }).toEqual({ inFlight: 0, waiting: 0 })
      }),
    )

    story("between two attempts: the others go on", ({ ask, driver }) =>
      Effect.gen(function* () {
        const drop = yield* ask("a", { before: [[ok(), 1000]] })
        yield* ask("b")
        yield* TestClock.adjust("500 millis")
        drop()
        yield* TestClock.adjust("5 seconds")
        expect(driver.log.map((line) => line[0])).toEqual(["a", "b"])
        yield* TestClock.adjust("10 minutes")
        expect(yield* driver.limiter.snapshot).toMatchObject({
          inFlight: 0,
          waiting: 0,
          buckets: 0,
        })
      }),
    )

    story("at any instant: those whose fibers live are served in order", ({ ask, driver }) =>
      Effect.gen(function* () {
        const limit = { limit: 2, remaining: 1, resetAfter: 1000 }
        const all = Array.from({ length: 24 }, (_, index) => index)
        for (const index of all) {
          const drop = yield* ask(String(index), { takes: 90, outcome: ok(limit) })
          if (index % 3 === 0) {
            yield* TestClock.adjust("70 millis")
            drop()
          }
        }
        yield* TestClock.adjust("5 minutes")
        const sent = driver.log.map((line) => Number(line.split("@")[0]))
        expect(sent).toEqual([...sent].sort((a, b) => a - b))
        expect(sent.filter((index) => index % 3 > 0)).toEqual(all.filter((index) => index % 3 > 0))
        yield* TestClock.adjust("5 minutes")
        expect(yield* driver.limiter.snapshot).toMatchObject({
          inFlight: 0,
          waiting: 0,
          buckets: 0,
        })
      }),
    )

    story("on another webhook: nothing changes", ({ ask, driver }) =>
      Effect.gen(function* () {
        const drop = yield* ask("a")
        drop()
        yield* ask("b", { route: route({ webhookId: "2" }) })
        expect(driver.log).toEqual(["a@0", "b@0"])
      }),
    )
  })
}

describe("where fibers poll", () => {
  it.effect("no request is resumed by another", () =>
    Effect.gen(function* () {
      const { ask, driver, runtime } = yield* makeHarness
      const limit = { limit: 2, remaining: 0, resetAfter: 500 }
      for (const name of ["a", "b", "c", "d"]) yield* ask(name, { outcome: ok(limit) })
      yield* ask("e", { delivery: "concurrent" })
      yield* TestClock.adjust("1 minute")
      expect(driver.log.map((line) => line[0]).join("")).toMatch(/^[a-e]{5}$/)
      expect(runtime.resumedByOthers).toEqual([])
    }).pipe(Effect.provide(layerMemoryWith({ isolatedRequests: true }))),
  )

  it.effect("a permit without a lease is taken back after a minute", () =>
    Effect.gen(function* () {
      const { ask, driver } = yield* makeHarness
      const drop = yield* ask("a", { lease: undefined })
      drop()
      yield* ask("b", { lease: undefined })
      yield* TestClock.adjust("59 seconds")
      expect(driver.log).toEqual(["a@0"])
      yield* TestClock.adjust("2 seconds")
      expect(driver.log).toHaveLength(2)
    }).pipe(Effect.provide(layerMemoryWith({ isolatedRequests: true }))),
  )
})

describe("where alarms resume fibers", () => {
  it.effect("another request does resume those that wait for it", () =>
    Effect.gen(function* () {
      const { ask, runtime } = yield* makeHarness
      yield* ask("a")
      yield* ask("b")
      yield* TestClock.adjust("1 second")
      expect(runtime.resumedByOthers).toContain("b")
    }).pipe(Effect.provide(layerMemoryWith({ isolatedRequests: false }))),
  )
})

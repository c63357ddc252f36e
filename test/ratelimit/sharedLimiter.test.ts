/** All layers of a process and clock share one limiter, whatever their options. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import { runs } from "../support/laws.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { withoutHeaders, deleted, limited, ok, route } from "./responses.js"
import { LimiterDriver } from "./LimiterDriver.js"
import { literal } from "./model/policies.js"

interface TestLayer {
  readonly options: RateLimiter.Options
  readonly opensAt: number
  /** Milliseconds after it has opened. */
  readonly closesAfter: number
}

interface TestRequest {
  readonly layer: number
  /** Milliseconds after its layer has opened. */
  readonly delay: number
  readonly webhook: number
  readonly takes: number
}

interface Scenario {
  readonly layers: ReadonlyArray<TestLayer>
  readonly requests: ReadonlyArray<TestRequest>
}

interface Grant {
  readonly webhook: number
  readonly at: number
  readonly until: number
}

const fc = FastCheck

const maybe = <A>(values: FastCheck.Arbitrary<A>) => fc.option(values, { nil: undefined })

const withoutGlobalLimit = fc.record<RateLimiter.Options>({
  queueCapacity: maybe(fc.integer({ min: 50, max: 10_000 })),
  idleAfter: maybe(fc.integer({ min: 1000, max: 100_000 })),
  invalidRequestLimit: maybe(fc.integer({ min: 1, max: 10_000 })),
  isolatedRequests: fc.boolean(),
})

const anyOptions = fc
  .tuple(
    withoutGlobalLimit,
    fc.record({
      globalLimit: maybe(fc.integer({ min: 1, max: 60 })),
      globalWindow: maybe(fc.constantFrom<Duration.DurationInput>("1 second", 1500, "2 seconds")),
    }),
  )
  .map(([options, limit]): RateLimiter.Options => ({ ...options, ...limit }))

const scenariosOf = (
  options: FastCheck.Arbitrary<RateLimiter.Options>,
): FastCheck.Arbitrary<Scenario> =>
  fc.record({
    layers: fc.array(
      fc.record({
        options,
        opensAt: fc.integer({ min: 0, max: 1500 }),
        closesAfter: fc.constantFrom(800, 2000, 4000),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    requests: fc.array(
      fc.record({
        layer: fc.nat(3),
        delay: fc.integer({ min: 0, max: 700 }),
        webhook: fc.nat(80),
        takes: fc.integer({ min: 0, max: 50 }),
      }),
      { minLength: 60, maxLength: 160 },
    ),
  })

/** Opens the layers, sends the requests through them, and returns the grants by time. */
const play = ({ layers, requests }: Scenario): Effect.Effect<ReadonlyArray<Grant>> =>
  Effect.gen(function* () {
    const grants: Array<Grant> = []
    const send = (limiter: RateLimiter.Service, { takes, webhook }: TestRequest) =>
      limiter.withPermit(route({ webhookId: String(webhook) }), { policy: literal }, (permit) =>
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          yield* Effect.sleep(takes)
          grants.push({ webhook, at, until: yield* Clock.currentTimeMillis })
          yield* permit.settle(withoutHeaders())
        }),
      )
    const open = ({ opensAt, closesAfter, options }: TestLayer, index: number) =>
      Effect.gen(function* () {
        yield* Effect.sleep(opensAt)
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(RateLimiter.layerWith(options), scope)
        const limiter = Context.get(context, RateLimiter.RateLimiter)
        const own = requests.filter(({ layer }) => layer % layers.length === index)
        const sending = yield* Effect.forkDaemon(
          Effect.forEach(
            own,
            (request) =>
              Effect.exit(Effect.zipRight(Effect.sleep(request.delay), send(limiter, request))),
            { concurrency: "unbounded", discard: true },
          ),
        )
        yield* Effect.sleep(closesAfter)
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.join(sending)
      })
    yield* Effect.orDie(Effect.all(layers.map(open), { concurrency: "unbounded" }))
    return grants.sort((a, b) => a.at - b.at)
  })

/** Grants while a layer was open, that follow each other more closely than its limit allows. */
const excess = (grants: ReadonlyArray<Grant>, { closesAfter, opensAt, options }: TestLayer) => {
  const { globalLimit, globalWindow } = options
  if (globalLimit === undefined && globalWindow === undefined) return []
  const limit = globalLimit ?? 50
  const window = Duration.toMillis(globalWindow ?? "1 second")
  const own = grants.filter(({ at }) => at >= opensAt && at < opensAt + closesAfter)
  return own.filter(({ at }, index) => (own[index + limit]?.at ?? Infinity) - at < window)
}

const law = (
  name: string,
  check: (grants: ReadonlyArray<Grant>, scenario: Scenario) => void,
  options: FastCheck.Arbitrary<RateLimiter.Options> = anyOptions,
) =>
  it(name, () =>
    fc.assert(
      fc.asyncProperty(scenariosOf(options), async (scenario) => {
        const { value } = await VirtualClock.runPromise(play(scenario))
        check(value, scenario)
      }),
      { numRuns: runs(30) },
    ),
  )

describe("the laws of layers that share a limiter", () => {
  law(
    "the global limit of every open layer holds for the requests of all",
    (grants, { layers }) => {
      for (const layer of layers) expect(excess(grants, layer)).toEqual([])
    },
  )

  law(
    "without a global limit in the options, at most 50 requests a second are granted",
    (grants) => {
      const all = { options: { globalLimit: 50 }, opensAt: 0, closesAfter: 120_000 }
      expect(grants.length).toBeGreaterThan(0)
      expect(excess(grants, all)).toEqual([])
    },
    withoutGlobalLimit,
  )

  law("one request of a webhook is in flight at a time", (grants) => {
    const ends = new Map<number, number>()
    for (const { at, until, webhook } of grants) {
      expect(ends.get(webhook) ?? 0).toBeLessThanOrEqual(at)
      ends.set(webhook, until)
    }
  })
})

/** Starts `count` requests through one limiter, each to a webhook of its own, whose ids begin with `first`. */
const burst = (driver: LimiterDriver, count: number, first = 0) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) =>
      driver.start("a", {
        takes: 0,
        outcome: withoutHeaders(),
        route: route({ webhookId: String(first + index) }),
      }),
  )

/** With `isolatedRequests`, each waiting request has a timer of its own and polls. */
const open = (options: RateLimiter.Options) =>
  Effect.map(
    Layer.build(RateLimiter.layerWith(options)),
    (context) => new LimiterDriver(Context.get(context, RateLimiter.RateLimiter)),
  )

const grantedAt = (driver: LimiterDriver, at: number) =>
  driver.log.filter((line) => line === `a@${at}`).length

describe("layers that share a limiter", () => {
  it.scoped("grant 50 requests a second together", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      const two = yield* open({ queueCapacity: 5000 })
      yield* burst(one, 50)
      yield* burst(two, 50, 50)
      yield* TestClock.adjust(300)
      expect(one.log.length + two.log.length).toBe(50)
    }),
  )

  it.scoped("obey the lowest limit until its layer is released", () =>
    Effect.gen(function* () {
      const one = yield* open({ globalLimit: 8 })
      const scope = yield* Scope.make()
      const two = yield* Scope.extend(open({ globalLimit: 3, globalWindow: "2 seconds" }), scope)
      yield* burst(one, 20)
      yield* TestClock.adjust(1999)
      expect(grantedAt(one, 0)).toBe(3)
      yield* TestClock.adjust(1)
      expect(grantedAt(one, 2000)).toBe(3)
      // The requests of the second limit's window count against the first limit.
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust(0)
      expect(grantedAt(one, 2000)).toBe(8)
      yield* TestClock.adjust(1000)
      expect(grantedAt(one, 3000)).toBe(8)
      expect(two.log).toEqual([])
    }),
  )

  it.scoped("a layer that sets a higher limit raises the default for all", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      yield* open({ globalLimit: 80 })
      yield* burst(one, 100)
      expect(grantedAt(one, 0)).toBe(80)
    }),
  )

  it.scoped("a queue is full for the layer with the lower capacity only", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      const two = yield* open({ queueCapacity: 1 })
      yield* one.start("first")
      yield* one.start("second")
      yield* two.start("third")
      yield* one.start("fourth")
      yield* TestClock.adjust("1 second")
      expect(two.log).toEqual(["third!WebhookQueueFull@0"])
      expect(one.log).toEqual(["first@0", "second@100", "fourth@200"])
    }),
  )

  it.scoped("count invalid requests together, against the lowest limit", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      const two = yield* open({ invalidRequestLimit: 100 })
      yield* one.send("a", { takes: 0, outcome: limited(1) })
      yield* two.send("a", { takes: 0, outcome: limited(1), route: route({ webhookId: "2" }) })
      yield* open({ invalidRequestLimit: 2 })
      const error = yield* Effect.flip(one.send("a", { route: route({ webhookId: "3" }) }))
      expect(error).toMatchObject({ _tag: "DiscordInvalidRequestLimit", used: 2, limit: 2 })
    }),
  )

  it.scoped("reject waiting requests when a layer lowers the limit of invalid requests", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      yield* one.send("a", { takes: 0, outcome: limited(10_000) })
      yield* one.start("b")
      yield* open({ invalidRequestLimit: 1 })
      yield* TestClock.adjust(0)
      expect(one.log).toEqual(["a@0", "b!DiscordInvalidRequestLimit@0"])
    }),
  )

  it.scoped("remember a dead webhook together", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      const two = yield* open({ idleAfter: "1 minute", isolatedRequests: true })
      yield* one.send("a", { takes: 0, outcome: deleted() })
      const error = yield* Effect.flip(two.send("a"))
      expect(error).toMatchObject({ remembered: true })
    }),
  )

  it.scoped("evict an idle webhook after the longest of their times", () =>
    Effect.gen(function* () {
      const one = yield* open({ idleAfter: "1 second" })
      const scope = yield* Scope.make()
      yield* Scope.extend(open({ idleAfter: "10 minutes" }), scope)
      yield* one.send("a", { takes: 0, outcome: withoutHeaders() })
      yield* TestClock.adjust("5 minutes")
      expect((yield* one.limiter.snapshot).buckets).toBe(1)
      yield* Scope.close(scope, Exit.void)
      expect((yield* one.limiter.snapshot).buckets).toBe(0)
    }),
  )

  it.scoped("take turns on one webhook where some requests poll", () =>
    Effect.gen(function* () {
      const one = yield* open({})
      const two = yield* open({ isolatedRequests: true })
      for (const driver of [one, two, one, two]) yield* driver.start("a")
      yield* TestClock.adjust("5 seconds")
      const times = [...one.log, ...two.log].map((line) => Number(line.split("@")[1]))
      expect(times.length).toBe(4)
      const sorted = times.sort((a, b) => a - b)
      for (const [index, at] of sorted.entries()) {
        if (index > 0) expect(at - sorted[index - 1]!).toBeGreaterThanOrEqual(100)
      }
    }),
  )

  it.scoped("a new layer's limit holds for granted requests that have not polled yet", () =>
    Effect.gen(function* () {
      const polling = yield* open({ isolatedRequests: true })
      const scope = yield* Scope.make()
      const one = yield* Scope.extend(open({ globalLimit: 1 }), scope)
      yield* burst(one, 1)
      yield* burst(polling, 3, 1)
      yield* TestClock.adjust(900)
      // Grants the three requests, which poll at 1000.
      yield* Scope.close(scope, Exit.void)
      yield* open({ globalLimit: 1 })
      yield* TestClock.adjust("1 minute")
      const times = polling.log.map((line) => Number(line.split("@")[1]))
      expect(times.length).toBe(3)
      expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1000)
      expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(1000)
    }),
  )

  it.scoped("do not share it with layerMemory, nor with layers on another clock", () =>
    Effect.gen(function* () {
      const one = yield* open({ globalLimit: 1 })
      yield* one.send("a", { takes: 0, outcome: ok({ remaining: 1 }) })
      const left = Effect.flatMap(RateLimiter.RateLimiter, ({ getBucket }) =>
        Effect.map(
          getBucket(route()),
          Option.map(({ remaining }) => remaining),
        ),
      )
      expect(yield* Effect.provide(left, RateLimiter.layer)).toEqual(Option.some(1))
      expect(yield* Effect.provide(left, RateLimiter.layerMemory)).toEqual(Option.none())
      const { value } = yield* VirtualClock.run(Effect.provide(left, RateLimiter.layer))
      expect(value).toEqual(Option.none())
    }),
  )
})

import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { withoutHeaders, blocked, ok, route } from "./responses.js"
import { LimiterDriver, makeDriver } from "./LimiterDriver.js"
import { literal } from "./model/policies.js"

/** A clock that counts the fibers that sleep by it. */
const watched = Effect.map(Effect.clock, (clock) => {
  const asleep = { now: 0, ever: 0 }
  const sleepers = new Set<FiberId.FiberId>()
  const counting: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) =>
      Effect.fiberIdWith((id) => {
        asleep.now += 1
        asleep.ever += 1
        sleepers.add(id)
        return Effect.ensuring(
          clock.sleep(duration),
          Effect.sync(() => {
            asleep.now -= 1
            sleepers.delete(id)
          }),
        )
      }),
  }
  return { asleep, clock: counting, sleepers }
})

/** A limiter whose alarms are counted apart from the sleeps of its callers. */
const counted = Effect.gen(function* () {
  const { asleep, clock } = yield* watched
  const context = yield* Layer.build(RateLimiter.layerMemory).pipe(Effect.withClock(clock))
  return { asleep, driver: new LimiterDriver(Context.get(context, RateLimiter.RateLimiter)) }
})

/** A layer of the limiter of a clock, which is open as long as the scope. */
const openLayer = (
  clock: Clock.Clock,
  scope: Scope.Scope,
  options: RateLimiter.Options = {},
): Effect.Effect<LimiterDriver> =>
  Layer.buildWithScope(Layer.orDie(RateLimiter.layerWith(options)), scope).pipe(
    Effect.withClock(clock),
    Effect.map((context) => new LimiterDriver(Context.get(context, RateLimiter.RateLimiter))),
  )

describe("fibers and alarms", () => {
  it.scoped("the fast path sets no alarm", () =>
    Effect.gen(function* () {
      const { asleep, driver } = yield* counted
      for (let index = 0; index < 40; index++)
        yield* driver.send("a", { takes: 0, outcome: withoutHeaders() })
      expect(asleep).toEqual({ now: 0, ever: 0 })
    }),
  )

  it.scoped("one fiber sleeps for a blocked bucket, however many wait", () =>
    Effect.gen(function* () {
      const { asleep, driver } = yield* counted
      yield* driver.send("a", { takes: 0, outcome: ok({ remaining: 0 }) })
      const before = asleep.now
      const fibers = yield* Effect.replicateEffect(
        Effect.fork(driver.send("b", { delivery: "concurrent" })),
        1000,
      )
      yield* TestClock.adjust(0)
      expect(asleep.now).toBe(before + 1)
      yield* Fiber.interruptAll(fibers)
      yield* TestClock.adjust(0)
      expect(asleep.now).toBe(before)
    }),
  )

  it.scoped("no alarm is left when those who wait for the host have gone", () =>
    Effect.gen(function* () {
      const { asleep, driver } = yield* counted
      yield* driver.send("a", { takes: 0, outcome: blocked("edge") })
      const before = asleep.now
      const one = yield* driver.start("b")
      const two = yield* driver.start("c", { route: route({ webhookId: "2" }) })
      expect(asleep.now).toBe(before + 1)
      yield* Fiber.interrupt(one)
      expect(asleep.now).toBe(before + 1)
      yield* Fiber.interrupt(two)
      expect(asleep.now).toBe(0)
    }),
  )

  it.effect("no timer is left when the scope is closed, not even by a late response", () =>
    Effect.gen(function* () {
      const { asleep, clock } = yield* watched
      const scope = yield* Scope.make()
      const driver = yield* openLayer(clock, scope)
      const fiber = yield* driver.start("a", { takes: 1000 })
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      expect(asleep.now).toBe(0)
      const error = yield* Effect.flip(driver.send("late"))
      expect(error._tag).toBe("DiscordRateLimiterClosed")
    }),
  )
})

describe("memory", () => {
  const forgetful = RateLimiter.layerMemoryWith({ idleAfter: Duration.seconds(10) })

  it.effect("an idle webhook is forgotten a while after its reset", () =>
    Effect.gen(function* () {
      const { limiter, send } = yield* makeDriver
      yield* send("a", { takes: 0, outcome: ok({ resetAfter: 20_000 }) })
      yield* TestClock.adjust("29 seconds")
      expect((yield* limiter.snapshot).buckets).toBe(1)
      yield* TestClock.adjust("10 seconds")
      expect((yield* limiter.snapshot).buckets).toBe(0)
      expect(yield* limiter.getBucket(route())).toEqual(Option.none())
    }).pipe(Effect.provide(forgetful)),
  )

  it.effect("a webhook is not evicted while a request waits or is in flight", () =>
    Effect.gen(function* () {
      const { start: ask, limiter, log } = yield* makeDriver
      yield* ask("a", { takes: 60_000 })
      yield* ask("b", { takes: 60_000 })
      yield* TestClock.adjust("90 seconds")
      expect(log).toEqual(["a@0", "b@60000"])
      expect((yield* limiter.snapshot).buckets).toBe(1)
      yield* TestClock.adjust("60 seconds")
      expect((yield* limiter.snapshot).buckets).toBe(0)
    }).pipe(Effect.provide(forgetful)),
  )

  it.effect("thousands of webhooks leave nothing", () =>
    Effect.gen(function* () {
      const { limiter, send } = yield* makeDriver
      for (let index = 0; index < 40; index++) {
        for (let one = 0; one < 50; one++) {
          yield* send("a", { takes: 0, route: route({ webhookId: `${index} ${one}` }) })
        }
        yield* TestClock.adjust("1 second")
      }
      expect((yield* limiter.snapshot).buckets).toBeLessThanOrEqual(50 * 21)
      yield* TestClock.adjust("1 minute")
      expect(yield* limiter.snapshot).toMatchObject({ buckets: 0, waiting: 0, inFlight: 0 })
    }).pipe(Effect.provide(forgetful)),
  )

  it.effect("a layer around each call leaves nothing either", () =>
    Effect.gen(function* () {
      const sendTo = (webhookId: string) =>
        Effect.flatMap(makeDriver, ({ limiter, send }) =>
          Effect.zipRight(send("a", { takes: 0, route: route({ webhookId }) }), limiter.snapshot),
        ).pipe(Effect.provide(RateLimiter.layerWith({ idleAfter: Duration.seconds(10) })))
      for (let index = 0; index < 40; index++) yield* sendTo(String(index))
      yield* TestClock.adjust("1 minute")
      expect((yield* sendTo("last")).buckets).toBe(1)
    }),
  )

  it.effect("a bucket with a new name in every response is one bucket", () =>
    Effect.gen(function* () {
      const { limiter, send } = yield* makeDriver
      for (let index = 0; index < 50; index++) {
        const outcome = ok({ bucket: `hash ${index}`, remaining: 5 })
        yield* send("a", { takes: 0, outcome })
        yield* send("b", { takes: 0, outcome, route: route({ method: "PATCH" }) })
      }
      expect((yield* limiter.snapshot).buckets).toBeLessThanOrEqual(2)
    }).pipe(Effect.provide(RateLimiter.layerMemoryWith({ globalLimit: 1000 }))),
  )

  it.effect("state and waiters move when two routes turn out to share a bucket", () =>
    Effect.gen(function* () {
      const patch = route({ method: "PATCH" })
      const { start: ask, limiter, log } = yield* makeDriver
      const concurrent = { delivery: "concurrent" } as const
      yield* ask("send 1", { ...concurrent, takes: 50, outcome: ok({ remaining: 0 }) })
      yield* ask("edit 1", { ...concurrent, route: patch, outcome: ok({ remaining: 0 }) })
      yield* ask("send 2", concurrent)
      yield* ask("edit 2", { ...concurrent, route: patch })
      yield* ask("send 3", concurrent)
      yield* TestClock.adjust(100)
      const one = Option.getOrThrow(yield* limiter.getBucket(route()))
      expect(yield* limiter.getBucket(patch)).toEqual(Option.some(one))
      expect(one).toMatchObject({ id: "hash", waiting: 3, remaining: 0 })
      expect((yield* limiter.snapshot).buckets).toBe(1)
      yield* TestClock.adjust("1 minute")
      // The probe's answer shows the reset at 2050; first come, first served over both routes.
      expect(log.slice(2)).toEqual(["send 2@2050", "edit 2@2050", "send 3@2050"])
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )

  it.effect("requests in flight move, too", () =>
    Effect.gen(function* () {
      const edit = { route: route({ method: "PATCH" }), delivery: "concurrent" } as const
      const { start: ask, limiter, send } = yield* makeDriver
      yield* send("send", { takes: 0 })
      yield* send("edit", { ...edit, takes: 0, outcome: ok({ bucket: "own" }) })
      yield* ask("edit 1", { ...edit, takes: 100, outcome: ok({ remaining: 3 }) })
      yield* ask("edit 2", { ...edit, takes: 200, outcome: ok({ remaining: 2 }) })
      yield* TestClock.adjust(100)
      const bucket = Effect.map(limiter.getBucket(route()), Option.getOrThrow)
      expect(yield* bucket).toMatchObject({ id: "hash", inFlight: 1, remaining: 3 })
      yield* TestClock.adjust(100)
      expect(yield* bucket).toMatchObject({ inFlight: 0, remaining: 2 })
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )

  it.effect("waiters move when another webhook shows that two routes share a bucket", () =>
    Effect.gen(function* () {
      const { start: ask, limiter, log, send } = yield* makeDriver
      const edit = (webhookId: string) => ({ route: route({ webhookId, method: "PATCH" }) })
      yield* send("send", { takes: 0, outcome: ok({ remaining: 0 }) })
      const outcome = ok({ remaining: 0, resetAfter: 500 })
      yield* ask("edit 1", { ...edit("1"), takes: 1500, outcome })
      yield* ask("edit 2", edit("1"))
      yield* TestClock.adjust(100)
      yield* send("other", { ...edit("2"), takes: 0 })
      const one = Option.getOrThrow(yield* limiter.getBucket(route()))
      expect(one).toMatchObject({ inFlight: 1, waiting: 1, remaining: 0 })
      expect(yield* limiter.getBucket(edit("1").route)).toEqual(Option.some(one))
      yield* TestClock.adjust("1 minute")
      expect(log).toEqual(["send@0", "edit 1@0", "other@100", "edit 2@2000"])
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )

  it.effect("two routes that shared a bucket part when one is named otherwise", () =>
    Effect.gen(function* () {
      const patch = route({ method: "PATCH" })
      const { start: ask, limiter, log, send } = yield* makeDriver
      yield* send("send", { takes: 0 })
      yield* send("edit", { takes: 0, route: patch })
      expect((yield* limiter.snapshot).buckets).toBe(1)
      yield* send("send", { takes: 0, outcome: ok({ bucket: "another", remaining: 0 }) })
      expect((yield* limiter.snapshot).buckets).toBe(2)
      yield* ask("send 2")
      yield* ask("edit 2", { route: patch })
      expect(log.slice(3)).toEqual(["edit 2@0"])
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )
})

describe("layers", () => {
  it.effect("layer is one limiter for the process", () =>
    Effect.gen(function* () {
      const limiter = Effect.provide(makeDriver, RateLimiter.layer)
      yield* Effect.flatMap(makeDriver, ({ send }) =>
        send("a", { takes: 0, outcome: ok({ remaining: 1 }) }),
      ).pipe(Effect.provide(RateLimiter.layer))
      const left = Effect.flatMap(RateLimiter.RateLimiter, ({ getBucket }) =>
        Effect.map(getBucket(route()), (bucket) =>
          Option.map(bucket, ({ remaining }) => remaining),
        ),
      )
      expect(yield* Effect.provide(left, RateLimiter.layer)).toEqual(Option.some(1))
      expect(yield* Effect.provide(left, RateLimiter.layerWith({ globalLimit: 50 }))).toEqual(
        Option.some(1),
      )
      expect(yield* Effect.provide(left, RateLimiter.layerWith({ queueCapacity: 5 }))).toEqual(
        Option.some(1),
      )
      expect(yield* Effect.provide(left, RateLimiter.layerMemory)).toEqual(Option.none())
      expect((yield* limiter).log).toEqual([])
    }),
  )

  it.effect("each clock has its own", () =>
    Effect.map(
      Effect.provide(
        Effect.flatMap(RateLimiter.RateLimiter, ({ snapshot }) => snapshot),
        RateLimiter.layer,
      ),
      ({ buckets }) => expect(buckets).toBe(0),
    ),
  )

  it.effect("a layer whose requests poll sets no alarm", () =>
    Effect.gen(function* () {
      const { clock, sleepers } = yield* watched
      const scope = yield* Scope.make()
      const polling = yield* openLayer(clock, scope, { isolatedRequests: true })
      yield* polling.start("a")
      const polls = yield* polling.start("b")
      expect([...sleepers]).toEqual([polls.id()])
      const alarmed = yield* openLayer(clock, scope)
      const waits = yield* alarmed.start("c")
      expect(sleepers.size).toBe(2)
      expect(sleepers.has(waits.id())).toBe(false)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      expect(sleepers.size).toBe(0)
    }),
  )

  it.effect("a scope that closes ends its own waits and no others", () =>
    Effect.gen(function* () {
      const { clock } = yield* watched
      const [one, two] = [yield* Scope.make(), yield* Scope.make()]
      const mine = yield* openLayer(clock, one)
      const others = yield* openLayer(clock, two)
      yield* mine.start("flying")
      yield* mine.start("waiting")
      yield* others.start("other")
      yield* mine.start("parked", {
        route: route({ webhookId: "2" }),
        delivery: "concurrent",
        takes: 0,
        before: [[ok(), 5000]],
      })
      yield* mine.start("returning", { route: route({ webhookId: "3" }), before: [[ok(), 0]] })
      yield* Scope.close(one, Exit.void)
      yield* mine.start("late")
      yield* TestClock.adjust("1 second")
      expect(mine.log.slice(3).sort()).toEqual([
        "late!DiscordRateLimiterClosed@0",
        "parked!DiscordRateLimiterClosed@0",
        "returning!DiscordRateLimiterClosed@100",
        "waiting!DiscordRateLimiterClosed@0",
      ])
      expect(others.log).toEqual(["other@100"])
      yield* Scope.close(two, Exit.void)
      expect(yield* others.limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    }),
  )

  for (const [option, value] of [
    ["globalLimit", 0],
    ["globalLimit", 1.5],
    ["globalLimit", Number.NaN],
    ["queueCapacity", -1],
    ["invalidRequestLimit", 0],
    ["globalWindow", Duration.zero],
    ["globalWindow", "forever"],
    ["globalWindow", "1 fortnight"],
    ["idleAfter", Number.NaN],
    ["idleAfter", "soon"],
  ] as const) {
    it.effect(`${option}: ${String(value)} fails when the layer is built`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(
          Effect.scoped(Layer.build(RateLimiter.layerMemoryWith({ [option]: value as never }))),
        )
        expect(String(Exit.isFailure(exit) && exit.cause)).toContain(option)
      }),
    )
  }
})

describe("policies of others", () => {
  const policy = (values: Partial<Policy>): Policy => ({ ...literal, name: "odd", ...values })

  for (const [what, wait] of [
    ["no number", Number.NaN],
    ["a negative one", -5],
    ["nothing", 0],
  ] as const) {
    it.effect(`a wait of ${what} waits for the next response`, () =>
      Effect.gen(function* () {
        const { start: ask, log, send } = yield* makeDriver
        yield* send("learn", { takes: 0 })
        const odd = policy({ shouldWait: () => true, calculateWait: () => Duration.millis(wait) })
        yield* ask("a", { policy: odd, delivery: "concurrent" })
        yield* ask("b", { policy: odd, delivery: "concurrent" })
        yield* TestClock.adjust("1 second")
        expect(log.slice(1)).toEqual(["a@0", "b@100"])
      }).pipe(Effect.provide(RateLimiter.layerMemory)),
    )
  }

  const bug = new Error("a bug in the policy")
  const throwing = (): never => {
    throw bug
  }
  for (const [where, faulty] of [
    ["shouldWait", { shouldWait: throwing }],
    ["calculateWait", { shouldWait: () => true, calculateWait: throwing }],
    ["lead", { lead: throwing }],
    ["observe", { observe: throwing }],
  ] as const) {
    it.effect(`one that throws in ${where} fails its own request only`, () =>
      Effect.gen(function* () {
        const { start: ask, log, send, limiter } = yield* makeDriver
        yield* send("learn", { takes: 0 })
        yield* ask("a")
        // Told at the latest of its own first request, it fails at the latest with the second.
        const first = yield* ask("b", { policy: policy(faulty) })
        const second = yield* ask("c", { policy: policy(faulty) })
        yield* ask("d")
        yield* TestClock.adjust("1 second")
        const exits = [yield* Fiber.await(first), yield* Fiber.await(second)]
        expect(exits.filter((exit) => Exit.isFailure(exit) && Cause.isDie(exit.cause))).not.toEqual(
          [],
        )
        expect(log.some((line) => line.startsWith("d@"))).toBe(true)
        expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      }).pipe(Effect.provide(RateLimiter.layerMemory)),
    )
  }

  it.effect("a request that waits for ever can be interrupted", () =>
    Effect.gen(function* () {
      const { start: ask, log, send, limiter } = yield* makeDriver
      yield* send("learn", { takes: 0 })
      const odd = policy({ shouldWait: () => true, calculateWait: () => Duration.infinity })
      const fiber = yield* ask("a", { policy: odd })
      yield* ask("b", { policy: odd, maxWait: Duration.hours(30) })
      yield* TestClock.adjust("40 hours")
      yield* Fiber.interrupt(fiber)
      expect(log.slice(1)).toEqual(["b!WebhookRateLimited@86400000", "a!interrupted@144000000"])
      expect(yield* limiter.snapshot).toMatchObject({ waiting: 0 })
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )

  it.effect("each has a memory of its own, a bounded number of them, and the last shows", () =>
    Effect.gen(function* () {
      const { limiter, send } = yield* makeDriver
      const counting = (name: string) =>
        policy({
          name,
          initial: 0,
          observe: (memory, { _tag }) => (memory as number) + (_tag === "Sent" ? 1 : 0),
        })
      const memory = Effect.map(limiter.getBucket(route()), (one) => Option.getOrThrow(one).memory)
      yield* send("a", { takes: 0, policy: counting("one"), outcome: withoutHeaders() })
      yield* send("a", { takes: 0, policy: counting("one"), outcome: withoutHeaders() })
      expect(yield* memory).toBe(2)
      yield* send("a", { takes: 0, policy: counting("two"), outcome: withoutHeaders() })
      yield* limiter.estimate(route(), { policy: counting("one") })
      expect(yield* memory).toBe(1)
      yield* send("a", { takes: 0, policy: counting("one"), outcome: withoutHeaders() })
      expect(yield* memory).toBe(3)
      for (let index = 0; index < 20; index++) {
        yield* send("a", { takes: 0, policy: counting(`many ${index}`), outcome: withoutHeaders() })
      }
      yield* TestClock.adjust("1 minute")
      yield* send("a", { takes: 0, policy: counting("one"), outcome: withoutHeaders() })
      expect(yield* memory).toBe(1)
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )

  it.effect("observes every window that ended, also after a query only", () =>
    Effect.gen(function* () {
      const { start: ask, limiter, send } = yield* makeDriver
      const seen: Array<string> = []
      const watching = policy({
        observe: (memory, seeing) => {
          seen.push(
            seeing._tag === "WindowOver"
              ? `over, ${seeing.unused} unused, ${seeing.waiting} waiting`
              : seeing._tag,
          )
          return memory
        },
      })
      yield* send("a", { takes: 0, policy: watching, outcome: ok({ remaining: 3 }) })
      yield* TestClock.adjust("2 seconds")
      yield* limiter.getBucket(route())
      yield* ask("b", { policy: watching, takes: 0, outcome: ok({ remaining: 0 }) })
      yield* ask("c", { policy: watching, takes: 0 })
      yield* TestClock.adjust("2 seconds")
      expect(seen).toEqual([
        "Sent",
        "Responded",
        "over, 3 unused, 0 waiting",
        "Sent",
        "Responded",
        "over, 0 unused, 1 waiting",
        "Sent",
        "Responded",
      ])
    }).pipe(Effect.provide(RateLimiter.layerMemory)),
  )
})

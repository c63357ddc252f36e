/**
 * What waiting and remembering cost in memory, and how long it takes to give up on everybody.
 *
 *     npm run bench:memory                writes bench/results/memory.json
 *     npm run bench:memory -- --quick     a tenth of everything; writes nothing
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { Permit, RateLimiter, RateLimitHeaders, Route, Strategy, Webhook } from "../src/index.js"
import { table } from "./simulation/table.js"

const quick = process.argv.includes("--quick")
const most = quick ? 10_000 : 100_000

/** Bytes in use after a collection. */
const heap = Effect.sync(() => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

// --- waiters ----------------------------------------------------------------------------------

type Services = RateLimiter.RateLimiter | Strategy.Strategy | HttpClient.HttpClient

/** Nobody ever answers, so everybody waits behind the first. */
const silence = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make(() => Effect.never),
)

const services = Layer.mergeAll(
  RateLimiter.layerMemoryWith({ queueCapacity: Number.POSITIVE_INFINITY, globalLimit: 1000 }),
  Strategy.layerAdaptive,
  silence,
)

const template = "/webhooks/{webhook.id}/{webhook.token}"
const routeOf = (webhookId: string): Route.Route =>
  Route.make({ method: "POST", template, webhookId, tokenDigest: "digest" })

interface Kind {
  readonly name: string
  /** One that waits, as a fiber does it. */
  readonly wait: (
    gate: Deferred.Deferred<void>,
    hook: Webhook.Webhook,
  ) => Effect.Effect<unknown, object, Services>
}

const route = routeOf("1")

/** The least that a waiting fiber can be: the caller's own, parked on a `Deferred`. */
const parked: Kind = { name: "fiber on a Deferred", wait: (gate) => Deferred.await(gate) }

const kinds: ReadonlyArray<Kind> = [
  parked,
  {
    name: "RateLimiter.withPermit",
    wait: () =>
      Effect.flatMap(RateLimiter.RateLimiter, (limiter) =>
        Effect.flatMap(Strategy.Strategy, (policy) =>
          limiter.withPermit(route, { policy }, () => Effect.never),
        ),
      ),
  },
  {
    name: "Webhook.send",
    wait: (_, hook) => Webhook.send(hook, { content: "hello" }),
  },
]

interface Waiting {
  readonly kind: string
  readonly waiters: number
  readonly bytesEach: number
  /** More than the caller's own fiber. */
  readonly beyondFiber: number
  readonly interruptMs: number
}

const waiting = (kind: Kind, waiters: number) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const hook = yield* Webhook.make({ id: "1", token: "token" })
    const before = yield* heap
    const fibers: Array<Fiber.RuntimeFiber<unknown, object>> = []
    for (let index = 0; index < waiters; index += 1) {
      fibers.push(yield* Effect.fork(kind.wait(gate, hook)))
    }
    yield* Effect.sleep("50 millis")
    const bytesEach = ((yield* heap) - before) / waiters
    const start = yield* Clock.currentTimeNanos
    yield* Fiber.interruptAll(fibers)
    const took = (yield* Clock.currentTimeNanos) - start
    return { bytesEach, interruptMs: Number(took) / 1e6 }
  }).pipe(Effect.provide(services), Effect.scoped)

const allWaiting = Effect.gen(function* () {
  const rows: Array<Waiting> = []
  // What is compiled by the first round is no memory of waiters.
  for (const kind of kinds) yield* waiting(kind, 2000)
  for (const waiters of [most / 2, most]) {
    let own = 0
    for (const kind of kinds) {
      const { bytesEach, interruptMs } = yield* waiting(kind, waiters)
      if (kind === parked) own = bytesEach
      rows.push({
        kind: kind.name,
        waiters,
        bytesEach,
        beyondFiber: bytesEach - own,
        interruptMs,
      })
    }
  }
  return rows
})

// --- idle buckets -----------------------------------------------------------------------------

const headers = RateLimitHeaders.parse({
  "x-ratelimit-bucket": "b1d2c3b4a5f60718293a4b5c6d7e8f90",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
  "x-ratelimit-reset": "2.000",
  "x-ratelimit-reset-after": "2.000",
})
const answered = Permit.responded({
  status: 200,
  headers,
  code: 0,
  message: "",
  limited: undefined,
})

interface Idle {
  readonly buckets: number
  readonly bytesEach: number
  readonly sweptBytesEach: number
  readonly left: number
  readonly sweepMs: number
}

/** On a clock that stands still while they are used once each, and then jumps. */
const idle = (buckets: number): Effect.Effect<Idle> =>
  Effect.gen(function* () {
    const limiter = yield* RateLimiter.RateLimiter
    const policy = yield* Strategy.Strategy
    const use = (from: number, count: number) =>
      Effect.gen(function* () {
        for (let index = from; index < from + count; index += 1) {
          const one = routeOf(String(1_100_000_000_000_000_000n + BigInt(index)))
          yield* limiter.withPermit(one, { policy }, (permit) => permit.settle(answered))
        }
      })
    yield* use(0, 10_000)
    yield* TestClock.adjust("1 hour")
    const before = yield* heap
    yield* use(0, buckets)
    const { buckets: tracked } = yield* limiter.snapshot
    const full = yield* heap
    const start = performance.now()
    yield* TestClock.adjust("1 hour")
    const sweepMs = performance.now() - start
    const swept = yield* heap
    return {
      buckets: tracked,
      bytesEach: (full - before) / buckets,
      sweptBytesEach: (swept - before) / buckets,
      left: (yield* limiter.snapshot).buckets,
      sweepMs,
    }
  }).pipe(
    Effect.provide(
      RateLimiter.layerMemoryWith({
        globalLimit: 1_000_000,
        globalWindow: Duration.millis(1),
        queueCapacity: Number.POSITIVE_INFINITY,
        idleAfter: Duration.seconds(5),
      }).pipe(Layer.merge(Strategy.layerAdaptive), Layer.provideMerge(TestContext.TestContext)),
    ),
    Effect.orDie,
  )

// --- both -------------------------------------------------------------------------------------

const program = Effect.gen(function* () {
  const waiters = yield* allWaiting
  const buckets = yield* idle(10 * most)
  yield* Console.log(
    `${table(
      ["who waits", "how many", "bytes each", "beyond the fiber", "interrupt all ms", "us each"],
      waiters.map((row) => [
        row.kind,
        String(row.waiters),
        row.bytesEach.toFixed(0),
        row.beyondFiber.toFixed(0),
        row.interruptMs.toFixed(0),
        ((1000 * row.interruptMs) / row.waiters).toFixed(1),
      ]),
    )}\n`,
  )
  yield* Console.log(
    table(
      ["idle buckets", "", "bytes each", "after the sweep", "left", "sweep ms"],
      [
        [
          String(buckets.buckets),
          "",
          buckets.bytesEach.toFixed(0),
          buckets.sweptBytesEach.toFixed(1),
          String(buckets.left),
          buckets.sweepMs.toFixed(0),
        ],
      ],
    ),
  )
  return { waiters, buckets }
})

const result = await Effect.runPromise(program)

if (!quick) {
  const folder = resolve(import.meta.dirname.replace(/build\/bench$/, ""), "results")
  mkdirSync(folder, { recursive: true })
  writeFileSync(resolve(folder, "memory.json"), `${JSON.stringify(result, null, 2)}\n`)
}

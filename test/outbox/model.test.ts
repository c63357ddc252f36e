/** The laws of the outbox under random faults: several workers, producers and webhooks share one store. */
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Fault } from "../../src/testing/index.js"
import { runs } from "../support/laws.js"
import type { Hooks, Process, StoreFault } from "./Process.js"
import { report, run, settle } from "./World.js"
import type { Report, WorkerProcess, World } from "./World.js"

/** A message of a producer, sent some time after its last one. */
interface Message {
  /** The index of its webhook. */
  readonly place: number
  readonly after: number
  readonly options?: { readonly expires?: number; readonly notBefore?: number }
}

/** What happens to a worker, to the store (`away`: it is unavailable), to Discord's responses or to a queue. */
type Event =
  | { readonly _tag: "kill" | "close"; readonly worker: number }
  | { readonly _tag: "stop"; readonly worker: number; readonly millis: number }
  | { readonly _tag: "start" }
  | { readonly _tag: "away"; readonly millis: number; readonly fails: "before" | "after" | "both" }
  | { readonly _tag: "slow"; readonly millis: number; readonly delay: number }
  | { readonly _tag: "fault"; readonly fault: keyof typeof faults; readonly times: number }
  | { readonly _tag: "pause"; readonly place: number | undefined; readonly millis: number }
  | { readonly _tag: "discard" }

interface Scenario {
  readonly seed: number
  readonly webhooks: number
  readonly workers: number
  readonly concurrency: number
  /** What becomes of an entry whose request has no known result: it is sent again, or dead. */
  readonly inDoubt: "resend" | "hold"
  /** Whether workers get no notification of new entries. */
  readonly losesWakeUps: boolean
  readonly producers: ReadonlyArray<ReadonlyArray<Message>>
  readonly events: ReadonlyArray<Event & { readonly at: number }>
}

const faults = {
  error: Fault.respond({ status: 500 }),
  processed: Fault.respond({ status: 502, processed: true }),
  unavailable: Fault.html(503),
  refused: Fault.refuseConnection,
  resetBefore: Fault.resetBefore,
  resetAfter: Fault.resetAfter,
  truncated: Fault.truncateBody,
  silent: Fault.neverRespond,
  empty: Fault.emptyBody,
  late: Fault.delay("20 seconds"),
  limited: Fault.respond({
    status: 429,
    headers: { "retry-after": "3", "x-ratelimit-scope": "shared" },
    body: { message: "You are being rate limited.", retry_after: 3, global: false },
  }),
} as const

const int = (min: number, max: number) => FastCheck.integer({ min, max })

const message: FastCheck.Arbitrary<Message> = FastCheck.record(
  {
    place: int(0, 2),
    after: FastCheck.oneof(FastCheck.constant(0), int(0, 1000), int(0, 10_000)),
    options: FastCheck.record(
      { expires: int(1, 60_000), notBefore: int(0, 20_000) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["place", "after"] },
)

const tagged = <T extends Event["_tag"], A extends object>(
  tag: T,
  fields: { readonly [K in keyof A]: FastCheck.Arbitrary<A[K]> },
) =>
  FastCheck.record({ at: int(0, 60_000), ...fields }).map((rest) => ({
    _tag: tag,
    ...(rest as unknown as A & { readonly at: number }),
  }))

/** Short, about as long as a lease, and longer. */
const millis = FastCheck.oneof(int(100, 5000), int(20_000, 40_000), int(40_000, 120_000))

const crash = tagged("kill", { worker: int(0, 2) })
const stop = tagged("stop", { worker: int(0, 2), millis })
const close = tagged("close", { worker: int(0, 2) })
const start = tagged("start", {})
const away = tagged("away", {
  millis,
  fails: FastCheck.constantFrom<Array<"before" | "after" | "both">>("before", "after", "both"),
})
const slow = tagged("slow", { millis, delay: int(1, 3000) })
const fault = tagged("fault", {
  fault: FastCheck.constantFrom(...(Object.keys(faults) as Array<keyof typeof faults>)),
  times: int(1, 5),
})
const pause = tagged("pause", {
  place: FastCheck.option(int(0, 2), { nil: undefined }),
  millis,
})
const discard = tagged("discard", {})

const scenario = (
  events: ReadonlyArray<FastCheck.Arbitrary<Event & { readonly at: number }>>,
  inDoubt: ReadonlyArray<"resend" | "hold"> = ["resend", "hold"],
): FastCheck.Arbitrary<Scenario> =>
  FastCheck.record({
    seed: int(1, 1_000_000),
    webhooks: int(1, 3),
    workers: int(1, 3),
    concurrency: int(1, 3),
    inDoubt: FastCheck.constantFrom(...inDoubt),
    losesWakeUps: FastCheck.boolean(),
    producers: FastCheck.array(FastCheck.array(message, { maxLength: 12 }), {
      minLength: 1,
      maxLength: 3,
    }),
    events: FastCheck.array(FastCheck.oneof(...events), { maxLength: 6 }),
  })

/** What the events do to the store. */
class Weather {
  #away: { readonly until: number; readonly fails: "before" | "after" | "both" } | undefined
  #slow = { until: 0, delay: 0 }
  #calls = 0

  setAway(until: number, fails: "before" | "after" | "both"): void {
    this.#away = { until, fails }
  }

  setSlow(until: number, delay: number): void {
    this.#slow = { until, delay }
  }

  getFault({ clock }: Process): StoreFault {
    const now = clock.unsafeCurrentTimeMillis()
    const delay = now < this.#slow.until ? this.#slow.delay : undefined
    if (this.#away === undefined || now >= this.#away.until) return { delay }
    const { fails } = this.#away
    this.#calls += 1
    return { delay, fails: fails === "both" ? (this.#calls % 2 === 0 ? "after" : "before") : fails }
  }
}

interface Outcome extends Report {
  /** Messages whose `send` has returned. */
  readonly accepted: ReadonlyArray<string>
  readonly discarded: number
}

const playIn = (
  world: World,
  given: Scenario,
  weather: Weather,
): Effect.Effect<Outcome, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { outbox, places, simulator } = world
    const workers: Array<WorkerProcess> = []
    const accepted: Array<string> = []
    let discarded = 0
    const startWorker = Effect.suspend(() =>
      Effect.map(
        world.startWorker(`worker ${workers.length}`, {
          concurrency: given.concurrency,
          inDoubt: given.inDoubt,
          backoff: { max: "10 seconds" },
        }),
        (worker) => void workers.push(worker),
      ),
    )
    const produce = (producer: number, messages: ReadonlyArray<Message>) =>
      Effect.forEach(messages, ({ after, options = {}, place }, index) =>
        Effect.gen(function* () {
          yield* Effect.sleep(after)
          const content = `${producer}:${index}`
          const hook = places[place % places.length]?.hook
          if (hook === undefined) return
          const sent = yield* Effect.either(outbox.send(hook, { content }, options))
          if (sent._tag === "Right") accepted.push(content)
        }),
      )
    const happen = (event: Event): Effect.Effect<void> =>
      Effect.gen(function* () {
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        switch (event._tag) {
          case "kill":
            yield* workers[event.worker]?.process.kill ?? Effect.void
            break
          case "stop":
            yield* workers[event.worker]?.process.stopFor(event.millis) ?? Effect.void
            break
          case "close": {
            const worker = workers[event.worker]
            if (worker !== undefined) yield* Effect.forkDaemon(worker.close)
            break
          }
          case "start":
            yield* startWorker
            break
          case "away":
            weather.setAway(now + event.millis, event.fails)
            break
          case "slow":
            weather.setSlow(now + event.millis, event.delay)
            break
          case "fault":
            yield* simulator.inject(faults[event.fault], { times: event.times })
            break
          case "pause": {
            const id =
              event.place === undefined ? undefined : places[event.place % places.length]?.made.id
            yield* Effect.ignore(outbox.pause(id))
            yield* Effect.sleep(event.millis)
            yield* Effect.retry(outbox.resume(id), Schedule.spaced("1 second"))
            break
          }
          case "discard":
          default: {
            const ready = yield* outbox.list({ state: "ready", limit: 2 })
            discarded += yield* outbox.discard(ready.map(({ id }) => id))
          }
        }
      }).pipe(Effect.ignore)
    yield* Effect.replicateEffect(startWorker, given.workers)
    const events = yield* Effect.fork(
      Effect.forEach(given.events, (event) => Effect.delay(happen(event), event.at), {
        concurrency: "unbounded",
      }),
    )
    yield* Effect.forEach(given.producers, (messages, producer) => produce(producer, messages), {
      concurrency: "unbounded",
    })
    yield* Fiber.join(events)
    // Whatever has happened, a worker and a store remain in the end.
    yield* Effect.retry(outbox.resume(), Schedule.spaced("1 second"))
    yield* startWorker
    yield* settle(world)
    yield* Effect.forEach(workers, ({ close: end, process }) =>
      process.isDead ? Effect.void : end,
    )
    return { ...(yield* report(world)), accepted, discarded }
  }).pipe(Effect.orDie)

const play = (given: Scenario): Promise<Outcome> => {
  const weather = new Weather()
  const hooks: Partial<Hooks> = {
    getFault: (process) => weather.getFault(process),
    wakes: () => !given.losesWakeUps,
  }
  return run(
    { webhooks: given.webhooks, seed: given.seed, simulator: { latency: "40 millis" }, hooks },
    (world) => playIn(world, given, weather),
  )
}

const law = (
  name: string,
  scenarios: FastCheck.Arbitrary<Scenario>,
  check: (outcome: Outcome, given: Scenario) => void,
) =>
  it(name, () =>
    FastCheck.assert(
      FastCheck.asyncProperty(scenarios, async (given) => {
        const outcome = await play(given)
        expect(outcome.violations).toEqual([])
        check(outcome, given)
      }),
      { numRuns: runs(150), endOnFailure: true },
    ),
  )

const expectNoDoubt = ({ fates, limited }: Outcome): void => {
  expect(limited).toBe(0)
  for (const { content, copies, entry } of fates) {
    const expected = entry.state === "sent" ? 1 : 0
    expect({ content, copies, inDoubt: entry.inDoubt }).toEqual({
      content,
      copies: expected,
      inDoubt: 0,
    })
  }
}

describe("the laws of the outbox", () => {
  law(
    "what is accepted is sent or dead, in order, and doubled at most once for each unknown result",
    scenario([crash, stop, close, start, away, slow, fault, pause, discard]),
    ({ accepted, discarded, fates }, { inDoubt }) => {
      const known = new Set(fates.map(({ content }) => content))
      expect(accepted.filter((content) => !known.has(content)).length).toBeLessThanOrEqual(
        discarded,
      )
      for (const { content, copies, entry } of fates) {
        if (inDoubt === "hold")
          expect({ content, isDoubled: copies > 1 }).toEqual({ content, isDoubled: false })
        if (entry.state === "dead") expect(entry.error).toMatch(/"(expired|inDoubt)"/)
      }
    },
  )

  law(
    "an unavailable or slow store, a pause and a lost notification cause no duplicates",
    scenario([start, away, slow, pause, discard]),
    expectNoDoubt,
  )

  // A worker that ends while the store is unavailable cannot record what it knows.
  law(
    "a shutdown, a slow store, a pause and a lost notification cause no duplicates",
    scenario([close, start, slow, pause, discard]),
    expectNoDoubt,
  )

  it("a worker that starts when a long absence ends leaves queues to owners that are alive", async () => {
    const { fates } = await play({
      seed: 1,
      webhooks: 1,
      workers: 1,
      concurrency: 1,
      inDoubt: "resend",
      losesWakeUps: false,
      producers: [[{ place: 0, after: 0 }]],
      events: [
        { _tag: "away", at: 1001, millis: 4100, fails: "before" },
        { _tag: "away", at: 0, millis: 20_000, fails: "after" },
        { _tag: "slow", at: 3101, millis: 20_000, delay: 375 },
        { _tag: "away", at: 12_726, millis: 40_000, fails: "before" },
      ],
    })
    expect(fates).toMatchObject([{ copies: 1, entry: { state: "sent", inDoubt: 0 } }])
  })

  law(
    "no request exceeds a known limit, at a take-over as well",
    scenario([crash, stop, close, start, away, slow, pause, discard]),
    ({ limited }) => {
      expect(limited).toBe(0)
    },
  )
})

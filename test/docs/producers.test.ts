/** The guide's recipe for many producers loses nothing: it is imported from the guide. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { blocksOf } from "../../scripts/blocks.js"
import { RateLimiter, Strategy } from "../../src/index.js"
import type { MessageCreate, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { contents, newHook } from "../scenarios/harness.js"
import { runs } from "../support/laws.js"
import { imported } from "./bundle.js"

interface Alerts {
  readonly post: (message: MessageCreate.MessageCreate) => Effect.Effect<boolean>
}

interface Recipe {
  readonly Alerts: Context.Tag<Alerts, Alerts>
  readonly alertsLayer: (
    hook: Webhook.Webhook,
    capacity?: number,
  ) => Layer.Layer<Alerts, never, Layer.Layer.Success<typeof discord>>
}

const discord = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerProactive,
)

const block = blocksOf("docs/guides/programs.md").find(({ code }) => code.includes("alertsLayer"))
const { Alerts, alertsLayer } = (await imported(block!)) as Recipe

interface Run {
  readonly producers: number
  readonly each: number
  readonly capacity: number
  /** When the program is stopped, in milliseconds. */
  readonly stopAfter: number
  /** The number of messages after which the webhook is deleted. */
  readonly deleteAfter: number | undefined
}

/** The messages that producers saw accepted, those that arrived, and those in the log. */
const outcome = ({ capacity, deleteAfter, each, producers, stopAfter }: Run) => {
  const logged: Array<string> = []
  const log = Logger.make(({ message }) => {
    for (const part of Array.isArray(message) ? (message as ReadonlyArray<unknown>) : []) {
      const { content } = Object(part) as { readonly content?: string }
      if (content !== undefined) logged.push(content)
    }
  })
  return Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const { hook, made } = yield* newHook(simulator)
    if (deleteAfter !== undefined) {
      let left = deleteAfter
      const gone = { status: 404, body: { code: 10015, message: "Unknown Webhook" } }
      yield* simulator.inject(Fault.respond(gone), {
        match: () => left-- <= 0,
        times: Number.POSITIVE_INFINITY,
      })
    }
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(alertsLayer(hook, capacity), scope)
    const taken: Array<string> = []
    const producer = (name: number) =>
      Effect.forEach(
        Array.from({ length: each }, (_, index) => `${name}.${index}`),
        (content) =>
          Context.get(services, Alerts)
            .post({ content })
            .pipe(
              Effect.tap((isTaken) => void (isTaken && taken.push(content))),
              // Told or not: what was taken is not to be interrupted before it is noted.
              Effect.uninterruptible,
              Effect.zipLeft(Effect.sleep("100 millis")),
            ),
      )
    const all = yield* Effect.fork(
      Effect.forEach(Array.from({ length: producers }).keys(), producer, {
        concurrency: "unbounded",
      }),
    )
    yield* TestClock.adjust(stopAfter)
    const stopped = yield* Effect.fork(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(stopped)
    const produced = yield* Fiber.interrupt(all)
    expect(Exit.isSuccess(produced) || Exit.isInterrupted(produced)).toBe(true)
    return { taken, arrived: contents(yield* simulator.messages(made)), logged }
  }).pipe(
    Effect.provide([discord, Logger.replace(Logger.defaultLogger, log)]),
    Effect.provide(TestContext.TestContext),
  )
}

const sorted = (texts: ReadonlyArray<unknown>) =>
  texts.map(String).sort((one, other) => one.localeCompare(other))

const ofProducer = (texts: ReadonlyArray<unknown>, name: number) =>
  texts.filter((text) => String(text).startsWith(`${name}.`))

it("every accepted message arrives once and in order, or is logged", async () => {
  const programs = FastCheck.record({
    producers: FastCheck.integer({ min: 1, max: 5 }),
    each: FastCheck.integer({ min: 1, max: 60 }),
    capacity: FastCheck.integer({ min: 1, max: 20 }),
    stopAfter: FastCheck.integer({ min: 1, max: 5000 }),
    deleteAfter: FastCheck.option(FastCheck.integer({ min: 0, max: 20 }), { nil: undefined }),
  })
  await FastCheck.assert(
    FastCheck.asyncProperty(programs, async (program) => {
      const { arrived, logged, taken } = await Effect.runPromise(outcome(program))
      expect(taken.length).toBeGreaterThan(0)
      expect(sorted([...arrived, ...logged])).toEqual(sorted(taken))
      for (let name = 0; name < program.producers; name++) {
        const sent = ofProducer(arrived, name)
        expect(sent).toEqual(ofProducer(taken, name).slice(0, sent.length))
      }
    }),
    { numRuns: runs(30) },
  )
})

it("what is in the queue is sent before the end, and what takes too long is named", async () => {
  const base = { producers: 10, each: 1, capacity: 100, stopAfter: 1, deleteAfter: undefined }
  const short = await Effect.runPromise(outcome(base))
  expect(short.arrived).toHaveLength(10)
  expect(short.logged).toEqual([])
  // At 5 messages in 2 seconds, 20 seconds are enough for about 50.
  const long = await Effect.runPromise(outcome({ ...base, producers: 100 }))
  expect(long.arrived.length).toBeGreaterThan(40)
  expect(long.logged.length).toBe(100 - long.arrived.length)
})

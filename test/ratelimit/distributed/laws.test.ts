/** The laws of shared limits, for processes over one store, with the faults of networks and machines. */
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { describe, expect, it } from "vitest"
import { reactive } from "../../../src/ratelimit/strategy/reactive.js"
import { runs } from "../../support/laws.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld, type Sent, type World } from "./World.js"

interface Job {
  readonly process: number
  readonly webhook: string
  /** Milliseconds after the one before. */
  readonly after: number
}

interface Fault {
  readonly kind: "restart" | "away" | "pause" | "kill"
  readonly at: number
  readonly process: number
  readonly lasts: number
}

interface Scenario {
  readonly seed: number
  readonly processes: number
  readonly jobs: ReadonlyArray<Job>
  readonly delay: number
  readonly loss: number
  readonly faults: ReadonlyArray<Fault>
}

const scenario = (options: {
  readonly loss: FastCheck.Arbitrary<number>
  readonly faults: ReadonlyArray<Fault["kind"]>
}): FastCheck.Arbitrary<Scenario> =>
  FastCheck.integer({ min: 1, max: 4 }).chain((processes) =>
    FastCheck.record({
      seed: FastCheck.integer(),
      processes: FastCheck.constant(processes),
      jobs: FastCheck.array(
        FastCheck.record({
          process: FastCheck.nat(processes - 1),
          webhook: FastCheck.constantFrom("1", "2"),
          after: FastCheck.oneof(
            { weight: 20, arbitrary: FastCheck.constant(0) },
            { weight: 20, arbitrary: FastCheck.nat(100) },
            { weight: 20, arbitrary: FastCheck.nat(3000) },
            // Turns end, and the store forgets.
            { weight: 1, arbitrary: FastCheck.constant(200_000) },
          ),
        }),
        { minLength: 1, maxLength: 60 },
      ),
      delay: FastCheck.constantFrom(0, 2, 50),
      loss: options.loss,
      faults:
        options.faults.length === 0
          ? FastCheck.constant([])
          : FastCheck.array(
              FastCheck.record({
                kind: FastCheck.constantFrom(...options.faults),
                at: FastCheck.nat(30_000),
                process: FastCheck.nat(processes - 1),
                lasts: FastCheck.constantFrom(500, 4000, 20_000, 40_000),
              }),
              { maxLength: 3 },
            ),
    }),
  )

interface Played {
  readonly sent: ReadonlyArray<Sent>
  readonly accepted: ReadonlyArray<Sent>
  readonly refused: number
  readonly killed: ReadonlySet<number>
  readonly expected: ReadonlyArray<Job & { readonly label: string; readonly at: number }>
}

const inject = (world: World, { at, kind, lasts, process: index }: Fault, killed: Set<number>) =>
  Effect.gen(function* () {
    yield* Effect.sleep(at)
    const process = world.processes[index]
    if (process === undefined || killed.has(index)) return
    if (kind === "restart") world.store.restart()
    else if (kind === "away") {
      world.store.isAway = true
      yield* Effect.sleep(lasts)
      world.store.isAway = false
    } else {
      process.clock.freeze()
      if (kind === "kill") killed.add(index)
      else {
        yield* Effect.sleep(lasts)
        if (!killed.has(index)) process.clock.thaw()
      }
    }
  })

/** Until everything of the processes that live is sent; an hour is far more than it can take. */
const play = ({ delay, faults, jobs, loss, processes, seed }: Scenario): Promise<Played> =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ processes, policy: reactive, faults: { delay, loss } })
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.delay(
          Effect.sync(() => world.store.save()),
          "1 second",
        ),
      ),
    )
    const killed = new Set<number>()
    for (const fault of faults) yield* Effect.forkScoped(inject(world, fault, killed))
    const expected: Array<Job & { readonly label: string; readonly at: number }> = []
    const fibers: Array<Fiber.RuntimeFiber<void, unknown>> = []
    let at = 0
    for (const [index, job] of jobs.entries()) {
      if (job.after > 0) yield* Effect.sleep(job.after)
      at += job.after
      if (killed.has(job.process)) continue
      const label = String(index)
      const process = world.processes[job.process]
      if (process === undefined) continue
      fibers.push(yield* process.send(job.webhook, label))
      expected.push({ ...job, label, at })
    }
    const isOver = () =>
      fibers.every(
        (fiber, index) => killed.has(expected[index]?.process ?? -1) || fiber.unsafePoll() !== null,
      )
    for (let second = 0; !isOver(); second += 1) {
      if (second > 3600) return yield* Effect.dieMessage("requests wait for an hour")
      yield* Effect.sleep("1 second")
    }
    const { server } = world
    const sent = [...world.sent]
    // A process that stands still does not close its limiter.
    for (const { clock } of world.processes) clock.thaw()
    return {
      sent,
      accepted: sent.filter(({ status }) => status === 200),
      refused: server.refused,
      killed,
      expected: expected.filter(({ process }) => !killed.has(process)),
    }
  }).pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(seed)),
    Logger.withMinimumLogLevel(LogLevel.None),
    (program) => VirtualClock.runPromise(program),
    (run) => run.then(({ value }) => value),
  )

const law = (
  title: string,
  scenarios: FastCheck.Arbitrary<Scenario>,
  count: number,
  check: (played: Played, scenario: Scenario) => void,
) =>
  it(title, { timeout: 0 }, () =>
    FastCheck.assert(
      FastCheck.asyncProperty(scenarios, async (one) => check(await play(one), one)),
      { numRuns: runs(count), endOnFailure: true },
    ),
  )

const checkOrder = (
  accepted: ReadonlyArray<Sent>,
  isComparable: (one: Sent, other: Sent) => boolean,
) => {
  for (const [index, one] of accepted.entries())
    for (const other of accepted.slice(index + 1)) {
      if (one.webhook !== other.webhook || !isComparable(one, other)) continue
      if (Number(one.label) > Number(other.label))
        expect.fail(`${other.label} came after ${one.label} on webhook ${one.webhook}`)
    }
}

/** Everything is sent, and the order of each process is kept. */
const checkDelivery = ({ accepted, expected }: Played) => {
  const labels = new Set(accepted.map(({ label }) => label))
  for (const { label } of expected) expect(labels).toContain(label)
  expect(labels.size).toBe(accepted.length)
  checkOrder(accepted, (one, other) => one.process === other.process)
}

/** How long the processes may take to learn of each other's requests. */
const knownAfter = (delay: number) => 4 * delay + 1

describe("processes that share limits", () => {
  law(
    "undisturbed: no 429, and the order of arrival over all processes",
    scenario({ loss: FastCheck.constant(0), faults: [] }),
    100,
    (played, { delay }) => {
      checkDelivery(played)
      expect(played.refused).toBe(0)
      checkOrder(
        played.accepted,
        (one, other) => one.arrivedAt > other.arrivedAt + knownAfter(delay),
      )
    },
  )

  law(
    "with messages that get lost: no 429, and everything is sent",
    scenario({ loss: FastCheck.constantFrom(0.1, 0.5, 1), faults: [] }),
    100,
    (played) => {
      checkDelivery(played)
      expect(played.refused).toBe(0)
    },
  )

  law(
    "with restarts and absences of the store: no 429, and everything is sent",
    scenario({ loss: FastCheck.constantFrom(0, 0.1), faults: ["restart", "away"] }),
    100,
    (played) => {
      checkDelivery(played)
      expect(played.refused).toBe(0)
    },
  )

  law(
    "with processes that pause or die: no 429, and the others send everything",
    scenario({ loss: FastCheck.constantFrom(0, 0.1), faults: ["pause", "kill"] }),
    100,
    (played) => {
      checkDelivery(played)
      expect(played.refused).toBe(0)
    },
  )

  law(
    "with everything at once: the others send everything in order",
    scenario({
      loss: FastCheck.constantFrom(0, 0.1, 0.5),
      faults: ["restart", "away", "pause", "kill"],
    }),
    200,
    checkDelivery,
  )
})

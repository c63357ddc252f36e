/** The laws of shared limits, for processes over one store, with the faults of networks and machines. */
// A test fails with whatever its processes fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { describe, expect, it } from "vitest"
import type { Policy } from "../../../src/ratelimit/strategy/Policy.js"
import { runs } from "../../support/laws.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { careful, eager, learning } from "../model/policies.js"
import { makeWorld, type Sent, type World } from "./World.js"

interface Job {
  readonly process: number
  readonly webhook: string
  readonly method: "POST" | "PATCH"
  /** Milliseconds after the one before. */
  readonly after: number
  /** Milliseconds after which the caller does not want it any more. */
  readonly leavesAfter?: number | undefined
}

interface Fault {
  readonly kind: "restart" | "away" | "pause" | "kill" | "close"
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
  readonly policy: Policy
  readonly delivery: "ordered" | "concurrent"
  readonly hash: "route" | "shared"
  readonly faults: ReadonlyArray<Fault>
}

/** Until a route has had a response, nobody knows that it shares its limit with another one. */
const warmUp = (one: Scenario): Scenario => {
  const first = ["1", "2"].flatMap((webhook) =>
    (["POST", "PATCH"] as const).map((method) => ({ process: 0, webhook, method, after: 3000 })),
  )
  return {
    ...one,
    // Nothing is forgotten later.
    jobs: [...first, ...one.jobs.map((job) => ({ ...job, after: Math.min(job.after, 3000) }))],
    faults: one.faults.map((fault) => ({ ...fault, at: fault.at + 15_000 })),
  }
}

const scenario = (options: {
  readonly loss: FastCheck.Arbitrary<number>
  readonly faults: ReadonlyArray<Fault["kind"]>
  /** Whether callers leave, several routes are used, and requests overlap. */
  readonly isVaried?: boolean
}): FastCheck.Arbitrary<Scenario> =>
  FastCheck.integer({ min: 1, max: 4 }).chain((processes) =>
    FastCheck.record({
      seed: FastCheck.integer(),
      processes: FastCheck.constant(processes),
      jobs: FastCheck.array(
        FastCheck.record({
          process: FastCheck.nat(processes - 1),
          webhook: FastCheck.constantFrom("1", "2"),
          method:
            options.isVaried === true
              ? FastCheck.constantFrom("POST" as const, "PATCH" as const)
              : FastCheck.constant("POST" as const),
          leavesAfter:
            options.isVaried === true
              ? FastCheck.option(FastCheck.nat(5000), { freq: 3, nil: undefined })
              : FastCheck.constant(undefined),
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
      policy: FastCheck.constantFrom(eager, careful, learning),
      delivery: FastCheck.constantFrom(
        "ordered" as const,
        options.isVaried === true ? ("concurrent" as const) : ("ordered" as const),
      ),
      hash: FastCheck.constantFrom("route" as const, "shared" as const),
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
    })
      .map((one) => (options.isVaried === true && one.hash === "shared" ? warmUp(one) : one))
      // The reactive strategy does not count requests in flight.
      .map((one) => (one.policy === eager ? { ...one, delivery: "ordered" as const } : one)),
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
    } else if (kind === "close") {
      killed.add(index)
      yield* process.close
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
const play = ({
  delay,
  delivery,
  faults,
  hash,
  jobs,
  loss,
  policy,
  processes,
  seed,
}: Scenario): Promise<Played> =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      processes,
      policy,
      delivery,
      faults: { delay, loss },
      server: { hash },
    })
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
      const fiber = yield* process.send(job.webhook, label, job.method)
      if (job.leavesAfter !== undefined) {
        yield* Effect.forkScoped(Effect.delay(Fiber.interruptFork(fiber), job.leavesAfter))
      }
      fibers.push(fiber)
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
      if (one.webhook !== other.webhook || one.method !== other.method) continue
      if (!isComparable(one, other)) continue
      if (Number(one.label) > Number(other.label))
        expect.fail(`${other.label} came after ${one.label} on webhook ${one.webhook}`)
    }
}

/** Everything is sent, and the order of each process is kept. */
const checkDelivery = ({ accepted, expected, refused }: Played, { delivery }: Scenario) => {
  const labels = new Set(accepted.map(({ label }) => label))
  for (const { label, leavesAfter } of expected)
    if (leavesAfter === undefined) expect(labels).toContain(label)
  expect(labels.size).toBe(accepted.length)
  // A request that was rejected lets others that overlap go first.
  if (delivery === "concurrent" && refused > 0) return
  checkOrder(accepted, (one, other) => one.process === other.process)
}

/** As `checkDelivery`, and no request is rejected. */
const checkLimits = (played: Played, one: Scenario) => {
  checkDelivery(played, one)
  expect(played.refused).toBe(0)
}

/** How long the processes may take to learn of each other's requests. */
const knownAfter = (delay: number) => 4 * delay + 1

describe("processes that share limits", () => {
  law(
    "undisturbed: no 429, and the order of arrival over all processes",
    scenario({ loss: FastCheck.constant(0), faults: [] }),
    100,
    (played, one) => {
      const { delay } = one
      checkLimits(played, one)
      checkOrder(
        played.accepted,
        (sent, other) => sent.arrivedAt > other.arrivedAt + knownAfter(delay),
      )
    },
  )

  law(
    "with messages that get lost: no 429, and everything is sent",
    scenario({ loss: FastCheck.constantFrom(0.1, 0.5, 1), faults: [] }),
    100,
    checkLimits,
  )

  law(
    "with restarts and absences of the store: no 429, and everything is sent",
    scenario({ loss: FastCheck.constantFrom(0, 0.1), faults: ["restart", "away"] }),
    100,
    checkLimits,
  )

  law(
    "with processes that pause or die: no 429, and the others send everything",
    scenario({ loss: FastCheck.constantFrom(0, 0.1), faults: ["pause", "kill"] }),
    100,
    checkLimits,
  )

  law(
    "with several routes, requests that overlap, callers that leave and limiters that close: no 429",
    scenario({ loss: FastCheck.constantFrom(0, 0.1), faults: ["close"], isVaried: true }),
    200,
    checkLimits,
  )

  law(
    "with everything at once: the others send everything in order",
    scenario({
      loss: FastCheck.constantFrom(0, 0.1, 0.5),
      faults: ["restart", "away", "pause", "kill", "close"],
      isVaried: true,
    }),
    200,
    checkDelivery,
  )
})

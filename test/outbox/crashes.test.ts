/** A crash, a pause or a failure at every step of a small run: each step is tried, none is chosen. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import type { Outbox } from "../../src/outbox/index.js"
import { runs } from "../support/laws.js"
import type { Phase, Process, StepInfo, StoreFault } from "./Process.js"
import { lease, report, run, settle } from "./World.js"
import type { Report, WorkerProcess, World } from "./World.js"

/** Two webhooks with seven messages each, so that the limit of five is met. */
const fill = ({ outbox, places }: World) =>
  Effect.forEach(
    places,
    ({ hook }, place) =>
      Effect.forEach(
        Array.from({ length: 7 }, (_, index) => index),
        (index) => outbox.send(hook, { content: `${place}:${index}` }),
      ),
    { discard: true, concurrency: "unbounded" },
  )

interface Trial {
  readonly report: Report
  /** The number of steps of the first worker. */
  readonly steps: number
  /** Milliseconds until everything was settled. */
  readonly elapsed: number
}

interface Options extends Outbox.WorkerOptions {
  /** Of a request. */
  readonly timeout?: Duration.DurationInput
  /** Called at the chosen step of the first worker. */
  readonly act?: (step: StepInfo, first: WorkerProcess | undefined) => Effect.Effect<void>
  /** How a call to the store fails; `isChosen` at the chosen step. */
  readonly getFault?: (process: Process, isChosen: boolean) => StoreFault
}

/** A run with two workers, in which something happens at the step with this number of the first. */
const runTrial = (
  at: number,
  { act, getFault, timeout, ...options }: Options = {},
): Promise<Trial> => {
  let steps = 0
  let first: WorkerProcess | undefined
  const isFirst = (process: Process) => process.name === "first"
  const onStep = (step: StepInfo) => {
    if (!isFirst(step.process)) return Effect.void
    steps += 1
    return steps === at && act !== undefined ? act(step, first) : Effect.void
  }
  return run(
    {
      webhooks: 2,
      seed: 1,
      simulator: { latency: "40 millis" },
      ...(timeout === undefined ? {} : { timeout }),
      hooks: {
        onStep,
        getFault: (process) =>
          getFault === undefined || process.name === "producers"
            ? {}
            : getFault(process, isFirst(process) && steps === at),
      },
    },
    (world) =>
      Effect.gen(function* () {
        yield* fill(world)
        first = yield* world.startWorker("first", options)
        const second = yield* world.startWorker("second", options)
        yield* settle(world)
        const elapsed = yield* Clock.currentTimeMillis
        if (!first.process.isDead) yield* first.close
        yield* second.close
        return { report: yield* report(world), steps, elapsed }
      }),
  )
}

/** While typing, these are the steps before and after a request. */
const maxStride = 36

/** The number of steps of a run in which nothing fails, by options: counted once. */
const counted = new Map<string, number>()

const countSteps = async (options: Outbox.WorkerOptions): Promise<number> => {
  const key = JSON.stringify(options)
  const steps = counted.get(key) ?? (await runTrial(0, options)).steps
  counted.set(key, steps)
  return steps
}

/** The steps of a run in which nothing fails: every one from `LAW_RUNS=1` on, less while typing. */
const stepsOf = async (options: Outbox.WorkerOptions): Promise<ReadonlyArray<number>> => {
  const steps = await countSteps(options)
  const chosen = runs(steps)
  const stride = chosen >= steps ? 1 : Math.min(maxStride, Math.ceil((2 * steps) / chosen))
  return Array.from({ length: Math.ceil(steps / stride) }, (_, index) => index * stride + 1)
}

/** Runs a trial for each step, and returns what was wrong, by the number of the step. */
const findFaults = async (
  options: Outbox.WorkerOptions,
  trial: (at: number) => Promise<Trial>,
  check: (trial: Trial) => ReadonlyArray<string> = () => [],
): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  for (const at of await stepsOf(options)) {
    const result = await trial(at)
    const { limited, violations } = result.report
    const all = [...violations, ...check(result), ...(limited > 0 ? [`${limited} times 429`] : [])]
    faults.push(...all.map((fault) => `step ${at}: ${fault}`))
  }
  return faults
}

const checkSingle = ({ report: { fates } }: Trial): ReadonlyArray<string> =>
  fates.flatMap(({ content, copies }) => (copies > 1 ? [`${content} has ${copies} copies`] : []))

/** Entries that are in doubt, of which there is at most one for each webhook. */
const checkDoubt = ({ report: { fates } }: Trial): ReadonlyArray<string> => {
  const doubtful = fates.filter(({ entry }) => entry.inDoubt > 0)
  return doubtful.length <= 2 ? [] : [`${doubtful.length} entries are in doubt`]
}

const checkNoDoubt = ({ report: { fates } }: Trial): ReadonlyArray<string> =>
  fates
    .filter(({ copies, entry }) => entry.inDoubt > 0 || copies !== 1)
    .map(({ content, copies, entry }) => `${content}: ${copies} copies, in doubt ${entry.inDoubt}`)

const kill: Options["act"] = ({ process }) => process.kill

/** For longer than a lease. */
const longTime = 100_000

/** From the chosen step on, the store is unavailable for all workers. */
const runAbsence = (at: number, first: Phase, later: Phase): Promise<Trial> => {
  let end: number | undefined
  return runTrial(at, {
    getFault: ({ clock }, isChosen) => {
      const now = clock.unsafeCurrentTimeMillis()
      if (isChosen && end === undefined) {
        end = now + longTime
        return { fails: first }
      }
      return end !== undefined && now < end ? { fails: later } : {}
    },
  })
}

describe("at every step of a worker", () => {
  it("a crash loses nothing, and doubles at most what was in flight", async () => {
    const faults = await findFaults({}, (at) => runTrial(at, { act: kill }), checkDoubt)
    expect(faults).toEqual([])
  })

  it("a crash doubles nothing if what is in doubt is held", async () => {
    const options = { inDoubt: "hold" } as const
    const faults = await findFaults(
      options,
      (at) => runTrial(at, { ...options, act: kill }),
      (trial) => [...checkDoubt(trial), ...checkSingle(trial)],
    )
    expect(faults).toEqual([])
  })

  it.each([
    ["while another one sends", lease + 500],
    ["when everything is sent", longTime],
  ])("a worker that goes on after its lease, %s, changes nothing", async (_, millis) => {
    // Between its last look at the lease and the request, nothing can hold up a late process.
    const act: Options["act"] = ({ name, phase, process }) =>
      name === "request" && phase === "before" ? Effect.void : process.stopFor(millis)
    const faults = await findFaults({}, (at) => runTrial(at, { act }), checkDoubt)
    expect(faults).toEqual([])
  })

  it("a held message may arrive late, once, after messages that follow it", async () => {
    const options = { inDoubt: "hold", timeout: "5 minutes" } as const
    // Stops between the last look at the lease and the request.
    const act: Options["act"] = ({ name, phase, process }) =>
      name === "request" && phase === "before" ? process.stopFor(lease + 3000) : Effect.void
    let late = 0
    const faults = await findFaults(
      options,
      (at) => runTrial(at, { ...options, act }),
      (trial) => {
        late += trial.report.fates.filter(
          ({ copies, entry }) => copies > 0 && entry.inDoubt > 0,
        ).length
        return [...checkDoubt(trial), ...checkSingle(trial)]
      },
    )
    expect(faults).toEqual([])
    expect(late).toBeGreaterThan(0)
  })

  it("a worker that stops within its lease goes on without doubt", async () => {
    const act: Options["act"] = ({ process }) => process.stopFor(3000)
    const faults = await findFaults({}, (at) => runTrial(at, { act }), checkNoDoubt)
    expect(faults).toEqual([])
  })

  it.each([
    ["fails", "before"],
    ["takes effect and fails", "after"],
  ] as const)("a call to the store that %s doubles nothing", async (_, fails) => {
    const getFault = (_process: Process, isChosen: boolean) => (isChosen ? { fails } : {})
    const faults = await findFaults({}, (at) => runTrial(at, { getFault }), checkNoDoubt)
    expect(faults).toEqual([])
  })

  it.each([
    ["fails", "before", "before"],
    ["takes effect once, and fails", "after", "before"],
    ["takes effect and fails", "after", "after"],
  ] as const)(
    "a store that %s for longer than the lease doubles nothing",
    async (_, first, later) => {
      const faults = await findFaults({}, (at) => runAbsence(at, first, later), checkNoDoubt)
      expect(faults).toEqual([])
    },
  )

  it("a shutdown leaves nothing in doubt, and the other worker goes on at once", async () => {
    const act: Options["act"] = ({ process }, first) =>
      first === undefined ? Effect.void : process.inWorld(first.close)
    // A claim that is in progress takes effect.
    const getFault = () => ({ delay: 30 })
    const { elapsed: usual } = await runTrial(0, { getFault })
    const faults = await findFaults(
      {},
      (at) => runTrial(at, { act, getFault }),
      (trial) => [
        ...checkNoDoubt(trial),
        ...(trial.elapsed < usual + 5000 ? [] : [`it took ${trial.elapsed} ms`]),
      ],
    )
    expect(faults).toEqual([])
  })
})

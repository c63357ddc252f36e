/** The implementations of the rate limiter, on each of which all laws of the model run. */
// A test fails with whatever its limiters fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type { DistributedSettings } from "../../../src/ratelimit/distributed/limiter.js"
import { SharedLimiter } from "../../../src/ratelimit/internal/service.js"
import { unset } from "../../../src/ratelimit/settings.js"
import { makeRedisStore } from "../../../src/redis/redisStore.js"
import { isLong } from "../../support/laws.js"
import { hasRedis } from "../../support/redis.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { openRedis } from "../distributed/engines.js"
import { SimulatedStore } from "../distributed/SimulatedStore.js"
import { openProcess, ProcessClock } from "../distributed/World.js"
import {
  type Environment,
  type Fault,
  type Implementation,
  type Played,
  type PlayOptions,
  undisturbed,
} from "./implementation.js"
import { type Limiters, play } from "./limiters.js"
import { checkAlarms, ModelRun } from "./modelRun.js"
import type { Scenario } from "./scenarios.js"

const fc = FastCheck

const environmentsOf = ({
  faults = [],
  loss = [0],
  processes: [min, max],
}: {
  readonly processes: readonly [min: number, max: number]
  readonly loss?: ReadonlyArray<number>
  readonly faults?: ReadonlyArray<Fault["kind"]>
}): FastCheck.Arbitrary<Environment> =>
  fc.record({
    seed: fc.integer(),
    processes: fc.integer({ min, max }),
    delay: fc.constantFrom(0, 2, 50),
    loss: fc.constantFrom(...loss),
    faults: fc.array(
      fc.record({
        kind: fc.constantFrom(...(faults.length === 0 ? (["away"] as const) : faults)),
        at: fc.oneof(fc.nat(4000), fc.nat(60_000)),
        process: fc.nat(3),
        lasts: fc.constantFrom(500, 4000, 20_000, 40_000),
      }),
      { maxLength: faults.length === 0 ? 0 : 3 },
    ),
  })

const inOneProcess = {
  isAvailable: true,
  takesTurns: false,
  order: "arrival",
  knownAfter: () => 0,
  routesKnownBy: "process",
  isExact: true,
  keepsResponses: true,
  keepsTurns: true,
  channelProbes: 1,
} as const

const playOnMachine = (
  { jobs, meddling = [], server }: Scenario,
  { globalLimit }: PlayOptions,
): Played => {
  const settings =
    globalLimit === undefined ? {} : { globalLimits: [{ limit: globalLimit, window: 1000 }] }
  const model = new ModelRun(server, jobs, { settings, onStep: checkAlarms })
  for (const { act, at } of meddling) model.at(at, () => model.meddle(act))
  model.play()
  // Later than any block or reset; so few are evicted by the first look.
  const later = model.machine.snapshot(model.now + Duration.toMillis("2 days"))
  return {
    refused: model.server.refused,
    refusedGlobally: model.server.refusedGlobally,
    exchanges: model.exchanges,
    ends: model.runs.map(({ end }) => end),
    endedAt: model.runs.map(({ endedAt }) => endedAt),
    processOf: model.runs.map(() => 0),
    gone: new Set(),
    paused: new Set(),
    firstOutcomeAt: model.firstOutcomeAt,
    open: later.waiting + later.inFlight,
    remembered: later.buckets + model.alarms.size,
  }
}

/** The state machine without fibers, on which the most runs are possible. It also checks probes and timers. */
const machine: Implementation = {
  ...inOneProcess,
  name: "the state machine",
  share: 1,
  shareOfHours: 1,
  environments: fc.constant(undisturbed),
  play: (scenario, _, options) => Promise.resolve(playOnMachine(scenario, options)),
}

const playOnFibers = (
  scenario: Scenario,
  environment: Environment,
  options: PlayOptions,
  open: Effect.Effect<Limiters, unknown, Scope.Scope>,
): Effect.Effect<Played, unknown> =>
  Effect.flatMap(open, (limiters) => play(scenario, environment, limiters, options)).pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(environment.seed)),
    Logger.withMinimumLogLevel(LogLevel.None),
  )

const settingsOf = (globalLimit: number | undefined) => ({
  ...unset(false),
  globalLimit: globalLimit === undefined ? undefined : { limit: globalLimit, window: 1000 },
})

const openInMemory = ({ globalLimit }: PlayOptions): Effect.Effect<Limiters, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = new ProcessClock(yield* Effect.clock, 0)
    const core = new SharedLimiter(clock)
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const limiter = yield* Scope.extend(core.open(settingsOf(globalLimit)), scope)
    const close = Scope.close(scope, Exit.void)
    return {
      processes: [{ limiter, clock, close }],
      remains: Effect.map(close, () => core.timers.size),
    }
  })

const inMemory = (faults: ReadonlyArray<Fault["kind"]>, name: string): Implementation => ({
  ...inOneProcess,
  name,
  share: 0.1,
  shareOfHours: 0.1,
  environments: environmentsOf({ processes: [1, 1], faults }),
  play: (scenario, environment, options) =>
    VirtualClock.runPromise(
      playOnFibers(scenario, environment, options, openInMemory(options)),
    ).then(({ value }) => value),
})

/** A limit of all processes is one of their address. */
const sharedSettings = ({ globalLimit }: PlayOptions): Partial<DistributedSettings> =>
  globalLimit === undefined ? {} : { ...settingsOf(globalLimit), address: "address" }

const openSimulated = (
  { delay, loss, processes: count }: Environment,
  options: PlayOptions,
): Effect.Effect<Limiters, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const store = new SimulatedStore(yield* Effect.clock, { delay, loss }, true)
    yield* Effect.forkScoped(store.deliver)
    const processes = yield* Effect.forEach(
      Array.from({ length: count }, (_, index) => index),
      (index) => openProcess(store.store, index, sharedSettings(options)),
    )
    return { processes, store, remains: Effect.sync(() => store.size) }
  })

const overProcesses = {
  order: "process",
  // Calls and messages take time.
  // The time of arrival is that of the store's clock, which each process estimates.
  knownAfter: ({ delay }) => 4 * delay + 10,
  routesKnownBy: "webhook",
  isExact: true,
  keepsResponses: true,
  keepsTurns: true,
  channelProbes: 12,
} as const satisfies Partial<Implementation>

const overSimulatedStore = (
  name: string,
  environments: Parameters<typeof environmentsOf>[0],
  properties: Partial<Implementation> = {},
): Implementation => ({
  ...overProcesses,
  name: `processes over a store, ${name}`,
  isAvailable: true,
  takesTurns: true,
  share: 0.02,
  shareOfHours: 0.002,
  environments: environmentsOf(environments),
  play: (scenario, environment, options) =>
    VirtualClock.runPromise(
      playOnFibers(scenario, environment, options, openSimulated(environment, options)),
    ).then(({ value }) => value),
  ...properties,
})

/** By how much scenarios are shortened where real time passes. */
const hurry = 40

const overRedis: Implementation = {
  ...overProcesses,
  name: "processes over Redis",
  // Real time passes here, which a busy machine stretches.
  isAvailable: hasRedis && isLong,
  takesTurns: false,
  share: 0.002,
  shareOfHours: 0,
  environments: environmentsOf({ processes: [2, 3] }),
  // The load of the machine delays a call by any time.
  order: "process",
  isExact: false,
  play: (scenario, environment, options) =>
    Effect.runPromise(
      playOnFibers(
        shorten(scenario),
        environment,
        options,
        Effect.gen(function* () {
          const { prefix } = yield* openRedis
          const processes = yield* Effect.forEach(
            Array.from({ length: environment.processes }, (_, index) => index),
            (index) =>
              Effect.flatMap(openRedis, ({ connection }) =>
                openProcess(makeRedisStore(connection, prefix), index),
              ),
            { concurrency: "unbounded" },
          )
          return { processes, remains: Effect.succeed(0) }
        }),
      ),
    ),
}

export const implementations: ReadonlyArray<Implementation> = [
  machine,
  inMemory([], "the limiter in memory"),
  inMemory(["close"], "the limiter in memory, which closes"),
  overSimulatedStore(
    "undisturbed",
    { processes: [1, 4] },
    {
      order: "arrival",
    },
  ),
  overSimulatedStore("whose messages get lost", { processes: [2, 4], loss: [0.1, 0.5, 1] }),
  overSimulatedStore(
    "which restarts and is unavailable",
    {
      processes: [1, 4],
      loss: [0, 0.1],
      faults: ["restart", "away"],
    },
    { keepsTurns: false, channelProbes: 24 },
  ),
  overSimulatedStore(
    "which loses everything",
    { processes: [2, 4], faults: ["forget"] },
    { channelProbes: 24 },
  ),
  overSimulatedStore(
    "that pause and die",
    {
      processes: [2, 4],
      loss: [0, 0.1],
      faults: ["pause", "kill"],
    },
    { channelProbes: 24 },
  ),
  overSimulatedStore(
    "with everything at once",
    {
      processes: [2, 4],
      loss: [0, 0.1, 0.5],
      faults: ["restart", "away", "pause", "kill", "close"],
    },
    { keepsResponses: false, keepsTurns: false, channelProbes: 24 },
  ),
  overRedis,
]

/** The first jobs of a scenario, in less time. */
function shorten({ jobs, meddling = [], server, ...rest }: Scenario): Scenario {
  const part = (time: number | undefined) =>
    time === undefined ? undefined : Math.ceil(time / hurry)
  const { channel } = server
  return {
    ...rest,
    server: {
      ...server,
      window: Math.ceil(server.window / hurry),
      ...(channel === undefined
        ? {}
        : { channel: { ...channel, window: Math.ceil(channel.window / hurry) } }),
    },
    jobs: jobs.slice(0, 16).map((job) => ({
      ...job,
      at: Math.ceil(job.at / hurry),
      backoff: Math.ceil(job.backoff / hurry),
      maxWait: part(job.maxWait),
      leavesAfter: part(job.leavesAfter),
      attempts: job.attempts.map(({ down, fate, up }) => ({
        fate,
        up: Math.ceil(up / hurry),
        down: Math.ceil(down / hurry),
      })),
    })),
    meddling: meddling.map(({ act, at }) => ({ act, at: Math.ceil(at / hurry) })),
  }
}

/** Processes behind one address divide the global limit, and stop together. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Address, shareOf } from "../../../src/ratelimit/distributed/address.js"
import type { TurnStore } from "./engines.js"
import { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import type { ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"
import { unset } from "../../../src/ratelimit/settings.js"
import { runs } from "../../support/laws.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { settings } from "../model/modelRun.js"
import { response, route } from "../responses.js"
import { makeWorld, type World } from "./World.js"
import { reactive } from "../model/policies.js"

const fc = FastCheck
const limit = 20

describe("a process behind an address", () => {
  const now = { at: 100_000 }
  /** Alone, or beside one that reports a block until a time. */
  const makeAddress = (blockedUntil?: number) => {
    now.at = 100_000
    const machine = new StateMachine(settings, () => {})
    const report = { seenAt: now.at, demand: 0, share: 1, former: [], invalid: 0, blockedUntil }
    const texts = new Map(
      blockedUntil === undefined ? [] : [["q.0", JSON.stringify({ ...report, blockedBy: "edge" })]],
    )
    const store = {
      readReports: () => Effect.succeed({ version: "1", texts }),
      writeReport: () => Effect.succeed(true),
    } as Partial<TurnStore> as TurnStore
    const address = new Address({
      store,
      name: "egress",
      machine,
      limit: { limit: 50, window: 1000 },
      invalidRequestLimit: 8000,
      lease: 15_000,
      now: () => now.at,
      isCoveredByTurn: () => true,
    })
    const situation = { clockOffset: 0, maxClockError: 10, connectedSince: 0, isInUse: true }
    const send = () => Effect.runSync(address.report("p.0", situation))
    return { address, machine, send }
  }

  it("gives up its share when the others may have taken it", () => {
    const { address, send } = makeAddress()
    send()
    expect(address.share).toBe(50)
    for (const [at, share] of [
      [113_989, 50],
      [113_990, 1],
    ] as const) {
      now.at = at
      address.expire()
      expect({ at, share: address.share }).toEqual({ at, share })
    }
  })

  it.each([
    ["waits for the block of another one", 160_000, [false, false]],
    ["does not probe after one that is over", 99_000, [true, true]],
  ])("%s", (_, blockedUntil, expected) => {
    const { machine, send } = makeAddress(blockedUntil)
    send()
    const options = {
      policy: reactive,
      ordered: true,
      maxWait: Infinity,
      lease: Infinity,
      owner: {},
    }
    const granted = ["1", "2"].map(
      (webhookId) => machine.submit(route({ webhookId }), options, now.at).hasPermit,
    )
    expect(granted).toEqual(expected)
  })
})

describe("shareOf", () => {
  const idle = { demand: 0, share: 0 }
  it.each([
    ["all of it, alone", 50, 0, [], 50],
    ["half, if nobody needs anything", 50, 0, [idle], 25],
    ["half, if both need more", 50, 100, [{ demand: 100, share: 0 }], 25],
    ["what the other does not need", 50, 100, [{ demand: 10, share: 10 }], 40],
    ["what it needs, and half of the rest", 50, 10, [{ demand: 20, share: 0 }], 20],
    ["nothing that is not free", 50, 100, [{ demand: 0, share: 45 }], 5],
    ["one, if nothing is free", 50, 100, [{ demand: 100, share: 50 }], 1],
    [
      "a whole number",
      50,
      100,
      [
        { demand: 100, share: 0 },
        { demand: 100, share: 0 },
      ],
      16,
    ],
  ] as const)("is %s", (_title, of, demand, others, share) => {
    expect(shareOf(of, demand, others)).toBe(share)
  })

  it("takes nothing from others, and leaves less than one for each process", () => {
    const process = fc.record({ demand: fc.nat(200) })
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 100 }),
        fc.array(process, { minLength: 1, maxLength: 8 }),
        (of, all) => {
          const shares = all.map(() => 0)
          // The shares settle, whatever the order was.
          for (let round = 0; round < 3; round += 1)
            for (const [index, { demand }] of all.entries()) {
              const others = all.flatMap((one, at) =>
                at === index ? [] : [{ demand: one.demand, share: shares[at] ?? 0 }],
              )
              shares[index] = shareOf(of, demand, others)
            }
          const sum = shares.reduce((one, other) => one + other, 0)
          expect(sum).toBeLessThanOrEqual(of)
          expect(sum).toBeGreaterThan(of - 2 * all.length)
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})

interface Burst {
  readonly process: number
  readonly after: number
  readonly count: number
}

const behindOne = (
  processes: number,
  options: { readonly delay?: number; readonly window?: number } = {},
) =>
  makeWorld({
    processes,
    policy: reactive,
    faults: { delay: options.delay ?? 0, loss: 0 },
    server: { limit: 1_000_000, window: 1000 },
    settings: {
      ...unset(false),
      address: "egress",
      globalLimit: { limit, window: options.window ?? 1000 },
    },
  })

const run = <A>(program: Effect.Effect<A, unknown, Scope.Scope>, seed = 1) =>
  program.pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(seed)),
    Logger.withMinimumLogLevel(LogLevel.None),
    VirtualClock.runPromise,
  )

/** Requests to ten webhooks, which are those of the process alone or of all. */
const burst = ({ processes }: World, process: number, count: number, owner = `${process}`) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => processes[process]?.send(`${owner}-${index % 10}`, "x") ?? Effect.void,
    { discard: true },
  )

/** The largest number of requests in any window, over all processes. */
const mostIn = ({ sent }: World, window: number, from = 0) => {
  const times = sent
    .map(({ sentAt }) => sentAt)
    .filter((at) => at >= from)
    .sort((a, b) => a - b)
  let most = 0
  for (const [index, at] of times.entries()) {
    const end = times.findIndex((other) => other >= at + window)
    most = Math.max(most, (end < 0 ? times.length : end) - index)
  }
  return most
}

const sentBy = ({ sent }: World, process: number, from: number, to: number) =>
  sent.filter((one) => one.process === process && one.sentAt >= from && one.sentAt < to).length

const update = ({ processes }: World, process: number, values: Partial<ResponseInfo>) => {
  const { clock, limiter } = processes[process]!
  return limiter
    .update(route({ webhookId: "invalid" }), response(values))
    .pipe(Effect.withClock(clock))
}

const request = ({ processes }: World, process: number) => {
  const { clock, limiter } = processes[process]!
  return limiter
    .withPermit(route({ webhookId: `${process}` }), { policy: reactive }, () => Effect.void)
    .pipe(Effect.withClock(clock))
}

describe("processes behind one address", () => {
  it("leave each other the minimum when the store was unavailable for longer than a lease", async () => {
    await run(
      Effect.gen(function* () {
        const world = yield* behindOne(3)
        yield* Effect.sleep("5 seconds")
        world.store.isAway = true
        for (const process of [0, 1, 2]) yield* burst(world, process, 2 * limit)
        yield* Effect.sleep("40 seconds")
        world.store.isAway = false
        yield* Effect.sleep("20 seconds")
        expect(mostIn(world, 1000)).toBeLessThanOrEqual(limit)
      }),
    )
  })

  it("send no more than the limit in any window", { timeout: 0 }, () => {
    const scenario = fc.integer({ min: 2, max: 4 }).chain((processes) =>
      fc.record({
        seed: fc.integer(),
        processes: fc.constant(processes),
        delay: fc.constantFrom(0, 2, 20),
        window: fc.constantFrom(1000, 1000, 3000),
        owner: fc.constantFrom(undefined, "all"),
        bursts: fc.array(
          fc.record<Burst>({
            process: fc.nat(processes - 1),
            after: fc.oneof(fc.nat(3000), fc.constantFrom(0, 20_000, 200_000)),
            count: fc.oneof(fc.nat(10), fc.integer({ min: 30, max: 150 })),
          }),
          { minLength: 1, maxLength: 8 },
        ),
      }),
    )
    return fc.assert(
      fc.asyncProperty(scenario, async ({ bursts, delay, owner, processes, seed, window }) => {
        await run(
          Effect.gen(function* () {
            const world = yield* behindOne(processes, { delay, window })
            yield* Effect.sleep("2 seconds")
            let sum = 0
            for (const { after, count, process } of bursts) {
              yield* Effect.sleep(after)
              yield* burst(world, process, count, owner)
              sum += count
            }
            while (world.sent.length < sum) yield* Effect.sleep("1 second")
            // A process that was not in use has a share of 1 before it takes one.
            expect(mostIn(world, window)).toBeLessThanOrEqual(limit + processes - 1)
          }),
          seed,
        )
      }),
      { numRuns: runs(100) },
    )
  })

  it("send no more than the limit in any window while all are in use", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(4, { delay: 20 })
        for (let index = 0; index < 4; index += 1) yield* burst(world, index, 1)
        yield* Effect.sleep("5 seconds")
        for (const [process, count] of [
          [0, 100],
          [1, 3],
          [2, 200],
          [0, 10],
          [3, 100],
          [1, 50],
        ] as const) {
          yield* burst(world, process, count)
          yield* Effect.sleep(1700)
        }
        yield* Effect.sleep("40 seconds")
        expect(world.sent.length).toBe(467)
        expect(mostIn(world, 1000, 5000)).toBeLessThanOrEqual(limit)
      }),
    ))

  it("leave almost all of the limit to the one that needs it", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(2)
        for (let index = 0; index < 2; index += 1) yield* burst(world, index, 1)
        yield* Effect.sleep("10 seconds")
        yield* burst(world, 0, 300)
        yield* Effect.sleep("13 seconds")
        for (let second = 14; second < 20; second += 1)
          expect(sentBy(world, 0, second * 1000, second * 1000 + 1000)).toBeGreaterThanOrEqual(18)
      }),
    ))

  it("leave it to the one whose turn it is, where they send to the same webhooks", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(3)
        yield* Effect.sleep("3 seconds")
        const start = 3000
        for (let process = 0; process < 3; process += 1) {
          for (let index = 0; index < 200; index += 1)
            yield* world.processes[process]!.send(String(index % 20), "x")
          yield* Effect.sleep("100 millis")
        }
        yield* Effect.sleep("2 minutes")
        expect(world.sent).toHaveLength(600)
        expect(mostIn(world, 1000)).toBeLessThanOrEqual(limit + 2)
        // 600 requests at 20 a second.
        const last = Math.max(...world.sent.map(({ sentAt }) => sentAt))
        expect((last - start) / 30_000).toBeLessThan(1.3)
      }),
    ))

  it("leave a part to those whose turns are short", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(3)
        yield* Effect.sleep("3 seconds")
        yield* burst(world, 2, 60 * limit)
        yield* Effect.sleep("3 seconds")
        // Each turn covers one request.
        for (let index = 0; index < 20; index += 1) {
          for (const process of [0, 1]) {
            for (const webhook of ["a", "b"]) yield* world.processes[process]!.send(webhook, "x")
            yield* Effect.sleep(10)
          }
        }
        yield* Effect.sleep("15 seconds")
        expect(world.sent.filter(({ process }) => process < 2)).toHaveLength(80)
        expect(mostIn(world, 1000)).toBeLessThanOrEqual(limit + 2)
      }),
    ))

  it("take the share of a dead process after its lease", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(2)
        yield* burst(world, 0, 1000)
        yield* burst(world, 1, 1000)
        yield* Effect.sleep("10 seconds")
        expect(sentBy(world, 0, 5000, 10_000)).toBe(50)
        world.processes[1]?.clock.freeze()
        yield* Effect.sleep("18 seconds")
        const before = sentBy(world, 0, 0, 28_000)
        yield* Effect.sleep("5 seconds")
        expect(sentBy(world, 0, 0, 33_000) - before).toBe(5 * limit)
        // It goes on, and does not use its old share.
        world.processes[1]?.clock.thaw()
        yield* Effect.sleep("10 seconds")
        expect(mostIn(world, 1000, 28_000)).toBeLessThanOrEqual(limit + 1)
        expect(sentBy(world, 1, 38_000, 43_000)).toBeGreaterThanOrEqual(45)
      }),
    ))

  it("stop together when Discord blocks the address", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(3)
        for (let index = 0; index < 3; index += 1) yield* burst(world, index, 500)
        yield* Effect.sleep("5 seconds")
        yield* update(world, 0, {
          status: 429,
          limited: { scope: "edge", retryAfter: 20_000 },
        })
        yield* Effect.sleep("15 seconds")
        const late = world.sent.filter(({ sentAt }) => sentAt > 7000 && sentAt < 20_000)
        expect(late).toEqual([])
        yield* Effect.sleep("15 seconds")
        for (let index = 0; index < 3; index += 1)
          expect(sentBy(world, index, 25_000, 35_000)).toBeGreaterThan(30)
      }),
    ))

  it("count invalid requests together, and those of a process once", () =>
    run(
      Effect.gen(function* () {
        const world = yield* behindOne(2)
        yield* burst(world, 0, 1)
        yield* burst(world, 1, 1)
        const invalid = { status: 403, code: 50013 }
        for (let count = 0; count < 3000; count += 1) yield* update(world, 0, invalid)
        yield* Effect.sleep("3 seconds")
        // It goes on as its next generation.
        world.processes[0]?.clock.freeze()
        yield* Effect.sleep("40 seconds")
        world.processes[0]?.clock.thaw()
        yield* Effect.sleep("3 seconds")
        for (let count = 0; count < 4900; count += 1) yield* update(world, 1, invalid)
        const one = yield* Effect.fork(request(world, 1))
        yield* Effect.sleep("20 seconds")
        expect(one.unsafePoll()?._tag).toBe("Success")
        for (let count = 0; count < 100; count += 1) yield* update(world, 1, invalid)
        const error = yield* Effect.flip(request(world, 1))
        expect(error).toMatchObject({ _tag: "DiscordInvalidRequestLimit" })
        yield* Effect.sleep("3 seconds")
        expect(yield* Effect.flip(request(world, 0))).toMatchObject({
          _tag: "DiscordInvalidRequestLimit",
        })
      }),
    ))
})

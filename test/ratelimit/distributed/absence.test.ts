/** The store is unavailable while a process calls it, or the process that has the turn is dead. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld } from "./World.js"
import { reactive, literal } from "../model/policies.js"

/**
 * The first process holds the turn, and does not notice the absence. A call of the second one fails; then it
 * gets the turn, before or after it looks after the store again.
 */
const play = (at: number) =>
  Effect.gen(function* () {
    const { processes, sent, store } = yield* makeWorld({ processes: 2, policy: reactive })
    const [first, second] = processes
    if (first === undefined || second === undefined) return yield* Effect.dieMessage("no process")
    const fibers: Array<Fiber.RuntimeFiber<void, unknown>> = []
    for (let number = 0; number < 6; number += 1) fibers.push(yield* first.send("1", `a${number}`))
    fibers.push(yield* second.send("1", "b0"))
    yield* Effect.sleep(10)
    fibers.push(yield* first.send("1", "a6"))
    yield* Effect.sleep(at)
    store.isAway = true
    fibers.push(yield* second.send("1", "b1"))
    yield* Effect.sleep(10)
    store.isAway = false
    yield* Effect.sleep("1 minute")
    const isSent = fibers.every((fiber) => fiber.unsafePoll() !== null)
    return { isSent, labels: sent.map(({ label }) => label) }
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), (program) =>
    VirtualClock.runPromise(program).then(({ value }) => value),
  )

it("a turn that comes after a failed call does not stop the calls", async () => {
  for (let at = 1000; at < 2100; at += 50) {
    const { isSent, labels } = await play(at)
    expect({ at, isSent }).toEqual({ at, isSent: true })
    expect([...labels].sort()).toEqual(["a0", "a1", "a2", "a3", "a4", "a5", "a6", "b0", "b1"])
  }
})

it("requests that arrive in the absence of the store are sent in the order of arrival", async () => {
  const labels = await Effect.gen(function* () {
    const { processes, sent, store } = yield* makeWorld({ processes: 2, policy: reactive })
    const [first, second] = processes
    if (first === undefined || second === undefined) return yield* Effect.dieMessage("no process")
    for (let number = 0; number < 6; number += 1) yield* first.send("1", `a${number}`)
    yield* Effect.sleep(10)
    yield* second.send("1", "b0")
    yield* Effect.sleep(100)
    store.isAway = true
    yield* second.send("1", "b1")
    yield* Effect.sleep(200)
    yield* first.send("1", "a6")
    yield* Effect.sleep(200)
    yield* second.send("1", "b2")
    store.isAway = false
    yield* Effect.sleep("1 minute")
    return sent.map(({ label }) => label)
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), (program) =>
    VirtualClock.runPromise(program).then(({ value }) => value),
  )
  expect(labels).toEqual(["a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "a6", "b2"])
})

it("the turn of a dead process is taken over although requests arrive all the time", async () => {
  const sentAt = await Effect.gen(function* () {
    const { processes, sent } = yield* makeWorld({ processes: 2, policy: reactive })
    const [first, second] = processes
    if (first === undefined || second === undefined) return yield* Effect.dieMessage("no process")
    yield* first.send("1", "a0")
    yield* Effect.sleep(100)
    first.clock.freeze()
    const start = yield* Clock.currentTimeMillis
    for (let number = 0; number < 60; number += 1) {
      yield* second.send("1", `b${number}`)
      yield* Effect.sleep("1 second")
    }
    first.clock.thaw()
    const at = sent.find(({ label }) => label === "b0")?.sentAt ?? Number.POSITIVE_INFINITY
    return at - start
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), (program) =>
    VirtualClock.runPromise(program).then(({ value }) => value),
  )
  // The lease of 15 seconds, and two polls.
  expect(sentAt).toBeLessThanOrEqual(25_000)
})

it.each([0, 130, 290, 410, 550, 790])(
  "the order of all is kept after an absence longer than the lease (%d ms)",
  async (at) => {
    await Effect.gen(function* () {
      const { processes, sent, store } = yield* makeWorld({
        processes: 3,
        policy: literal,
        roundTrip: 300,
        server: { limit: 1000, headers: "none" },
        faults: { delay: 2, loss: 0 },
      })
      for (let index = 0; index < 4; index += 1) {
        for (const { send } of processes) {
          yield* send("1", String(index))
          yield* Effect.sleep(50)
        }
      }
      yield* Effect.sleep(at)
      // The process with the turn is the first that comes back, and the others have shown no sign of life yet.
      store.isAway = true
      yield* Effect.sleep(20_000 + at)
      store.isAway = false
      yield* Effect.sleep("5 minutes")
      const arrivals = sent.map(({ arrivedAt }) => arrivedAt)
      expect(arrivals).toHaveLength(12)
      expect(arrivals).toEqual([...arrivals].sort((one, other) => one - other))
    }).pipe(
      Effect.scoped,
      Effect.withRandom(Random.make(at)),
      Logger.withMinimumLogLevel(LogLevel.None),
      VirtualClock.runPromise,
    )
  },
)

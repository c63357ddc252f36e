/** The store loses everything, as Redis does on FLUSHALL, while processes use it. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { reactive } from "../model/policies.js"
import { route } from "../responses.js"
import { makeWorld, openProcess, type World } from "./World.js"

const lease = 15_000

/** The responses and the times of the messages of each process, of which the name of the message begins with it. */
const play = (
  script: (world: World) => Effect.Effect<unknown, unknown, Scope.Scope>,
  settings = { lease },
): Promise<World["sent"]> =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ processes: 2, policy: reactive, settings })
    yield* script(world)
    yield* Effect.sleep("2 minutes")
    return world.sent
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), (program) =>
    VirtualClock.runPromise(program).then(({ value }) => value),
  )

const sendEvery = (
  { processes }: World,
  index: number,
  { count, interval, webhook = "1" }: { count: number; interval: number; webhook?: string },
) =>
  Effect.forEach(
    Array.from({ length: count }, (_, number) => number),
    (number) =>
      Effect.zipRight(
        processes[index]!.send(webhook, `${"ab"[index]}${number}`),
        Effect.sleep(interval),
      ),
  )

const labels = (sent: World["sent"], process: number) =>
  sent.flatMap((one) => (one.process === process ? [one.label] : []))

const named = (name: string, count: number) =>
  Array.from({ length: count }, (_, number) => `${name}${number}`)

it.each([0, 20, 50, 900])(
  "a process that joins %s ms after the loss waits for the one that has the turn",
  async (delay) => {
    const sent = await play((world) =>
      Effect.gen(function* () {
        yield* Effect.fork(sendEvery(world, 0, { count: 40, interval: 100 }))
        yield* Effect.sleep(1950)
        world.store.forget()
        yield* Effect.sleep(delay)
        yield* sendEvery(world, 1, { count: 10, interval: 50 })
      }),
    )
    expect(sent.filter(({ status }) => status !== 200)).toEqual([])
    expect(labels(sent, 0)).toEqual(named("a", 40))
    expect(labels(sent, 1)).toEqual(named("b", 10))
    // 50 messages, of which 5 are allowed in 2 seconds, and a poll: nobody waits for a sign of life, or a lease.
    const end = Math.max(...sent.map(({ sentAt }) => sentAt))
    const start = Math.min(...sent.map(({ arrivedAt }) => arrivedAt))
    expect(end - start).toBeLessThan((50 / 5) * 2000 + 1500)
  },
)

it("processes that take turns go on without waiting for a lease", async () => {
  const sent = await play((world) =>
    Effect.gen(function* () {
      yield* Effect.fork(sendEvery(world, 0, { count: 25, interval: 150 }))
      yield* Effect.fork(sendEvery(world, 1, { count: 25, interval: 150 }))
      for (let loss = 0; loss < 3; loss += 1) {
        yield* Effect.sleep(1430)
        world.store.forget()
      }
    }),
  )
  expect(sent.filter(({ status }) => status !== 200)).toEqual([])
  expect(labels(sent, 0)).toEqual(named("a", 25))
  expect(labels(sent, 1)).toEqual(named("b", 25))
  const start = Math.min(...sent.map(({ arrivedAt }) => arrivedAt))
  expect(Math.max(...sent.map(({ sentAt }) => sentAt)) - start).toBeLessThan((50 / 5) * 2000 + 1500)
})

it("a process that was idle for longer than its lease waits for the one that has the turn", async () => {
  const sent = await play((world) =>
    Effect.gen(function* () {
      yield* Effect.fork(sendEvery(world, 0, { count: 60, interval: 1000 }))
      yield* Effect.sleep(2.5 * lease)
      world.store.forget()
      yield* sendEvery(world, 1, { count: 10, interval: 10 })
    }),
  )
  expect(sent.filter(({ status }) => status !== 200)).toEqual([])
  expect(labels(sent, 1)).toEqual(named("b", 10))
})

it("a process that starts after the loss waits for the one that has the turn", async () => {
  let grantedAt = 0
  const sent = await play((world) =>
    Effect.gen(function* () {
      yield* sendEvery(world, 0, { count: 5, interval: 10 })
      world.store.forget()
      const { limiter } = yield* openProcess(world.store.store, 2, { lease })
      const at = route({ webhookId: "1" })
      grantedAt = yield* limiter.withPermit(
        at,
        { policy: reactive, delivery: "ordered" },
        (permit) => Effect.zipRight(permit.settle({ _tag: "NeverSent" }), Clock.currentTimeMillis),
      )
    }),
  )
  // The limit that the first process has used up, known from its state.
  expect(grantedAt).toBeGreaterThanOrEqual(Math.min(...sent.map(({ sentAt }) => sentAt)) + 2000)
  expect(grantedAt).toBeLessThan(5000)
})

it("a webhook that nobody had is held back for a lease, once", async () => {
  const sent = await play((world) =>
    Effect.gen(function* () {
      yield* sendEvery(world, 0, { count: 1, interval: 100 })
      world.store.forget()
      yield* sendEvery(world, 1, { count: 1, interval: 2 * lease, webhook: "2" })
      yield* sendEvery(world, 1, { count: 1, interval: 100, webhook: "3" })
    }),
  )
  const waits = sent.map(({ arrivedAt, sentAt }) => sentAt - arrivedAt)
  expect(waits[0]).toBe(0)
  expect(waits[1]).toBeGreaterThan(lease - 1000)
  expect(waits[1]).toBeLessThan(lease + 2000)
  expect(waits[2]).toBe(0)
})

it("a process that closes while its turn is held back leaves the state to the one that has it", async () => {
  const sent = await play((world) =>
    Effect.gen(function* () {
      const [first, second] = [world.processes[0]!, world.processes[1]!]
      yield* sendEvery(world, 0, { count: 5, interval: 10 })
      yield* Effect.sleep(50)
      first.clock.freeze()
      world.store.forget()
      const waiting = yield* second.send("1", "b0")
      yield* Effect.sleep(50)
      yield* Fiber.interrupt(waiting)
      yield* second.close
      first.clock.thaw()
      yield* first.send("1", "a5")
    }),
  )
  expect(sent.map(({ label, status }) => `${label} ${status}`)).toEqual(
    named("a", 6).map((label) => `${label} 200`),
  )
})

it("a process that the store has forgotten is not taken for dead", async () => {
  // So that the polls come before the signs of life.
  const long = 4 * lease
  const sent = await play(
    (world) =>
      Effect.gen(function* () {
        // Later than processes trust the store after they have connected.
        yield* Effect.sleep(2 * long)
        yield* sendEvery(world, 0, { count: 40, interval: 1 })
        yield* Effect.sleep(50)
        yield* world.processes[1]!.send("1", "b0")
        // The first process then stores its state again.
        yield* Effect.sleep(400)
        world.store.forget()
      }),
    { lease: long },
  )
  expect(sent.map(({ label, status }) => `${label} ${status}`)).toEqual(
    [...named("a", 40), "b0"].map((label) => `${label} 200`),
  )
  // The limit is used all the time: nobody assumes that it is used up.
  expect(sent.at(-1)!.sentAt - sent[0]!.sentAt).toBeLessThan((41 / 5) * 2000)
})

it("the process that has the turn is told at once", async () => {
  const sent = await play((world) =>
    Effect.gen(function* () {
      yield* sendEvery(world, 0, { count: 1, interval: 100 })
      world.store.forget()
      yield* sendEvery(world, 1, { count: 1, interval: 100 })
    }),
  )
  const [, b0] = sent
  // It takes the turn back, and gives it away after a poll.
  expect(b0!.sentAt - b0!.arrivedAt).toBeLessThanOrEqual(1000)
})

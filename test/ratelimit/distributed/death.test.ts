/** Processes that die, or close, and what that costs the others. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { expect, it } from "vitest"
import * as VirtualClock from "../../support/VirtualClock.js"
import { literal } from "../model/policies.js"
import { deleted, route } from "../responses.js"
import { type LimiterProcess, makeWorld } from "./World.js"

it("what it has learned is known to the process that continues", () =>
  Effect.gen(function* () {
    const { processes, sent } = yield* makeWorld({
      processes: 2,
      policy: literal,
      // Both routes count together, and the window is longer than the lease of a process.
      server: { limit: 1, window: 30_000, hash: "shared" },
    })
    const [first, second] = [processes[0]!, processes[1]!]
    yield* first.send("1", "a")
    yield* Effect.sleep("40 seconds")
    yield* first.send("1", "b", "PATCH")
    yield* Effect.sleep("40 seconds")
    yield* first.send("1", "c")
    yield* Effect.sleep("1 second")
    first.clock.freeze()
    yield* second.send("1", "d", "PATCH")
    yield* second.send("1", "e")
    yield* Effect.sleep("5 minutes")
    // So that its limiter closes.
    first.clock.thaw()
    expect(sent.map(({ label, status }) => `${label} ${status}`)).toEqual([
      "a 200",
      "b 200",
      "c 200",
      "d 200",
      "e 200",
    ])
  }).pipe(Effect.scoped, VirtualClock.runPromise))

it("that a webhook is gone is known to the process that continues", () =>
  Effect.gen(function* () {
    const { processes } = yield* makeWorld({ processes: 2, policy: literal })
    const [first, second] = [processes[0]!, processes[1]!]
    let count = 0
    const send = ({ clock, limiter }: (typeof processes)[number]) =>
      limiter
        .withPermit(route(), { policy: literal }, (permit) => {
          count += 1
          return permit.settle(deleted())
        })
        .pipe(Effect.withClock(clock))
    yield* send(first)
    yield* Effect.sleep("2 seconds")
    first.clock.freeze()
    const exit = yield* Effect.exit(send(second))
    first.clock.thaw()
    expect([count, String(exit)]).toEqual([1, expect.stringContaining("Unknown Webhook")])
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None), VirtualClock.runPromise))

/** One request of each process waits behind one of the first; returns when that of the last process was sent. */
const lastSent = (end: (process: LimiterProcess) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const { processes, sent } = yield* makeWorld({
      processes: 7,
      policy: literal,
      server: { limit: 1, window: 30_000 },
    })
    yield* Effect.forEach(processes, ({ send }, index) =>
      Effect.zipRight(send("1", String(index)), Effect.sleep("10 millis")),
    )
    yield* Effect.sleep("20 seconds")
    expect(sent).toHaveLength(1)
    yield* Effect.forEach(processes.slice(0, -1), end)
    yield* Effect.sleep("10 minutes")
    for (const { clock } of processes) clock.thaw()
    expect(sent.map(({ label, status }) => `${label} ${status}`)).toEqual(["0 200", "6 200"])
    return sent[1]!.sentAt - sent[0]!.sentAt
  }).pipe(Effect.scoped, VirtualClock.runPromise)

it("several dead processes in a row cost one lease and the window that the first may have used", async () => {
  const { value: at } = await lastSent(({ clock }) => Effect.sync(() => clock.freeze()))
  // The lease of 15 seconds begins at 20 seconds; two polls find that it is over.
  expect(at).toBeGreaterThan(60_000)
  expect(at).toBeLessThan(20_000 + 15_000 + 10_000 + 30_000)
})

it("processes that died together cost one lease, wherever their requests wait", () =>
  Effect.gen(function* () {
    const { processes, sent } = yield* makeWorld({
      processes: 6,
      policy: literal,
      server: { limit: 100, window: 1000 },
      roundTrip: 1000,
    })
    const [living, ...others] = processes
    yield* Effect.forEach(others, ({ send }, index) =>
      Effect.zipRight(send("1", String(index)), Effect.sleep("10 millis")).pipe(
        Effect.zipRight(living!.send("1", "living")),
        Effect.zipRight(Effect.sleep("10 millis")),
      ),
    )
    const start = yield* Clock.currentTimeMillis
    for (const { clock } of others) clock.freeze()
    yield* Effect.sleep("5 minutes")
    for (const { clock } of others) clock.thaw()
    const own = sent.filter(({ label }) => label === "living").map(({ sentAt }) => sentAt - start)
    expect(own).toHaveLength(5)
    // The lease, two polls, and then one poll of a second for each.
    expect(own.at(-1)).toBeLessThan(15_000 + 10_000 + 5 * 2000)
  }).pipe(Effect.scoped, VirtualClock.runPromise))

it("processes that close while their messages wait cost no lease", async () => {
  const { value: at } = await lastSent(({ close }) => close)
  expect(at).toBeLessThan(31_000)
})

it.each(Array.from({ length: 40 }, (_, index) => 20 * index))(
  "a process that closes at any instant holds up nobody (%d ms)",
  async (at) => {
    await Effect.gen(function* () {
      const { processes, sent } = yield* makeWorld({
        processes: 3,
        policy: literal,
        faults: { delay: 20, loss: 0 },
        server: { limit: 1000 },
      })
      for (let index = 0; index < 20; index++) {
        yield* Effect.forEach(processes, ({ send }) => send("1", String(index)))
        // Requests that arrive within 5 ms share a place.
        yield* Effect.sleep(6)
      }
      yield* Effect.sleep(at)
      const start = yield* Clock.currentTimeMillis
      yield* Effect.forEach(processes.slice(1), ({ close }) => close, { concurrency: "unbounded" })
      yield* Effect.sleep("20 seconds")
      const own = sent.filter(({ process }) => process === 0).map(({ sentAt }) => sentAt)
      expect(own).toHaveLength(20)
      const times = [start, ...own.filter((time) => time > start)]
      const pauses = times.slice(1).map((time, index) => time - times[index]!)
      // With a request in flight, the limits count as used up for one window of two seconds.
      expect(Math.max(...pauses)).toBeLessThan(2500)
    }).pipe(Effect.scoped, VirtualClock.runPromise)
  },
)

it.each([1, 3, 5])(
  "a process that closes with %d requests in flight causes no 429",
  async (count) => {
    await Effect.gen(function* () {
      const { processes, sent } = yield* makeWorld({
        processes: 2,
        policy: literal,
        roundTrip: 400,
        delivery: "concurrent",
        server: { limit: 5, window: 30_000 },
      })
      const [first, second] = [processes[0]!, processes[1]!]
      yield* first.send("1", "known")
      yield* Effect.sleep("31 seconds")
      yield* Effect.replicateEffect(first.send("1", "first"), count)
      yield* Effect.sleep(100)
      yield* Effect.replicateEffect(second.send("1", "second"), 8)
      yield* Effect.sleep(50)
      yield* first.close
      yield* Effect.sleep("5 minutes")
      expect(sent).toHaveLength(1 + count + 8)
      expect(sent.filter(({ status }) => status !== 200)).toEqual([])
    }).pipe(Effect.scoped, VirtualClock.runPromise)
  },
)

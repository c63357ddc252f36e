import { it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { describe, expect } from "vitest"
import { FileUpload } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { contents, newHook } from "../scenarios/harness.js"
import { isThorough, runs } from "../support/laws.js"
import { inWorld, logsOf, sendMany, withOutbox } from "./setup.js"
import type { Hooks } from "./Process.js"
import { report, run, settle } from "./World.js"

/** Stores messages, closes the outbox at once, and returns what was posted and logged. */
const closeAtOnce = (
  count: number,
  worker: Outbox.WorkerOptions = {},
  prepare: (simulator: DiscordSimulator.Service) => Effect.Effect<void> = () => Effect.void,
) =>
  inWorld(
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.DiscordSimulator
      const { hook, made } = yield* newHook(simulator)
      yield* prepare(simulator)
      const layer = Outbox.worker(worker).pipe(Layer.provideMerge(Outbox.layerMemory()))
      yield* Effect.provide(sendMany(hook, count), layer)
      return {
        posted: contents(yield* simulator.messages(made)),
        at: yield* Clock.currentTimeMillis,
      }
    }),
    { latency: "100 millis" },
  )

describe("a shutdown of the outbox in memory", () => {
  it.effect("sends everything", () =>
    Effect.gen(function* () {
      const [{ value }, logs] = yield* logsOf(closeAtOnce(30))
      expect(value.posted).toEqual(Array.from({ length: 30 }, (_, index) => String(index)))
      expect(logs).toEqual([])
    }),
  )

  it.effect("sends everything when the program is interrupted, as by SIGTERM", () =>
    inWorld(
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        const layer = Outbox.worker().pipe(Layer.provideMerge(Outbox.layerMemory()))
        const program = Effect.zipRight(sendMany(hook, 12), Effect.never)
        const fiber = yield* Effect.fork(Effect.provide(program, layer))
        yield* Effect.sleep("250 millis")
        yield* Fiber.interrupt(fiber)
        const posted = contents(yield* simulator.messages(made))
        expect(posted).toEqual(Array.from({ length: 12 }, (_, index) => String(index)))
      }),
      { latency: "100 millis" },
    ),
  )

  it.effect("reports what it could not send in time, and lets the request in flight end", () =>
    Effect.gen(function* () {
      const [{ value }, logs] = yield* logsOf(closeAtOnce(30, { drainTimeout: "5 seconds" }))
      const { at, posted } = value
      expect(posted.length).toBeGreaterThan(5)
      expect(posted.length).toBeLessThan(30)
      expect(at).toBeLessThan(6000)
      expect(logs).toHaveLength(1)
      expect(logs[0]).toContain(`${30 - posted.length} entries were not sent`)
    }),
  )

  it.effect("ends although a request hangs", () =>
    Effect.gen(function* () {
      const [{ value }, logs] = yield* logsOf(
        closeAtOnce(3, { drainTimeout: "2 seconds" }, (simulator) =>
          simulator.inject(Fault.neverRespond, { times: Infinity }),
        ),
      )
      expect(value.at).toBeLessThanOrEqual(4000)
      expect(logs.join("\n")).toMatch(/in flight.*\n.*3 entries were not sent/)
    }),
  )
})

describe("a worker", () => {
  it.effect("logs the first failure of an entry, and not every retry", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        yield* simulator.inject(Fault.refuseConnection, { times: 3 })
        const id = yield* Outbox.send(hook, { content: "x" })
        yield* Outbox.await(id)
        return id
      }),
    ).pipe(
      logsOf,
      Effect.map(([{ value: id }, lines]) => {
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain(`entry ${id} is tried again: Outbox.send (webhook `)
      }),
    ),
  )

  it.effect("ends although the store is unavailable", () =>
    Effect.promise(async () => {
      const elapsed = await run(
        {
          webhooks: 1,
          seed: 1,
          hooks: {
            getFault: ({ clock, name }) =>
              name === "worker" && clock.unsafeCurrentTimeMillis() > 1000
                ? { fails: "before" }
                : {},
          },
        },
        (world) =>
          Effect.gen(function* () {
            const worker = yield* world.startWorker("worker", { drainTimeout: "5 seconds" })
            yield* Effect.sleep("2 seconds")
            yield* world.outbox.send(world.places[0]!.hook, { content: "x" })
            yield* Effect.sleep("2 seconds")
            const before = yield* Clock.currentTimeMillis
            yield* worker.close
            return (yield* Clock.currentTimeMillis) - before
          }),
      )
      expect(elapsed).toBeLessThanOrEqual(10_000)
    }),
  )

  it.effect("uses a place again at once, without waiting for the poll", () =>
    Effect.map(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const hooks = yield* Effect.replicateEffect(newHook(simulator), 20)
            const ids = yield* Effect.forEach(hooks, ({ hook }) => sendMany(hook, 1))
            yield* Effect.forEach(ids.flat(), Outbox.await)
          }),
        { worker: { concurrency: 1, pollInterval: "1 hour", lease: "10 hours" } },
      ),
      ({ elapsed }) => {
        expect(elapsed).toBeLessThan(1000)
      },
    ),
  )

  it.effect("goes on after a defect of the user's own inDoubt", () =>
    Effect.gen(function* () {
      let calls = 0
      const [, logs] = yield* logsOf(
        withOutbox(
          (simulator) =>
            Effect.gen(function* () {
              const { hook, made } = yield* newHook(simulator)
              yield* simulator.inject(Fault.resetAfter)
              const ids = yield* sendMany(hook, 2)
              yield* Effect.forEach(ids, Outbox.await)
              expect(contents(yield* simulator.messages(made))).toEqual(["0", "0", "1"])
            }),
          {
            worker: {
              inDoubt: () =>
                Effect.suspend(() => {
                  calls += 1
                  return calls < 3 ? Effect.dieMessage("my own mistake") : Effect.succeed("resend")
                }),
            },
          },
        ),
      )
      expect(calls).toBe(3)
      expect(logs.filter((line) => line.includes("its queue stopped"))).toHaveLength(2)
    }),
  )

  it.effect("is not held up by webhooks whose requests are slow, as long as it has places", () =>
    logsOf(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const slow = yield* Effect.replicateEffect(newHook(simulator), 3)
            const { hook: quick } = yield* newHook(simulator)
            const ids = new Set(slow.map(({ made }) => made.id))
            yield* simulator.inject(Fault.neverRespond, {
              match: ({ webhookId }) => ids.has(webhookId ?? ""),
              times: Infinity,
            })
            yield* Effect.forEach(slow, ({ hook }) => sendMany(hook, 1))
            const before = yield* Clock.currentTimeMillis
            yield* Effect.forEach(yield* sendMany(quick, 5), Outbox.await)
            expect((yield* Clock.currentTimeMillis) - before).toBeLessThan(500)
            yield* simulator.clearFaults
          }),
        { worker: { concurrency: 4 } },
      ),
    ),
  )

  it.effect("gives the place of a queue in back-off to others", () =>
    logsOf(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const { hook, made } = yield* newHook(simulator)
            const { hook: other } = yield* newHook(simulator)
            yield* simulator.inject(Fault.refuseConnection, {
              match: ({ webhookId }) => webhookId === made.id,
              times: 20,
            })
            yield* sendMany(hook, 1)
            const before = yield* Clock.currentTimeMillis
            yield* Effect.forEach(yield* sendMany(other, 5), Outbox.await)
            expect((yield* Clock.currentTimeMillis) - before).toBeLessThan(500)
            yield* simulator.clearFaults
          }),
        { worker: { concurrency: 1 } },
      ),
    ),
  )

  it.effect("takes turns if there are more busy webhooks than places", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook: busy } = yield* newHook(simulator)
          const { hook } = yield* newHook(simulator)
          const many = yield* sendMany(busy, 60)
          const before = yield* Clock.currentTimeMillis
          yield* Effect.forEach(yield* sendMany(hook, 1), Outbox.await)
          // At 5 messages in 2 seconds, the first queue takes 24 seconds.
          expect((yield* Clock.currentTimeMillis) - before).toBeLessThan(10_000)
          yield* Effect.forEach(many, Outbox.await)
        }),
      { worker: { concurrency: 1 } },
    ),
  )

  it.effect("sends at once what is stored during the last request of its queue", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook } = yield* newHook(simulator)
          yield* simulator.inject(Fault.delay("1 second"), { times: 1 })
          const first = yield* sendMany(hook, 1)
          yield* Effect.sleep("500 millis")
          const before = yield* Clock.currentTimeMillis
          yield* Effect.forEach([...first, ...(yield* sendMany(hook, 1))], Outbox.await)
          expect((yield* Clock.currentTimeMillis) - before).toBeLessThan(1000)
        }),
      { worker: { pollInterval: "1 hour" } },
    ),
  )

  it.effect("needs two claims, two commits and a release for a message of an empty queue", () =>
    Effect.promise(async () => {
      const calls: Array<string> = []
      const onStep: Hooks["onStep"] = ({ name, phase, process }) =>
        Effect.sync(() => {
          if (process.name === "worker" && phase === "before") calls.push(name)
        })
      await run({ webhooks: 1, seed: 1, hooks: { onStep } }, (world) =>
        Effect.gen(function* () {
          const worker = yield* world.startWorker("worker", { pollInterval: "1 hour" })
          yield* Effect.sleep("1 second")
          calls.length = 0
          yield* world.outbox.send(world.places[0]!.hook, { content: "x" })
          yield* settle(world)
          yield* worker.close
        }),
      )
      // The last claim finds what was stored before the release.
      expect(calls).toEqual(["claim", "commit", "request", "commit", "release", "claim"])
    }),
  )

  it.effect("keeps its queue during a request that takes longer than the lease", () =>
    Effect.promise(async () => {
      const { fates, violations } = await run({ webhooks: 1, seed: 1 }, (world) =>
        Effect.gen(function* () {
          yield* world.simulator.inject(Fault.delay("4 seconds"), { times: Infinity })
          const options = { lease: "2 seconds", concurrency: 1 } as const
          const first = yield* world.startWorker("first", options)
          const second = yield* world.startWorker("second", options)
          yield* world.outbox.send(world.places[0]!.hook, { content: "x" })
          yield* settle(world)
          yield* first.close
          yield* second.close
          return yield* report(world)
        }),
      )
      expect(violations).toEqual([])
      expect(fates).toMatchObject([{ copies: 1, entry: { inDoubt: 0, attempts: 1 } }])
    }),
  )

  it.effect("goes on after defects of the store", () =>
    Effect.gen(function* () {
      const calls = new Map<string, number>()
      const [result, logs] = yield* logsOf(
        inWorld(
          Effect.promise(() =>
            run(
              {
                webhooks: 1,
                seed: 1,
                hooks: {
                  onStep: ({ name, phase, process }) => {
                    if (process.name !== "worker" || phase === "after") return Effect.void
                    const count = (calls.get(name) ?? 0) + 1
                    calls.set(name, count)
                    return count === 1 && name !== "request"
                      ? Effect.dieMessage(`a mistake in ${name}`)
                      : Effect.void
                  },
                },
              },
              (world) =>
                Effect.gen(function* () {
                  // More than one claim reads.
                  yield* Effect.forEach(
                    Array.from({ length: 30 }, (_, n) => `${n}`),
                    (content) => world.outbox.send(world.places[0]!.hook, { content }),
                  )
                  const worker = yield* world.startWorker("worker")
                  yield* settle(world)
                  yield* worker.close
                  return yield* report(world)
                }),
            ),
          ),
        ),
      )
      expect(result.value.violations).toEqual([])
      expect(new Set(result.value.fates.map(({ copies }) => copies))).toEqual(new Set([1]))
      expect(logs).toEqual([])
      expect([...calls.keys()].sort()).toEqual([
        "claim",
        "commit",
        "load",
        "now",
        "release",
        "renew",
        "request",
        "stats",
        "sweep",
      ])
    }),
  )

  it.effect("sends for many producers, each in its own order", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const count = isThorough ? 100 : 30
          const places = yield* Effect.replicateEffect(newHook(simulator), 7)
          const ids = yield* Effect.forEach(
            Array.from({ length: count }, (_, producer) => producer),
            (producer) =>
              Effect.forEach(
                Array.from({ length: 5 }, (_, index) => index),
                (index) =>
                  Effect.zipRight(
                    Effect.yieldNow(),
                    Outbox.send(places[producer % 7]!.hook, { content: `${producer}:${index}` }),
                  ),
              ),
            { concurrency: "unbounded" },
          )
          yield* Effect.forEach(ids.flat(), Outbox.await, { concurrency: "unbounded" })
          const posted = yield* Effect.forEach(places, ({ made }) =>
            Effect.map(simulator.messages(made), contents),
          )
          for (let producer = 0; producer < count; producer++) {
            const own = posted[producer % 7]?.filter((text) =>
              String(text).startsWith(`${producer}:`),
            )
            expect(own).toEqual([0, 1, 2, 3, 4].map((index) => `${producer}:${index}`))
          }
        }),
      { simulator: { limits: { execute: "none" }, globalLimit: "none" } },
    ),
  )
})

describe("a full outbox", () => {
  it.effect.each(["perWebhook", "total"] as const)("fails with the figures (%s)", (limit) =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          yield* Outbox.pause()
          yield* sendMany(hook, 3)
          const error = yield* Effect.flip(Outbox.send(hook, { content: "x" }))
          expect(error).toMatchObject({
            _tag: "DiscordOutboxFull",
            operation: "Outbox.send",
            webhookId: made.id,
            limit,
            capacity: 3,
            pending: 3,
          })
          expect(error.message).toContain("whenFull")
          yield* Outbox.resume()
        }),
      { outbox: { capacity: { [limit]: 3 } } },
    ),
  )

  it.effect.prop(
    "never exceeds its capacity, and waits or fails as configured",
    [
      FastCheck.integer({ min: 1, max: 4 }),
      FastCheck.integer({ min: 1, max: 6 }),
      FastCheck.constantFrom("fail" as const, "wait" as const),
      FastCheck.integer({ min: 1, max: 1000 }),
    ],
    ([perWebhook, total, whenFull, seed]) =>
      Effect.promise(async () => {
        const producers = Array.from({ length: 6 }, (_, index) => index)
        const { accepted, result } = await run(
          { webhooks: 2, seed, outbox: { capacity: { perWebhook, total }, whenFull } },
          (world) =>
            Effect.gen(function* () {
              yield* world.startWorker("worker")
              const sent = yield* Effect.forEach(
                producers,
                (producer) =>
                  Effect.forEach([0, 1, 2], (index) =>
                    Effect.exit(
                      world.outbox.send(world.places[producer % 2]!.hook, {
                        content: `${producer}:${index}`,
                      }),
                    ),
                  ),
                { concurrency: "unbounded" },
              )
              yield* settle(world)
              return { accepted: sent.flat().filter(Exit.isSuccess), result: yield* report(world) }
            }),
        )
        expect(result.violations).toEqual([])
        expect(result.fates).toHaveLength(accepted.length)
        if (whenFull === "wait") expect(accepted).toHaveLength(18)
      }),
    { fastCheck: { numRuns: runs(40) } },
  )

  it.effect("accepts again as soon as there is space", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          const ids = yield* sendMany(hook, 12)
          yield* Effect.forEach(ids, Outbox.await)
          expect(contents(yield* simulator.messages(made))).toEqual(ids.map((_, n) => String(n)))
        }),
      { outbox: { capacity: { perWebhook: 2 }, whenFull: "wait" } },
    ),
  )
})

describe("an interrupted send", () => {
  it.effect.prop(
    "leaves the message stored or not, never half, and its successors are not affected",
    [
      FastCheck.array(FastCheck.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 10 }),
      FastCheck.integer({ min: 0, max: 40 }),
      FastCheck.integer({ min: 1, max: 1000 }),
    ],
    ([interruptions, delay, seed]) =>
      Effect.promise(async () => {
        const files = [FileUpload.fromText("a.txt", "1"), FileUpload.fromText("b.txt", "2")]
        const result = await run(
          {
            webhooks: 1,
            seed,
            hooks: { getFault: ({ name }) => (name === "producers" ? { delay } : {}) },
          },
          (world) =>
            Effect.gen(function* () {
              const hook = world.places[0]!.hook
              const fibers = yield* Effect.forEach(interruptions, (after, index) =>
                Effect.gen(function* () {
                  const fiber = yield* Effect.fork(
                    world.outbox.send(hook, { content: String(index), files }),
                  )
                  yield* Effect.sleep(after)
                  return yield* Fiber.interrupt(fiber)
                }),
              )
              const last = yield* world.outbox.send(hook, { content: "last", files })
              const entries = yield* world.outbox.list()
              for (const { id } of entries) expect(yield* world.store.files(id)).toHaveLength(2)
              expect(entries.at(-1)?.id).toBe(last)
              const ids = new Set(entries.map(({ id }) => id))
              for (const exit of fibers)
                if (Exit.isSuccess(exit)) expect(ids.has(exit.value)).toBe(true)
              yield* world.startWorker("worker")
              yield* settle(world)
              return yield* report(world)
            }),
        )
        expect(result.violations).toEqual([])
      }),
    { fastCheck: { numRuns: runs(40) } },
  )
})

describe("a take-over", () => {
  /** The first worker sends all that the limit allows, and ends; then the second one gets the rest. */
  const takeOver = (rest: "before" | "after", end: "close" | "kill") =>
    Effect.promise(() =>
      run({ webhooks: 1, seed: 1, simulator: { latency: "20 millis" } }, (world) =>
        Effect.gen(function* () {
          const hook = world.places[0]!.hook
          const send = (count: number) =>
            Effect.forEach(
              Array.from({ length: count }, (_, index) => index),
              (index) => world.outbox.send(hook, { content: `${count}:${index}` }),
            )
          const first = yield* world.startWorker("first")
          yield* send(5)
          if (rest === "before") yield* send(3)
          yield* Effect.sleep("1 second")
          yield* end === "close" ? first.close : first.process.kill
          const second = yield* world.startWorker("second")
          if (rest === "after") yield* send(3)
          yield* settle(world)
          const elapsed = yield* Clock.currentTimeMillis
          yield* second.close
          return { elapsed, ...(yield* report(world)) }
        }),
      ),
    )

  it.effect.each([
    ["before", "close"],
    ["after", "close"],
    ["before", "kill"],
    ["after", "kill"],
  ] as const)("meets no 429 (the rest is stored %s the end by %s)", ([rest, end]) =>
    Effect.gen(function* () {
      const { elapsed, fates, limited, violations } = yield* takeOver(rest, end)
      expect({ limited, violations, sent: fates.length }).toEqual({
        limited: 0,
        violations: [],
        sent: 8,
      })
      // Within one lease after a crash, and at once after a shutdown.
      expect(elapsed).toBeLessThan(end === "kill" ? 40_000 : 5000)
    }),
  )

  it.effect("meets no 429 if the former owner has learned of a long block", () =>
    Effect.promise(async () => {
      const { limited } = await run({ webhooks: 1, seed: 1 }, (world) =>
        Effect.gen(function* () {
          const { hook, made } = world.places[0]!
          yield* world.simulator.applySharedLimit(made, { retryAfter: "50 seconds" })
          const first = yield* world.startWorker("first")
          yield* world.outbox.send(hook, { content: "x" })
          yield* Effect.sleep("1 second")
          yield* first.close
          yield* world.startWorker("second")
          yield* settle(world)
          return yield* report(world)
        }),
      )
      expect(limited).toBe(1)
    }),
  )
})

describe("two workers of one outbox", () => {
  it.effect("share its webhooks, and one shuts down while the other goes on", () =>
    inWorld(
      Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const places = yield* Effect.replicateEffect(newHook(simulator), 4)
        const first = yield* Scope.make()
        yield* Effect.gen(function* () {
          const context = yield* Layer.buildWithScope(Layer.fresh(Outbox.worker()), first)
          expect(context).toBeDefined()
          const ids = yield* Effect.forEach(places, ({ hook }) => sendMany(hook, 8))
          yield* Effect.fork(Scope.close(first, Exit.void))
          yield* Effect.forEach(ids.flat(), Outbox.await)
          for (const { made } of places) {
            expect(contents(yield* simulator.messages(made))).toEqual(
              Array.from({ length: 8 }, (_, index) => String(index)),
            )
          }
        }).pipe(Effect.provide(Outbox.worker().pipe(Layer.provideMerge(Outbox.layerMemory()))))
      }),
    ),
  )
})

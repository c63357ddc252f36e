import { it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { describe, expect } from "vitest"
import { Batcher } from "../../src/outbox/batcher.js"
import { runs } from "../support/laws.js"

interface Item {
  readonly id: string
  readonly value: number
}

/** A batcher whose batches are recorded, and wait for `gate`. */
const make = (
  options: {
    readonly maxSize?: number
    readonly gate?: Effect.Effect<void>
    readonly fail?: (items: ReadonlyArray<Item>) => Effect.Effect<void, "common" | "single">
  } = {},
) =>
  Effect.gen(function* () {
    const batches: Array<ReadonlyArray<number>> = []
    const batcher = new Batcher<Item, number, "closed" | "common" | "single">({
      gather: Effect.void,
      maxSize: options.maxSize ?? 10,
      identify: ({ id }) => id,
      isCommon: (error) => error === "common",
      closed: "closed",
      run: (items) =>
        Effect.gen(function* () {
          batches.push(items.map(({ value }) => value))
          yield* options.gate ?? Effect.void
          yield* options.fail?.(items) ?? Effect.void
          return items.map(({ value }) => value * 10)
        }),
    })
    yield* batcher.start
    return { batcher, batches }
  })

const item = (value: number, id = `id ${value}`): Item => ({ id, value })

describe("a batcher", () => {
  it.scoped("collects items while a batch runs, up to its size", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { batcher, batches } = yield* make({ maxSize: 3, gate: Deferred.await(gate) })
      const first = batcher.submit(item(0))
      yield* Effect.yieldNow()
      const rest = [1, 2, 3, 4].map((value) => batcher.submit(item(value)))
      yield* Deferred.succeed(gate, undefined)
      expect(yield* Effect.all([first, ...rest])).toEqual([0, 10, 20, 30, 40])
      expect(batches).toEqual([[0], [1, 2, 3], [4]])
    }),
  )

  it.scoped("keeps items of one identity in order, in different batches", () =>
    Effect.gen(function* () {
      const { batcher, batches } = yield* make()
      const results = [item(1, "a"), item(2, "b"), item(3, "a"), item(4, "c")].map((one) =>
        batcher.submit(one),
      )
      yield* Effect.all(results)
      expect(batches).toEqual([
        [1, 2],
        [3, 4],
      ])
    }),
  )

  it.scoped("fails every item of a batch with a common failure", () =>
    Effect.gen(function* () {
      const { batcher, batches } = yield* make({ fail: () => Effect.fail("common") })
      const exits = yield* Effect.all(
        [1, 2].map((value) => Effect.exit(batcher.submit(item(value)))),
      )
      expect(exits).toEqual([Exit.fail("common"), Exit.fail("common")])
      expect(batches).toEqual([[1, 2]])
    }),
  )

  it.scoped.each([
    ["failure", () => Effect.fail("single" as const)],
    ["defect", () => Effect.dieMessage("a mistake")],
  ] as const)("runs items one by one after the %s of one, and goes on", ([, fault]) =>
    Effect.gen(function* () {
      const { batcher, batches } = yield* make({
        fail: (items) => (items.some(({ value }) => value === 2) ? fault() : Effect.void),
      })
      const exits = yield* Effect.all(
        [1, 2, 3].map((value) => Effect.exit(batcher.submit(item(value)))),
      )
      expect(exits.map(Exit.isSuccess)).toEqual([true, false, true])
      expect(batches).toEqual([[1, 2, 3], [1], [2], [3]])
      expect(yield* batcher.run(item(4))).toBe(40)
    }),
  )

  it.scoped("drops an interrupted item whose batch has not begun", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { batcher, batches } = yield* make({ gate: Deferred.await(gate) })
      const begun = yield* Effect.fork(batcher.run(item(1)))
      yield* Effect.yieldNow()
      yield* Effect.yieldNow()
      const waiting = yield* Effect.fork(batcher.run(item(2)))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(begun)
      yield* Deferred.succeed(gate, undefined)
      expect(yield* batcher.run(item(3))).toBe(30)
      expect(batches).toEqual([[1], [3]])
    }),
  )

  it.effect("fails what waits, and what comes later, when its scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { batcher } = yield* Scope.extend(make({ gate: Effect.never }), scope)
      const running = yield* Effect.fork(batcher.run(item(1)))
      yield* Effect.yieldNow()
      yield* Effect.yieldNow()
      const waiting = yield* Effect.fork(batcher.run(item(2)))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      expect(Exit.isInterrupted(yield* Fiber.await(running))).toBe(true)
      expect(yield* Fiber.await(waiting)).toEqual(Exit.fail("closed"))
      expect(yield* Effect.exit(batcher.run(item(3)))).toEqual(Exit.fail("closed"))
    }),
  )

  it.scoped("flush waits for what was added before", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { batcher } = yield* make({ maxSize: 1, gate: Deferred.await(gate) })
      const results = [1, 2, 3].map((value) => batcher.submit(item(value)))
      const flushed = yield* Effect.fork(batcher.flush)
      yield* Effect.yieldNow()
      expect((yield* flushed.poll)._tag).toBe("None")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(flushed)
      yield* Effect.all(results)
    }),
  )

  it.scoped.prop(
    "runs every item once, in the order of its identity, whatever the batches are",
    [
      FastCheck.array(FastCheck.integer({ min: 0, max: 4 }), { maxLength: 60 }),
      FastCheck.integer({ min: 1, max: 10 }),
    ],
    ([ids, maxSize]) =>
      Effect.gen(function* () {
        const { batcher, batches } = yield* make({ maxSize, gate: Effect.yieldNow() })
        const results = yield* Effect.forEach(
          ids,
          (id, value) => batcher.run(item(value, String(id))),
          { concurrency: "unbounded" },
        )
        expect(results).toEqual(ids.map((_, value) => value * 10))
        expect(batches.flat()).toEqual(ids.map((_, value) => value))
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(maxSize)
          expect(new Set(batch.map((value) => ids[value])).size).toBe(batch.length)
        }
      }),
    { fastCheck: { numRuns: runs(200) } },
  )
})

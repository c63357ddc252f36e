import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { BatchQueue } from "../../src/webhook/batchQueue.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { runs } from "../support/laws.js"

/** Batches of at most three. */
const outboxOf = (capacity: number) =>
  new BatchQueue<number>({
    capacity,
    window: "1 second",
    isFull: (items) => items.length >= 3,
    batch: (items) => Math.min(items.length, 3),
  })

describe("an outbox", () => {
  it.effect("makes producers wait for capacity, and consumers for nothing", () =>
    Effect.gen(function* () {
      const outbox = outboxOf(2)
      expect([outbox.tryAdd(1), outbox.tryAdd(2), outbox.tryAdd(3)]).toEqual([true, true, false])
      const adding = yield* Effect.fork(outbox.addAll([3, 4, 5]))
      yield* TestClock.adjust("1 hour")
      expect(Option.isNone(yield* adding.poll)).toBe(true)
      expect(yield* outbox.take).toEqual([1, 2])
      yield* Effect.yieldNow()
      expect(outbox.remaining).toBe(4)
      expect(yield* outbox.take).toEqual([3, 4])
      yield* Fiber.join(adding)
      outbox.close()
      expect(outbox.remaining).toBe(3)
      expect([yield* outbox.take, yield* outbox.take]).toEqual([[5], []])
      expect(outbox.remaining).toBe(0)
    }),
  )

  it.effect("that is closed makes no fiber wait, and accepts nothing", () =>
    Effect.gen(function* () {
      const outbox = outboxOf(1)
      outbox.tryAdd(1)
      const adding = yield* Effect.fork(outbox.addAll([2]))
      const taking = yield* Effect.fork(Effect.zipRight(outbox.take, outbox.take))
      yield* Effect.yieldNow()
      expect(outbox.discard()).toEqual([1])
      expect(yield* Fiber.join(taking)).toEqual([])
      yield* Fiber.join(adding)
      expect([outbox.tryAdd(3), outbox.hasRoom]).toEqual([false, false])
    }),
  )

  it.effect("loses nothing when a consumer or a producer is interrupted at any time", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 2500 }), { minLength: 1, maxLength: 12 }),
          fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 5 }),
          fc.integer({ min: 1, max: 5 }),
          async (patience, pauses, capacity) => {
            const { value } = await VirtualClock.runPromise(
              Effect.gen(function* () {
                const outbox = outboxOf(capacity)
                const producing = yield* Effect.fork(
                  Effect.forEach(
                    Array.from({ length: 15 }, (_, n) => n),
                    (n) =>
                      Effect.zipRight(
                        Effect.sleep(pauses[n % pauses.length]!),
                        Effect.timeoutOption(
                          outbox.addAll([2 * n, 2 * n + 1]),
                          patience[n % patience.length]!,
                        ),
                      ),
                  ),
                )
                const taken: Array<number> = []
                const consuming = yield* Effect.fork(
                  Effect.forEach(
                    Array.from({ length: 60 }, (_, n) => n),
                    (n) =>
                      Effect.timeoutOption(
                        Effect.map(outbox.take, (batch) => taken.push(...batch)),
                        1 + patience[n % patience.length]!,
                      ),
                  ),
                )
                yield* Fiber.join(producing)
                yield* Fiber.join(consuming)
                taken.push(...outbox.discard())
                return taken
              }),
            )
            expect(value).toEqual(Array.from({ length: 30 }, (_, n) => n))
          },
        ),
        { numRuns: runs(100) },
      ),
    ),
  )
})

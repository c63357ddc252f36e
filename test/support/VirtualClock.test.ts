import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { Heap } from "./Heap.js"
import * as VirtualClock from "./VirtualClock.js"

describe("VirtualClock", () => {
  it("jumps to the next sleeper when every fiber waits", async () => {
    const woken: Array<[string, number]> = []
    const sleeper = (name: string, milliseconds: number) =>
      Effect.sleep(milliseconds).pipe(
        Effect.zipRight(Clock.currentTimeMillis),
        Effect.map((now) => woken.push([name, now])),
      )
    const { elapsed } = await VirtualClock.runPromise(
      Effect.all(
        [sleeper("c", 3000), sleeper("a", 1000), sleeper("b", 1000), sleeper("d", 86_400_000)],
        {
          concurrency: "unbounded",
        },
      ),
    )
    expect(woken).toEqual([
      ["a", 1000],
      ["b", 1000],
      ["c", 3000],
      ["d", 86_400_000],
    ])
    expect(elapsed).toBe(86_400_000)
  })

  it("takes no real time for tens of thousands of sleeps", async () => {
    const { elapsed } = await VirtualClock.runPromise(
      Effect.forEach(
        Array.from({ length: 20 }, (_, index) => index),
        () => Effect.repeatN(Effect.sleep("1 minute"), 999),
        { concurrency: "unbounded" },
      ),
    )
    expect(elapsed).toBe(60_000_000)
  })

  it("returns nanoseconds that agree with milliseconds", async () => {
    const { value } = await VirtualClock.runPromise(
      Effect.zipRight(
        Effect.sleep("1234 millis"),
        Effect.all([Clock.currentTimeMillis, Clock.currentTimeNanos]),
      ),
    )
    expect(value).toEqual([1234, 1_234_000_000n])
  })

  it("rounds fractions up, as a timer does", async () => {
    const { elapsed } = await VirtualClock.runPromise(Effect.sleep(Duration.millis(0.2)))
    expect(elapsed).toBe(1)
  })

  it("does not wait for a sleeper that was interrupted", async () => {
    const { elapsed } = await VirtualClock.runPromise(
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.sleep("1 hour"))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(fiber)
        yield* Effect.sleep("1 second")
      }),
    )
    expect(elapsed).toBe(2000)
  })

  it("lets fibers that yield finish before time advances", async () => {
    const { elapsed, value } = await VirtualClock.runPromise(
      Effect.race(
        Effect.as(Effect.sleep(1), "asleep"),
        Effect.as(Effect.repeatN(Effect.yieldNow(), 5000), "busy"),
      ),
    )
    expect(value).toBe("busy")
    expect(elapsed).toBe(0)
  })

  it("never ends an endless sleep", async () => {
    const { value } = await VirtualClock.runPromise(
      Effect.race(
        Effect.as(Effect.sleep(Duration.infinity), "never"),
        Effect.as(Effect.sleep("1 day"), "day"),
      ),
    )
    expect(value).toBe("day")
  })

  it("fails when time does not pass any more", async () => {
    const run = VirtualClock.runPromise(Effect.forever(Effect.sleep(0)))
    await expect(run).rejects.toThrow("stands still")
  })

  it("is a layer, too", async () => {
    const now = await Effect.runPromise(
      Effect.zipRight(Effect.sleep("1 hour"), Clock.currentTimeMillis).pipe(
        Effect.provide(VirtualClock.layer),
      ),
    )
    expect(now).toBe(3_600_000)
  })
})

describe("Heap", () => {
  it("gives back everything in order", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a - b)
        for (const number of numbers) heap.push(number)
        expect(heap.size).toBe(numbers.length)
        const popped = numbers.map(() => heap.pop())
        expect(popped).toEqual([...numbers].sort((a, b) => a - b))
        expect(heap.pop()).toBe(undefined)
      }),
    )
  })
})

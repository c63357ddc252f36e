import { describe, expect, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { runWithTimeout } from "../../src/rest/timeouts.js"

const within = (effect: Effect.Effect<void>, limit: Duration.Duration, onTimeout: () => void) =>
  Effect.uninterruptibleMask((restore) => runWithTimeout(() => effect, limit, restore, onTimeout))

const seconds = Duration.seconds

/** Runs an effect within a limit, and notes when it ended and how. */
const watched = (notes: Array<string>, name: string, effect: Effect.Effect<void>, limit: number) =>
  Effect.gen(function* () {
    const note = (how: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => void notes.push(`${name} ${how} at ${now}`))
    let how = "done"
    yield* within(
      Effect.onInterrupt(effect, () => note("interrupted")),
      seconds(limit),
      () => (how = "timed out"),
    )
    yield* note(how)
  })

/** Active timers of this process. */
const timers = Effect.sync(
  () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
)

describe("runWithTimeout", () => {
  it.effect("ends what takes too long, each in its own time", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      yield* Effect.fork(watched(notes, "a", Effect.never, 3))
      yield* TestClock.adjust("1 second")
      yield* Effect.fork(watched(notes, "b", Effect.sleep("500 millis"), 3))
      yield* Effect.fork(watched(notes, "c", Effect.never, 3))
      yield* Effect.fork(watched(notes, "d", Effect.never, 1))
      yield* TestClock.adjust("10 seconds")
      expect(notes).toEqual([
        "b done at 1500",
        "d interrupted at 2000",
        "d timed out at 2000",
        "a interrupted at 3000",
        "a timed out at 3000",
        "c interrupted at 4000",
        "c timed out at 4000",
      ])
    }),
  )

  it.live("leaves no timer behind, which would keep the process alive", () =>
    Effect.gen(function* () {
      const before = yield* timers
      for (let round = 0; round < 3; round += 1) {
        yield* within(Effect.yieldNow(), Duration.minutes(5), () => {})
      }
      // A scheduled task removes the timer. Before effect 3.20 it runs one yield later.
      yield* Effect.repeatN(Effect.yieldNow(), 3)
      expect(yield* timers).toBe(before)
    }),
  )

  it.effect("ends in time where the caller cannot be interrupted", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const finalizer = watched(notes, "x", Effect.never, 2)
      const fiber = yield* Effect.fork(Effect.ensuring(Effect.void, finalizer))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      expect(notes).toEqual(["x interrupted at 2000", "x timed out at 2000"])
    }),
  )

  it.effect("runs on to its end where the caller has been interrupted before", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const farewell = watched(notes, "x", Effect.sleep("1 second"), 2)
      const fiber = yield* Effect.fork(Effect.onInterrupt(Effect.never, () => farewell))
      yield* Effect.yieldNow()
      yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.await(fiber)
      expect(notes).toEqual(["x done at 1000"])
    }),
  )

  it.effect("ends with the caller, which waits until it has ended", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const fiber = yield* Effect.fork(watched(notes, "x", Effect.never, 2))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      expect(notes).toEqual(["x interrupted at 1000"])
    }),
  )

  it.effect("without a limit it waits for ever", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const forever = within(Effect.sleep("1000 days"), Duration.infinity, () => notes.push("over"))
      const fiber = yield* Effect.fork(forever)
      yield* TestClock.adjust("1000 days")
      yield* Fiber.join(fiber)
      expect(notes).toEqual([])
    }),
  )
})

describe("on Cloudflare Workers, where a timer ends with the request that started it", () => {
  it.effect("each time limit has a timer of its own", () =>
    Effect.gen(function* () {
      vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" })
      const notes: Array<string> = []
      yield* Effect.fork(watched(notes, "a", Effect.never, 3))
      yield* TestClock.adjust("1 second")
      yield* Effect.fork(watched(notes, "b", Effect.never, 3))
      yield* TestClock.adjust("1 second")
      expect(new Set(yield* TestClock.sleeps())).toEqual(new Set([3000, 4000]))
      yield* TestClock.adjust("10 seconds")
      expect(notes).toEqual([
        "a interrupted at 3000",
        "a timed out at 3000",
        "b interrupted at 4000",
        "b timed out at 4000",
      ])
    }).pipe(Effect.ensuring(Effect.sync(() => vi.unstubAllGlobals()))),
  )
})

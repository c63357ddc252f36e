import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { type MovingReset, narrowReset } from "../../../src/ratelimit/internal/window.js"

const fc = FastCheck

interface Exchange {
  /** Milliseconds since the exchange before. */
  readonly pause: number
  readonly there: number
  readonly back: number
  /** Milliseconds from the server's response to its reset. */
  readonly resetAfter: number
}

const exchanges = (): FastCheck.Arbitrary<ReadonlyArray<Exchange>> =>
  fc.array(
    fc.record({
      pause: fc.integer({ min: 0, max: 5000 }),
      there: fc.integer({ min: 1, max: 1000 }),
      back: fc.integer({ min: 1, max: 1000 }),
      resetAfter: fc.integer({ min: 0, max: 5000 }),
    }),
    { minLength: 1, maxLength: 30 },
  )

/** The bounds of each response alone, and its true reset; the server's clock drifts. */
const heard = (all: ReadonlyArray<Exchange>, offset: number, pace: number) => {
  let now = 0
  return all.map(({ pause, there, back, resetAfter }) => {
    const sentAt = now + pause
    const written = sentAt + there
    now = written + back
    const told: MovingReset = {
      server: written * pace + offset + resetAfter,
      earliest: sentAt + resetAfter,
      latest: now + resetAfter,
      at: now,
    }
    return { told, truth: written + resetAfter, way: there + back }
  })
}

const fold = (all: ReadonlyArray<MovingReset>) =>
  all.reduce<MovingReset | undefined>((before, told) => narrowReset(before, told), undefined)

describe("a moving reset", () => {
  it("is always between its bounds, which lie within those of the last response alone", () => {
    fc.assert(
      fc.property(
        exchanges(),
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.double({ min: 1 - 1 / 2500, max: 1 + 1 / 2500, noNaN: true }),
        (all, offset, pace) => {
          const words = heard(all, offset, pace)
          const last = words.at(-1)!
          const known = fold(words.map(({ told }) => told))!
          // A reset is told before it comes, so the pace of the clock touches that time, too.
          const ahead = 5000 / 2000
          expect(known.earliest).toBeLessThanOrEqual(last.truth + ahead)
          expect(known.latest).toBeGreaterThanOrEqual(last.truth - ahead)
          expect(known.earliest).toBeGreaterThanOrEqual(last.told.earliest)
          expect(known.latest).toBeLessThanOrEqual(last.told.latest)
        },
      ),
    )
  })

  it("is as uncertain as the shortest way there and the shortest way back of all, but for the drift", () => {
    const way = { pause: 300, resetAfter: 2000 }
    const words = heard(
      [
        { ...way, there: 40, back: 90 },
        { ...way, there: 95, back: 45 },
        { ...way, there: 80, back: 80 },
      ],
      60_000,
      1,
    )
    const known = fold(words.map(({ told }) => told))!
    expect(known.latest - known.earliest).toBeGreaterThanOrEqual(85)
    expect(known.latest - known.earliest).toBeLessThan(87)
  })

  it("is taken from the last response alone after the server's clock has jumped", () => {
    for (const jump of [-60_000, 60_000]) {
      const [first, second] = heard(
        Array.from({ length: 2 }, () => ({ pause: 0, there: 50, back: 50, resetAfter: 400 })),
        0,
        1,
      )
      const jumped = { ...second!.told, server: second!.told.server + jump }
      expect(narrowReset(first!.told, jumped)).toEqual(jumped)
    }
  })
})

import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as hidden from "../../../src/ratelimit/strategy/adaptive/hiddenLimit.js"
import { runs } from "../../support/laws.js"

const fc = FastCheck

interface Server {
  readonly limit: number
  readonly period: number
  /** Whether an early request adds a window to the delay. */
  readonly isPenal: boolean
}

/** A window opened by its first request. Returns 0 or the delay of the 429. */
const serve = ({ limit, period, isPenal }: Server) => {
  let used = 0
  let resetAt = 0
  return (at: number): number => {
    if (at >= resetAt) {
      used = 1
      resetAt = at + period
      return 0
    }
    used += 1
    if (used <= limit) return 0
    if (isPenal) resetAt += period
    return resetAt - at
  }
}

interface Outcome {
  readonly state: hidden.Hidden
  readonly refusedAt: ReadonlyArray<number>
  readonly sentAt: ReadonlyArray<number>
  /** The limit in force after each accepted request. */
  readonly limits: ReadonlyArray<number | undefined>
}

const apart = 50

/** Requests in sequence, each as soon as the estimate allows; `strays` get a 429 of 1.5 s. */
const drain = (server: Server, requests: number, strays: ReadonlySet<number> = new Set()) => {
  const visible = {
    channelInFlight: 0,
    inFlight: 0,
    limit: server.limit,
    period: server.period / 2,
  }
  const answer = serve(server)
  let state = hidden.initial
  let now = 0
  const refusedAt: Array<number> = []
  const sentAt: Array<number> = []
  const limits: Array<number | undefined> = []
  while (sentAt.length < requests) {
    now = Math.max(now, hidden.opensAt(state, visible, 2))
    state = hidden.sent(state, now)
    const delay = strays.has(sentAt.length + refusedAt.length) ? 1500 : answer(now)
    if (delay === 0) {
      state = hidden.accepted(state, now)
      sentAt.push(now)
      limits.push(state.belief?.limit)
      now += apart
    } else {
      state = hidden.limited(state, now, delay, visible)
      refusedAt.push(now)
      now += delay
    }
  }
  return { state, refusedAt, sentAt, limits } satisfies Outcome
}

const servers = fc.record({
  limit: fc.integer({ min: 1, max: 20 }),
  period: fc.integer({ min: 2000, max: 120_000 }),
  isPenal: fc.boolean(),
})

const hour = 3_600_000

describe("a hidden limit", () => {
  it("costs a number of 429s that is logarithmic in the number of windows, and one an hour", () => {
    fc.assert(
      fc.property(servers, fc.integer({ min: 2, max: 1000 }), (server, windows) => {
        const { refusedAt, sentAt } = drain(server, server.limit * windows)
        const probes = 2 * Math.log2(windows + 1) + Math.log2(windows / 32 + 1)
        const hours = sentAt.at(-1)! / hour
        expect(refusedAt.length).toBeLessThanOrEqual(2 + probes + hours)
      }),
      { numRuns: runs(200) },
    )
  })

  it("with a window added by each early request is within 1.3 x the minimum after ten windows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2000, max: 29_000 }),
        (limit, period) => {
          const windows = 70
          const { sentAt } = drain({ limit, period, isPenal: true }, limit * windows)
          const late = sentAt.at(-1)! - sentAt[limit * 10]!
          expect(late).toBeLessThanOrEqual(1.3 * Math.max(period, limit * apart) * (windows - 10))
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it("is back within three windows after a stray 429 has lowered it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 5000, max: 20_000 }),
        fc.nat(1000),
        (limit, period, choice) => {
          const server = { limit, period, isPenal: true }
          const before = drain(server, limit * 25)
          expect(before.state.belief).toMatchObject({ limit })
          const accepted = limit * 20 + (choice % (limit * 3))
          const stray = accepted + before.refusedAt.length
          const { limits } = drain(server, limit * 30, new Set([stray]))
          expect(limits[accepted + 3 * limit]).toBe(limit)
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

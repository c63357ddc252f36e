/** The global limit that others leave, learned from a server that counts by the seconds of its clock. */
import * as fc from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { GlobalLimiter } from "../../../src/ratelimit/internal/globalLimiter.js"

interface Server {
  /** Whether its seconds are those of its clock; otherwise each begins with its first request. */
  readonly hasClock: boolean
  readonly limit: number
  /** Milliseconds until its first second ends. */
  readonly phase: number
  /** Round trips, half of it each way; the limiter knows how far they differ. */
  readonly roundTrips: ReadonlyArray<number>
}

/** Sends whatever the limiter permits, ten at a time. Returns the counts of each second of the server. */
function play({ hasClock, limit, phase, roundTrips }: Server, duration: number) {
  const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
  limiter.setLatencySpread(Math.max(...roundTrips) - Math.min(...roundTrips))
  const seconds: Array<{ accepted: number; rejected: number }> = []
  const events = new Map<number, Array<() => void>>()
  const at = (time: number, run: () => void) => events.set(time, [...(events.get(time) ?? []), run])
  let [inFlight, sent, end] = [0, 0, 0]

  const send = (now: number) => {
    const request = {}
    const half = roundTrips[sent % roundTrips.length]! / 2
    limiter.recordSend(request, now, "webhook")
    inFlight += 1
    sent += 1
    at(now + half, () => {
      if (now + half >= end) {
        seconds.push({ accepted: 0, rejected: 0 })
        end = hasClock ? phase + (seconds.length - 1) * 1000 : now + half + 1000
      }
      const second = seconds.at(-1)!
      const isAccepted = second.accepted < limit
      second[isAccepted ? "accepted" : "rejected"] += 1
      const delay = end - now - half
      at(now + 2 * half, () => {
        inFlight -= 1
        if (!isAccepted) limiter.block("global", delay, now, now + 2 * half)
        limiter.onSettled(request, isAccepted, "webhook")
      })
    })
  }

  for (let now = 0; now < duration; now += 1) {
    for (const run of events.get(now) ?? []) run()
    let free = 10 - inFlight
    for (; free > 0 && limiter.availableAt("webhook", true) <= now; free -= 1) send(now)
  }
  return seconds
}

const servers = {
  limit: fc.integer({ min: 25, max: 45 }),
  phase: fc.integer({ min: 400, max: 1000 }),
  roundTrips: fc.array(
    fc.integer({ min: 5, max: 30 }).map((half) => 2 * half),
    {
      minLength: 1,
      maxLength: 20,
    },
  ),
}

describe("the learned global limit", () => {
  it("fills each second of the server, and exceeds it only with a probe every five of them", () => {
    fc.assert(
      fc.property(fc.record({ hasClock: fc.constant(true), ...servers }), (server) => {
        const seconds = play(server, 20_000)
        const first = seconds.findIndex(({ rejected }) => rejected > 0)
        const after = seconds.slice(first + 1, 19)
        expect(after.map(({ accepted }) => accepted)).toEqual(after.map(() => server.limit))
        // More than one where probes were accepted since they overtook another request.
        expect(Math.max(...after.map(({ rejected }) => rejected))).toBeLessThanOrEqual(5)
        expect(after.filter(({ rejected }) => rejected > 0).length).toBeLessThanOrEqual(4)
      }),
    )
  })

  it("notices that the seconds of the server begin with their first request", () => {
    fc.assert(
      fc.property(fc.record({ hasClock: fc.constant(false), ...servers }), (server) => {
        const rejected = play(server, 40_000).map((second) => second.rejected)
        // In a second without a probe, of ten in flight: a request more than it accepts, and rarely all.
        expect(rejected.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(150)
        expect(rejected.filter((count) => count > 1).length).toBeLessThanOrEqual(12)
      }),
    )
  })

  const fill = (limiter: GlobalLimiter, now: number, most = 100) => {
    const sent: Array<object> = []
    while (limiter.availableAt("webhook", true) <= now && sent.length < most) {
      const request = {}
      limiter.recordSend(request, now, "webhook")
      sent.push(request)
    }
    return sent
  }

  /** The first request after a block is accepted, which ends the block. */
  const open = (limiter: GlobalLimiter, now: number) => {
    const [request] = fill(limiter, now, 1)
    limiter.onSettled(request!, true, "webhook")
  }

  it("begins its seconds where a 429 has shown that they end, for half a minute", () => {
    const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
    fill(limiter, 100, 50)
    // Of 50 requests, 25 were rejected 400 ms before the end of the second.
    for (let index = 0; index < 25; index += 1) limiter.block("global", 400, 100, 140)
    expect(limiter.blockedUntil).toBe(540)
    open(limiter, 540)
    expect(fill(limiter, 1000).length).toBe(24)
    expect(limiter.availableAt("webhook", true)).toBe(1540)
    expect(fill(limiter, 1540).length).toBe(25)
    limiter.setLatencySpread(10)
    expect(fill(limiter, 2540, 20).length).toBe(20)
    // These may arrive before the end of the second or after it, and count in both.
    expect(fill(limiter, 3495).length).toBe(5)
    expect(fill(limiter, 3540).length).toBe(20)
    expect(limiter.availableAt("webhook", true)).toBe(4505)
    expect(fill(limiter, 30_540).length).toBe(25)
    expect(limiter.availableAt("webhook", true)).toBe(31_550)
  })

  it("knows the end of a second the better, the more 429s it has", () => {
    const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
    fill(limiter, 100, 50)
    for (let index = 0; index < 22; index += 1) limiter.block("global", 400, 100, 300)
    limiter.block("global", 360, 150, 200)
    limiter.block("global", 400, 100, 300)
    open(limiter, 700)
    expect(fill(limiter, 1508).length).toBe(25)
    expect(limiter.availableAt("webhook", true)).toBe(1560)
    expect(fill(limiter, 2508).length).toBe(26)
    expect(limiter.availableAt("webhook", true)).toBe(2560)
    expect(fill(limiter, 3509).length).toBe(26)
    expect(limiter.availableAt("webhook", true)).toBe(4509)
  })

  it("needs a delay that is exact", () => {
    const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
    fill(limiter, 100, 50)
    for (let index = 0; index < 25; index += 1) limiter.block("global", 1000, 100, 140)
    open(limiter, 1200)
    expect(fill(limiter, 1500).length).toBe(24)
    expect(limiter.availableAt("webhook", true)).toBe(2200)
  })

  it("does not grow when a probe has overtaken the request that was rejected", () => {
    const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
    fill(limiter, 100, 50)
    for (let index = 0; index < 25; index += 1) limiter.block("global", 400, 100, 140)
    open(limiter, 540)
    for (let second = 1; second <= 5; second += 1) fill(limiter, 540 + second * 1000, 25)
    const sent = fill(limiter, 6540)
    expect(sent.length).toBe(26)
    limiter.block("global", 950, 6540, 6590)
    limiter.onSettled(sent.at(-1)!, true, "webhook")
    limiter.onSettled({}, true, "webhook")
    open(limiter, 7540)
    expect(fill(limiter, 7541).length).toBe(24)
  })
})

/** The global limit that others leave, learned from a server that counts by the seconds of its clock. */
import * as fc from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { GlobalLimiter } from "../../../src/ratelimit/internal/globalLimiter.js"
import { runs } from "../../support/laws.js"

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

  /** A limiter of which 25 of 50 requests were rejected, this long before the end of their second. */
  const limitedTo25 = (delay: number, respondedAt: number) => {
    const limiter = new GlobalLimiter([{ limit: 1000, window: 1000 }])
    fill(limiter, 100, 50)
    for (let index = 0; index < 25; index += 1) limiter.block("global", delay, 100, respondedAt)
    return limiter
  }

  it("begins its seconds where a 429 has shown that they end, for half a minute", () => {
    const limiter = limitedTo25(400, 140)
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
    const limiter = limitedTo25(1000, 140)
    open(limiter, 1200)
    expect(fill(limiter, 1500).length).toBe(24)
    expect(limiter.availableAt("webhook", true)).toBe(2200)
  })

  it.each([
    {
      reason: "latencies become longer",
      // It arrived 835 ms before the end of its second, 150 ms after it was sent.
      limited: { delay: 835, sentAt: 5520, respondedAt: 5820 },
      reopensAt: 6700,
      end: 7655,
    },
    {
      reason: "a request was on its way for long",
      limited: { delay: 805, sentAt: 5000, respondedAt: 5710 },
      reopensAt: 6600,
      end: 7515,
    },
  ])("keeps its seconds when $reason", ({ end, limited, reopensAt }) => {
    const limiter = limitedTo25(405, 110)
    open(limiter, 515)
    limiter.block("global", limited.delay, limited.sentAt, limited.respondedAt)
    open(limiter, reopensAt)
    fill(limiter, reopensAt + 300)
    expect(limiter.availableAt("webhook", true)).toBe(end)
  })

  it("learns nothing from a 429 of another process", () => {
    const limiter = limitedTo25(400, 140)
    open(limiter, 540)
    expect(fill(limiter, 1000).length).toBe(24)
    for (let index = 0; index < 5; index += 1) limiter.block("global", 300, undefined, 1200)
    expect(limiter.blockedUntil).toBe(1500)
    open(limiter, 1540)
    expect(fill(limiter, 1600).length).toBe(24)
    expect(limiter.availableAt("webhook", true)).toBe(2540)
  })

  it("does not grow when a probe has overtaken the request that was rejected", () => {
    const limiter = limitedTo25(400, 140)
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

const assumed = 50
const second = 1000

interface World {
  /** Senders, each with one request in flight. */
  readonly webhooks: number
  readonly roundTrip: number
  /** The server's clock at the start, within a second. */
  readonly phase: number
  /** Requests per second that the others leave, at a time. */
  readonly share: (now: number) => number
  /** Whether the server counts by its seconds, or in any interval of a second. */
  readonly isSliding: boolean
}

/** Counts accepted requests, and rejects the others until it has a slot. */
class SharedServer {
  readonly #world: World
  readonly #accepted: Array<number> = []

  constructor(world: World) {
    this.#world = world
  }

  /** The delay of a 429; `undefined` if the request is accepted. */
  handle(now: number): number | undefined {
    const { isSliding, phase, share } = this.#world
    const start = isSliding ? now - second : now - ((now + phase) % second)
    const counted = this.#accepted.filter((at) => (isSliding ? at > start : at >= start))
    if (counted.length < share(now)) {
      this.#accepted.push(now)
      return undefined
    }
    const oldest = counted[counted.length - share(now)] ?? now
    return (isSliding ? oldest : start) + second - now
  }
}

interface Traffic {
  readonly sentAt: ReadonlyArray<number>
  readonly acceptedAt: ReadonlyArray<number>
  readonly rejectedAt: ReadonlyArray<number>
}

/** Sends as fast as the limiter permits, for so many milliseconds. */
function sendAll(world: World, duration: number): Traffic {
  const limiter = new GlobalLimiter([{ limit: assumed, window: second }])
  const server = new SharedServer(world)
  const sentAt: Array<number> = []
  const acceptedAt: Array<number> = []
  const rejectedAt: Array<number> = []
  const inFlight: Array<{ readonly sentAt: number; readonly delay: number | undefined }> = []
  for (let now = 0; now < duration; now += 1) {
    while (inFlight[0] !== undefined && inFlight[0].sentAt + world.roundTrip <= now) {
      const request = inFlight.shift()!
      const { delay } = request
      ;(delay === undefined ? acceptedAt : rejectedAt).push(request.sentAt)
      if (delay !== undefined) limiter.block("global", delay, request.sentAt, now)
      limiter.onSettled(request, delay === undefined, "webhook")
    }
    while (inFlight.length < world.webhooks && limiter.availableAt("webhook", true) <= now) {
      const request = { sentAt: now, delay: server.handle(now) }
      limiter.recordSend(request, now, "webhook")
      sentAt.push(now)
      inFlight.push(request)
    }
  }
  return { acceptedAt, rejectedAt, sentAt }
}

const between = (times: ReadonlyArray<number>, start: number, end: number) =>
  times.filter((at) => at >= start && at < end).length

const worlds = fc.record({
  // Enough for 50 a second at every round trip.
  webhooks: fc.integer({ min: 12, max: 30 }),
  roundTrip: fc.integer({ min: 1, max: 200 }),
  phase: fc.integer({ min: 0, max: second - 1 }),
  left: fc.integer({ min: 5, max: 40 }),
  isSliding: fc.boolean(),
})

describe("the estimate of a global limit that others share", () => {
  it("exceeds no second of the configured limit, whatever the others leave", () => {
    fc.assert(
      fc.property(
        worlds,
        fc.infiniteStream(fc.integer({ min: 1, max: assumed })),
        (world, stream) => {
          const shares = Array.from({ length: 20 }, () => stream.next().value as number)
          const share = (now: number) => shares[Math.floor(now / second)] ?? 1
          const { sentAt } = sendAll({ ...world, share }, 20 * second)
          sentAt.forEach((at, index) => {
            expect(at - (sentAt[index - assumed] ?? -Infinity)).toBeGreaterThanOrEqual(second)
          })
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it("uses what the others leave, with a second with 429s in five", () => {
    fc.assert(
      fc.property(worlds, ({ left, ...world }) => {
        const { acceptedAt, rejectedAt } = sendAll({ ...world, share: () => left }, 40 * second)
        expect(between(acceptedAt, 10 * second, 40 * second)).toBeGreaterThanOrEqual(
          0.9 * 30 * left,
        )
        // Two where the probe and another request are on their way.
        const late = rejectedAt.filter((at) => at >= 10 * second)
        const seconds = new Set(late.map((at) => Math.floor(at / second)))
        expect(seconds.size).toBeLessThanOrEqual(30 / 5 + 1)
        expect(late.length).toBeLessThanOrEqual(2 * seconds.size)
      }),
      { numRuns: runs(100) },
    )
  })

  it("returns to the configured limit within 20 seconds after the others stop", () => {
    fc.assert(
      fc.property(worlds, ({ left, ...world }) => {
        const share = (now: number) => (now < 20 * second ? left : assumed)
        const { acceptedAt } = sendAll({ ...world, share }, 45 * second)
        expect(between(acceptedAt, 40 * second, 45 * second)).toBeGreaterThanOrEqual(4 * assumed)
      }),
      { numRuns: runs(100) },
    )
  })

  it("is exceeded by one request at a time, until its response", () => {
    const limiter = new GlobalLimiter([{ limit: assumed, window: second }])
    const start = (count: number, now: number) =>
      Array.from({ length: count }, () => {
        const request = {}
        limiter.recordSend(request, now, "webhook")
        return request
      })
    start(27, 0)
    limiter.block("global", 600, 0, 100)
    limiter.block("global", 600, 0, 100)
    // After a block one request goes first.
    const [first] = start(1, second)
    limiter.onSettled(first!, true, "webhook")
    start(24, second)
    for (let at = 2 * second; at <= 6 * second; at += second) start(25, at)
    expect(limiter.availableAt("webhook", true)).toBeLessThanOrEqual(6 * second)
    const [probe] = start(1, 6 * second)
    start(25, 7 * second)
    // The 429s said that their second, and so each one, ended at 700.
    expect(limiter.availableAt("webhook", true)).toBe(7700)
    limiter.onSettled(probe!, true, "webhook")
    expect(limiter.availableAt("webhook", true)).toBeLessThanOrEqual(7 * second)
    expect(limiter.availableAt("webhook")).toBeLessThanOrEqual(7 * second)
  })
})

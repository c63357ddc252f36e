/** The estimate of other clients, against a server that records who took which slot. */
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import type { ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"
import type { Bucket } from "../../../src/ratelimit/Bucket.js"
import * as traffic from "../../../src/ratelimit/strategy/adaptive/competingTraffic.js"
import { Server } from "../model/server.js"
import { runs } from "../../support/laws.js"

const fc = FastCheck

const limit = 5
const period = 2000

interface Request {
  readonly sentAt: number
  readonly there: number
  readonly back: number
}

interface Story {
  readonly kind: "fixed" | "leaking"
  readonly requests: ReadonlyArray<Request>
  /** When other clients take a slot. */
  readonly others: ReadonlyArray<number>
  /** How far the server's clock is off. */
  readonly skew: number
}

interface Seen {
  readonly state: traffic.CompetingTraffic
  /** Slots that others got. */
  readonly taken: number
  /** Their rate after each response. */
  readonly rates: ReadonlyArray<number>
}

const bucketOf = (kind: Story["kind"], inFlight: number): Bucket => ({
  id: "hash",
  limit,
  remaining: limit,
  inFlight,
  channelInFlight: 0,
  waiting: 0,
  resetAt: undefined,
  resetEarliest: undefined,
  blockedUntil: 0,
  model: kind,
  period,
  // As it is seen: a millisecond less, since Reset-After is rounded up.
  slot: kind === "leaking" ? period / limit - 1 : undefined,
  roundTrip: undefined,
  memory: undefined,
})

/** Tells the answers as they come; the server sees requests as they arrive. */
const play = ({ kind, requests, others, skew }: Story): Seen => {
  const server = new Server({
    kind,
    limit,
    window: period,
    skew,
    hash: "route",
    headers: "all",
    global: undefined,
  })
  const answers = new Map<Request, ResponseInfo>()
  let taken = 0
  let inFlight = 0
  let state = traffic.initial
  const rates: Array<number> = []
  const events = [
    ...others.map((at) => ({
      at,
      happen: () => {
        if (server.handle("1", "route", at).limited === undefined) taken += 1
      },
    })),
    ...requests.flatMap((request) => {
      const { sentAt } = request
      const arrivesAt = sentAt + request.there
      const heardAt = arrivesAt + request.back
      return [
        { at: sentAt, happen: () => void (inFlight += 1) },
        {
          at: arrivesAt,
          happen: () => void answers.set(request, server.handle("1", "route", arrivesAt)),
        },
        {
          at: heardAt,
          happen: () => {
            inFlight -= 1
            state = traffic.onResponse(
              state,
              answers.get(request)!,
              bucketOf(kind, inFlight),
              sentAt,
              heardAt,
            )
            rates.push(traffic.rate(state))
          },
        },
      ]
    }),
  ].sort((a, b) => a.at - b.at)
  for (const { happen } of events) happen()
  return { state, taken, rates }
}

const bothKinds = ["fixed", "leaking"] as const
const kinds = fc.constantFrom(...bothKinds)
const skews = fc.constantFrom(0, 60_000, -60_000)
const instants = fc.integer({ min: 0, max: 20_000 })
/** Requests of some span of time, which take so long there and back at most. */
const within = (span: number, longest: number) => {
  const ways = fc.integer({ min: 1, max: longest })
  return fc.array(
    fc.record({ sentAt: fc.integer({ min: 0, max: span }), there: ways, back: ways }),
    { minLength: 1, maxLength: 60 },
  )
}
/** Far apart and close together, where many of them meet in one millisecond. */
const requests = fc.oneof(within(20_000, 1500), within(300, 30))

/** The second overtakes the first on the way back, and then nothing is in flight. */
const writtenInOneMillisecond: ReadonlyArray<Request> = [
  { sentAt: 14_581, there: 553, back: 2 },
  { sentAt: 13_799, there: 1335, back: 1 },
  { sentAt: 15_136, there: 1, back: 1 },
]

/** One after the other, on a steady link. */
const inTurn = (count: number, apart: number): ReadonlyArray<Request> =>
  Array.from({ length: count }, (_, index) => ({ sentAt: index * apart, there: 60, back: 60 }))

describe("others on the same webhook", () => {
  it("are estimated as zero for a single client, for any overlap and order of its requests", () => {
    fc.assert(
      fc.property(kinds, skews, requests, (kind, skew, all) => {
        const { rates } = play({ kind, skew, requests: all, others: [] })
        expect(Math.max(...rates)).toBe(0)
      }),
      {
        numRuns: runs(500),
        examples: bothKinds.map((kind) => [kind, 0, [...writtenInOneMillisecond]]),
      },
    )
  })

  it("are never thought to take more than they do", () => {
    fc.assert(
      fc.property(
        kinds,
        skews,
        requests,
        fc.array(instants, { maxLength: 40 }),
        (kind, skew, all, others) => {
          const { state, taken } = play({ kind, skew, requests: all, others })
          expect(state.taken).toBeLessThanOrEqual(taken + 1e-9)
        },
      ),
      { numRuns: runs(500) },
    )
  })

  it("are seen to the last slot by one request at a time, while a leaking bucket is not full", () => {
    // 20 slots of ours in 8 s and 4 of others: the bucket is never full in between.
    const others = [1000, 2500, 4100, 6300]
    const { state, taken } = play({
      kind: "leaking",
      skew: 0,
      requests: inTurn(24, 350),
      others,
    })
    expect(taken).toBe(4)
    const fading = 30_000
    const end = 23 * 350 + 60
    const faded = others.map((at) => Math.exp((at - end) / fading))
    expect(state.taken).toBeGreaterThan(faded.reduce((sum, one) => sum + one, 0) - 0.1)
  })

  it("are seen although they have taken their slots of a fixed window before we come", () => {
    // A window opens with their first; ours is its last request.
    const others = [0, 1, 2].flatMap((window) => [0, 10, 20].map((at) => window * 3000 + at))
    const { state, taken } = play({ kind: "fixed", skew: 0, requests: inTurn(3, 3000), others })
    expect(taken).toBe(9)
    // The first window was over before there was anything to compare it with.
    expect(state.taken).toBeGreaterThan(5)
    expect(state.taken).toBeLessThanOrEqual(6)
  })

  for (const kind of bothKinds) {
    it(`are seen while requests overlap all the time: ${kind}`, () => {
      // A round trip of 900 ms, a request every 500: one at least is always in flight.
      const all = Array.from({ length: 40 }, (_, index) => ({
        sentAt: index * 500,
        there: 450,
        back: 450,
      }))
      const others = Array.from({ length: 20 }, (_, index) => 700 + index * 1000)
      const { state, taken } = play({ kind, skew: 0, requests: all, others })
      expect(taken).toBeGreaterThan(5)
      expect(traffic.rate(state)).toBeGreaterThan(0)
      expect(state.taken).toBeGreaterThan(taken / 4)
    })
  }

  it("are not suspected of a request of ours whose fate is unknown", () => {
    const bucket = bucketOf("leaking", 0)
    const server = new Server({
      kind: "leaking",
      limit,
      window: period,
      skew: 0,
      hash: "route",
      headers: "all",
      global: undefined,
    })
    const tell = (state: traffic.CompetingTraffic, at: number) =>
      traffic.onResponse(state, server.handle("1", "route", at), bucket, at, at)
    const first = tell(traffic.initial, 0)
    server.handle("1", "route", 50)
    expect(tell(traffic.onUnknown(first), 100).taken).toBe(0)
    server.handle("1", "route", 150)
    expect(tell(tell(first, 100), 200).taken).toBeGreaterThan(0)
  })
})

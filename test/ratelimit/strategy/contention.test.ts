import { describe, expect, it } from "vitest"
import type { Bucket } from "../../../src/ratelimit/Bucket.js"
import { slotAt } from "../../../src/ratelimit/strategy/adaptive/competingTraffic.js"
import * as traffic from "../../../src/ratelimit/strategy/adaptive/competingTraffic.js"

/** The instant of the last word; long enough after nothing overlapped. */
const receivedAt = 100_000

/** Other clients that take this number of slots a second. */
const others = (perSecond: number): traffic.CompetingTraffic => ({
  ...traffic.initial,
  taken: perSecond * 20,
  watched: 18_000,
  last: {
    at: receivedAt - 250,
    receivedAt,
    serverTime: 0,
    limit: 5,
    remaining: 0,
    reset: 0,
    resetAfter: 0,
  },
})

const bucket = (values: Partial<Bucket>): Bucket => ({
  id: "hash",
  limit: 5,
  remaining: 1,
  inFlight: 0,
  channelInFlight: 0,
  waiting: 1,
  resetAt: receivedAt + 2000,
  resetEarliest: undefined,
  blockedUntil: 0,
  model: "leaking",
  period: 2000,
  slot: 400,
  roundTrip: { last: 500, shortest: 500, longest: 500, count: 100, uncertainty: undefined },
  memory: undefined,
  ...values,
})

const at = (
  values: Partial<Bucket>,
  now: number,
  { perSecond = 1.25, overlappedAt = 0, leadTime = 0 } = {},
) => slotAt({ traffic: others(perSecond), overlappedAt }, bucket(values), now, leadTime, 0.92)

const now = Number.NEGATIVE_INFINITY

describe("with others on the webhook", () => {
  it("a slot of a fixed window that was free long ago is left to them, until the reset", () => {
    const window = { model: "fixed", remaining: 1 } as const
    expect(at(window, receivedAt + 1500)).toBe(receivedAt + 2000)
    expect(at(window, receivedAt + 1500, { perSecond: 0 })).toBe(now)
    expect(at({ ...window, remaining: 5 }, receivedAt + 100)).toBe(now)
  })

  it("more tries are worth more: who can still use two slots leaves them later", () => {
    // 500 ms after the word, two slots: 0.87.
    const two = { model: "fixed", remaining: 2 } as const
    expect(at(two, receivedAt)).toBe(now)
    expect(at(two, receivedAt + 1600)).toBe(receivedAt + 2000)
    expect(at({ ...two, remaining: 1 }, receivedAt)).toBe(receivedAt + 2000)
  })

  it("a slot of a leaking bucket is taken as it is restored, when no other client can have it yet", () => {
    // It is back at + 800 at the latest; a request sent 480 ms before arrives 20 ms later.
    const early = { leadTime: 480 }
    expect(at({ resetAt: receivedAt + 2400 }, receivedAt + 300, early)).toBe(receivedAt + 320)
    expect(at({ resetAt: receivedAt + 2400 }, receivedAt + 320, early)).toBe(now)
  })

  it("one that has been back for long is not worth a try, if another makes it likelier", () => {
    expect(at({}, receivedAt + 400)).toBe(receivedAt + 800)
    expect(at({}, receivedAt + 800)).toBe(receivedAt + 1200)
    expect(at({}, receivedAt + 400, { perSecond: 0.1 })).toBe(now)
  })

  it("no request waits where waiting makes a free slot less likely", () => {
    // 90 ms late: 0.89 now, 0.87 with a second slot 400 ms later.
    const trip = { last: 90, shortest: 90, longest: 90, count: 100, uncertainty: undefined }
    expect(at({ roundTrip: trip }, receivedAt + 400)).toBe(now)
  })

  it("no request waits for more slots than the limit", () => {
    expect(at({ resetAt: receivedAt }, receivedAt + 5000)).toBe(now)
    expect(at({ resetAt: receivedAt, inFlight: 1 }, receivedAt + 5000)).toBe(now)
  })

  it("whose requests overlap takes each slot of a leaking bucket as it comes, for half a minute", () => {
    const overlappedAt = receivedAt - 10_000
    expect(at({}, receivedAt + 400, { overlappedAt })).toBe(now)
    expect(at({}, receivedAt + 400, { overlappedAt: overlappedAt - 20_000 })).toBe(receivedAt + 800)
  })

  it("nothing is estimated before the bucket's model is known", () => {
    expect(at({ model: "unknown", slot: undefined }, receivedAt + 1500)).toBe(now)
  })

  it("a request without free slots waits for the next slot or a response", () => {
    expect(at({ inFlight: 5 }, receivedAt)).toBe(Number.POSITIVE_INFINITY)
    expect(at({ resetAt: undefined, remaining: 0, model: "fixed" }, receivedAt)).toBe(
      Number.POSITIVE_INFINITY,
    )
  })
})

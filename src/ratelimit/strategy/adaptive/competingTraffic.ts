/**
 * Estimates the request rate of other clients of the same webhook from slots that our requests do not
 * explain, and decides with them whether to try a slot that may be taken on arrival.
 *
 * Responses are ordered by their headers, since they may overtake one another. The slots used between
 * two responses, less our own requests and those in flight, which may have been counted, are a lower
 * bound of the slots of other clients. The maximum is kept, and restarts when nothing is in flight.
 */
import type { Bucket } from "../../Bucket.js"
import type { ResponseInfo } from "../../ResponseInfo.js"
import { freeSlots, nextSlot } from "../proactive.js"

/** The values of a response, with its time on our clock and on the server's. */
interface Sample {
  /** Halfway between sending and the response. */
  readonly at: number
  readonly receivedAt: number
  readonly serverTime: number
  readonly limit: number
  readonly remaining: number
  readonly reset: number
  readonly resetAfter: number
}

export interface CompetingTraffic {
  /** Slots that others took, and the milliseconds of observation; both decay. */
  readonly taken: number
  readonly watched: number
  /** The latest response by the server's clock. */
  readonly last: Sample | undefined
  /** Since nothing was in flight: used slots, those that may be ours, those that are not. */
  readonly gone: number
  readonly ours: number
  readonly others: number
}

export const initial: CompetingTraffic = {
  taken: 0,
  watched: 0,
  last: undefined,
  gone: 0,
  ours: 0,
  others: 0,
}

/** Milliseconds added to the observed time, so that short observations give no high rate. */
const minWatched = 2000

/** Time constant of the decay in milliseconds. */
const decayTime = 30_000

/** Resets on the server's clock closer than this are one window's. */
const sameReset = 10

/** Maximum distance of a slot count from a whole number; beyond it the slot time is unknown. */
const maxBlur = 0.25

/** Handles the response of our request sent at `sentAt`. */
export function onResponse(
  traffic: CompetingTraffic,
  response: ResponseInfo,
  bucket: Bucket,
  sentAt: number,
  now: number,
): CompetingTraffic {
  const ours = response.limited === undefined ? traffic.ours + 1 : traffic.ours
  const sample = readSample(response, bucket, sentAt, now)
  const isNew = sample !== undefined && !isOlder(sample, traffic.last, bucket, sentAt)
  const { gone, last, taken, watched } = isNew ? addSample(traffic, sample, bucket) : traffic
  const others = Math.max(traffic.others, gone - ours - bucket.inFlight)
  const isIdle = bucket.inFlight === 0
  return {
    taken: taken + others - traffic.others,
    watched,
    last,
    gone: isIdle ? 0 : gone,
    ours: isIdle ? 0 : ours,
    others: isIdle ? 0 : others,
  }
}

/** Handles a request that the server may have counted: a used slot may be ours. */
export function onUnknown(traffic: CompetingTraffic): CompetingTraffic {
  return { ...traffic, ours: traffic.ours + 1 }
}

/** The probability that others leave one of `free` slots, `unwatched` milliseconds after the last response. */
export function chance(traffic: CompetingTraffic, free: number, unwatched: number): number {
  return poisson(free - 1, rate(traffic) * unwatched)
}

/**
 * The probability that one is left of slots that returned one by one, at the given milliseconds before
 * our request arrives: others take slots only after their return.
 */
export function chanceAmong(traffic: CompetingTraffic, open: ReadonlyArray<number>): number {
  const perMilli = rate(traffic)
  /** The probability of each number of slots. */
  let left: ReadonlyArray<number> = [1]
  open.forEach((since, index) => {
    const mean = perMilli * Math.max(0, since - (open[index + 1] ?? 0))
    left = thinned([0, ...left], mean)
  })
  return 1 - (left[0] ?? 0)
}

/** Applies an expected number of competing requests, each of which takes a slot if there is one. */
function thinned(left: ReadonlyArray<number>, mean: number): ReadonlyArray<number> {
  const after = left.map(() => 0)
  left.forEach((likely, slots) => {
    let term = Math.exp(-mean)
    let rest = 1
    for (let taken = 0; taken < slots; taken += 1) {
      after[slots - taken] = (after[slots - taken] ?? 0) + likely * term
      rest -= term
      term *= mean / (taken + 1)
    }
    after[0] = (after[0] ?? 0) + likely * Math.max(0, rest)
  })
  return after
}

/** Slots per millisecond that others take. */
export function rate(traffic: CompetingTraffic): number {
  return traffic.taken < 1 ? 0 : traffic.taken / (traffic.watched + minWatched)
}

function readSample({ headers }: ResponseInfo, { limit }: Bucket, sentAt: number, now: number) {
  const { remaining, reset, resetAfter } = headers
  if (limit === undefined || remaining === undefined) return undefined
  // The remaining slots of a past window do not include our request.
  if (reset === undefined || resetAfter === undefined || resetAfter === 0) return undefined
  const at = (sentAt + now) / 2
  return {
    at,
    receivedAt: now,
    serverTime: reset - resetAfter,
    limit,
    remaining,
    reset,
    resetAfter,
  }
}

/** The server's clock may jump back, so only a request sent before the last response can be older. */
function isOlder(
  sample: Sample,
  last: Sample | undefined,
  bucket: Bucket,
  sentAt: number,
): boolean {
  return last !== undefined && isBefore(sample, last, bucket) && sentAt <= last.receivedAt
}

type Watched = Pick<CompetingTraffic, "taken" | "watched" | "last" | "gone">

function addSample(traffic: CompetingTraffic, sample: Sample, bucket: Bucket): Watched {
  const { last } = traffic
  const { gone, time } =
    bucket.model === "leaking" ? leakingStep(last, sample, bucket) : fixedStep(last, sample, bucket)
  const passed = last === undefined ? 0 : Math.max(0, sample.at - last.at)
  const fade = Math.exp(-passed / decayTime)
  return {
    taken: traffic.taken * fade,
    watched: traffic.watched * fade + Math.max(0, time),
    last: sample,
    gone: traffic.gone + gone,
  }
}

/**
 * Whether the server wrote one response before another. They may have the same millisecond, but the reset
 * never falls, and `remaining` never rises within a fixed window.
 */
function isBefore(sample: Sample, last: Sample, { model }: Bucket): boolean {
  const isFixed = model === "fixed"
  const moved = sample.reset - last.reset
  if (Math.abs(moved) > (isFixed ? sameReset : 0)) return moved < 0
  return isFixed && sample.remaining !== last.remaining
    ? sample.remaining > last.remaining
    : sample.serverTime < last.serverTime
}

/** Between two responses: used slots, and the milliseconds in which others could take some. */
interface Step {
  readonly gone: number
  readonly time: number
}

const nothing: Step = { gone: 0, time: 0 }

/** In a fixed window `remaining` falls. A bucket that may be leaking is not watched. */
function fixedStep(last: Sample | undefined, sample: Sample, { model, period }: Bucket): Step {
  if (model !== "fixed" || last?.limit !== sample.limit) return nothing
  if (Math.abs(last.reset - sample.reset) <= sameReset) {
    return { gone: last.remaining - sample.remaining, time: sample.at - last.at }
  }
  // A new window: all used slots were taken since it opened.
  return { gone: sample.limit - sample.remaining, time: (period ?? 0) - sample.resetAfter }
}

/** On a leaking bucket each request moves the reset by one slot's time, unless it was full. */
function leakingStep(last: Sample | undefined, sample: Sample, { slot }: Bucket): Step {
  if (slot === undefined || last?.limit !== sample.limit) return nothing
  const passed = sample.serverTime - last.serverTime
  const time = passed - Math.max(0, last.resetAfter - (sample.limit - 1) * slot)
  if (passed >= last.resetAfter)
    return { gone: Math.ceil(sample.resetAfter / slot - maxBlur), time }
  const slots = (sample.reset - last.reset) / slot
  const gone = Math.round(slots)
  return Math.abs(slots - gone) > maxBlur ? nothing : { gone, time }
}

/** For a larger mean `exp` is 0, and the probability is 0 or 1 but for a few numbers around it. */
const maxMean = 700

/** The probability of at most `most` events if `mean` are expected. */
function poisson(most: number, mean: number): number {
  if (mean > maxMean) return most < mean ? 0 : 1
  let term = Math.exp(-mean)
  let sum = 0
  // Terms vanish long before the end where a header names a limit of millions.
  for (let events = 0; events <= most && term > 0; events += 1) {
    sum += term
    term *= mean / (events + 1)
  }
  return sum
}

export interface Contention {
  readonly traffic: CompetingTraffic
  /** The last time at which two of our requests were in flight. */
  readonly overlappedAt: number
}

/** Milliseconds for which requests are expected to overlap again. */
const overlapMillis = 30_000

/** Maximum number of slots that are considered, the last to return: the others hardly matter. */
const maxSlots = 30

/**
 * The time from which a request is worth a try; `Infinity` until the next response.
 */
export function slotAt(
  contention: Contention,
  bucket: Bucket,
  now: number,
  leadTime: number,
  confidence: number,
): number {
  const free = freeSlots(bucket, now, leadTime)
  const wanted = free < 1 ? 1 : free + 1
  const next = nextSlot(bucket, leadTime, wanted) ?? Infinity
  return free < 1 || isProbablyTaken(contention, bucket, free, now, next, confidence)
    ? next
    : -Infinity
}

/** Whether the free slots have probably been taken by other clients. */
function isProbablyTaken(
  { traffic, overlappedAt }: Contention,
  bucket: Bucket,
  free: number,
  now: number,
  next: number,
  confidence: number,
): boolean {
  const { model, resetAt, roundTrip } = bucket
  if (traffic.last === undefined || resetAt === undefined || rate(traffic) === 0) return false
  const trip = roundTrip?.last ?? 0
  // From the last response until the request arrives.
  const unwatched = now + trip / 2 - traffic.last.at
  const wait = next - now
  const odds = confidence / (1 - confidence)
  if (model === "fixed") {
    // Leaving a slot means leaving all that could still be used before the reset.
    const tries = Math.max(1, Math.min(free, Math.ceil(wait / Math.max(1, trip))))
    const likely = chance(traffic, free, unwatched)
    return likely * tries < odds * (1 - likely)
  }
  if (model === "unknown" || now - overlappedAt < overlapMillis) return false
  return isWorthWaiting(traffic, bucket, free, now + trip, unwatched, wait, odds)
}

/**
 * On a leaking bucket other clients can only take a slot that has returned. A request at that time
 * leaves them none; waiting for another slot gives them more time. So waiting must pay: the time of a
 * slot is worth as much as the `odds` of a 429.
 */
function isWorthWaiting(
  traffic: CompetingTraffic,
  bucket: Bucket,
  free: number,
  arrival: number,
  unwatched: number,
  wait: number,
  odds: number,
): boolean {
  const { inFlight, limit = 0, slot } = bucket
  if (slot === undefined || free + inFlight >= limit) return false
  // How long each slot has been free on arrival, in the order of return.
  const open = (slots: number, later: number) =>
    Array.from({ length: Math.min(slots, maxSlots) }, (_, index) => {
      const back = nextSlot(bucket, 0, slots - Math.min(slots, maxSlots) + index + 1) ?? arrival
      return Math.max(0, Math.min(unwatched, arrival - back) + later)
    })
  const now = chanceAmong(traffic, open(free, 0))
  const then = chanceAmong(traffic, open(free + 1, wait))
  return (then - now) * odds * slot > wait
}

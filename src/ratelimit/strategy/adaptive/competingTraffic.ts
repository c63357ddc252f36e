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
interface Word {
  /** Halfway between sending and the response. */
  readonly at: number
  readonly heardAt: number
  readonly writtenAt: number
  readonly limit: number
  readonly remaining: number
  readonly reset: number
  readonly resetAfter: number
}

export interface Foreign {
  /** Slots that others took, and the milliseconds of observation; both decay. */
  readonly taken: number
  readonly watched: number
  /** The latest response by the server's clock. */
  readonly last: Word | undefined
  /** Since nothing was in flight: used slots, those that may be ours, those that are not. */
  readonly gone: number
  readonly ours: number
  readonly others: number
}

export const initial: Foreign = {
  taken: 0,
  watched: 0,
  last: undefined,
  gone: 0,
  ours: 0,
  others: 0,
}

/** Milliseconds added to the observed time, so that short observations give no high rate. */
const leastWatched = 2000

/** Time constant of the decay in milliseconds. */
const memory = 30_000

/** Resets on the server's clock closer than this are one window's. */
const sameReset = 10

/** Maximum distance of a slot count from a whole number; beyond it the slot time is unknown. */
const blur = 0.25

/** Handles the response of our request sent at `sentAt`. */
export function answered(
  foreign: Foreign,
  response: ResponseInfo,
  bucket: Bucket,
  sentAt: number,
  now: number,
): Foreign {
  const own = response.limited === undefined ? lost(foreign) : foreign
  const word = read(response, bucket, sentAt, now)
  return summed(word === undefined ? own : heard(own, word, bucket, sentAt), bucket)
}

/** Handles a request that the server may have counted: a used slot may be ours. */
export function lost(foreign: Foreign): Foreign {
  return { ...foreign, ours: foreign.ours + 1 }
}

/** The probability that a slot is free for a request sent now, with `free` slots before. */
export function chance(foreign: Foreign, free: number, sight: number): number {
  return poisson(free - 1, rate(foreign) * sight)
}

/**
 * The probability that one is left of slots that returned one by one, at the given milliseconds before
 * our request arrives: others take slots only after their return.
 */
export function chanceAmong(foreign: Foreign, open: ReadonlyArray<number>): number {
  const perMilli = rate(foreign)
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
export function rate(foreign: Foreign): number {
  return foreign.taken < 1 ? 0 : foreign.taken / (foreign.watched + leastWatched)
}

function read({ headers }: ResponseInfo, { limit }: Bucket, sentAt: number, now: number) {
  const { remaining, reset, resetAfter } = headers
  if (limit === undefined || remaining === undefined) return undefined
  // The remaining slots of a past window do not include our request.
  if (reset === undefined || resetAfter === undefined || resetAfter === 0) return undefined
  const at = (sentAt + now) / 2
  return { at, heardAt: now, writtenAt: reset - resetAfter, limit, remaining, reset, resetAfter }
}

function heard(foreign: Foreign, word: Word, bucket: Bucket, sentAt: number): Foreign {
  const { last } = foreign
  // The server's clock may jump back, so only a request sent before the last response can be older.
  const isOlder = last !== undefined && isBefore(word, last, bucket) && sentAt <= last.heardAt
  if (isOlder) return foreign
  const { gone, time } =
    bucket.model === "leaking" ? leaked(last, word, bucket) : fell(last, word, bucket)
  const passed = last === undefined ? 0 : Math.max(0, word.at - last.at)
  const fade = Math.exp(-passed / memory)
  return {
    ...foreign,
    taken: foreign.taken * fade,
    watched: foreign.watched * fade + Math.max(0, time),
    last: word,
    gone: foreign.gone + gone,
  }
}

/**
 * Whether the server wrote one response before another. They may have the same millisecond, but the reset
 * never falls, and `remaining` never rises within a fixed window.
 */
function isBefore(word: Word, last: Word, { model }: Bucket): boolean {
  const isFixed = model === "fixed"
  const moved = word.reset - last.reset
  if (Math.abs(moved) > (isFixed ? sameReset : 0)) return moved < 0
  return isFixed && word.remaining !== last.remaining
    ? word.remaining > last.remaining
    : word.writtenAt < last.writtenAt
}

function summed(foreign: Foreign, { inFlight }: Bucket): Foreign {
  const others = Math.max(foreign.others, foreign.gone - foreign.ours - inFlight)
  const taken = foreign.taken + others - foreign.others
  if (inFlight > 0) return { ...foreign, taken, others }
  return { ...foreign, taken, gone: 0, ours: 0, others: 0 }
}

/** Between two responses: used slots, and the milliseconds in which others could take some. */
interface Step {
  readonly gone: number
  readonly time: number
}

const nothing: Step = { gone: 0, time: 0 }

/** In a fixed window `remaining` falls. A bucket that may be leaking is not watched. */
function fell(last: Word | undefined, word: Word, { model, period }: Bucket): Step {
  if (model !== "fixed" || last?.limit !== word.limit) return nothing
  if (Math.abs(last.reset - word.reset) <= sameReset) {
    return { gone: last.remaining - word.remaining, time: word.at - last.at }
  }
  // A new window: all used slots were taken since it opened.
  return { gone: word.limit - word.remaining, time: (period ?? 0) - word.resetAfter }
}

/** On a leaking bucket each request moves the reset by one slot's time, unless it was full. */
function leaked(last: Word | undefined, word: Word, { slot }: Bucket): Step {
  if (slot === undefined || last?.limit !== word.limit) return nothing
  const passed = word.writtenAt - last.writtenAt
  const time = passed - Math.max(0, last.resetAfter - (word.limit - 1) * slot)
  if (passed >= last.resetAfter) return { gone: Math.ceil(word.resetAfter / slot - blur), time }
  const slots = (word.reset - last.reset) / slot
  const gone = Math.round(slots)
  return Math.abs(slots - gone) > blur ? nothing : { gone, time }
}

/** The probability of at most `most` events if `mean` are expected. */
function poisson(most: number, mean: number): number {
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
  readonly foreign: Foreign
  /** The last time at which two of our requests were in flight. */
  readonly overlappedAt: number
}

/** Milliseconds for which requests are expected to overlap again. */
const overlapping = 30_000

/** Maximum number of slots that are considered, the last to return: the others hardly matter. */
const most = 30

/**
 * The time from which a request is worth a try; `Infinity` until the next response.
 */
export function slotAt(
  contest: Contention,
  bucket: Bucket,
  now: number,
  leadTime: number,
  confidence: number,
): number {
  const free = freeSlots(bucket, now, leadTime)
  const wanted = free < 1 ? 1 : free + 1
  const next = nextSlot(bucket, leadTime, wanted) ?? Number.POSITIVE_INFINITY
  return free < 1 || isLeft(contest, bucket, free, now, next, confidence)
    ? next
    : Number.NEGATIVE_INFINITY
}

/** Whether the free slots have probably been taken by other clients. */
function isLeft(
  { foreign, overlappedAt }: Contention,
  bucket: Bucket,
  free: number,
  now: number,
  next: number,
  confidence: number,
): boolean {
  const { model, resetAt, roundTrip } = bucket
  if (foreign.last === undefined || resetAt === undefined || rate(foreign) === 0) return false
  const trip = roundTrip?.last ?? 0
  const sight = now + trip / 2 - foreign.last.at
  const wait = next - now
  const odds = confidence / (1 - confidence)
  if (model === "fixed") {
    // Leaving a slot means leaving all that could still be used before the reset.
    const tries = Math.max(1, Math.min(free, Math.ceil(wait / Math.max(1, trip))))
    const likely = chance(foreign, free, sight)
    return likely * tries < odds * (1 - likely)
  }
  if (model === "unknown" || now - overlappedAt < overlapping) return false
  return isWorthWaiting(foreign, bucket, free, now + trip, sight, wait, odds)
}

/**
 * On a leaking bucket other clients can only take a slot that has returned. A request at that time
 * leaves them none; waiting for another slot gives them more time. So waiting must pay: the time of a
 * slot is worth as much as the `odds` of a 429.
 */
function isWorthWaiting(
  foreign: Foreign,
  bucket: Bucket,
  free: number,
  arrival: number,
  sight: number,
  wait: number,
  odds: number,
): boolean {
  const { inFlight, limit = 0, slot } = bucket
  if (slot === undefined || free + inFlight >= limit) return false
  // How long each slot has been free on arrival, in the order of return.
  const open = (slots: number, later: number) =>
    Array.from({ length: Math.min(slots, most) }, (_, index) => {
      const back = nextSlot(bucket, 0, slots - Math.min(slots, most) + index + 1) ?? arrival
      return Math.max(0, Math.min(sight, arrival - back) + later)
    })
  const now = chanceAmong(foreign, open(free, 0))
  const then = chanceAmong(foreign, open(free + 1, wait))
  return (then - now) * odds * slot > wait
}

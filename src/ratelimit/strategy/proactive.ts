/**
 * Sends no request that would be limited: a request in flight occupies a slot, and the slots of the next
 * window are used only after the latest possible reset. The functions that read slots, resets and round
 * trips of a bucket are shared with the adaptive strategy.
 */
import * as Duration from "effect/Duration"
import type { Bucket, RoundTrip } from "../Bucket.js"
import type { Policy } from "./Policy.js"

/**
 * @param threshold Share of a window's slots that are used at full speed; the others are paced.
 * @internal
 */
export const proactive = (threshold: number): Policy => ({
  name: "proactive",
  lead,
  shouldWait: (bucket, now) =>
    freeSlots(bucket, now, lead(bucket)) < 1 || now < pacedUntil(bucket, now, threshold),
  calculateWait: (bucket, now) =>
    Duration.millis(Math.max(0, opensAt(bucket, now, threshold) - now)),
  initial: undefined,
  observe: (memory) => memory,
})

/** The earliest start; 0 until the next response. */
function opensAt(bucket: Bucket, now: number, threshold: number): number {
  const leadTime = lead(bucket)
  return freeSlots(bucket, now, leadTime) < 1
    ? (nextSlot(bucket, leadTime) ?? 0)
    : pacedUntil(bucket, now, threshold)
}

/**
 * The time from which the next paced slot may be used. Paced slots divide the last part of the window
 * evenly. They are used earlier if a round trip is longer than their spacing, so that the last response
 * arrives before the next window starts. Without a queue longer than the free slots nothing is paced.
 */
function pacedUntil(bucket: Bucket, now: number, threshold: number): number {
  const { limit, period, resetAt, model, roundTrip } = bucket
  if (threshold >= 1 || limit === undefined || period === undefined || resetAt === undefined)
    return 0
  const leadTime = lead(bucket)
  const free = freeSlots(bucket, now, leadTime)
  if (model === "leaking" || bucket.waiting <= free) return 0
  const paced = limit - Math.ceil(limit * threshold)
  if (free > paced) return 0
  const spacing = (period * (1 - threshold)) / paced
  return resetAt - leadTime - free * Math.max(spacing, roundTrip?.longest ?? 0)
}

/** Error of headers and timers in milliseconds. */
export const rounding = 2

/** Minimum number of round trips for an estimate of the shortest one. */
const minRoundTrips = 3

/** Shorter round trips (milliseconds) consist mostly of the jitter of this machine. */
const minRoundTripMillis = 20

/** Share of the spread that is subtracted from the lead if no other client uses the slots. */
const maxShare = 4

/** Slots of a leaking bucket are fractions; this absorbs floating-point errors. */
const floatError = 1e-6

/** The difference between the longest and the shortest round trip in milliseconds. */
export function spread(bucket: Bucket): number {
  const { roundTrip } = bucket
  return roundTrip === undefined ? 0 : roundTrip.longest - roundTrip.shortest
}

/**
 * How many milliseconds before the latest possible reset a request may be sent to arrive after the reset.
 *
 * The latest possible reset is late by the shortest time that a response has taken, and a request takes
 * time as well. So the lead is at most the shortest time of a request and of a response together. The
 * uncertainty of a reset is such a sum, and the least uncertainty is its best estimate. Since shorter
 * times than the observed ones are possible, and less likely the more were observed, three parts are
 * subtracted: a share of the spread, divided by the number of responses; a share of the shortest round
 * trip, divided by the square of that number, for a spread that has not been observed yet; and the
 * error of rounding.
 *
 * @param others Slots per millisecond that other clients use; a request that arrives late finds none.
 */
export function lead(bucket: Bucket, others = 0): number {
  const { roundTrip } = bucket
  if (roundTrip === undefined || roundTrip.count < minRoundTrips) return 0
  const { count, shortest } = roundTrip
  if (shortest < minRoundTripMillis) return 0
  const kept = (share(bucket, others) * spread(bucket)) / count + (3 * shortest) / count ** 2
  return Math.max(0, minUncertainty(bucket, roundTrip) - kept - rounding)
}

/**
 * The share of the spread that is subtracted, divided by the number of responses. If all times between
 * the shortest and the longest are equally likely, the next request is too early with a probability of
 * less than *exp(-2 x share) x 2 / spread* for each millisecond of the lead. On a leaking bucket each
 * millisecond costs a slot with the probability that another client takes it. Where both are equal, the
 * fewest requests are limited.
 */
function share(bucket: Bucket, others: number): number {
  const perMilli = (others * spread(bucket)) / 2
  if (bucket.model !== "leaking" || perMilli <= 0) return maxShare
  return Math.min(maxShare, Math.max(0, -Math.log(perMilli) / 2))
}

/** Returns the minimum uncertainty of all resets, including the next one. */
function minUncertainty(
  { resetAt, resetEarliest }: Bucket,
  { shortest, uncertainty }: RoundTrip,
): number {
  const coming =
    resetAt === undefined || resetEarliest === undefined ? shortest : resetAt - resetEarliest
  return uncertainty === undefined ? coming : Math.min(uncertainty, coming)
}

/** Slots that neither a response nor a request in flight has used, for a request sent now. */
export function freeSlots(bucket: Bucket, now: number, leadTime: number): number {
  const refill = refilling(bucket)
  if (refill === undefined) return bucket.remaining - bucket.inFlight
  const gone = Math.max(0, refill.fullAt - leadTime - now) / refill.slot
  return Math.min(refill.limit, Math.floor(refill.limit - gone + floatError)) - bucket.inFlight
}

/**
 * The time from which this number of slots is free, or from which all return at a reset; `undefined`
 * until the next response.
 */
export function nextSlot(bucket: Bucket, leadTime: number, slots = 1): number | undefined {
  const refill = refilling(bucket)
  if (refill === undefined) {
    return bucket.resetAt === undefined ? undefined : bucket.resetAt - leadTime
  }
  const missing = refill.limit - slots - bucket.inFlight
  return missing < 0 ? undefined : refill.fullAt - leadTime - missing * refill.slot
}

interface Refill {
  readonly limit: number
  readonly fullAt: number
  readonly slot: number
}

/** The slots of a leaking bucket return one by one; defined once their time is known. */
function refilling({ limit, model, resetAt, slot }: Bucket): Refill | undefined {
  return model === "leaking" && limit !== undefined && slot !== undefined && resetAt !== undefined
    ? { limit, fullAt: resetAt, slot }
    : undefined
}

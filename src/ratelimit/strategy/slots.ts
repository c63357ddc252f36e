/** What a careful policy reads off a bucket. */
import type { Bucket } from "../Bucket.js"

/** Milliseconds that headers and timers may be off. */
export const rounding = 2

/** So many round trips tell how short one can be. */
const enough = 3

/** Slots that neither an answer nor a request in flight has used. */
export function freeSlots(bucket: Bucket): number {
  return bucket.remaining - bucket.inFlight
}

/** By how much round trips differ, in milliseconds. */
export function spread(bucket: Bucket): number {
  const { roundTrip } = bucket
  return roundTrip === undefined ? 0 : roundTrip.longest - roundTrip.shortest
}

/**
 * An answer came `shortest` or more after its request, so what is sent that much before the
 * latest possible reset still arrives after it. A tenth of the spread is kept back for round trips
 * shorter than any seen yet, and some milliseconds for rounding.
 */
export function lead(bucket: Bucket): number {
  const { roundTrip } = bucket
  if (roundTrip === undefined || roundTrip.count < enough) return 0
  return Math.max(0, roundTrip.shortest - spread(bucket) / 10 - rounding)
}

/** From when on the slots of the next window may be used; 0 if no window is open. */
export function nextWindow(bucket: Bucket, leadTime: number): number {
  return bucket.resetAt === undefined ? 0 : bucket.resetAt - leadTime
}

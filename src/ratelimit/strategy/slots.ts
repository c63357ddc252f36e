/** What a careful policy reads off a bucket. */
import type { Bucket } from "../Bucket.js"

/** Milliseconds that headers and timers may be off. */
export const rounding = 2

/** So many round trips tell how short one can be. */
const enough = 3

/** Slots are counted in fractions while they leak; this absorbs floating-point dust. */
const dust = 1e-6

/** The part of the spread that is kept back however many round trips were seen. */
const leastKept = 0.1

/** By how much round trips differ, in milliseconds. */
export function spread(bucket: Bucket): number {
  const { roundTrip } = bucket
  return roundTrip === undefined ? 0 : roundTrip.longest - roundTrip.shortest
}

/**
 * An answer came `shortest` or more after its request, so what is sent that much before the
 * latest possible reset still arrives after it. Of the spread a part is kept back for round trips
 * shorter than any seen yet, a smaller one the more were seen; and some milliseconds for rounding.
 */
export function lead(bucket: Bucket): number {
  const { roundTrip } = bucket
  if (roundTrip === undefined || roundTrip.count < enough) return 0
  const kept = spread(bucket) * Math.max(leastKept, 1 / Math.sqrt(roundTrip.count))
  return Math.max(0, roundTrip.shortest - kept - rounding)
}

/** Slots that neither an answer nor a request in flight has used, for a request sent now. */
export function freeSlots(bucket: Bucket, now: number, leadTime: number): number {
  const refill = refilling(bucket)
  if (refill === undefined) return bucket.remaining - bucket.inFlight
  const gone = Math.max(0, refill.fullAt - leadTime - now) / refill.slot
  return Math.min(refill.limit, Math.floor(refill.limit - gone + dust)) - bucket.inFlight
}

/** From when on the next slot may be used; `undefined` while only an answer can tell. */
export function nextSlot(bucket: Bucket, leadTime: number): number | undefined {
  const refill = refilling(bucket)
  if (refill === undefined) {
    return bucket.resetAt === undefined ? undefined : bucket.resetAt - leadTime
  }
  const missing = refill.limit - 1 - bucket.inFlight
  return missing < 0 ? undefined : refill.fullAt - leadTime - missing * refill.slot
}

interface Refill {
  readonly limit: number
  readonly fullAt: number
  readonly slot: number
}

/** A leaking bucket gives its slots back one by one; once it is known how fast, nobody waits for all. */
function refilling({ limit, model, resetAt, slot }: Bucket): Refill | undefined {
  return model === "leaking" && limit !== undefined && slot !== undefined && resetAt !== undefined
    ? { limit, fullAt: resetAt, slot }
    : undefined
}

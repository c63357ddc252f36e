/** What a careful policy reads off a bucket. */
import type { Bucket } from "../Bucket.js"

/** Milliseconds that headers and timers may be off. */
export const rounding = 2

/** Fewer round trips tell nothing of how short one can be. */
const enough = 3

/** Shorter round trips (milliseconds) are the machine's own jitter more than the way to the server. */
const shortestOfUse = 20

/** Slots are counted in fractions while they leak; this absorbs floating-point dust. */
const dust = 1e-6

/** By how much round trips differ, in milliseconds. */
export function spread(bucket: Bucket): number {
  const { roundTrip } = bucket
  return roundTrip === undefined ? 0 : roundTrip.longest - roundTrip.shortest
}

/**
 * An answer came `shortest` or more after its request, so what is sent that much before the
 * latest possible reset still arrives after it. Kept back, for round trips shorter than any seen
 * yet: twice the spread, more of it while few were seen, a share of the shortest that falls with
 * their number, and some milliseconds for rounding. So only steady connections gain.
 */
export function lead(bucket: Bucket): number {
  const { roundTrip } = bucket
  if (roundTrip === undefined || roundTrip.count < enough) return 0
  const { count, shortest } = roundTrip
  if (shortest < shortestOfUse) return 0
  const kept = spread(bucket) * (2 + 8 / count) + (2 * shortest) / count
  return Math.max(0, shortest - kept - rounding)
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

/** Decides whether to try a slot that other clients may have taken. */
import type { Bucket } from "../../Bucket.js"
import { freeSlots, nextSlot } from "../slots.js"
import { chance, chanceAmong, type Foreign, rate } from "./competingTraffic.js"

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

/** Whether a slot that was free at last sight is worth a try where others take slots, too. */
import type { Bucket } from "../../Bucket.js"
import { freeSlots, nextSlot } from "../slots.js"
import { chance, chanceAmong, type Foreign, rate } from "./competingTraffic.js"

export interface Contention {
  readonly foreign: Foreign
  /** When two requests of ours were last under way at once. */
  readonly overlappedAt: number
}

/** Who has had two requests under way so many milliseconds ago is expected to have so again. */
const overlapping = 30_000

/** Of more slots than these only the last to come back are looked at: the first hardly matter. */
const most = 30

/**
 * From when on a request is worth a try: in the past for now, `Infinity` while only an answer can
 * tell.
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

/** Whether the free slots are left to others, who have probably taken them. */
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
    // Who leaves a slot leaves all that he could still use before the reset.
    const tries = Math.max(1, Math.min(free, Math.ceil(wait / Math.max(1, trip))))
    const likely = chance(foreign, free, sight)
    return likely * tries < odds * (1 - likely)
  }
  if (model === "unknown" || now - overlappedAt < overlapping) return false
  return isWorthWaiting(foreign, bucket, free, now + trip, sight, wait, odds)
}

/**
 * On a leaking bucket others can only take a slot while there is one. Who comes as it comes back
 * leaves them none; who waits for another slot leaves them more time, too. So it must pay: the
 * time of a slot is worth as much as the `odds` of a 429.
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
  // For how long each slot that is free on arrival has been so, the first to come back first.
  const open = (slots: number, later: number) =>
    Array.from({ length: Math.min(slots, most) }, (_, index) => {
      const back = nextSlot(bucket, 0, slots - Math.min(slots, most) + index + 1) ?? arrival
      return Math.max(0, Math.min(sight, arrival - back) + later)
    })
  const now = chanceAmong(foreign, open(free, 0))
  const then = chanceAmong(foreign, open(free + 1, wait))
  return (then - now) * odds * slot > wait
}

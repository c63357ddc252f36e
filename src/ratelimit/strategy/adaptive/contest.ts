/** Whether a slot that was free at last sight is worth a try where others take slots, too. */
import type { Bucket } from "../../Bucket.js"
import { freeSlots, nextSlot } from "../slots.js"
import { chance, type Foreign } from "./foreign.js"

export interface Contest {
  readonly foreign: Foreign
  /** When two requests of ours were last under way at once. */
  readonly overlappedAt: number
}

/** Who has had two requests under way so many milliseconds ago is expected to have so again. */
const overlapping = 30_000

/**
 * From when on a request finds a free slot with so much `confidence`: in the past for now,
 * `Infinity` while only an answer can tell.
 */
export function slotAt(
  contest: Contest,
  bucket: Bucket,
  now: number,
  leadTime: number,
  confidence: number,
): number {
  const free = freeSlots(bucket, now, leadTime)
  const wanted = free < 1 ? 1 : free + 1
  if (free >= 1 && !isTaken(contest, bucket, free, now, confidence)) return Number.NEGATIVE_INFINITY
  return nextSlot(bucket, leadTime, wanted) ?? Number.POSITIVE_INFINITY
}

/** Whether others have probably taken the free slots by the time our request arrives. */
function isTaken(
  { foreign, overlappedAt }: Contest,
  bucket: Bucket,
  free: number,
  now: number,
  confidence: number,
): boolean {
  const { model, resetAt, roundTrip } = bucket
  if (foreign.last === undefined || resetAt === undefined) return false
  const trip = roundTrip?.last ?? 0
  const sight = now + trip / 2 - foreign.last.at
  if (model === "fixed") return chance(foreign, free, sight) < confidence
  if (model === "unknown" || now - overlappedAt < overlapping) return false
  return isWorthWaiting(foreign, bucket, free, now + trip, sight, confidence)
}

/**
 * On a leaking bucket others can only take a slot while there is one. Who comes as it comes back
 * leaves them none; who waits for another slot leaves them more time, too. So it must pay.
 */
function isWorthWaiting(
  foreign: Foreign,
  bucket: Bucket,
  free: number,
  arrival: number,
  sight: number,
  confidence: number,
): boolean {
  const { inFlight, limit = 0, slot } = bucket
  const freeAt = nextSlot(bucket, 0)
  if (slot === undefined || freeAt === undefined || free + inFlight >= limit) return false
  const open = Math.max(0, Math.min(sight, arrival - freeAt))
  const likely = chance(foreign, free, open)
  return likely < confidence && likely < chance(foreign, free + 1, open + slot)
}

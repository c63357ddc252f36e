/**
 * Never sends what would be refused: a request in flight holds a slot, and the slots of the next
 * window are used no earlier than they are back for certain.
 */
import * as Duration from "effect/Duration"
import type { Bucket } from "../Bucket.js"
import type { Policy } from "./Policy.js"
import { freeSlots, lead, nextSlot } from "./slots.js"

/**
 * @param threshold the share of a window's slots that go at full speed; the rest is paced.
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

/** 0 while only an answer can tell. */
function opensAt(bucket: Bucket, now: number, threshold: number): number {
  const leadTime = lead(bucket)
  return freeSlots(bucket, now, leadTime) < 1
    ? (nextSlot(bucket, leadTime) ?? 0)
    : pacedUntil(bucket, now, threshold)
}

/**
 * The instant from which the next paced slot may be used. The paced slots share the window's last
 * part evenly, and go earlier where a round trip is longer than their spacing, so that the last
 * answer is back when the next window may be used. Who has the window to himself is not held up.
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

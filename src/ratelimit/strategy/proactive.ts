/**
 * Never sends what would be refused: a request in flight holds a slot, and when more wait than
 * fit into the window, its last slots are spread over what is left of it.
 */
import * as Duration from "effect/Duration"
import type { Bucket } from "../Bucket.js"
import type { Policy } from "./Policy.js"
import { freeSlots, lead, nextWindow } from "./slots.js"

/**
 * @param threshold the share of a window's slots that go at full speed; the rest is paced.
 * @internal
 */
export const proactive = (threshold: number): Policy => ({
  name: "proactive",
  shouldWait: (bucket, now) => freeSlots(bucket) <= 0 || now < pacedUntil(bucket, threshold),
  lead,
  calculateWait: (bucket, now) => Duration.millis(Math.max(0, opensAt(bucket, threshold) - now)),
  initial: undefined,
  observe: (memory) => memory,
})

function opensAt(bucket: Bucket, threshold: number): number {
  if (freeSlots(bucket) > 0) return pacedUntil(bucket, threshold)
  return nextWindow(bucket, lead(bucket))
}

/**
 * The instant from which the next paced slot may be used. The paced slots share the window's last
 * part evenly, and start earlier where a round trip is longer than their spacing, so that the last
 * answer is back when the window is over. Who has the window to himself is not held up.
 */
function pacedUntil(bucket: Bucket, threshold: number): number {
  const { limit, period, resetAt, model } = bucket
  const free = freeSlots(bucket)
  if (limit === undefined || period === undefined || resetAt === undefined) return 0
  if (model === "leaking" || bucket.waiting <= free) return 0
  const paced = limit - Math.ceil(limit * threshold)
  if (free > paced) return 0
  const spacing = (period * (1 - threshold)) / paced
  return resetAt - free * Math.max(spacing, bucket.roundTrip?.longest ?? 0)
}

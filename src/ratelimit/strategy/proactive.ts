/**
 * Never sends what would be refused: a request in flight holds a slot, and the slots of the next
 * window are used no earlier than they are back for certain.
 */
import * as Duration from "effect/Duration"
import type { Bucket, RoundTrip } from "../Bucket.js"
import type { Policy } from "./Policy.js"

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

/** Milliseconds that headers and timers may be off. */
export const rounding = 2

/** Fewer round trips tell nothing of how short one can be. */
const enough = 3

/** Shorter round trips (milliseconds) are the machine's own jitter more than the way to the server. */
const shortestOfUse = 20

/** The share of the spread that is kept back of the lead where nobody else comes for the slots. */
const alone = 4

/** Slots are counted in fractions while they leak; this absorbs floating-point dust. */
const dust = 1e-6

/** By how much round trips differ, in milliseconds. */
export function spread(bucket: Bucket): number {
  const { roundTrip } = bucket
  return roundTrip === undefined ? 0 : roundTrip.longest - roundTrip.shortest
}

/**
 * How long before the latest possible reset a request may be sent that is to arrive after it.
 *
 * That instant is late by the shortest way back of all answers, and the request still has its way
 * there before it. So no more than the shortest way there and back may be taken off: the
 * uncertainty of a reset is just such a sum, and the least one seen the best guess at it. Kept back,
 * for ways shorter than any seen yet, which are the less likely the more were seen: a share of the
 * spread of round trips that falls with the number of answers; one of the shortest that falls with
 * its square, since a spread that is not seen yet soon would be; and some milliseconds for rounding.
 *
 * @param others slots a millisecond that others take: who comes late for one finds it gone.
 */
export function lead(bucket: Bucket, others = 0): number {
  const { roundTrip } = bucket
  if (roundTrip === undefined || roundTrip.count < enough) return 0
  const { count, shortest } = roundTrip
  if (shortest < shortestOfUse) return 0
  const kept = (share(bucket, others) * spread(bucket)) / count + (3 * shortest) / count ** 2
  return Math.max(0, leastUncertainty(bucket, roundTrip) - kept - rounding)
}

/**
 * How much of the spread, over the number of answers, is kept back. If any way between the shortest
 * and the longest is as likely, the next is too early by less than *exp(-2 x share) x 2 / spread* for
 * each millisecond of the lead. On a leaking bucket each costs a slot with the chance that others
 * come in it. Where both are equal, the fewest requests are refused.
 */
function share(bucket: Bucket, others: number): number {
  const perMilli = (others * spread(bucket)) / 2
  if (bucket.model !== "leaking" || perMilli <= 0) return alone
  return Math.min(alone, Math.max(0, -Math.log(perMilli) / 2))
}

/** Of the resets until now, the coming one with them. */
function leastUncertainty(
  { resetAt, resetEarliest }: Bucket,
  { shortest, uncertainty }: RoundTrip,
): number {
  const coming =
    resetAt === undefined || resetEarliest === undefined ? shortest : resetAt - resetEarliest
  return uncertainty === undefined ? coming : Math.min(uncertainty, coming)
}

/** Slots that neither an answer nor a request in flight has used, for a request sent now. */
export function freeSlots(bucket: Bucket, now: number, leadTime: number): number {
  const refill = refilling(bucket)
  if (refill === undefined) return bucket.remaining - bucket.inFlight
  const gone = Math.max(0, refill.fullAt - leadTime - now) / refill.slot
  return Math.min(refill.limit, Math.floor(refill.limit - gone + dust)) - bucket.inFlight
}

/**
 * From when on so many slots are free, or all that come back at a reset; `undefined` while only an
 * answer can tell.
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

/** A leaking bucket gives its slots back one by one; once it is known how fast, nobody waits for all. */
function refilling({ limit, model, resetAt, slot }: Bucket): Refill | undefined {
  return model === "leaking" && limit !== undefined && slot !== undefined && resetAt !== undefined
    ? { limit, fullAt: resetAt, slot }
    : undefined
}

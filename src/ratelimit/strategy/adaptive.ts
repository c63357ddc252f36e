/**
 * Estimates, for each bucket, what headers do not contain:
 *
 * - a hidden limit, from a 429 that the visible window does not explain;
 * - the request rate of other clients, from used slots that our requests do not explain;
 * - the caution at resets, from a 429 of a request sent right after a reset.
 *
 * Every estimate is bounded, decays or expires, and is available as JSON.
 */
import * as Duration from "effect/Duration"
import type { ResponseInfo } from "../ResponseInfo.js"
import type { Bucket } from "../Bucket.js"
import { type Contention, slotAt } from "./adaptive/competingTraffic.js"
import * as traffic from "./adaptive/competingTraffic.js"
import * as hidden from "./adaptive/hiddenLimit.js"
import { type Findings, hideMemory, type Observation, type Policy } from "./Policy.js"
import { lead, rounding, spread } from "./proactive.js"

/** @internal */
export interface Memory extends Contention {
  readonly hidden: hidden.Hidden
  /** Milliseconds subtracted from the lead, after a request that arrived before a reset. */
  readonly caution: number
  /** The time at which the slots last returned. */
  readonly rolledAt: number
}

const initial: Memory = {
  hidden: hidden.initial,
  traffic: traffic.initial,
  overlappedAt: -Infinity,
  caution: 0,
  rolledAt: -Infinity,
}

/** Bounds of the caution in milliseconds, and its decay per window. */
const minCaution = 10
const maxCaution = 500
const cautionDecay = 0.9

/** A 429 whose delay exceeds its reset by more than this (milliseconds) is due to another limit. */
const unexplained = 1200

/** @internal */
export interface AdaptiveSettings {
  /** Minimum probability of a free slot for a request on a bucket that other clients use. */
  readonly confidence: number
}

/** @internal */
export const adaptive = ({ confidence }: AdaptiveSettings): Policy =>
  hideMemory<Memory>({
    name: "adaptive",
    lead: leadOf,
    shouldWait: (bucket, now) => now < opensAt(bucket, now, confidence),
    // A `Duration` has whole nanoseconds; a sum of times may not.
    calculateWait: (bucket, now) =>
      Duration.millis(Math.max(0, finite(opensAt(bucket, now, confidence)) - now)),
    initial,
    observe,
    learnsGlobalLimit: true,
    channel: {
      copy: (memory, from) =>
        memory.hidden === from.hidden ? memory : { ...memory, hidden: from.hidden },
      merge: (memory, other) => ({
        ...memory,
        hidden: hidden.merged(memory.hidden, other.hidden),
      }),
    },
    inherit,
    explain,
    findings,
  })

function leadOf(bucket: Bucket<Memory>): number {
  return Math.max(0, lead(bucket, traffic.rate(bucket.memory.traffic)) - bucket.memory.caution)
}

/** The earliest start; `Infinity` until the next response. */
function opensAt(bucket: Bucket<Memory>, now: number, confidence: number): number {
  const { memory } = bucket
  const hiddenOpensAt = hidden.opensAt(memory.hidden, bucket, spread(bucket) + rounding)
  const slot = slotAt(memory, bucket, now, leadOf(bucket), confidence)
  // Only the response to a request of this webhook frees a slot, not that to one of another webhook of its channel.
  return slot === Infinity && bucket.inFlight === 0 ? hiddenOpensAt : Math.max(hiddenOpensAt, slot)
}

function finite(instant: number): number {
  return instant === Infinity ? 0 : instant
}

function observe(memory: Memory, observation: Observation, bucket: Bucket<Memory>): Memory {
  switch (observation._tag) {
    case "Sent":
      return sent(memory, observation.at, bucket)
    case "NeverSent":
      return { ...memory, hidden: hidden.uncounted(memory.hidden, observation.sentAt) }
    case "WindowOver":
      return { ...memory, caution: memory.caution * cautionDecay, rolledAt: observation.at }
    case "Responded":
      return onResponse(memory, observation, bucket)
    case "Unknown":
      return {
        ...memory,
        traffic: traffic.onUnknown(memory.traffic),
        hidden: hidden.unproven(memory.hidden, observation.sentAt),
      }
    default:
      return memory
  }
}

function sent(memory: Memory, at: number, { inFlight }: Bucket): Memory {
  const overlappedAt = inFlight > 1 ? at : memory.overlappedAt
  return update(memory, hidden.sent(memory.hidden, at), memory.traffic, overlappedAt)
}

/** For each message, so field by field: V8 spreads an object with fractions 15 times as slowly. */
function update(
  { caution, rolledAt }: Memory,
  seen: hidden.Hidden,
  others: traffic.CompetingTraffic,
  overlappedAt: number,
): Memory {
  return { hidden: seen, traffic: others, overlappedAt, caution, rolledAt }
}

function onResponse(
  memory: Memory,
  { response, sentAt, at }: Extract<Observation, { readonly _tag: "Responded" }>,
  bucket: Bucket<Memory>,
): Memory {
  const others = traffic.onResponse(memory.traffic, response, bucket, sentAt, at)
  const { limited, status } = response
  if (limited === undefined) {
    const record = status < 500 ? hidden.accepted : hidden.unproven
    return update(memory, record(memory.hidden, sentAt), others, memory.overlappedAt)
  }
  if (limited.scope !== "user" && limited.scope !== "shared") {
    return { ...memory, hidden: hidden.uncounted(memory.hidden, sentAt) }
  }
  if (isUnexplained(response)) {
    const delay = limited.retryAfter ?? 0
    return { ...memory, hidden: hidden.limited(memory.hidden, sentAt, delay, bucket) }
  }
  const isEarly = sentAt - memory.rolledAt <= (bucket.roundTrip?.longest ?? 0)
  return {
    ...memory,
    traffic: others,
    hidden: hidden.uncounted(memory.hidden, sentAt),
    caution: isEarly
      ? Math.min(maxCaution, Math.max(minCaution, memory.caution * 2))
      : memory.caution,
  }
}

/** Whether a 429 names another limit, or has slots left, or a delay far beyond the reset. */
function isUnexplained({ headers, limited }: ResponseInfo): boolean {
  const { remaining, resetAfter } = headers
  if (limited?.scope === "shared") return true
  if (remaining !== undefined && remaining > 0) return true
  return (limited?.retryAfter ?? 0) > (resetAfter ?? 0) + unexplained
}

function inherit(memory: Memory): Memory {
  return { ...initial, hidden: hidden.inherited(memory.hidden), caution: memory.caution }
}

function explain(memory: Memory) {
  return {
    hiddenLimit: hidden.explain(memory.hidden),
    othersPerSecond: traffic.rate(memory.traffic) * 1000,
    cautionMillis: memory.caution,
  }
}

function findings(memory: Memory): Findings {
  const { belief } = memory.hidden
  return {
    hiddenLimit: belief?.limit,
    hiddenPeriod: belief?.period,
    othersPerSecond: traffic.rate(memory.traffic) * 1000,
    caution: memory.caution,
  }
}

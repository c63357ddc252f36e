/** Statistics of recent round trips, in two generations, so that old extremes expire. */
import type { RoundTrip } from "../Bucket.js"
import type { RateLimitHeaders } from "../RateLimitHeaders.js"

/** Number of responses, and of resets, in a generation. */
const generationSize = 64

export class RoundTrips implements RoundTrip {
  last: number
  shortest: number
  longest: number
  count: number
  uncertainty: number | undefined
  #shortest: number
  #longest: number
  #answers = 0
  #uncertainty: number
  #resets = 0

  constructor(first: RoundTrip) {
    this.last = first.last
    this.count = first.count
    this.shortest = this.#shortest = first.shortest
    this.longest = this.#longest = first.longest
    this.uncertainty = first.uncertainty
    this.#uncertainty = first.uncertainty ?? Number.POSITIVE_INFINITY
    if (first.uncertainty !== undefined) this.#resets = 1
  }

  static first(milliseconds: number): RoundTrips {
    return new RoundTrips({
      last: milliseconds,
      shortest: milliseconds,
      longest: milliseconds,
      count: 1,
      uncertainty: undefined,
    })
  }

  add(milliseconds: number): void {
    if (this.#answers === generationSize) {
      this.shortest = this.#shortest
      this.longest = this.#longest
      this.#shortest = this.#longest = milliseconds
      this.#answers = 0
    }
    this.#answers += 1
    this.count += 1
    this.last = milliseconds
    this.#shortest = Math.min(this.#shortest, milliseconds)
    this.#longest = Math.max(this.#longest, milliseconds)
    this.shortest = Math.min(this.shortest, milliseconds)
    this.longest = Math.max(this.longest, milliseconds)
  }

  /** Records the uncertainty of a past reset. */
  reset(uncertainty: number): void {
    if (this.#resets === generationSize) {
      this.uncertainty = this.#uncertainty
      this.#uncertainty = uncertainty
      this.#resets = 0
    }
    this.#resets += 1
    this.#uncertainty = Math.min(this.#uncertainty, uncertainty)
    this.uncertainty = Math.min(this.uncertainty ?? uncertainty, uncertainty)
  }
}

/** A reset: its time on the server's clock, and its bounds on ours. */
export interface MovingReset {
  readonly server: number
  readonly earliest: number
  readonly latest: number
  /** The time of the observation. */
  readonly at: number
}

/** Maximum drift between two clocks: the most that NTP corrects. */
const maxClockDrift = 1 / 2000

/**
 * Narrows the bounds of a reset by those of an earlier one. Each window has its own reset, but two of
 * them are equally far apart on the server's clock and on ours.
 */
export function narrowReset(before: MovingReset | undefined, told: MovingReset): MovingReset {
  if (before === undefined) return told
  const { earliest, latest } = combineResets(before, told)
  // One of the clocks has jumped, so the earlier bounds are void.
  return earliest > latest ? told : { ...told, earliest, latest }
}

/** Whether a clock has jumped between two responses, because their resets contradict each other. */
export function hasJumped(before: MovingReset | undefined, told: MovingReset): boolean {
  if (before === undefined) return false
  const { earliest, latest } = combineResets(before, told)
  return earliest > latest
}

function combineResets(before: MovingReset, told: MovingReset) {
  const moved = told.server - before.server
  const slack = Math.max(0, told.at - before.at) * maxClockDrift
  return {
    earliest: Math.max(told.earliest, before.earliest + moved - slack),
    latest: Math.min(told.latest, before.latest + moved + slack),
  }
}

/** Reset and Reset-After are rounded up to a millisecond. */
const roundedUpMillis = 1

export class SlotTime {
  /** The largest lower bound that a single response has shown. */
  #alone: number
  #least = 0
  #most = Number.POSITIVE_INFINITY
  /** The first and the latest reset on the server's clock since the bucket was last full. */
  #first = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(least = 0) {
    this.#alone = least
  }

  /** Lower bound in milliseconds; 0 if unknown. */
  get min(): number {
    return Math.max(this.#alone, this.#least)
  }

  add(headers: RateLimitHeaders, limit: number | undefined): void {
    this.#boundAlone(headers, limit)
    const { reset, resetAfter } = headers
    // The bucket may have been full before a response that was overtaken.
    if (reset === undefined || resetAfter === undefined || reset < this.#latest) return
    const isFirst = reset - resetAfter >= this.#latest - roundedUpMillis
    if (!isFirst) {
      this.#boundTogether(reset - this.#latest)
      this.#boundTogether(reset - this.#first)
    }
    this.#latest = reset
    if (isFirst) this.#first = reset
    if (this.min <= this.#most) return
    // The server's clock has jumped, or it counts differently.
    this.#first = reset
    this.#least = 0
    this.#most = Number.POSITIVE_INFINITY
  }

  /** Used slots return until the reset: part of the last one, and all of the others. */
  #boundAlone({ remaining, resetAfter }: RateLimitHeaders, limit: number | undefined): void {
    if (limit === undefined || remaining === undefined || resetAfter === undefined) return
    const gone = limit - remaining
    if (gone < 1) return
    this.#alone = Math.max(this.#alone, (resetAfter - roundedUpMillis) / gone)
    if (gone > 1) this.#most = Math.min(this.#most, resetAfter / (gone - 1))
  }

  /** Applies the distance if it is a unique number of whole slots. */
  #boundTogether(distance: number): void {
    if (distance <= roundedUpMillis || this.min <= 0) return
    const fewest = Math.max(1, Math.ceil((distance - roundedUpMillis) / this.#most))
    const most = Math.floor((distance + roundedUpMillis) / this.min)
    if (most < 1) return
    this.#most = Math.min(this.#most, (distance + roundedUpMillis) / fewest)
    if (most === fewest) this.#least = Math.max(this.#least, (distance - roundedUpMillis) / fewest)
  }
}

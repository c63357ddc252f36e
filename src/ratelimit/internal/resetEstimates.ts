/** The round trips of late, in two generations, so that old extremes are forgotten all at once. */
import type { RoundTrip } from "../Bucket.js"
import type { RateLimitHeaders } from "../RateLimitHeaders.js"

/** Answers in a generation, and resets. */
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

  /** A reset that is over was uncertain by so much. */
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

/** What is known of a reset: where it is on the server's clock, and between which instants on ours. */
export interface MovingReset {
  readonly server: number
  readonly earliest: number
  readonly latest: number
  /** When that was known. */
  readonly at: number
}

/** As fast as one clock may run against another: the most that NTP corrects it by. */
const maxClockDrift = 1 / 2000

/** What an answer tells by itself, narrowed by what was known before it. */
export function narrowReset(before: MovingReset | undefined, told: MovingReset): MovingReset {
  if (before === undefined) return told
  const { earliest, latest } = combineResets(before, told)
  // One of the clocks has jumped: all that was known is void.
  return earliest > latest ? told : { ...told, earliest, latest }
}

/** Whether two answers cannot be right about their resets both: a clock has jumped between them. */
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
  /** The most that one answer has shown by itself to be the least. */
  #alone: number
  #least = 0
  #most = Number.POSITIVE_INFINITY
  /** Resets on the server's clock, the bucket never full between them: the first and the latest. */
  #first = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(least = 0) {
    this.#alone = least
  }

  /** Milliseconds that it takes at least; 0 if nothing is known. */
  get min(): number {
    return Math.max(this.#alone, this.#least)
  }

  add(headers: RateLimitHeaders, limit: number | undefined): void {
    this.#boundAlone(headers, limit)
    const { reset, resetAfter } = headers
    // Before an answer that was overtaken the bucket may have been full.
    if (reset === undefined || resetAfter === undefined || reset < this.#latest) return
    const isFirst = reset - resetAfter >= this.#latest - roundedUpMillis
    if (!isFirst) {
      this.#boundTogether(reset - this.#latest)
      this.#boundTogether(reset - this.#first)
    }
    this.#latest = reset
    if (isFirst) this.#first = reset
    if (this.min <= this.#most) return
    // The server's clock has jumped, or it counts otherwise.
    this.#first = reset
    this.#least = 0
    this.#most = Number.POSITIVE_INFINITY
  }

  /** The slots that are gone come back until the reset: a part of the last one, and all of the others. */
  #boundAlone({ remaining, resetAfter }: RateLimitHeaders, limit: number | undefined): void {
    if (limit === undefined || remaining === undefined || resetAfter === undefined) return
    const gone = limit - remaining
    if (gone < 1) return
    this.#alone = Math.max(this.#alone, (resetAfter - roundedUpMillis) / gone)
    if (gone > 1) this.#most = Math.min(this.#most, resetAfter / (gone - 1))
  }

  /** So many whole slots, if it can only be one number of them. */
  #boundTogether(distance: number): void {
    if (distance <= roundedUpMillis || this.min <= 0) return
    const fewest = Math.max(1, Math.ceil((distance - roundedUpMillis) / this.#most))
    const most = Math.floor((distance + roundedUpMillis) / this.min)
    if (most < 1) return
    this.#most = Math.min(this.#most, (distance + roundedUpMillis) / fewest)
    if (most === fewest) this.#least = Math.max(this.#least, (distance - roundedUpMillis) / fewest)
  }
}

/** The round trips of late, in two generations, so that old extremes are forgotten all at once. */
import type { RoundTrip } from "../Bucket.js"

/** Answers in a generation, and resets. */
const generation = 64

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
    if (this.#answers === generation) {
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
    if (this.#resets === generation) {
      this.uncertainty = this.#uncertainty
      this.#uncertainty = uncertainty
      this.#resets = 0
    }
    this.#resets += 1
    this.#uncertainty = Math.min(this.#uncertainty, uncertainty)
    this.uncertainty = Math.min(this.uncertainty ?? uncertainty, uncertainty)
  }
}

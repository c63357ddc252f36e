/** By how much resets were uncertain of late, in two generations, so that old extremes are forgotten. */
import type { Uncertainty } from "../Bucket.js"

/** Resets in a generation. */
const generation = 64

export class Uncertainties implements Uncertainty {
  least: number
  count: number
  #resets: number
  #sum: number
  #least: number
  #earlier = { resets: 0, sum: 0 }

  constructor(first: Uncertainty) {
    this.least = this.#least = first.least
    this.count = first.count
    this.#resets = 1
    this.#sum = first.mean
  }

  static first(milliseconds: number): Uncertainties {
    return new Uncertainties({ least: milliseconds, mean: milliseconds, count: 1 })
  }

  get mean(): number {
    return (this.#earlier.sum + this.#sum) / (this.#earlier.resets + this.#resets)
  }

  add(milliseconds: number): void {
    if (this.#resets === generation) {
      this.#earlier = { resets: this.#resets, sum: this.#sum }
      this.least = this.#least
      this.#least = milliseconds
      this.#resets = 0
      this.#sum = 0
    }
    this.#resets += 1
    this.#sum += milliseconds
    this.count += 1
    this.#least = Math.min(this.#least, milliseconds)
    this.least = Math.min(this.least, milliseconds)
  }
}

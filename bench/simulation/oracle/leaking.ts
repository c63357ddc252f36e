/**
 * The best policy on a leaking bucket that others use, by dynamic programming.
 *
 * - **Model**: one message at a time, and always another one to send. Others ask for slots at
 *   random instants of a known rate; each way takes a time between two known ones.
 * - **State**, as a message of ours has just been counted: the *level*, which is the time until the
 *   bucket is full again. It sinks by 1 ms each millisecond and rises by the time of a slot with
 *   each request, ours or another's. A request is refused if the level is then above the period.
 * - **Decision**, as the answer is there: how long to wait before the next message is sent.
 * - **Recursion**, with the level, the way `back` of the answer, the `way` of the next message:
 *
 *       accepted(level) = E[back] min over wait >= back of sending(level, wait) - gain
 *       refused(level)  = E[back] min over wait >= back + time to a free slot of the same
 *       sending(level, wait) = wait + E[way] (way + arriving(level, wait + way))
 *       arriving(level, 0)   = accepted(level + slot), or price + refused(level)
 *       arriving(level, delay) = E[do others ask?] arriving(level a millisecond later, delay - 1)
 *
 *   *Gain* is what a message takes on average; without it, values would grow with every message
 *   to come. It is the value of one level, at which values therefore stand still (relative value
 *   iteration).
 *
 * **Approximated**: time is in whole milliseconds, and in one of them others ask once or not at
 * all; no wait is longer than one and a half periods; there is no last message; and the value after
 * a refusal is the one of the round before, until both stand still.
 */
import { type Contest, type Policy, waysOf } from "./contest.js"

/** Twice as many change no figure of the bench. */
const rounds = 20
/** Differences below it are dust of floating-point numbers. */
const dust = 1e-6

/** A figure for each level, or for each delay. */
type Values = Float64Array

class Programme {
  readonly #period: number
  readonly #slot: number
  /** The highest level at which a request is accepted. */
  readonly #highest: number
  readonly #longestWait: number
  readonly #chanceOfOthers: number
  readonly #price: number
  readonly #ways: ReadonlyArray<number>
  readonly #shortest: number
  readonly #longest: number

  /** By level: after our message was accepted, or refused. */
  #accepted: Values
  #refused: Values
  /** By the milliseconds until it arrives, then by the level now. */
  readonly #arriving: ReadonlyArray<Values>
  /** By level, then by the milliseconds until it is sent. */
  readonly #sending: ReadonlyArray<Values>

  constructor(contest: Contest) {
    const { limit, periodMillis } = contest.rule
    this.#period = periodMillis
    this.#slot = periodMillis / limit
    this.#highest = periodMillis - this.#slot
    this.#longestWait = 1.5 * periodMillis
    this.#chanceOfOthers = 1 - Math.exp(-contest.othersRate)
    this.#price = contest.price
    this.#ways = waysOf(contest, 1)
    this.#shortest = contest.shortest
    this.#longest = contest.longest
    const levels = periodMillis + 1
    this.#accepted = new Float64Array(levels)
    this.#refused = new Float64Array(levels)
    const delays = this.#longestWait + this.#longest + 1
    this.#arriving = Array.from({ length: delays }, () => new Float64Array(levels))
    this.#sending = Array.from({ length: levels }, () => new Float64Array(this.#longestWait))
  }

  policy(): Policy {
    for (let round = 0; round < rounds; round += 1) {
      this.#arrive()
      this.#approach()
      this.#sending.forEach((values, level) => this.#send(values, level))
      this.#decide()
    }
    return ({ resetAfter, retryAfter }, back) => this.#bestWait(resetAfter, back + retryAfter)
  }

  /** The message is there: it takes a slot, or is refused. */
  #arrive(): void {
    const values = this.#arriving[0]!
    for (let level = 0; level <= this.#period; level += 1) {
      values[level] =
        level <= this.#highest
          ? this.#accepted[level + this.#slot]!
          : this.#price + this.#refused[level]!
    }
  }

  /** Each millisecond before that, the bucket leaks, and others may take a slot. */
  #approach(): void {
    const chance = this.#chanceOfOthers
    for (let delay = 1; delay < this.#arriving.length; delay += 1) {
      const values = this.#arriving[delay]!
      const later = this.#arriving[delay - 1]!
      for (let level = 0; level <= this.#period; level += 1) {
        const leaked = Math.max(0, level - 1)
        values[level] =
          leaked <= this.#highest
            ? chance * later[leaked + this.#slot]! + (1 - chance) * later[leaked]!
            : later[leaked]!
      }
    }
  }

  /** What each wait is worth at a level: the mean over the ways, summed as they slide along. */
  #send(values: Values, level: number): void {
    const ways = this.#ways.length
    const averageWay = (this.#shortest + this.#longest) / 2
    let sum = 0
    for (const way of this.#ways) sum += this.#arriving[way]![level]!
    for (let wait = 0; wait < values.length; wait += 1) {
      values[wait] = wait + averageWay + sum / ways
      sum += this.#arriving[wait + this.#longest + 1]![level]!
      sum -= this.#arriving[wait + this.#shortest]![level]!
    }
  }

  /** The best wait, from the moment on at which the answer is there, and obeyed if it is a 429. */
  #decide(): void {
    const accepted = new Float64Array(this.#accepted.length)
    const refused = new Float64Array(this.#refused.length)
    this.#sending.forEach((values, level) => {
      const best = leastFrom(values)
      const retryAfter = Math.max(0, level - this.#highest)
      for (const back of this.#ways) {
        accepted[level]! += best[back]! / this.#ways.length
        refused[level]! += best[back + retryAfter]! / this.#ways.length
      }
    })
    const gain = accepted[this.#period]!
    this.#accepted = accepted.map((value) => value - gain)
    this.#refused = refused
  }

  /** The first of the best; the level is taken to be higher rather than lower. */
  #bestWait(level: number, earliest: number): number {
    const values = this.#sending[Math.min(this.#period, Math.ceil(level - dust))]!
    let best = Math.ceil(earliest)
    for (let wait = best; wait < values.length; wait += 1) {
      if (values[wait]! < values[best]! - dust) best = wait
    }
    return best
  }
}

export function bestOnLeaking(contest: Contest): Policy {
  return new Programme(contest).policy()
}

/** At each place the least of what stands there and behind it. */
function leastFrom(values: Values): Values {
  const least = values.slice()
  for (let place = least.length - 2; place >= 0; place -= 1) {
    least[place] = Math.min(least[place]!, least[place + 1]!)
  }
  return least
}

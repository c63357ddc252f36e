/**
 * The best policy on a fixed window that others use, by dynamic programming.
 *
 * - **Model**: one message at a time, and always another one to send. Others ask for slots at
 *   random instants of a known rate; each way takes a time between two known ones.
 * - **State**, as a message of ours has just been accepted: how many slots are *free*, and the time
 *   *until the reset*.
 * - **Decision**, as the answer is there: to send the next message at once, or such that it arrives
 *   with the reset or later, whatever its way. To arrive later in the same window is never better,
 *   since others only take.
 * - **Recursion**, with the way `back` of the answer, the `way` of the next message:
 *
 *       accepted(free, until) = E[back] min over both waits of sending(free, until, wait) - gain
 *       sending(free, until, wait) = wait + E[way] (way + arriving(free, until, wait + way))
 *       arriving(free, until, delay) =
 *         before the reset: E[taken by others] accepted(free - taken - 1, until - delay),
 *                           or price + refused(until - delay) if none is left
 *         after it:         anew(delay - until)
 *       anew(late)     = E[when others opened the window, how many they took] accepted(...)
 *       refused(until) = until + E[back, way] (back + way + anew(back + way))
 *
 *   *Gain* is what a message takes on average; without it, values would grow with every message
 *   to come. It is the value of one state, at which values therefore stand still (relative value
 *   iteration).
 *
 * **Approximated**: values are kept for every 5 ms, and there is no last message. Left out is that
 * others take all of a new window before our message is there; to send a little earlier before a
 * reset, so that only some ways are too short; and, after a 429, to send before it allows that.
 */
import { type Contest, mean, type Policy, waysOf } from "./contest.js"

/** Twice as many change no figure of the bench. */
const rounds = 40
/** Milliseconds from one value to the next. */
const step = 5

/** A figure for every step of time. */
type Values = Float64Array

class Programme {
  readonly #contest: Contest
  readonly #ways: ReadonlyArray<number>
  /** Steps of a window. */
  readonly #window: number

  /** By free slots, then by the time until the reset: after our message was accepted. */
  #accepted: ReadonlyArray<Values>
  /** By the time until the reset: after it was refused. */
  readonly #refused: Values
  /** By the time since the reset: as our message arrives, that is not refused then. */
  readonly #anew: Values

  constructor(contest: Contest) {
    this.#contest = contest
    this.#ways = waysOf(contest, step)
    this.#window = contest.rule.periodMillis / step
    this.#accepted = this.#states()
    this.#refused = new Float64Array(this.#window + 1)
    this.#anew = new Float64Array((2 * contest.longest) / step + 1)
  }

  policy(): Policy {
    for (let round = 0; round < rounds; round += 1) {
      this.#openWindows()
      this.#refuse()
      this.#decide()
    }
    return ({ accepted, remaining, resetAfter, retryAfter }, back) =>
      accepted ? this.#bestWait(remaining, resetAfter, back) : back + retryAfter
  }

  #states(): Array<Values> {
    return Array.from(
      { length: this.#contest.rule.limit },
      () => new Float64Array(this.#window + 1),
    )
  }

  /** The new window is ours to open, or others opened it in some step since the reset. */
  #openWindows(): void {
    const { rule, othersRate } = this.#contest
    const full = this.#accepted[rule.limit - 1]!
    for (let late = 0; late < this.#anew.length; late += 1) {
      const nobody = Math.exp(-othersRate * late * step)
      let chances = nobody
      let sum = nobody * full[this.#window]!
      for (let opened = 0; opened < late; opened += 1) {
        const since = late - opened
        const open =
          Math.exp(-othersRate * opened * step) - Math.exp(-othersRate * (opened + 1) * step)
        for (let more = 0; more <= rule.limit - 2; more += 1) {
          const chance = open * poisson(more, othersRate * since * step)
          chances += chance
          sum += chance * this.#accepted[rule.limit - 2 - more]![this.#window - since]!
        }
      }
      this.#anew[late] = sum / chances
    }
  }

  /** The answer comes back, the reset is waited for from then on, the message goes there again. */
  #refuse(): void {
    const next = mean(
      this.#ways.flatMap((back) => this.#ways.map((way) => back + way + this.#since(back + way))),
    )
    this.#refused.forEach((_, until) => {
      this.#refused[until] = until * step + next
    })
  }

  #decide(): void {
    const accepted = this.#states()
    accepted.forEach((values, free) => {
      values.forEach((_, until) => {
        values[until] = mean(
          this.#ways.map((back) =>
            Math.min(
              this.#send(free, until * step, back),
              this.#send(free, until * step, this.#untilReset(until * step, back)),
            ),
          ),
        )
      })
    })
    const gain = accepted.at(-1)![this.#window]!
    this.#accepted = accepted.map((values) => values.map((value) => value - gain))
  }

  #bestWait(free: number, until: number, back: number): number {
    const patient = this.#untilReset(until, back)
    if (free === 0) return patient
    return this.#send(free, until, back) < this.#send(free, until, patient) ? back : patient
  }

  /** The wait after which a message on the shortest way arrives with the reset. */
  #untilReset(until: number, back: number): number {
    return Math.max(back, until - this.#contest.shortest)
  }

  #send(free: number, until: number, wait: number): number {
    let sum = 0
    for (const way of this.#ways) sum += wait + way + this.#arrive(free, until, wait + way)
    return sum / this.#ways.length
  }

  #arrive(free: number, until: number, delay: number): number {
    if (delay >= until) return this.#since(delay - until)
    const left = Math.round((until - delay) / step)
    let isFree = 0
    let sum = 0
    for (let taken = 0; taken < free; taken += 1) {
      const chance = poisson(taken, this.#contest.othersRate * delay)
      isFree += chance
      sum += chance * this.#accepted[free - taken - 1]![left]!
    }
    return sum + (1 - isFree) * (this.#contest.price + this.#refused[left]!)
  }

  #since(late: number): number {
    return this.#anew[Math.round(late / step)]!
  }
}

export function bestOnFixed(contest: Contest): Policy {
  return new Programme(contest).policy()
}

/** The chance of just so many, where so many are the mean. */
function poisson(count: number, average: number): number {
  let chance = Math.exp(-average)
  for (let one = 1; one <= count; one += 1) chance *= average / one
  return chance
}

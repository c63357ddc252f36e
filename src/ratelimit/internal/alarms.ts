/** Sleeping fibers, at most one for each target. */
import type * as Clock from "effect/Clock"
import { nowOn, ringAt } from "./timer.js"

interface Alarm {
  readonly at: number
  readonly cancel: () => void
}

export class Alarms<Target extends object> {
  readonly #clock: Clock.Clock
  readonly #ring: (target: Target, now: number) => void
  readonly #set = new Map<Target, Alarm>()

  constructor(clock: Clock.Clock, ring: (target: Target, now: number) => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** How many are set. */
  get size(): number {
    return this.#set.size
  }

  /** Milliseconds on a clock that only moves forward. */
  now(): number {
    return nowOn(this.#clock)
  }

  /** An earlier alarm stays: its target asks again. */
  set(target: Target, at: number | undefined): void {
    const current = this.#set.get(target)
    if (at === undefined) {
      if (current === undefined) return
      this.#set.delete(target)
      current.cancel()
      return
    }
    if (current !== undefined) {
      if (current.at <= at) return
      current.cancel()
    }
    const cancel = ringAt(this.#clock, at, () => {
      this.#set.delete(target)
      this.#ring(target, this.now())
    })
    this.#set.set(target, { at, cancel })
  }

  clear(): void {
    for (const { cancel } of this.#set.values()) cancel()
    this.#set.clear()
  }
}

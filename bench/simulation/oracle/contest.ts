/** What an oracle knows of a scenario in which others take slots, and what it makes least of. */
import type { BucketRule, SlotResult } from "../../../src/testing/simulator/bucket.js"
import type { Scenario } from "../scenario.js"

/** Times in milliseconds. */
export interface Contest {
  readonly rule: BucketRule
  /** How many slots others ask for in a millisecond, on average, as a Poisson process. */
  readonly othersRate: number
  /** Each way, there or back, takes a time between these, any as likely as any other. */
  readonly shortest: number
  readonly longest: number
  /** The time that an answer 429 is thought to be worth, beyond what it takes. */
  readonly price: number
}

/**
 * A policy: what the server counted as a message arrived, and how long its answer took to come
 * back, give how long after that arrival the next one is sent (or the same one, if it was refused).
 */
export type Policy = (counted: SlotResult, back: number) => number

export const contestOf = (scenario: Scenario, price: number): Contest => ({
  rule: {
    limit: scenario.visible.limit,
    periodMillis: scenario.visible.period,
    model: scenario.model,
  },
  othersRate: (scenario.foreignPerSecond ?? 0) / 1000,
  shortest: scenario.link.shortest,
  longest: scenario.link.longest,
  price,
})

/** All ways, one every so many milliseconds, that stand for those in between. */
export const waysOf = ({ shortest, longest }: Contest, step: number): ReadonlyArray<number> =>
  Array.from(
    { length: Math.floor((longest - shortest) / step) + 1 },
    (_, index) => shortest + index * step,
  )

export const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

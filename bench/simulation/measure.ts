/** One row of the results: a scenario, a strategy, a seed. */
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { withoutForesight } from "./foresight.js"
import { optimum } from "./optimum.js"
import { type Result, run } from "./run.js"
import type { Scenario } from "./scenario.js"

export interface Row {
  readonly scenario: string
  readonly strategy: string
  readonly seed: number
  readonly makespanMs: number
  /** The same by someone who sees into the server and the future. */
  readonly optimumMs: number
  readonly ratio: number
  /** Answers 429; and those after the first ten minutes. */
  readonly limited: number
  readonly limitedLate: number
  /** Slots that a reset found unused while a request waited. */
  readonly unusedSlots: number
  readonly waitP50Ms: number
  readonly waitP99Ms: number
  /** The longest time to finish one webhook over the shortest. */
  readonly fairness: number
  /**
   * The same by someone who sees into the server, but not into the future; `null` where more than
   * the visible limit decides.
   */
  readonly causalOptimumMs: number | null
  readonly causalRatio: number | null
}

const late = 600_000

export const measure = (
  scenario: Scenario,
  policies: ReadonlyArray<Policy>,
  seed: number,
): ReadonlyArray<Row> => {
  const least = { seeing: optimum(scenario, seed), causal: withoutForesight(scenario, seed) }
  return policies.map((policy) => row(scenario, policy, seed, least, run(scenario, policy, seed)))
}

/** The least makespan with foresight, and without. */
interface Least {
  readonly seeing: number
  readonly causal: number | undefined
}

function row(
  scenario: Scenario,
  policy: Policy,
  seed: number,
  { seeing, causal }: Least,
  result: Result,
): Row {
  const waits = [...result.waits].sort((a, b) => a - b)
  return {
    scenario: scenario.name,
    strategy: policy.name,
    seed,
    makespanMs: rounded(result.makespan),
    optimumMs: rounded(seeing),
    ratio: rounded(result.makespan / seeing, 4),
    limited: result.limitedAt.length,
    limitedLate: result.limitedAt.filter((at) => at > late).length,
    unusedSlots: result.unusedSlots,
    waitP50Ms: rounded(quantile(waits, 0.5)),
    waitP99Ms: rounded(quantile(waits, 0.99)),
    fairness: rounded(Math.max(...result.doneAt) / Math.min(...result.doneAt), 3),
    causalOptimumMs: causal === undefined ? null : rounded(causal),
    causalRatio: causal === undefined ? null : rounded(result.makespan / causal, 4),
  }
}

function quantile(sorted: ReadonlyArray<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

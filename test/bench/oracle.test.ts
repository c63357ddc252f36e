/** The oracles of the bench are optimal among policies that do not see the future. */
import { describe, expect, it } from "vitest"
import { optimum } from "../../bench/simulation/optimum.js"
import { mean } from "../../bench/simulation/oracle/contest.js"
import { bestPolicy, play } from "../../bench/simulation/oracle/play.js"
import type { Scenario } from "../../bench/simulation/scenario.js"
import { scenarios } from "../../bench/simulation/scenarios.js"

const seeds = [1, 2, 3, 4, 5, 6]

const named = (name: string): Scenario => scenarios.find((scenario) => scenario.name === name)!

const played = (scenario: Scenario, price: number) => {
  const policy = bestPolicy(scenario, price)
  const runs = seeds.map((seed) => ({
    ...play(scenario, policy, seed),
    least: optimum(scenario, seed),
  }))
  return {
    ratios: runs.map(({ makespan, least }) => makespan / least),
    limited: mean(runs.map(({ limited }) => limited)),
  }
}

describe("the oracle", () => {
  it.each(["others take half | fixed", "others take half | leaking"])(
    "%s: is the optimum where there are no others after all",
    (name) => {
      const { ratios, limited } = played({ ...named(name), foreignPerSecond: 0 }, 1000)
      expect(limited).toBe(0)
      for (const ratio of ratios) expect(ratio).toBeCloseTo(1, 6)
    },
  )

  it.each(["others take half, 500 ms link | fixed", "others take half, 500 ms link | leaking"])(
    "%s: has fewer 429s and takes longer as the price of a 429 grows, and never beats the optimum",
    (name) => {
      const cheap = played(named(name), 0)
      const dear = played(named(name), 8000)
      expect(dear.limited).toBeLessThan(cheap.limited / 4)
      expect(mean(dear.ratios)).toBeGreaterThan(mean(cheap.ratios))
      expect(Math.min(...cheap.ratios, ...dear.ratios)).toBeGreaterThanOrEqual(1)
    },
  )
})

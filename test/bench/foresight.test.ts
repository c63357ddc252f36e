/** What of the distance to the optimum is foresight's, which no strategy has. */
import { describe, expect, it } from "vitest"
import { withoutForesight } from "../../bench/simulation/foresight.js"
import { measure } from "../../bench/simulation/measure.js"
import { optimum } from "../../bench/simulation/optimum.js"
import { constant } from "../../bench/simulation/scenario.js"
import { scenarios } from "../../bench/simulation/scenarios.js"
import { proactive } from "../../src/ratelimit/strategy/proactive.js"

const tails = scenarios.filter(({ link }) => !link.hasShortest)
const seeds = [1, 2, 3, 4, 5]

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

describe("without foresight", () => {
  it("is the optimum, where all ways are the same and of no length", () => {
    for (const { model } of tails) {
      const scenario = scenarios.find((one) => one.model === model)
      const still = { ...scenario!, link: constant(0), delivery: "concurrent" as const }
      expect(withoutForesight(still, 1)).toBeCloseTo(optimum(still, 1), 6)
    }
  })

  it("costs more than the bar on a link with a long tail, and proactive 7 % more at most", () => {
    expect(tails.length).toBe(2)
    for (const scenario of tails) {
      const least = seeds.map((seed) => withoutForesight(scenario, seed))
      const ratio = mean(least.map((value, index) => value / optimum(scenario, seeds[index]!)))
      expect(ratio, scenario.name).toBeGreaterThan(1.05)
      const ours = seeds.map((seed, index) => {
        const [row] = measure(scenario, [proactive(1)], seed)
        return row!.makespanMs / least[index]!
      })
      expect(mean(ours), scenario.name).toBeLessThan(1.07)
    }
  })
})

/** What of the distance to the optimum is foresight's, which no strategy has. */
import { describe, expect, it } from "vitest"
import { eachWithoutForesight, withoutForesight } from "../../bench/simulation/foresight.js"
import { measure } from "../../bench/simulation/measure.js"
import { optimum } from "../../bench/simulation/optimum.js"
import { scenarios } from "../../bench/simulation/scenarios.js"
import { drawOutside } from "../../bench/simulation/world.js"
import { proactive, reactive, adaptive } from "../ratelimit/model/policies.js"

const seeds = [1, 2, 3, 4, 5]
const tails = scenarios.filter(({ name }) => name.startsWith("latency"))

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

describe("without foresight", () => {
  it("is the optimum, where all ways are the same", () => {
    for (const words of ["burst, 1 webhook |", "burst, 10 webhooks, 500 ms link"]) {
      for (const scenario of scenarios.filter(({ name }) => name.startsWith(words))) {
        const least = withoutForesight(scenario, 1)
        expect(least, scenario.name).toBeCloseTo(optimum(scenario, 1), 6)
      }
    }
  })

  it("returns nothing when other limits than the visible one apply", () => {
    for (const { name, ...scenario } of scenarios) {
      const isAlone = /^(burst|server clock|latency|early requests add a window(?!, hidden))/.test(
        name,
      )
      const one = { ...scenario, name, webhooks: 1 }
      expect(withoutForesight(one, 1) === undefined, name).toBe(!isAlone)
    }
  })

  it("is proven to be the least on fixed windows: all are there in time, and one window more is later", () => {
    const [fixed] = tails
    const { messages, visible } = fixed!
    for (const seed of seeds) {
      const { trips } = drawOutside(fixed!, seed)
      const least = eachWithoutForesight(fixed!, seed)
      // Of each webhook, either as he does, or with the last message in one window more.
      const either = trips.map((own, webhook) => {
        expect(Math.max(...own.map(({ there }) => there))).toBeLessThan(visible.period)
        const { there, back } = own.at(-1)!
        const later = (messages / visible.limit) * visible.period + there + back
        return Math.min(least[webhook]!, later)
      })
      expect(withoutForesight(fixed!, seed)).toBe(Math.max(...either))
    }
  })

  it("costs more than 1.05 on a link with a long tail, and proactive 1.05 more at most", () => {
    expect(tails.length).toBe(2)
    for (const scenario of tails) {
      const rows = seeds.flatMap((seed) => measure(scenario, [proactive], seed))
      const least = rows.map(({ causalOptimumMs, optimumMs }) => causalOptimumMs! / optimumMs)
      expect(mean(least), scenario.name).toBeGreaterThan(1.05)
      const ours = rows.map(({ causalRatio }) => causalRatio!)
      expect(mean(ours), scenario.name).toBeLessThanOrEqual(1.05)
      expect(rows.map(({ limited }) => limited)).toEqual([0, 0, 0, 0, 0])
    }
  })

  it("no strategy without 429s is done before", () => {
    const unsteady = scenarios.filter(({ name }) => /^(latency|burst.*90-150)/.test(name))
    for (const scenario of unsteady) {
      for (const seed of seeds) {
        const rows = measure(scenario, [reactive, proactive, adaptive], seed)
        const unrefused = rows.filter(({ limited }) => limited === 0)
        for (const { causalRatio } of unrefused) {
          expect(causalRatio, scenario.name).toBeGreaterThanOrEqual(1)
        }
      }
    }
  })
})

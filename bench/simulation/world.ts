/** The outside of a scenario, drawn from the seed before anything runs, so that it is the same for all. */
import { seededRandom } from "../../src/testing/simulator/generate.js"
import type { Scenario } from "./scenario.js"

export interface Trip {
  readonly there: number
  readonly back: number
}

export interface Outside {
  /** By webhook and message: the times of its first try. Later tries draw anew. */
  readonly trips: ReadonlyArray<ReadonlyArray<Trip>>
  readonly isFaulty: ReadonlyArray<ReadonlyArray<boolean>>
  /** By webhook: the instants at which others take a slot. */
  readonly foreign: ReadonlyArray<ReadonlyArray<number>>
  /** By webhook: when shared 429s begin. */
  readonly shared: ReadonlyArray<ReadonlyArray<number>>
  /** The global limit that other clients of the address leave, from an instant on. */
  readonly global: ReadonlyArray<{ readonly at: number; readonly limit: number }>
}

/** Far longer than any run. */
const horizon = 1_800_000

export const drawOutside = (scenario: Scenario, seed: number): Outside => {
  const random = seededRandom(seed)
  const webhooks = Array.from({ length: scenario.webhooks }, (_, index) => index)
  const messages = webhooks.map((index) =>
    Array.from({ length: scenario.messages * (scenario.weights?.[index] ?? 1) }),
  )
  const { link, faults = 0 } = scenario
  return {
    trips: messages.map((own) =>
      own.map(() => ({ there: link.there(random), back: link.back(random) })),
    ),
    isFaulty: messages.map((own) => own.map(() => faults > 0 && random() < faults)),
    foreign: webhooks.map(() => poisson(scenario.foreignPerSecond ?? 0, random)),
    shared: webhooks.map(() => poisson(scenario.shared?.perSecond ?? 0, random)),
    global: drawGlobal(scenario, seededRandom(seed + 2)),
  }
}

function drawGlobal(
  { global = 0, neighbours }: Scenario,
  random: () => number,
): ReadonlyArray<{ readonly at: number; readonly limit: number }> {
  if (neighbours === undefined) return []
  const { least, most, interval } = neighbours
  return Array.from({ length: Math.ceil(horizon / interval) }, (_, index) => ({
    at: index * interval,
    limit: global - least - Math.floor(random() * (most - least + 1)),
  }))
}

/** Instants of a Poisson process, so many a second. */
function poisson(perSecond: number, random: () => number): ReadonlyArray<number> {
  const instants: Array<number> = []
  if (perSecond === 0) return instants
  for (let at = 0; at < horizon;) {
    at += (-Math.log(1 - random()) * 1000) / perSecond
    instants.push(at)
  }
  return instants
}

/** The laws of the rate-limit model on the bare machine: thousands of random runs. */
import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import {
  anything,
  blockedByTheEdge,
  crowd,
  globalLimit,
  inDoubtBehindAnother,
  literally,
  oneChannel,
  type Scenario,
  steadily,
  unsteadily,
} from "./scenarios.js"
import { checkAlarms, ModelRun } from "./modelRun.js"
import { runs } from "../../support/laws.js"

const law = (
  name: string,
  scenarios: FastCheck.Arbitrary<Scenario>,
  check: (model: ModelRun, scenario: Scenario) => void,
  {
    settings = {},
    examples = [],
    count = 2000,
  }: {
    readonly settings?: NonNullable<ConstructorParameters<typeof ModelRun>[2]>["settings"]
    readonly examples?: ReadonlyArray<Scenario>
    readonly count?: number
  } = {},
) =>
  it(name, () => {
    FastCheck.assert(
      FastCheck.property(scenarios, (scenario) => {
        const model = new ModelRun(scenario.server, scenario.jobs, {
          settings,
          onStep: checkAlarms,
        })
        for (const { at, act } of scenario.meddling ?? []) model.at(at, () => model.meddle(act))
        check(model.play(), scenario)
      }),
      { numRuns: runs(count), examples: examples.map((scenario) => [scenario]) },
    )
  })

describe("the laws, on the machine", () => {
  law(
    "1: no 429 where all limits are visible, at any latency, loss and interruption",
    literally,
    (model) => {
      expect(model.server.refused).toBe(0)
    },
    { examples: [inDoubtBehindAnother] },
  )

  law(
    "1: no 429 by the proactive and the adaptive strategy on a steady link",
    steadily,
    (model) => {
      expect(model.server.refused).toBe(0)
    },
  )

  // First in, first out, one alone when ordered, one probe, one look: `ModelRun` checks them at every send.
  law(
    "2, 3, 7, 8: with any events, every request ends exactly once",
    anything,
    (model, { jobs }) => {
      for (const run of model.runs) {
        expect(run.end).toBeDefined()
        if (run.job.leavesAfter === undefined && run.job.maxWait === undefined) {
          expect(["answered", "unknown", "refused", "neverSent"]).toContain(run.end)
        }
      }
      expect(model.runs.length).toBe(jobs.length)
    },
  )

  law("6: when all is over, everything is forgotten", anything, (model) => {
    expect(model.alarms.size).toBe(0)
    // Later than any block or reset; so few are swept when somebody looks.
    const later = model.now + Duration.toMillis("2 days")
    expect(model.machine.snapshot(later)).toMatchObject({ buckets: 0, waiting: 0, inFlight: 0 })
  })

  law(
    "1: webhooks of one channel get one 429 each, and one more, at most before its hidden limit is known",
    oneChannel,
    (model, { jobs }) => {
      expect(model.server.refused).toBeLessThanOrEqual(
        new Set(jobs.map(({ webhook }) => webhook)).size + 1,
      )
      for (const run of model.runs) expect(run.end).toBe("answered")
    },
    { count: 500 },
  )

  it("1: on an unsteady link the proactive strategy gets at most one 429 in a hundred requests", () => {
    let refused = 0
    let sent = 0
    FastCheck.assert(
      FastCheck.property(unsteadily, (scenario) => {
        const model = new ModelRun(scenario.server, scenario.jobs).play()
        refused += model.server.refused
        sent += model.sends.length
      }),
      { numRuns: runs(2000) },
    )
    expect(sent).toBeGreaterThan(runs(2000))
    expect(refused).toBeLessThan(sent / 100)
  })

  law(
    "5: no interval of a second holds more sends than the global limit",
    crowd,
    (model) => {
      const sends = [...model.sends].sort((a, b) => a - b)
      for (const [index, at] of sends.entries()) {
        const later = sends[index + globalLimit]
        if (later !== undefined) expect(later - at).toBeGreaterThanOrEqual(1000)
      }
      expect(model.server.refusedGlobally).toBe(0)
    },
    { settings: { globalLimits: [{ limit: globalLimit, window: 1000 }] } },
  )

  law(
    "9: blocked by the edge, a request a minute at most",
    blockedByTheEdge,
    (model, { blockedUntil = 0 }) => {
      const inTheBlock = model.sends.filter((at) => at < blockedUntil).length
      const together = model.sends.filter((at) => at <= model.firstWordAt).length
      // 60 s, 120 s, 240 s, ... up to 15 min apart.
      const probes = Math.max(1, Math.ceil(blockedUntil / 60_000))
      expect(inTheBlock).toBeLessThanOrEqual(together + probes)
      for (const run of model.runs) expect(run.end).toBe("answered")
    },
  )
})

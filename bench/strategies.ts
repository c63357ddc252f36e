/**
 * The strategies on named scenarios in simulated time, against the offline optimum of each.
 * Deterministic: the same seeds give the same figures on every machine.
 *
 *     npm run bench:strategies            all scenarios; writes bench/results/strategies.{json,svg}
 *     npm run bench:strategies hidden     only those whose name contains the word; writes nothing
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { adaptive } from "../src/ratelimit/strategy/adaptive.js"
import { proactive } from "../src/ratelimit/strategy/proactive.js"
import { reactive } from "../src/ratelimit/strategy/reactive.js"
import { measure, type Row } from "./simulation/measure.js"
import { type Mark, plot } from "./simulation/plot.js"
import type { Scenario } from "./simulation/scenario.js"
import { scenarios } from "./simulation/scenarios.js"
import { table } from "./simulation/table.js"

/** As `Strategy.layerReactive`, `layerProactive` and `layerAdaptive` have them. */
const policies = [reactive, proactive(1), adaptive({ confidence: 0.925 })]

/** A thousand webhooks are an average by themselves; others come by chance, a few in each run. */
const seedsFor = ({ webhooks, foreignPerSecond }: Scenario): ReadonlyArray<number> => {
  if (webhooks >= 200) return [1]
  return Array.from({ length: foreignPerSecond === undefined ? 5 : 20 }, (_, index) => index + 1)
}

const word = process.argv[2] ?? ""

/** The mean over the seeds. */
const averaged = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  policies.flatMap(({ name }) => {
    const own = rows.filter((row) => row.strategy === name)
    const mean = (pick: (row: Row) => number): number =>
      own.reduce((sum, row) => sum + pick(row), 0) / own.length
    const [first] = own
    return first === undefined
      ? []
      : [
          {
            ...first,
            ratio: mean((row) => row.ratio),
            limited: mean((row) => row.limited),
            limitedLate: mean((row) => row.limitedLate),
            unusedSlots: mean((row) => row.unusedSlots),
            waitP50Ms: mean((row) => row.waitP50Ms),
            waitP99Ms: mean((row) => row.waitP99Ms),
            fairness: mean((row) => row.fairness),
            optimumMs: mean((row) => row.optimumMs),
            causalOptimumMs: meanOf(own.map((row) => row.causalOptimumMs)),
            causalRatio: meanOf(own.map((row) => row.causalRatio)),
          },
        ]
  })

/** Of figures that are there for every seed, or for none. */
function meanOf(values: ReadonlyArray<number | null>): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

const head = [
  "scenario",
  "strategy",
  "optimum s",
  "ratio",
  "causal s",
  "ratio",
  "429",
  "unused",
  "p50 s",
  "p99 s",
  "fair",
]

const line = (row: Row): ReadonlyArray<string> => [
  row.scenario,
  row.strategy,
  (row.optimumMs / 1000).toFixed(2),
  row.ratio.toFixed(3),
  row.causalOptimumMs === null ? "" : (row.causalOptimumMs / 1000).toFixed(2),
  row.causalRatio === null ? "" : row.causalRatio.toFixed(3),
  row.limited.toFixed(1),
  row.unusedSlots.toFixed(1),
  (row.waitP50Ms / 1000).toFixed(2),
  (row.waitP99Ms / 1000).toFixed(2),
  row.fairness.toFixed(2),
]

const mark = (row: Row): Mark => ({
  ...row,
  causal: row.causalOptimumMs === null ? null : row.causalOptimumMs / row.optimumMs,
})

const write = Effect.fn("write")(function* (rows: ReadonlyArray<Row>, marks: ReadonlyArray<Mark>) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const here = yield* path.fromFileUrl(new URL("results/", import.meta.url))
  yield* files.makeDirectory(here, { recursive: true })
  yield* files.writeFileString(
    path.join(here, "strategies.json"),
    `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`,
  )
  yield* files.writeFileString(path.join(here, "strategies.svg"), plot(marks))
})

const program = Effect.gen(function* () {
  const chosen = scenarios.filter(({ name }) => name.includes(word))
  const results = chosen.map((scenario) =>
    seedsFor(scenario).flatMap((seed) => measure(scenario, policies, seed)),
  )
  const means = results.flatMap(averaged)
  yield* Console.log(table(head, means.map(line)))
  if (word === "") yield* write(results.flat(), means.map(mark))
})

NodeRuntime.runMain(program.pipe(Effect.provide(NodeContext.layer)))

/**
 * What can be done where others take slots: the best policy of someone who knows their rate, the
 * ways of the link, and what the server counts as each message of his arrives, but not the future.
 * It makes the least of *time + price x answers 429*, and is found by dynamic programming
 * (`simulation/oracle`). Deterministic: the same seeds give the same figures on every machine.
 *
 *     npm run bench:oracle                    writes bench/results/oracle.json
 *     npm run bench:oracle -- --confidence    the strategies beside it, by adaptive's confidence
 *     npm run bench:oracle -- --quick         6 seeds and 2 prices; writes nothing
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { adaptive } from "../src/ratelimit/strategy/adaptive.js"
import { reactive } from "../src/ratelimit/strategy/reactive.js"
import { optimum } from "./simulation/optimum.js"
import { mean } from "./simulation/oracle/contest.js"
import { bestPolicy, play } from "./simulation/oracle/play.js"
import { run } from "./simulation/run.js"
import type { Scenario } from "./simulation/scenario.js"
import { scenarios } from "./simulation/scenarios.js"
import { table } from "./simulation/table.js"

const quick = process.argv.includes("--quick")
/** Milliseconds that a 429 is thought to be worth. */
const prices = quick ? [0, 2000] : [0, 500, 1000, 2000, 4000, 8000]
const seeds = Array.from({ length: quick ? 6 : 60 }, (_, index) => index + 1)

/** With overlapping requests the state would be that of all that are under way. */
const contested = scenarios.filter(
  ({ foreignPerSecond, delivery }) => foreignPerSecond !== undefined && delivery === "ordered",
)

/** 0 and 1 are refused; next to 0 nothing is left to others. */
const confidences = [1e-9, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98]

/** The means over the seeds. */
interface Row {
  readonly scenario: string
  readonly priceMs: number
  readonly seeds: number
  /** Makespan / optimum. */
  readonly ratio: number
  /** Answers 429. */
  readonly limited: number
}

const measure = (scenario: Scenario): ReadonlyArray<Row> => {
  const optima = seeds.map((seed) => optimum(scenario, seed))
  return prices.map((price) => {
    const policy = bestPolicy(scenario, price)
    const played = seeds.map((seed) => play(scenario, policy, seed))
    return {
      scenario: scenario.name,
      priceMs: price,
      seeds: seeds.length,
      ratio: mean(played.map(({ makespan }, index) => makespan / optima[index]!)),
      limited: mean(played.map(({ limited }) => limited)),
    }
  })
}

const cell = (ratio: number, limited: number): string =>
  `${ratio.toFixed(3)} (${limited.toFixed(2)})`

/** The strategies on the same seeds: makespan / optimum, in brackets answers 429. */
const confidenceLine = (scenario: Scenario): ReadonlyArray<string> => {
  const optima = seeds.map((seed) => optimum(scenario, seed))
  const policies = [reactive, ...confidences.map((confidence) => adaptive({ confidence }))]
  const cells = policies.map((policy) => {
    const results = seeds.map((seed) => run(scenario, policy, seed))
    return cell(
      mean(results.map(({ makespan }, index) => makespan / optima[index]!)),
      mean(results.map(({ limitedAt }) => limitedAt.length)),
    )
  })
  return [scenario.name, ...cells]
}

const written = (row: Row): Row => ({
  ...row,
  ratio: Number(row.ratio.toFixed(4)),
  limited: Number(row.limited.toFixed(3)),
})

const head = [
  "scenario",
  ...prices.map((price) => (price === 0 ? "price: none" : `${price / 1000} s`)),
]

const line = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => [
  rows[0]?.scenario ?? "",
  ...rows.map(({ ratio, limited }) => cell(ratio, limited)),
]

const write = Effect.fn("write")(function* (rows: ReadonlyArray<Row>) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const here = yield* path.fromFileUrl(new URL("results/", import.meta.url))
  yield* files.makeDirectory(here, { recursive: true })
  yield* files.writeFileString(
    path.join(here, "oracle.json"),
    `[\n${rows.map((row) => JSON.stringify(written(row))).join(",\n")}\n]\n`,
  )
})

const byPrice = Effect.gen(function* () {
  const results = contested.map(measure)
  yield* Console.log(table(head, results.map(line)))
  if (!quick) yield* write(results.flat())
})

const byConfidence = Effect.suspend(() => {
  const columns = ["scenario", "reactive", ...confidences.map((value) => value.toFixed(2))]
  return Console.log(table(columns, contested.map(confidenceLine)))
})

const program = process.argv.includes("--confidence") ? byConfidence : byPrice

NodeRuntime.runMain(program.pipe(Effect.provide(NodeContext.layer)))

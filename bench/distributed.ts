/**
 * Limits that four processes share through Redis, beside limits of their own, and beside the clustering of
 * bottleneck, while a process or Redis fails. The simulated Discord, Redis and each sender are processes.
 * Exits with 1 if shared limits lost or overtook a message, or got a response 429.
 *
 *     npm run bench:shared                       writes bench/results/distributed.json
 *     npm run bench:shared -- --quick            everything small, in a minute; writes nothing
 *     npm run bench:shared -- --only freeze      runs whose description contains it; writes nothing
 */
import { writeFileSync } from "node:fs"
import { availableParallelism, loadavg } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { hasRedis } from "../test/support/redis.js"
import { printRows } from "./distributed/print.js"
import { run } from "./distributed/runs.js"
import type { Fault, Plan, Row } from "./distributed/runs.js"
import type { SystemName } from "./distributed/sender.js"

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
})
const { only, quick } = values

// Found from bench/build/bench and from bench alike.
const bench = resolve(import.meta.dirname.replace(/build\/bench$/, ""))
const peer = join(bench, "distributed/peers/build/bench/distributed/peers/bottleneck.js")
const moduleOf = (name: SystemName): string =>
  name === "bottleneck" ? pathToFileURL(peer).href : "../distributed/ours.js"

const limit = { limit: 5, periodMs: 2000 }
const contended = { webhooks: 10, isContended: true, limit, link: 20 }
const messages = quick ? 50 : 200

/** More messages than the limits let through. */
const paced: Plan = { ...contended, load: "paced", messages, over: messages * 100 }
const burst: Plan = { ...contended, load: "burst", messages, over: 0 }
const own: Plan = {
  ...contended,
  load: "own",
  webhooks: 64,
  isContended: false,
  messages,
  over: messages * 100,
}

const plans: ReadonlyArray<readonly [SystemName, Plan, Fault]> = [
  ["shared", paced, "none"],
  ["shared", burst, "none"],
  ["shared", paced, "kill"],
  ["shared", paced, "restart"],
  ["shared", paced, "freeze"],
  ["shared", own, "none"],
  ["separate", paced, "none"],
  ["separate", burst, "none"],
  ["bottleneck", paced, "none"],
  ["bottleneck", paced, "kill"],
  ["bottleneck", paced, "restart"],
  ["bottleneck", paced, "freeze"],
  ["bottleneck", own, "none"],
]

if (!hasRedis) process.exit(0)

console.log(`load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`)
const rows: Array<Row> = []
for (const [name, plan, fault] of plans) {
  if (!`${name} ${plan.load} ${fault}`.includes(only)) continue
  const row = await run({ name, plan, fault, module: moduleOf(name) })
  rows.push(row)
  console.log(`\n${printRows([row])}`)
}
console.log(`\n${printRows(rows)}\n\nload ${loadavg()[0]?.toFixed(1)}`)

if (!quick && only === "") {
  const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] }
  writeFileSync(
    join(bench, "results/distributed.json"),
    `${JSON.stringify({ machine, paced, burst, own, rows }, undefined, 2)}\n`,
  )
}
const isWrong = rows.some(
  ({ limited, lost, name, overtaking }) => name === "shared" && lost + limited + overtaking > 0,
)
process.exit(isWrong ? 1 : 0)

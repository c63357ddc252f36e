/**
 * The durable outbox on each of its engines, beside BullMQ, which does the same job: throughput, latency,
 * what faults do, and what size costs. The simulated Discord and each system are processes; rounds are
 * interleaved. Exits with 1 if the outbox lost a message or sent one out of order.
 *
 *     npm run bench:outbox                        writes bench/results/outbox.json
 *     npm run bench:outbox -- --quick             everything small, in a minute; writes nothing
 *     npm run bench:outbox -- --only faults       one part: speed (or throughput, latency), faults, sizes
 *     npm run bench:outbox -- --system sqlite     one system; writes nothing
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { runFaults } from "./outbox/faults.js"
import type { Fault, FaultRow, Plan } from "./outbox/faults.js"
import type { DiscordCommands } from "./outbox/discord.js"
import {
  printFaults,
  printIdle,
  printLatency,
  printSizes,
  printThroughput,
} from "./outbox/print.js"
import { measureIdle, Rounds } from "./outbox/rounds.js"
import type { Contestant, IdleRow, Latency, Load, Throughput } from "./outbox/rounds.js"
import { startPostgresServer, startRedisServer } from "./outbox/servers.js"
import type { Server } from "./outbox/servers.js"
import type { Size, SizeCommands, SizeRow } from "./outbox/sizes.js"
import type { SystemName } from "./outbox/system.js"
import { Remote } from "./peers/remote.js"

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    system: { type: "string", default: "" },
  },
})
const { only, quick, system } = values
const isWhole = !quick && only === "" && system === ""
const wants = (part: string): boolean => part.includes(only)

// Found from bench/build/bench and from bench alike.
const bench = resolve(import.meta.dirname.replace(/build\/bench$/, ""))
const peer = join(bench, "outbox/peers/build/bench/outbox/peers/bullmq.js")
const folder = mkdtempSync(join(tmpdir(), "effect-discord-bench-outbox-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

let places = 0
function makeContestant(name: SystemName, server: Server | undefined): Contestant {
  return {
    name,
    module: name === "bullmq" ? pathToFileURL(peer).href : "../outbox/ours.js",
    server,
    place: () => {
      places += 1
      const prefix = `bench_${places}_`
      return { name, prefix, filename: join(folder, `${prefix}.db`), port: server?.port ?? 0 }
    },
  }
}

const postgres = await startPostgresServer()
const redis = await startRedisServer()
const contestants = [
  makeContestant("memory", undefined),
  makeContestant("sqlite", undefined),
  ...(postgres === undefined ? [] : [makeContestant("postgres", postgres)]),
  ...(redis === undefined ? [] : [makeContestant("bullmq", redis)]),
].filter(({ name }) => name.includes(system))

const load: Load = quick
  ? { webhooks: 100, messages: 1000, producers: 200, concurrency: 100 }
  : { webhooks: 100, messages: 10_000, producers: 200, concurrency: 100 }

const repeat = (fault: Fault, count: number): ReadonlyArray<Fault> =>
  Array.from({ length: count }, () => fault)

const plan: Plan = quick
  ? {
      webhooks: 10,
      each: 40,
      rate: 200,
      rules: { limit: 5, periodMs: 500, latencyMs: 60 },
      lease: 2000,
      interval: 1500,
      faults: ["kill", "restart"],
    }
  : {
      webhooks: 10,
      each: 240,
      rate: 40,
      rules: { limit: 5, periodMs: 2000, latencyMs: 120 },
      lease: 5000,
      interval: 8000,
      faults: [...repeat("kill", 3), "restart", "kill", "stop", ...repeat("kill", 2)],
    }

const sizes: ReadonlyArray<Pick<Size, "webhooks" | "sent">> = quick
  ? [
      { webhooks: 1, sent: 0 },
      { webhooks: 1000, sent: 10_000 },
    ]
  : [
      { webhooks: 1, sent: 0 },
      { webhooks: 1000, sent: 0 },
      { webhooks: 100_000, sent: 0 },
      { webhooks: 100_000, sent: 1_000_000 },
    ]

/** The best of each system: noise of the machine only adds. */
function best<Row extends { readonly name: SystemName }>(
  rows: ReadonlyArray<Row>,
  rate: (row: Row) => number,
): ReadonlyArray<Row> {
  return contestants.flatMap(({ name }) => {
    const own = rows.filter((row) => row.name === name)
    return own.sort((a, b) => rate(b) - rate(a)).slice(0, 1)
  })
}

async function measureSpeed() {
  const discord = new Remote<DiscordCommands>("../outbox/discord.js")
  await discord.call("configure", { limit: 0, periodMs: 0, latencyMs: 0 })
  const rounds = contestants.map((contestant) => new Rounds(contestant, discord))
  const count = quick ? 1 : 3
  const throughput: Array<Throughput> = []
  const latency: Array<Latency> = []
  for (let round = 0; wants("speed: throughput") && round < count; round += 1) {
    for (const one of rounds) throughput.push(await one.measureThroughput(load))
  }
  for (let round = 0; wants("speed: latency") && round < count; round += 1) {
    for (const one of rounds) latency.push(await one.measureLatency(200, quick ? 2 : 8, load))
  }
  for (const one of rounds) one.stop()
  discord.stop()
  return {
    throughput: best(throughput, ({ messagesPerSecond }) => messagesPerSecond),
    latency: best(latency, ({ p99 }) => -p99),
  }
}

/** All systems at the same time: they wait for Discord. */
function measureFaults(): Promise<ReadonlyArray<FaultRow>> {
  return Promise.all(
    contestants
      .filter(({ name }) => name !== "memory")
      .map(({ module, place, server }) =>
        runFaults({ module, plan, setup: place(), restart: server?.restart }),
      ),
  )
}

async function measureSizes() {
  const costs: Array<SizeRow> = []
  const idle: Array<Promise<IdleRow>> = []
  for (const contestant of contestants) {
    const { name } = contestant
    idle.push(measureIdleRow(contestant, { webhooks: 0, sent: 0 }, {}))
    if (name === "bullmq") continue
    for (const size of sizes) {
      // In memory, sent entries are as large as pending ones.
      if (name === "memory" && size.sent > 0) continue
      const place = { ...contestant.place(), name, ...size }
      const remote = new Remote<SizeCommands>("../outbox/sizes.js")
      costs.push({ name, ...size, ...(await remote.call("measure", place)) })
      remote.stop()
      if (size === sizes.at(-1)) idle.push(measureIdleRow(contestant, size, place))
    }
  }
  return { costs, idle: await Promise.all(idle) }
}

async function measureIdleRow(
  contestant: Contestant,
  { sent, webhooks }: Pick<Size, "webhooks" | "sent">,
  place: Partial<Size>,
): Promise<IdleRow> {
  return { name: contestant.name, webhooks, sent, ...(await measureIdle(contestant, place)) }
}

console.log(`load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`)
const speed = wants("speed: throughput, latency") ? await measureSpeed() : undefined
if (speed !== undefined && speed.throughput.length > 0) {
  console.log(`\n${printThroughput(speed.throughput)}`)
}
if (speed !== undefined && speed.latency.length > 0) console.log(`\n${printLatency(speed.latency)}`)
const faults = wants("faults") ? await measureFaults() : []
if (faults.length > 0) console.log(`\n${printFaults(faults)}`)
const size = wants("sizes") ? await measureSizes() : undefined
if (size !== undefined) console.log(`\n${printSizes(size.costs)}\n\n${printIdle(size.idle)}`)
console.log(`\nload ${loadavg()[0]?.toFixed(1)}`)

if (isWhole) {
  const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] }
  writeFileSync(
    join(bench, "results/outbox.json"),
    `${JSON.stringify({ machine, load, plan, ...speed, faults, ...size }, undefined, 2)}\n`,
  )
}
const isWrong = faults.some(
  ({ lost, name, outOfOrder }) => name !== "bullmq" && lost + outOfOrder > 0,
)
process.exit(isWrong ? 1 : 0)

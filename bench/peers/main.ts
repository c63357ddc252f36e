/**
 * This SDK beside `@discordjs/rest` and bare undici, against one simulated Discord over a socket.
 * Every library has a process of its own, and so has the simulator; rounds are interleaved, figures
 * are medians of rounds. Machines are noisy: only ratios of one run mean anything.
 *
 *     npm run bench:peers              writes bench/results/peers.json
 *     npm run bench:peers -- --quick   a look in half a minute; writes nothing
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, loadavg } from "node:os"
import { resolve } from "node:path"
import type { ClientCommands } from "./client.js"
import { drains, type Drain } from "./drains.js"
import type { Lanes, Target } from "./peer.js"
import { Remote } from "./remote.js"
import { median, quantile, ratioTo, round } from "./figures.js"
import type { SimulatorCommands } from "./simulator.js"
import { table } from "../simulation/table.js"

const quick = process.argv.includes("--quick")
const bare = "undici"
const bareInFibers = "undici, in fibers"
const theirs = "@discordjs/rest"
const tuned = "@discordjs/rest, offset 0"
const adaptive = "ours, adaptive"
const proactive = "ours, proactive"
const reactive = "ours, reactive"

const simulator = new Remote<SimulatorCommands>("./simulator.js")
const clients = new Map(
  [bare, bareInFibers, theirs, tuned, reactive, proactive, adaptive].map((name) => [
    name,
    new Remote<ClientCommands>("./client.js", [name]),
  ]),
)
const baseUrl = await simulator.call("baseUrl", undefined)

function client(name: string): Remote<ClientCommands> {
  const found = clients.get(name)
  if (found === undefined) throw new Error(`there is no client ${name}`)
  return found
}

// --- full speed -------------------------------------------------------------------------------

interface Speed {
  readonly peer: string
  readonly lanes: number
  readonly requestsPerSecond: number
  readonly cpuMicros: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Rounds until all that is run often has been compiled; they are not measured. */
const warmUp = quick ? 1 : 5

/** The same number of messages from every peer, round by round; no limit, no header. */
async function speed(lanes: number, each: number, rounds: number): Promise<ReadonlyArray<Speed>> {
  const names = [bare, theirs, proactive, adaptive]
  await simulator.call("scene", { linkMs: 0 })
  const targets = await simulator.call("webhooks", lanes)
  const plan: Lanes = targets.map((target) => Array<Target>(each).fill(target))
  for (const name of names) await client(name).call("open", { baseUrl })
  // Those that only drain are compiled here, too.
  for (const name of [bareInFibers, tuned, reactive]) {
    await client(name).call("open", { baseUrl })
    for (let turn = 0; turn < warmUp; turn += 1) await client(name).call("send", plan)
  }
  const seen = new Map(names.map((name) => [name, [] as Array<Speed>]))
  for (let turn = 0; turn < warmUp + rounds; turn += 1) {
    for (const peer of rotated(names, turn)) {
      const { cpu, lasted, took } = await client(peer).call("send", plan)
      if (turn < warmUp) continue
      seen.get(peer)?.push({
        peer,
        lanes,
        requestsPerSecond: (took.length / lasted) * 1000,
        cpuMicros: cpu / took.length,
        p50Ms: quantile(took, 0.5),
        p99Ms: quantile(took, 0.99),
      })
    }
  }
  return names.map((peer) => {
    const own = seen.get(peer) ?? []
    const mid = (pick: (one: Speed) => number): number => median(own.map(pick))
    return {
      peer,
      lanes,
      requestsPerSecond: mid((one) => one.requestsPerSecond),
      cpuMicros: mid((one) => one.cpuMicros),
      p50Ms: mid((one) => one.p50Ms),
      p99Ms: mid((one) => one.p99Ms),
    }
  })
}

// --- drains -----------------------------------------------------------------------------------

interface Drained {
  readonly drain: string
  readonly peer: string
  readonly makespanMs: number
  readonly optimumMs: number
  /** To the optimum; where nothing has to wait, to undici alone. */
  readonly ratio: number
  readonly limited: number
}

const waiting = [theirs, tuned, reactive, proactive, adaptive]

/** Where nothing has to wait, one needs not know of limits. */
function takingPart({ isFree }: Drain): ReadonlyArray<string> {
  return isFree ? [bare, bareInFibers, ...waiting] : waiting
}

async function drainOnce(drain: Drain, peer: string): Promise<{ ms: number; limited: number }> {
  const targets = await simulator.call("webhooks", drain.webhooks)
  await client(peer).call("open", { baseUrl })
  const all = Array.from({ length: drain.messages }, (_, index) => [
    targets[index % targets.length]!,
  ])
  const { lasted } = await client(peer).call("send", all)
  const ids = targets.map(({ id }) => id)
  const { limited, stored } = await simulator.call("retire", ids)
  if (stored !== drain.messages) throw new Error(`${peer}: ${stored} messages of ${drain.messages}`)
  return { ms: lasted, limited }
}

/** One peer after another: together they would share a processor, and the slow would slow the fast. */
async function drainAll(drain: Drain): Promise<ReadonlyArray<Drained>> {
  const { limit, periodMs, linkMs } = drain
  await simulator.call("scene", { limit: { limit, periodMs }, linkMs })
  const peers = takingPart(drain)
  const seen = new Map(peers.map((peer) => [peer, [] as Array<{ ms: number; limited: number }>]))
  const rounds = quick ? 1 : drain.rounds
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const peer of rotated(peers, turn)) seen.get(peer)?.push(await drainOnce(drain, peer))
  }
  const makespan = (peer: string): number => median((seen.get(peer) ?? []).map(({ ms }) => ms))
  const optimumMs = drain.isFree ? makespan(bare) : drain.optimumMs
  return peers.map((peer) => {
    const own = seen.get(peer) ?? []
    return {
      drain: drain.name,
      peer,
      makespanMs: makespan(peer),
      optimumMs,
      ratio: makespan(peer) / optimumMs,
      limited: own.reduce((sum, { limited }) => sum + limited, 0) / own.length,
    }
  })
}

// --- memory -----------------------------------------------------------------------------------

interface Remembered {
  readonly peer: string
  readonly webhooks: number
  readonly tracked: number
  readonly left: number
  readonly bytesEach: number
  readonly sweptBytesEach: number
}

async function memory(webhooks: number): Promise<ReadonlyArray<Remembered>> {
  const all: Array<Remembered> = []
  for (const peer of [theirs, adaptive]) {
    all.push({ peer, ...(await client(peer).call("remember", webhooks)) })
  }
  return all
}

// --- all of it --------------------------------------------------------------------------------

function rotated<A>(items: ReadonlyArray<A>, turn: number): ReadonlyArray<A> {
  const from = turn % items.length
  return [...items.slice(from), ...items.slice(0, from)]
}

function progress(text: string): void {
  process.stderr.write(`${text} (load ${loadavg()[0]?.toFixed(1)})\n`)
}

const began = performance.now()
progress("full speed, 64 at a time")
const busy = await speed(64, quick ? 6 : 30, quick ? 2 : 9)
progress("full speed, one at a time")
const alone = await speed(1, quick ? 100 : 500, quick ? 2 : 9)
const drained: Array<Drained> = []
for (const drain of drains.filter((one) => !quick || !one.long)) {
  progress(drain.name)
  drained.push(...(await drainAll(drain)))
}
progress("memory")
const remembered = await memory(quick ? 5000 : 50_000)
for (const one of clients.values()) one.stop()
simulator.stop()

console.log("\nFull speed: no limits, one embed")
console.log(
  table(
    ["peer", "at once", "requests/s", "CPU us/request", "p50 ms", "p99 ms"],
    [...busy, ...alone].map((row) => [
      row.peer,
      String(row.lanes),
      round(row.requestsPerSecond),
      round(row.cpuMicros),
      round(row.p50Ms),
      round(row.p99Ms),
    ]),
  ),
)
console.log("\nDrains: optimum is (windows - 1) x period + what cannot be hidden of the link;")
console.log("where nothing has to wait, what undici takes alone")
console.log(
  table(
    ["drain", "peer", "optimum ms", "makespan ms", "ratio", "429"],
    drained.map((row) => [
      row.drain,
      row.peer,
      round(row.optimumMs),
      round(row.makespanMs),
      row.ratio.toFixed(3),
      round(row.limited),
    ]),
  ),
)
console.log("\nMemory: webhooks that got one message each")
console.log(
  table(
    ["peer", "webhooks", "tracked", "bytes each", "after the sweep", "still tracked"],
    remembered.map((row) => [
      row.peer,
      String(row.webhooks),
      String(row.tracked),
      round(row.bytesEach),
      round(row.sweptBytesEach),
      String(row.left),
    ]),
  ),
)

const ratios = [
  ...[proactive, adaptive].flatMap((peer) => [
    ratioTo(busy, peer, theirs, "requests/s, 64 at once", (row) => row.requestsPerSecond),
    ratioTo(busy, peer, theirs, "CPU/request, 64 at once", (row) => row.cpuMicros),
    ratioTo(busy, peer, theirs, "p99, 64 at once", (row) => row.p99Ms),
    ratioTo(alone, peer, theirs, "p50, one at a time", (row) => row.p50Ms),
    ratioTo(remembered, peer, theirs, "bytes per webhook", (row) => row.bytesEach),
  ]),
  ...drains.flatMap(({ name }) =>
    [reactive, proactive, adaptive].flatMap((peer) =>
      [theirs, tuned].map((other) =>
        ratioTo(
          drained.filter(({ drain }) => drain === name),
          peer,
          other,
          `makespan, ${name}`,
          (row) => row.makespanMs,
        ),
      ),
    ),
  ),
].filter((row) => !Number.isNaN(row.ratio))

console.log("\nRatios")
console.log(
  table(
    ["figure", "ours over theirs", "ratio"],
    ratios.map((row) => [row.figure, `${row.peer} / ${row.other}`, row.ratio.toFixed(2)]),
  ),
)
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`)

if (!quick) {
  // Found from build/bench/peers and from bench/peers alike.
  const folder = resolve(import.meta.dirname.replace(/peers\/build\/bench\/peers$/, ""), "results")
  mkdirSync(folder, { recursive: true })
  const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] }
  const result = { machine, speed: [...busy, ...alone], drains: drained, remembered, ratios }
  writeFileSync(resolve(folder, "peers.json"), `${JSON.stringify(result, null, 2)}\n`)
}

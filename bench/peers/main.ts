/**
 * This SDK beside `@discordjs/rest`, dfx and the bare clients. Every library has a process of its
 * own, and so have the servers; rounds are interleaved, figures are medians of rounds. Machines are
 * noisy: only ratios of one run mean anything.
 *
 *     npm run bench:peers                   writes bench/results/peers.json
 *     npm run bench:peers -- --only cold    one part of cold, speed, drains and memory; writes its part
 *     npm run bench:peers -- --quick        smaller parts; writes nothing
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism, loadavg } from "node:os"
import { resolve } from "node:path"
import { cold } from "./cold.js"
import { memory } from "./memory.js"
import { printCold, printDrains, printMemory, printSpeed } from "./print.js"
import { Processes } from "./processes.js"
import { runDrains } from "./runDrains.js"
import { type Speed, speed, type SpeedSettings } from "./speed.js"

const quick = process.argv.includes("--quick")
const processes = new Processes()

function progress(text: string): void {
  process.stderr.write(`${text} (load ${loadavg()[0]?.toFixed(1)})\n`)
}

/** Each part prints its tables and returns its rows. */
const parts = {
  cold: async () => {
    const rows = await cold(processes, quick ? 1 : 5, progress)
    printCold(rows)
    return rows
  },

  speed: async () => {
    const fixed = quick
      ? { processes: 1, warmUp: 1, rounds: 2 }
      : { processes: 3, warmUp: 10, rounds: 4 }
    const rows: Array<Speed> = []
    const measure = async (one: Omit<SpeedSettings, keyof typeof fixed>) => {
      const { each, inProcess, lanes, pauses, wait } = one
      const manner = `${inProcess ? ", in process" : ""}${pauses ? ", with pauses" : ""}`
      progress(`full speed, ${lanes} at once, wait=${wait}${manner}`)
      const settings = { ...fixed, ...one, each: quick ? each / 5 : each }
      rows.push(...(await speed(processes, settings)))
    }
    const usual = { each: 30, inProcess: false, lanes: 64, pauses: false, wait: true }
    await measure(usual)
    await measure({ ...usual, wait: false })
    await measure({ ...usual, pauses: true })
    await measure({ ...usual, pauses: true, wait: false })
    await measure({ ...usual, lanes: 1, each: 500 })
    await measure({ ...usual, inProcess: true, wait: false })
    printSpeed(rows)
    return rows
  },

  drains: async () => {
    const rows = await runDrains(processes, { quick, progress })
    printDrains(rows)
    return rows
  },

  memory: async () => {
    const rows = await memory(processes, quick ? 5000 : 50_000)
    printMemory(rows)
    return rows
  },
}

type Part = keyof typeof parts

function selected(): ReadonlyArray<Part> {
  const all = Object.keys(parts) as Array<Part>
  const at = process.argv.indexOf("--only")
  if (at < 0) return all
  const only = all.filter((part) => part === process.argv[at + 1])
  if (only.length === 0) throw new Error(`--only takes one of ${all.join(", ")}`)
  return only
}

// Found from build/bench/peers and from bench/peers alike.
const folder = resolve(import.meta.dirname.replace(/peers\/build\/bench\/peers$/, ""), "results")
const file = resolve(folder, "peers.json")

function write(part: Part, rows: ReadonlyArray<unknown>, load: number | undefined): void {
  mkdirSync(folder, { recursive: true })
  const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}
  const machine = { node: process.version, cores: availableParallelism(), load }
  const after = { ...before, [part]: { machine, rows } }
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`)
}

const start = performance.now()
try {
  for (const part of selected()) {
    const load = loadavg()[0]
    const rows = await parts[part]()
    if (!quick) write(part, rows, load)
    processes.stopClients()
  }
} finally {
  processes.stop()
}
console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s`)

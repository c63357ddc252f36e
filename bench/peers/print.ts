/** The tables of each part. Figures are also shown relative to `@discordjs/rest`. */
import type { Cold } from "./cold.js"
import { relative, round } from "./figures.js"
import { names } from "./libraries.js"
import type { Remembered } from "./memory.js"
import type { Drained } from "./runDrains.js"
import type { Speed } from "./speed.js"
import { table } from "../simulation/table.js"

const base = names.discordjs

export function printCold(rows: ReadonlyArray<Cold>): void {
  const group = (row: Cold) => `${row.lanes} ${row.wait} ${row.messages}`
  const ratios = relative(rows, base, group, (row) => row.cpuMicros)
  console.log("\nCold: processor time of the first messages of a process, one embed each")
  console.log(
    table(
      ["peer", "wait", "at once", "first", "CPU us/message", `to ${base}`],
      rows.map((row, index) => [
        row.peer,
        String(row.wait),
        String(row.lanes),
        String(row.messages),
        round(row.cpuMicros),
        (ratios[index] ?? Number.NaN).toFixed(2),
      ]),
    ),
  )
}

export function printSpeed(rows: ReadonlyArray<Speed>): void {
  const group = (row: Speed) => `${row.lanes} ${row.wait} ${row.inProcess} ${row.pauses}`
  const ratios = relative(rows, base, group, (row) => row.cpuMicros)
  console.log("\nFull speed: warm, no limits, one embed each; the ratio is that of processor time")
  console.log(
    table(
      ["peer", "wait", "at once", "CPU us/message", `to ${base}`, "requests/s", "p50 ms", "p99 ms"],
      rows.map((row, index) => [
        `${row.peer}${row.inProcess ? ", in process" : ""}${row.pauses ? ", after pauses" : ""}`,
        String(row.wait),
        String(row.lanes),
        round(row.cpuMicros),
        (ratios[index] ?? Number.NaN).toFixed(2),
        round(row.requestsPerSecond),
        round(row.p50Ms),
        round(row.p99Ms),
      ]),
    ),
  )
}

export function printDrains(rows: ReadonlyArray<Drained>): void {
  const ratios = relative(
    rows,
    base,
    ({ drain }) => drain,
    (row) => row.makespanMs,
  )
  console.log(
    "\nDrains: the optimum is (windows - 1) x period + what of the link cannot be hidden;",
  )
  console.log("where nothing has to wait, the time of undici alone")
  console.log(
    table(
      ["drain", "peer", "optimum ms", "makespan ms", "to the optimum", `to ${base}`, "429"],
      rows.map((row, index) => [
        row.drain,
        row.peer,
        round(row.optimumMs),
        round(row.makespanMs),
        row.ratio.toFixed(3),
        (ratios[index] ?? Number.NaN).toFixed(2),
        round(row.limited),
      ]),
    ),
  )
}

export function printMemory(rows: ReadonlyArray<Remembered>): void {
  const ratios = relative(
    rows,
    base,
    () => "",
    (row) => row.bytesEach,
  )
  console.log("\nMemory: webhooks that got one message each")
  console.log(
    table(
      [
        "peer",
        "webhooks",
        "tracked",
        "bytes each",
        `to ${base}`,
        "after the sweep",
        "tracked then",
      ],
      rows.map((row, index) => [
        row.peer,
        String(row.webhooks),
        String(row.tracked),
        round(row.bytesEach),
        (ratios[index] ?? Number.NaN).toFixed(2),
        round(row.sweptBytesEach),
        String(row.left),
      ]),
    ),
  )
}

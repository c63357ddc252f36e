/**
 * What an upload takes of memory, by its size, on each HttpClient: a file given by its path, sent
 * over a socket to a server that takes it as fast as it can, or slowly.
 *
 *     npm run bench:uploads                writes bench/results/uploads.json
 *     npm run bench:uploads -- --quick     smaller files; writes nothing
 */
import { fork } from "node:child_process"
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { createServer } from "node:http"
import type { IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { table } from "./simulation/table.js"
import { layerNames } from "./uploads/layers.js"
import type { LayerName, Measured } from "./uploads/layers.js"

const quick = process.argv.includes("--quick")
const megabyte = 1e6
const sizes = (quick ? [1, 10, 40] : [10, 100, 400]).map((size) => size * megabyte)
const slowSize = (quick ? 10 : 200) * megabyte

interface Row extends Measured {
  readonly layer: LayerName
  readonly bytes: number
  readonly server: "fast" | "slow"
  /** Whether Discord is told the length. */
  readonly hasLength: boolean
}

/** Bytes that the slow server takes in a second. */
const slowRate = 40 * megabyte

let server: Row["server"] = "fast"
let hasLength = false
const sink = createServer(async (incoming, response) => {
  hasLength = incoming.headers["content-length"] !== undefined
  await drained(incoming)
  response.setHeader("content-type", "application/json")
  response.end(
    '{"id":"1","channel_id":"1","content":"","author":{"id":"1","username":"x"},"timestamp":"2026-01-01T00:00:00.000000+00:00"}',
  )
})

async function drained(incoming: IncomingMessage): Promise<void> {
  for await (const chunk of incoming) {
    if (server === "slow") await setTimeout((1000 * (chunk as Buffer).length) / slowRate)
  }
}

function measured(layer: LayerName, path: string, port: number): Promise<Measured> {
  const child = fork(
    resolve(import.meta.dirname, "uploads/client.js"),
    [layer, path, `http://127.0.0.1:${port}`],
    { execArgv: ["--expose-gc"] },
  )
  return new Promise((done, failed) => {
    child.once("message", (result: Measured) => done(result))
    child.once("exit", (code) => failed(new Error(`${layer}: exit code ${code}`)))
  })
}

/** A file of real bytes: holes would be read faster than any disk. */
function written(folder: string, bytes: number): string {
  const path = join(folder, `${bytes}.bin`)
  const file = openSync(path, "w")
  const block = Buffer.alloc(megabyte, "effect-discord ")
  for (let at = 0; at < bytes; at += block.length) writeSync(file, block)
  closeSync(file)
  return path
}

await new Promise<void>((listening) => sink.listen(0, "127.0.0.1", listening))
const { port } = sink.address() as AddressInfo
const folder = mkdtempSync(join(tmpdir(), "uploads-"))
const rows: Array<Row> = []
const measure = async (layer: LayerName, bytes: number, how: Row["server"]): Promise<void> => {
  server = how
  const result = await measured(layer, written(folder, bytes), port)
  rows.push({ layer, server: how, bytes, hasLength, ...result })
}
for (const layer of layerNames) {
  for (const bytes of sizes) await measure(layer, bytes, "fast")
  await measure(layer, slowSize, "slow")
}
rmSync(folder, { recursive: true })
sink.close()

console.log(
  table(
    ["layer", "server", "file MB", "memory grows MB", "seconds", "length sent"],
    rows.map((row) => [
      row.layer,
      row.server,
      (row.bytes / megabyte).toFixed(0),
      (row.growth / megabyte).toFixed(0),
      (row.milliseconds / 1000).toFixed(1),
      row.hasLength ? "yes" : "no",
    ]),
  ),
)

if (!quick) {
  const results = resolve(import.meta.dirname.replace(/build\/bench$/, ""), "results")
  mkdirSync(results, { recursive: true })
  writeFileSync(resolve(results, "uploads.json"), `${JSON.stringify(rows, null, 2)}\n`)
}

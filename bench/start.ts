/**
 * Cold start: what a process costs from its start until its first message is delivered on loopback,
 * beside the libraries that others use and beside a program without an SDK. Every start is a process
 * of its own, the server is another; starts are interleaved, figures are medians.
 *
 *     npm run bench:start                writes bench/results/start.json
 *     npm run bench:start -- --quick     five starts each; writes nothing
 */
import { execFile, fork } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { median } from "./peers/figures.js"
import { table } from "./simulation/table.js"
import type { Delivered } from "./start/delivered.js"

const quick = process.argv.includes("--quick")
const rounds = quick ? 5 : 31
// Found from bench/build/bench and from bench alike.
const bench = resolve(import.meta.dirname.replace(/build\/bench$/, ""))
const ours = join(bench, "build/bench/start")
const others = join(bench, "start/peers/build/peers")
const floor = "Effect, Schema, FetchHttpClient: the floor"

const programs: Readonly<Record<string, string>> = {
  "effect-discord, NodeDiscord.layer": join(ours, "readme.js"),
  "effect-discord, FetchHttpClient": join(ours, "fetch.js"),
  [floor]: join(ours, "floor.js"),
  "@discordjs/rest": join(others, "discordjsRest.js"),
  "discord.js": join(others, "discordjs.js"),
  dfx: join(others, "dfx.js"),
  undici: join(others, "undici.js"),
}

interface Row extends Delivered {
  readonly program: string
  readonly modules: number
  /** Bytes of one file with all that the program loads, minified and compressed. */
  readonly gzip: number
  /** Processor time over that of the floor. */
  readonly ratio: number
}

async function start(path: string, env: NodeJS.ProcessEnv, ...flags: ReadonlyArray<string>) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, path], { env })
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Delivered
}

async function modulesOf(path: string, env: NodeJS.ProcessEnv): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-start-"))
  const counted = join(folder, "modules")
  try {
    await start(path, { ...env, MODULES: counted }, "--import", join(ours, "modules.js"))
    const urls = readFileSync(counted, "utf8").trim().split("\n")
    return new Set(urls.filter((url) => !url.includes("/start/modules.js"))).size
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function gzipOf(path: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
    logLevel: "error",
    // The package, and not its sources, to which our paths lead.
    tsconfigRaw: "{}",
    // Optional native parts of discord.js, which it does without.
    external: ["zlib-sync", "bufferutil", "utf-8-validate"],
  })
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length
}

const server = fork(join(ours, "server.js"))
// It must not outlive a program that fails.
process.on("exit", () => server.kill())
const port = await new Promise<unknown>((listening) => server.once("message", listening))
const env = {
  ...process.env,
  API_URL: `http://127.0.0.1:${String(port)}/api`,
  BASE_URL: `http://127.0.0.1:${String(port)}/api/v10`,
  DISCORD_WEBHOOK_URL: `https://discord.com/api/webhooks/1034567890123456789/${"t".repeat(68)}`,
}

const seen = new Map<string, Array<Delivered>>()
for (let round = -1; round < rounds; round += 1) {
  for (const [program, path] of Object.entries(programs)) {
    const figures = await start(path, env)
    // The first round fills the file system's cache.
    if (round >= 0) seen.set(program, [...(seen.get(program) ?? []), figures])
  }
}

function medianOf(program: string): Delivered {
  const all = seen.get(program) ?? []
  return {
    wallMs: median(all.map((one) => one.wallMs)),
    cpuMs: median(all.map((one) => one.cpuMs)),
    peakKb: median(all.map((one) => one.peakKb)),
  }
}

const rows: Array<Row> = []
for (const [program, path] of Object.entries(programs)) {
  const figures = medianOf(program)
  rows.push({
    program,
    ...figures,
    ratio: figures.cpuMs / medianOf(floor).cpuMs,
    modules: await modulesOf(path, env),
    gzip: await gzipOf(path),
  })
}
server.kill()

console.log(
  table(
    ["program", "CPU ms", "to the floor", "wall ms", "peak MB", "modules", "gzip kB"],
    rows.map((row) => [
      row.program,
      row.cpuMs.toFixed(0),
      row.ratio.toFixed(2),
      row.wallMs.toFixed(0),
      (row.peakKb / 1024).toFixed(0),
      String(row.modules),
      (row.gzip / 1000).toFixed(0),
    ]),
  ),
)
const machine = { node: process.version, cores: availableParallelism(), load: loadavg()[0] }
if (!quick) {
  writeFileSync(
    join(bench, "results/start.json"),
    `${JSON.stringify({ machine, rounds, rows }, undefined, 2)}\n`,
  )
}

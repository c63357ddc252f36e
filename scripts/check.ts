/**
 * Everything static in one command: each check runs as its own process, as many at a time as the
 * machine has cores. One line each, and the whole output of those that fail.
 */
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { stripVTControlCharacters } from "node:util"
import { environment, root } from "./project.js"

interface Check {
  readonly name: string
  readonly command: string
}

interface Outcome extends Check {
  readonly passed: boolean
  readonly seconds: string
  readonly output: string
}

/** The slowest first, so that the cores finish together. */
const checks: ReadonlyArray<Check> = [
  { name: "effect", command: "tsx scripts/check-effect.ts" },
  { name: "regexps", command: "tsx scripts/check-regexps.ts" },
  { name: "api", command: "tsx scripts/check-api.ts" },
  { name: "types", command: "tsc --pretty" },
  { name: "docs", command: "tsx scripts/check-docs.ts" },
  { name: "unused", command: "knip" },
  { name: "lint", command: "oxlint --type-aware" },
  { name: "layout", command: "tsx scripts/check-layout.ts" },
  { name: "format", command: "oxfmt --check" },
]

function run(check: Check): Promise<Outcome> {
  const start = performance.now()
  return new Promise((done) => {
    const child = spawn(check.command, {
      cwd: root,
      shell: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: environment,
    })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("close", (code) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      done({
        ...check,
        passed: code === 0,
        seconds,
        output: readable(Buffer.concat(chunks).toString()),
      })
    })
  })
}

/** Some tools colour whatever they are told; a log file has no colours. */
function readable(output: string): string {
  return process.stdout.isTTY ? output : stripVTControlCharacters(output)
}

const waiting = [...checks]
const failed: Array<Outcome> = []

async function worker(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const outcome = await run(next)
    console.log(
      `${outcome.passed ? "ok  " : "FAIL"} ${outcome.name.padEnd(8)} ${outcome.seconds} s`,
    )
    if (!outcome.passed) failed.push(outcome)
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, worker))

for (const { name, command, output } of failed) {
  console.log(`\n--- ${name}: ${command}\n${output.trimEnd()}`)
}
if (failed.length > 0) {
  console.log(
    `\n${failed.length} of ${checks.length} checks failed: ${failed.map((_) => _.name).join(", ")}`,
  )
  process.exitCode = 1
}

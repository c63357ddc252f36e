/** Every example runs without setup, and prints its `// Output:` block. */
import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { root } from "../../scripts/project.js"
import { lazy } from "../../src/model/lazy.js"
import { bundle } from "../support/bundle.js"
import { isThorough } from "../support/laws.js"
import { getRedis, hasRedis } from "../support/redis.js"

const examples = readdirSync(resolve(root, "examples")).filter((name) => name.endsWith(".ts"))

const paths = await bundle({
  modules: Object.fromEntries(examples.map((name) => [name, `examples/${name}`])),
  name: "examples",
  includePackages: true,
})

/** What needs a server, which the tests start. */
const needsRedis = "shared-limits.ts"

/** They start themselves as other processes, or run for seconds. */
const leftToCi = new Set([needsRedis, "outbox.ts", "strategies.ts"])

const isRunnable = (name: string): boolean =>
  (hasRedis || name !== needsRedis) && (isThorough || !leftToCi.has(name))

/** One prints the metrics of its process, and the other one takes as long as all of the rest. */
const inOwnProcess = new Set(["observability.ts", "rate-limit-burst.ts"])

/**
 * Effect is loaded once for all of these, which takes longer than most of them. In CI each example has a
 * process of its own, as a user's has.
 */
const together = isThorough
  ? []
  : examples.filter((name) => isRunnable(name) && !inOwnProcess.has(name))

async function runNode(...args: ReadonlyArray<string>): Promise<string> {
  const { DISCORD_WEBHOOK_URL: _, ...env } = process.env
  if (args.includes(paths[needsRedis]!)) env["REDIS_URL"] = (await getRedis()).url
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env })
  return stdout
}

const runTogether = lazy(async () => {
  const oneByOne = resolve(import.meta.dirname, "oneByOne.mjs")
  const outputs = await runNode(oneByOne, ...together.map((name) => paths[name]!))
  return outputs.split("\0").slice(1)
})

async function run(name: string): Promise<string> {
  const index = together.indexOf(name)
  return index < 0 ? runNode(paths[name]!) : ((await runTogether())[index] ?? "")
}

function promised(path: string): string {
  const [, block = ""] = readFileSync(resolve(root, path), "utf8").split("\n// Output:\n")
  return block.replaceAll(/^\/\/ ?/gm, "")
}

/** Times differ from machine to machine, and so does how much of a window is used up. */
function timeless(output: string): string {
  return output
    .replaceAll(/\d+\.\d\d s/g, "N s")
    .replaceAll(/\d+ of (\d+) left/g, "N of $1 left")
    .replaceAll(/\(webhook \d+\)/g, "(webhook N)")
    .trim()
}

describe.concurrent("examples", () => {
  // A few tests run at a time, so those that wait for the one process come last.
  const alone = examples.filter((name) => !together.includes(name))
  for (const name of [...alone, ...together]) {
    it.skipIf(!isRunnable(name))(`${name} prints its Output block`, async () => {
      expect(timeless(await run(name))).toBe(timeless(promised(`examples/${name}`)))
    })
  }
})

it("README.md shows the burst as it is printed", () => {
  const readme = readFileSync(resolve(root, "README.md"), "utf8")
  const [, shown = ""] = /```text\n([^`]*)```/.exec(readme) ?? []
  const printed = promised("examples/rate-limit-burst.ts").split("\n")
  const lines = shown.trim().split("\n")
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.filter((line) => line !== "..." && !printed.includes(line))).toEqual([])
})

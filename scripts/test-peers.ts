/**
 * The whole test suite with the oldest peers that package.json allows, or with the newest: installs
 * them in a copy of the project, compiles `src` against them and runs the tests there.
 *
 *     npm run test:peers               the oldest
 *     npm run test:peers -- highest    the newest that the registry has
 *     npm run test:peers -- lowest test/rest test/webhook
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { manifest, root } from "./project.js"

/** What the tests use besides the peers, in the versions that fit them. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lowest: {
    "@effect/vitest": "0.25.1",
    "@effect/opentelemetry": "0.56.1",
    "@effect/sql-pg": "0.45.1",
    "@effect/sql-libsql": "0.37.0",
    "@opentelemetry/sdk-logs": "0.203.0",
  },
  highest: {},
}

/** No version of it asks for the oldest peers; one test uses it. */
const overrides: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "@effect/sql-libsql": {
    "@effect/experimental": "$@effect/experimental",
    "@effect/platform": "$@effect/platform",
    "@effect/sql": "$@effect/sql",
    effect: "$effect",
  },
}

/** What tools make or install, and the lock file, which pins other versions. */
const left = new Set([".git", "node_modules", "dist", "build", "coverage", "package-lock.json"])

/** `^3.17.7` and `>=0.90.4 <1.0.0` begin with the oldest version that they allow. */
function oldest(range: string): string {
  const [version] = /\d+\.\d+\.\d+/.exec(range) ?? []
  if (version === undefined) throw new Error(`${range} does not begin with a version`)
  return version
}

function peersOf(end: string): Readonly<Record<string, string>> {
  const ranges = Object.entries(manifest.peerDependencies)
  return Object.fromEntries(
    ranges.map(([name, range]) => [name, end === "lowest" ? oldest(range) : range]),
  )
}

const [end = "lowest", ...tests] = process.argv.slice(2)
const fitting = companions[end]
if (fitting === undefined) throw new Error(`${end}: it is "lowest" or "highest"`)

const folder = mkdtempSync(join(tmpdir(), "effect-discord-peers-"))
const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const env = { LAW_RUNS: "1", ...process.env, PEERS: end }
  execFileSync(command, args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] })
}

try {
  cpSync(root, folder, { recursive: true, filter: (path) => !left.has(basename(path)) })
  const devDependencies = { ...manifest.devDependencies, ...fitting, ...peersOf(end) }
  const packages = {
    ...manifest,
    devDependencies,
    overrides: { ...manifest.overrides, ...overrides },
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify(packages))
  run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline")
  run("npm", "ls", ...Object.keys(manifest.peerDependencies), "--depth=0")
  run("npx", "tsc", "-p", "tsconfig.build.json", "--noEmit")
  const withoutCoverage = "--coverage.enabled=false"
  if (tests.length > 0) run("npx", "vitest", "run", withoutCoverage, ...tests)
  else for (const script of ["test", "test:bench"]) run("npm", "run", script, "--", withoutCoverage)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * The package as a user gets it: packs it once, looks at what is inside, asks publint and attw, then
 * installs the tarball into an empty project, imports every subpath and type-checks a consumer
 * under both module resolutions that modern projects use.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { entries, manifest, report, root } from "./project.js"

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: ReadonlyArray<{ readonly path: string }>
}

const allowed =
  /^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+\.ts|README\.md|CHANGELOG\.md|LICENSE|package\.json|discord\.(schema\.json|example\.yaml))$/
const optionalPeers = Object.keys(manifest.peerDependencies).filter(
  (peer) => manifest.peerDependenciesMeta[peer]?.optional === true,
)

/** Runs a command; its output is shown only when it fails. */
function run(cwd: string, command: string, ...args: ReadonlyArray<string>): string {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error })
  }
}

function bin(cwd: string, path: string, ...args: ReadonlyArray<string>): string {
  return run(cwd, process.execPath, resolve(root, "node_modules", path), ...args)
}

/** `prepack` builds. */
function pack(into: string): Packed {
  const [packed] = JSON.parse(
    run(root, "npm", "pack", "--json", "--silent", "--pack-destination", into),
  ) as [Packed]
  return packed
}

function content(packed: Packed): ReadonlyArray<string> {
  const paths = new Set(packed.files.map((file) => file.path))
  const built = entries.flatMap(({ source }) => {
    const path = source.replace(/^src/, "dist").replace(/\.ts$/, "")
    return [`${path}.js`, `${path}.d.ts`, source]
  })
  return [
    ...[...paths]
      .filter((path) => !allowed.test(path))
      .map((path) => `${path}: has no place in the package`),
    ...["README.md", "CHANGELOG.md", "LICENSE", ...built]
      .filter((path) => !paths.has(path))
      .map((path) => `${path}: is missing from the package`),
  ]
}

async function publintProblems(): Promise<ReadonlyArray<string>> {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: false })
  return messages.map((message) => `publint: ${formatMessage(message, pkg) ?? message.code}`)
}

/** A project that has the package and its required peers, and nothing else. */
function install(folder: string, tarball: string, extra: ReadonlyArray<string>): void {
  mkdirSync(folder)
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  )
  run(
    folder,
    "npm",
    "install",
    "--silent",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    tarball,
    ...extra,
  )
}

/** Imports in plain Node. A module of types alone is there, and empty. */
function smoke(folder: string, specifier: string): string {
  const script = `
    const modules = await import(${JSON.stringify(specifier)})
    if (Object.keys(modules).length === 0) throw new Error("exports nothing")
    console.log(Object.keys(modules).join(" "))`
  return run(folder, process.execPath, "--input-type=module", "--eval", script).trim()
}

function typecheck(folder: string, module: string, moduleResolution: string): void {
  const imports = entries.map(
    ({ specifier }, index) => `import * as entry${index} from "${specifier}"`,
  )
  const uses = entries.map((_, index) => `entry${index}`)
  writeFileSync(
    join(folder, "consumer.ts"),
    [...imports, `export const all = [${uses.join(", ")}]`, ""].join("\n"),
  )
  const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022"]
  bin(
    folder,
    "typescript/bin/tsc",
    ...flags,
    "--module",
    module,
    "--moduleResolution",
    moduleResolution,
    "consumer.ts",
  )
}

/** Which optional peers an entry point may need: only those of the edge that is named after one. */
function needsOptionalPeer(specifier: string): boolean {
  return specifier.endsWith("/node")
}

const temporary = mkdtempSync(join(tmpdir(), "effect-discord-"))
try {
  const packed = pack(temporary)
  const tarball = join(temporary, packed.filename)
  const problems = [...content(packed), ...(await publintProblems())]
  bin(root, "@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only")

  const bare = join(temporary, "bare")
  install(bare, tarball, [])
  for (const { specifier } of entries.filter((entry) => !needsOptionalPeer(entry.specifier))) {
    console.log(`${specifier}: ${smoke(bare, specifier)}`)
  }

  const full = join(temporary, "full")
  install(
    full,
    tarball,
    optionalPeers.map((peer) => `${peer}@${manifest.peerDependencies[peer]}`),
  )
  for (const { specifier } of entries.filter((entry) => needsOptionalPeer(entry.specifier))) {
    console.log(`${specifier}: ${smoke(full, specifier)}`)
  }
  typecheck(full, "node16", "node16")
  typecheck(full, "nodenext", "nodenext")
  typecheck(full, "preserve", "bundler")

  report(
    "package",
    problems,
    `${packed.files.length} files, ${Math.round(packed.size / 1024)} kB packed`,
  )
} catch (error) {
  report("package", [error instanceof Error ? error.message : String(error)], "stopped there")
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

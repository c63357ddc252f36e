/**
 * The package as a user gets it: packs it once, looks at what is inside, asks publint and attw, then
 * installs the tarball into an empty project, imports every subpath, in Node and in a bundle,
 * type-checks a consumer under both module resolutions that modern projects use, and runs the
 * README's program on it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, posix, resolve } from "node:path"
import { build } from "esbuild"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import {
  emptyProject,
  outboxGuide,
  pack,
  type Packed,
  readme,
  run,
  runProgram,
  writeProgram,
} from "./consumer.js"
import { type Entry, entries, manifest, modules, report, root } from "./project.js"

const allowed =
  /^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+\.ts|README\.md|CHANGELOG\.md|LICENSE|package\.json|discord\.(schema\.json|example\.yaml)|AGENTS\.md|(docs|examples|bench)\/.+\.(md|ts|json|svg)|test\/scenarios\/rows\.ts)$/
const optionalPeers = Object.keys(manifest.peerDependencies).filter(
  (peer) => manifest.peerDependenciesMeta[peer]?.optional === true,
)

function bin(cwd: string, path: string, ...args: ReadonlyArray<string>): string {
  return run(cwd, process.execPath, resolve(root, "node_modules", path), ...args)
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

/** What the documents in the package link to is in the package. */
function links(packed: Packed): ReadonlyArray<string> {
  const paths = packed.files.map((file) => file.path)
  return paths
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) => {
      const text = readFileSync(resolve(root, path), "utf8").replace(/^```[\s\S]*?^```/gm, "")
      const targets = [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, target]) =>
        posix.join(posix.dirname(path), target ?? ""),
      )
      return targets
        .filter((target) => !paths.some((one) => one === target || one.startsWith(`${target}/`)))
        .map((target) => `${path}: links to ${target}, which is not in the package`)
    })
}

async function publintProblems(): Promise<ReadonlyArray<string>> {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: false })
  return messages.map((message) => `publint: ${formatMessage(message, pkg) ?? message.code}`)
}

/** A project that has the package and its required peers, and nothing else. */
function install(folder: string, tarball: string, extra: ReadonlyArray<string>): void {
  emptyProject(folder)
  const quiet = ["--silent", "--no-audit", "--no-fund", "--prefer-offline"]
  run(folder, "npm", "install", ...quiet, tarball, ...extra)
}

/** Imports in plain Node. A module of types alone is there, and empty. */
function smoke(folder: string, specifier: string): string {
  const script = `
    const file = import.meta.resolve(${JSON.stringify(specifier)})
    if (!file.includes("/dist/bundled/")) throw new Error("Node loads " + file + ", not the bundle")
    const modules = await import(${JSON.stringify(specifier)})
    if (Object.keys(modules).length === 0) throw new Error("exports nothing")
    console.log(Object.keys(modules).join(" "))`
  return run(folder, process.execPath, "--input-type=module", "--eval", script).trim()
}

/** A program that compares each module of the index with its subpath. */
const comparison = [
  `import * as index from "${manifest.name}"`,
  ...modules.map(({ name, specifier }) => `import * as ${name} from "${specifier}"`),
  `const modules = { ${modules.map(({ name }) => name).join(", ")} }`,
  "for (const [name, namespace] of Object.entries(index)) {",
  "  const keys = [...new Set([namespace, modules[name]].flatMap(Object.keys))]",
  "  const other = keys.find((key) => namespace[key] !== modules[name][key])",
  "  if (other !== undefined) throw new Error(`${name}.${other} differs`)",
  "}",
  "console.log(Object.keys(index).length)",
].join("\n")

/** The modules whose subpath exports the objects of the index: in Node, and in a bundle. */
async function subpaths(folder: string): Promise<ReadonlyArray<string>> {
  writeFileSync(join(folder, "subpaths.mjs"), comparison)
  await build({
    entryPoints: [join(folder, "subpaths.mjs")],
    outfile: join(folder, "bundle.mjs"),
    bundle: true,
    format: "esm",
  })
  return ["subpaths.mjs", "bundle.mjs"].flatMap((file) => {
    const compared = run(folder, process.execPath, file).trim()
    return compared === String(modules.length)
      ? []
      : [`${file}: compared ${compared} modules of ${modules.length}`]
  })
}

/** A private module has no subpath. */
function privatePaths(folder: string): ReadonlyArray<string> {
  return ["codec", "model/codec", "webhook/Webhook", "ratelimit/internal/window"].flatMap(
    (path) => {
      const script = `await import("${manifest.name}/${path}").then(() => console.log("found"), () => {})`
      const found = run(folder, process.execPath, "--input-type=module", "--eval", script)
      return found === "" ? [] : [`${manifest.name}/${path}: can be imported`]
    },
  )
}

function typecheck(
  folder: string,
  entryPoints: ReadonlyArray<Entry>,
  module: string,
  moduleResolution: string,
  ...more: ReadonlyArray<string>
): void {
  const imports = entryPoints.map(
    ({ specifier }, index) => `import * as entry${index} from "${specifier}"`,
  )
  const uses = entryPoints.map((_, index) => `entry${index}`)
  // A class of the index is that of the subpath, with its private fields.
  const same = modules.map(
    ({ name, specifier }, index) =>
      `export const same${index}: typeof import("${manifest.name}").${name} = await import("${specifier}")`,
  )
  writeFileSync(
    join(folder, "consumer.ts"),
    [...imports, `export const all = [${uses.join(", ")}]`, ...same, ""].join("\n"),
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
    ...more,
    "consumer.ts",
  )
}

/** The entry points that import optional peers. */
function needsOptionalPeer(specifier: string): boolean {
  return /\/(?:node|redis|sql|sqlite)$/.test(specifier)
}

const temporary = mkdtempSync(join(tmpdir(), "effect-discord-"))
try {
  const packed = pack(temporary)
  const tarball = join(temporary, packed.filename)
  const problems = [...content(packed), ...links(packed), ...(await publintProblems())]
  // It finds no subpaths of a pattern.
  const included = modules.map(({ name }) => `./${name}`)
  const attw = "@arethetypeswrong/cli/dist/index.js"
  bin(root, attw, tarball, "--profile", "esm-only", "--include-entrypoints", ...included)

  const withoutNode = entries.filter((entry) => !needsOptionalPeer(entry.specifier))
  const bare = join(temporary, "bare")
  install(bare, tarball, [])
  for (const { specifier } of withoutNode) console.log(`${specifier}: ${smoke(bare, specifier)}`)
  problems.push(...(await subpaths(bare)), ...privatePaths(bare))
  typecheck(bare, withoutNode, "nodenext", "nodenext")

  const full = join(temporary, "full")
  const peers = optionalPeers.map((peer) => `${peer}@${manifest.peerDependencies[peer]}`)
  // The types of undici need Node's.
  install(full, tarball, [...peers, `@types/node@${manifest.devDependencies["@types/node"]}`])
  for (const { specifier } of entries.filter((entry) => needsOptionalPeer(entry.specifier))) {
    console.log(`${specifier}: ${smoke(full, specifier)}`)
  }
  typecheck(full, entries, "node16", "node16", "--types", "node")
  typecheck(full, entries, "nodenext", "nodenext", "--types", "node")
  typecheck(full, entries, "preserve", "bundler", "--types", "node")
  for (const program of [readme, outboxGuide]) {
    writeProgram(full, program)
    const stored = runProgram(full)
    if (stored !== program.leaves) {
      problems.push(`${program.document}: its program left ${stored || "nothing"}`)
    }
  }

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

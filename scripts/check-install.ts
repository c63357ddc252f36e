/**
 * Every line for a shell in the README and the guides is run as a user would run it: lines that
 * install, in an empty project, from the packed tarball and with what the registry has today, by each
 * package manager that has failed before; then the README's program. A line that is not run is in
 * the list below, with the reason. Then the package is added to older projects.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { blocksOf, markdown } from "./blocks.js"
import {
  emptyProject,
  outboxGuide,
  pack,
  readme,
  run,
  runProgram,
  runWith,
  writeProgram,
} from "./consumer.js"
import { manifest, report, root } from "./project.js"

/** Lines that are not run here, and why. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["npm ci && npm run example", "needs the repository; .ci/run runs it"],
  ["npm ci && npm test", "needs the repository; .ci/run runs it"],
  [
    "export DISCORD_WEBHOOK_URL='https://discord.com/api/webhooks/...'",
    "the programs below get the URL of the simulator's webhook",
  ],
])

interface Line {
  readonly document: string
  readonly place: string
  readonly command: string
}

/** Lines of `sh` blocks, without comments, and install commands within the prose. */
function linesOf(document: string): ReadonlyArray<Line> {
  const text = readFileSync(resolve(root, document), "utf8")
  const lines = text.split("\n").map((line, index) => ({ line, place: `${document}:${index + 1}` }))
  const found: Array<Line> = []
  let language: string | undefined
  for (const { line, place } of lines) {
    const [, fence] = /^\s*```(\w*)/.exec(line) ?? []
    if (fence !== undefined) {
      language = language === undefined ? fence : undefined
    } else if (language === "sh" || language === "bash") {
      const command = line.replace(/\s+#.*$/, "").trim()
      if (command !== "" && !command.startsWith("#")) found.push({ document, place, command })
    } else if (language === undefined) {
      for (const [, command = ""] of line.matchAll(/`((?:npm|npx|yarn|pnpm|bun|deno) [^`]+)`/g)) {
        if (/\b(install|add|i)\b/.test(command)) found.push({ document, place, command })
      }
    }
  }
  return found
}

/** How people install; the last two do not install the peers of peers. */
const managers: Readonly<Record<string, ReadonlyArray<string>>> = {
  npm: ["npm", "install", "--no-audit", "--no-fund"],
  "npm --legacy-peer-deps": ["npm", "install", "--legacy-peer-deps", "--no-audit", "--no-fund"],
  "yarn 1": ["npx", "--yes", "yarn@1.22.22", "add", "--ignore-engines", "--no-lockfile"],
}

/** Projects that are older than the newest Effect 3; the package is added to what they have. */
const olderProjects: ReadonlyArray<string> = [
  "effect@3.17 @effect/platform@0.90 @effect/platform-node@0.96",
  "effect@3.19 @effect/platform@0.93 @effect/platform-node@0.103",
  "effect@3.20 @effect/platform@0.95 @effect/platform-node@0.105",
  "effect@3.21 @effect/platform@0.96 @effect/platform-node@0.107",
]

const temporary = mkdtempSync(join(tmpdir(), "effect-discord-install-"))
const tarball = join(temporary, pack(temporary).filename)
const problems: Array<string> = []

function attempt(
  { place, command }: Omit<Line, "document">,
  what: string,
  task: () => string,
  expected = readme.leaves,
): void {
  try {
    const stored = task()
    if (stored !== expected) problems.push(`${place}: ${what}: the program left ${stored}`)
    console.log(`ran      ${what}: ${command}`)
  } catch (error) {
    problems.push(`${place}: ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

let projects = 0
/** The newest project that npm has installed, for the lines that run a program. */
let installed: string | undefined

function install(line: Line): void {
  const specs = line.command
    .split(/\s+/)
    .slice(2)
    .map((spec) => (spec === manifest.name ? tarball : spec))
  for (const [manager, [command = "", ...args]] of Object.entries(managers)) {
    const folder = join(temporary, `project${(projects += 1)}`)
    const hasOutbox = specs.some((spec) => spec.startsWith("@libsql/client"))
    const program = hasOutbox ? outboxGuide : readme
    attempt(
      line,
      manager,
      () => {
        emptyProject(folder)
        run(folder, command, ...args, ...specs)
        writeProgram(folder, program)
        const stored = runProgram(folder)
        if (manager === "npm") installed = folder
        return stored
      },
      program.leaves,
    )
  }
}

function addTo(peers: string): void {
  const folder = join(temporary, `project${(projects += 1)}`)
  attempt({ place: "package.json", command: "npm install effect-discord" }, peers, () => {
    emptyProject(folder)
    run(folder, "npm", "install", "--no-audit", "--no-fund", ...peers.split(" "))
    run(folder, "npm", "install", "--no-audit", "--no-fund", tarball)
    writeProgram(folder, readme)
    return runProgram(folder)
  })
}

function installedProject(): string {
  if (installed === undefined) throw new Error("no line before it installs a project")
  return installed
}

/** `NAME=value ... node program.js`, in a project that is installed; a dry run sends nothing. */
function start(line: Line): void {
  attempt(line, "node", () => {
    const folder = installedProject()
    writeProgram(folder, readme, "program.js")
    const words = line.command.split(/\s+/)
    const variables = words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split("="))
    const url = "https://discord.com/api/webhooks/1034567890123456789/token"
    const env = { DISCORD_WEBHOOK_URL: url, ...Object.fromEntries(variables) }
    runWith(env, folder, process.execPath, ...words.slice(variables.length + 1))
    return readme.leaves
  })
}

/** `npm install -D vitest ...`, in a project that is installed; then the first test of the document. */
function test(line: Line): void {
  attempt(line, "npm", () => {
    const folder = installedProject()
    const [block] = blocksOf(line.document)
    if (block === undefined) throw new Error(`${line.document} has no test`)
    run(folder, "npm", ...line.command.split(/\s+/).slice(1), "--no-audit", "--no-fund")
    writeFileSync(join(folder, "guide.test.ts"), block.code)
    run(folder, "npx", "vitest", "run")
    return readme.leaves
  })
}

function check(line: Line): void {
  const { command, place } = line
  const reason = elsewhere.get(command)
  if (reason !== undefined) console.log(`not run  ${command}: ${reason}`)
  else if (command.startsWith(`npm install ${manifest.name} `)) install(line)
  else if (/^(?:[A-Z_]+=\S+ )+node \S+$/.test(command) && command.includes("DRY_RUN=true"))
    start(line)
  else if (command.startsWith("npm install -D vitest")) test(line)
  else problems.push(`${place}: \`${command}\` is neither run nor listed with a reason`)
}

try {
  const lines = [
    "README.md",
    ...markdown().filter((file) => file.startsWith("docs/guides/")),
  ].flatMap(linesOf)
  // A command that stands twice is run once.
  const unique = [...new Map(lines.map((line) => [line.command, line])).values()]
  for (const line of unique) check(line)
  for (const peers of olderProjects) addTo(peers)
  const unused = [...elsewhere.keys()].filter(
    (command) => !lines.some((one) => one.command === command),
  )
  problems.push(...unused.map((command) => `\`${command}\` is listed, but in no document`))
  if (installed === undefined) problems.push("no document says how to install the package")
  report("install", problems, `${lines.length} lines for a shell`)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

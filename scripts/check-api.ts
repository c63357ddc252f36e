/**
 * The public surface changes only where it is meant to: `scripts/api-report` has the signatures of
 * every entry point, and a difference is an error. `npm run api` writes them anew.
 *
 * API Extractor makes the report from the declarations, so an exported type that no declaration file
 * can name is an error, too. A Schema of Discord's messages takes thousands of lines, most of which
 * repeat other Schemas: what is nested deeper stands there as a hash.
 */
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { entries, manifest, report, root } from "./project.js"

const write = process.argv.includes("--write")
const reports = resolve(root, "scripts/api-report")
// In the project, so that imports resolve; API Extractor skips what is in `node_modules`.
const scratch = resolve(root, ".api-report")

/** Declarations with more lines are folded. */
const maxLines = 60
const foldedIndent = " ".repeat(8)

rmSync(scratch, { recursive: true, force: true })
mkdirSync(scratch, { recursive: true })
execFileSync(
  process.execPath,
  [
    resolve(root, "node_modules/typescript/bin/tsc"),
    "-p",
    "tsconfig.build.json",
    "--emitDeclarationOnly",
    "--declarationMap",
    "false",
    "--outDir",
    scratch,
  ],
  { cwd: root, stdio: "inherit" },
)

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12)
}

/** Replaces each run of deeply indented lines by their number and hash. */
function fold(declaration: string): string {
  const lines = declaration.split("\n")
  if (lines.length <= maxLines) return declaration
  const folded: Array<string> = []
  let deep: Array<string> = []
  const flush = () => {
    if (deep.length > 0)
      folded.push(`${foldedIndent}... ${deep.length} lines, ${hash(deep.join("\n"))}`)
    deep = []
  }
  for (const line of lines) {
    if (line.startsWith(foldedIndent)) deep.push(line)
    else {
      flush()
      folded.push(line)
    }
  }
  flush()
  return folded.join("\n")
}

function reportOf(declarations: string, name: string): string {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: declarations,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: "nodenext",
            target: "es2022",
            lib: ["es2022", "dom", "dom.iterable"],
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
            types: [],
          },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: scratch,
        reportTempFolder: resolve(scratch, "temp"),
        reportFileName: name,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  })
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error
    },
  })
  const text = readFileSync(resolve(scratch, `${name}.api.md`), "utf8")
  return text.split("\n\n").map(fold).join("\n\n")
}

/** The first line that differs, since a whole report is too long to print. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")]
  const line = now.findIndex((text, index) => text !== old[index])
  return `line ${line + 1}: ${old[line] ?? "(end)"} -> ${now[line] ?? "(end)"}`
}

/** Declarations that more than one namespace of an entry point exports. */
function doubles(text: string): ReadonlyArray<string> {
  const addresses = new Map<string, Array<string>>()
  for (const [, namespace = "", body = ""] of text.matchAll(
    /^declare namespace (\w+) \{\n([^}]*)/gm,
  )) {
    for (const [, declaration = "", alias = declaration] of body.matchAll(
      /^ +(\w+)(?: as (\w+))?,?$/gm,
    )) {
      addresses.set(declaration, [...(addresses.get(declaration) ?? []), `${namespace}.${alias}`])
    }
  }
  return [...addresses.values()]
    .filter(({ length }) => length > 1)
    .map((names) => `one declaration has more than one address: ${names.join(", ")}`)
}

const problems = entries.flatMap(({ source, specifier }) => {
  const name = specifier.slice(manifest.name.length + 1).replaceAll("/", "-") || "index"
  const path = resolve(reports, `${name}.api.md`)
  const declarations = resolve(scratch, source.replace("src/", "").replace(/\.ts$/, ".d.ts"))
  const text = reportOf(declarations, name)
  if (write) {
    mkdirSync(reports, { recursive: true })
    writeFileSync(path, text)
  }
  const before = existsSync(path) ? readFileSync(path, "utf8") : ""
  const changes =
    before === text
      ? []
      : [
          `${specifier}: the public API changed, ${difference(before, text)}\nIf it should, run \`npm run api\`.`,
        ]
  return [...doubles(text), ...changes]
})
rmSync(scratch, { recursive: true, force: true })

report("api", problems, `${entries.length} entry points`)

/**
 * What lint cannot see: which folders exist, what they import, how files are called, what the entry
 * points export, that no list is spread into a call, and that the lock file names no registry host.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, posix, relative, resolve, sep } from "node:path"
import ts from "typescript"
import { edges, floors, wrongImports } from "./floors.js"
import { entries, report, root } from "./project.js"

const folders = new Set([...floors, ...edges].map(({ folder }) => folder))
/** What tools make or install. */
const foreign = /(^|\/)(node_modules|build)\//
const drawer = /^(utils?|helpers?|common|types|misc|shared|lib)$/i
const fileName = /^([A-Z][A-Za-z0-9]*|[a-z][A-Za-z0-9]*)\.ts$/
const entrySources = new Set(entries.map((entry) => entry.source))

const files = ["src", "test", "examples", "bench", "scripts"].flatMap(list)

function list(folder: string): ReadonlyArray<string> {
  if (!existsSync(resolve(root, folder))) return []
  return readdirSync(resolve(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, resolve(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !foreign.test(file))
}

function drawers(file: string): ReadonlyArray<string> {
  return file
    .split("/")
    .map((part) => part.replace(/(\.test)?\.ts$/, ""))
    .filter((part) => drawer.test(part))
    .map((part) => `${file}: "${part}" is a drawer; name the concept that is in it`)
}

function place(file: string): ReadonlyArray<string> {
  const [top, floor] = file.split("/")
  if (top !== "src" || entrySources.has(file)) return []
  if (!file.endsWith(".ts")) return [`${file}: src holds TypeScript only`]
  if (floor === undefined || !folders.has(floor)) {
    return [`${file}: not on a floor; add the floor to scripts/floors.ts, or move the file`]
  }
  if (basename(file) === "index.ts")
    return [`${file}: a barrel; only entry points of package.json are called index.ts`]
  if (!fileName.test(basename(file))) {
    return [`${file}: PascalCase.ts for a public module, camelCase.ts for a private one`]
  }
  return []
}

function statements(entry: string): ReadonlyArray<ts.Statement> {
  const path = resolve(root, entry)
  if (!existsSync(path)) return []
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest).statements
}

/** An entry point says `export * as Module from "./floor/Module.js"` and nothing else. */
function surface(entry: string): ReadonlyArray<string> {
  if (!existsSync(resolve(root, entry)))
    return [`${entry}: package.json exports it, but it does not exist`]
  return statements(entry).flatMap((statement) => {
    const name = exportedModule(statement)
    if (name === undefined)
      return [`${entry}: only \`export * as Module from "./.../Module.js"\` here`]
    const module = basename(name.from, ".js")
    return module === name.as && /^[A-Z]/.test(module)
      ? []
      : [`${entry}: ${name.as} must be a PascalCase module called like its file, not ${module}`]
  })
}

function publicModules(entry: string): ReadonlyArray<string> {
  return statements(entry)
    .flatMap((statement) => exportedModule(statement) ?? [])
    .map(({ from }) => posix.join(dirname(entry), from).replace(/\.js$/, ".ts"))
}

function exportedModule(
  statement: ts.Statement,
): { readonly as: string; readonly from: string } | undefined {
  if (!ts.isExportDeclaration(statement) || statement.isTypeOnly) return undefined
  const { exportClause, moduleSpecifier } = statement
  if (exportClause === undefined || !ts.isNamespaceExport(exportClause)) return undefined
  if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return undefined
  return { as: exportClause.name.text, from: moduleSpecifier.text }
}

/** A PascalCase file promises to be public: directly on its floor, it is in the floor's entry point. */
function forgotten(): ReadonlyArray<string> {
  const exported = new Set([...entrySources].flatMap(publicModules))
  return files
    .filter((file) => /^src\/[a-z]+\/[A-Z][^/]*\.ts$/.test(file) && !exported.has(file))
    .map((file) => `${file}: called like a public module, but no entry point exports it`)
}

/** An argument for each element: some 120 000 of them end in a RangeError. */
const spreadCall = /\.(?:push|unshift|max|min|fromCharCode|fromCodePoint)\([^()]*\.\.\./

function spreads(file: string): ReadonlyArray<string> {
  if (!/^src\/.*\.ts$/.test(file)) return []
  const lines = readFileSync(resolve(root, file), "utf8").split("\n")
  return lines.flatMap((line, index) =>
    spreadCall.test(line) && !/^\s*\*/.test(line) && !line.includes("...(")
      ? [`${file}:${index + 1}: spreads a list into a call; loop over it, or reduce it`]
      : [],
  )
}

/** Imports of types and dynamic imports count. */
function imports(file: string): ReadonlyArray<string> {
  if (!/^src\/.*\.ts$/.test(file)) return []
  const { importedFiles } = ts.preProcessFile(readFileSync(resolve(root, file), "utf8"), true, true)
  const specifiers = importedFiles.map((imported) => imported.fileName)
  return wrongImports(file.slice("src/".length), specifiers).map((wrong) => `${file}: ${wrong}`)
}

function lock(): ReadonlyArray<string> {
  const text = readFileSync(resolve(root, "package-lock.json"), "utf8")
  return /"resolved": "https?:/.test(text)
    ? ["package-lock.json: names a registry host; run npm install with the project's .npmrc"]
    : []
}

const problems = [
  ...files.flatMap((file) => [
    ...drawers(file),
    ...place(file),
    ...imports(file),
    ...spreads(file),
  ]),
  ...[...entrySources].flatMap(surface),
  ...forgotten(),
  ...lock(),
]
report("layout", problems, `${files.length} files`)

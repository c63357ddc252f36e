/**
 * Builds `dist/`, in two forms:
 *
 * - One file for each module, by TypeScript. Calls at the top level are marked as pure, so that a
 *   bundler leaves out every Schema and layer that a program does not use.
 * - `dist/bundled`: the same in a few files, for Node, which takes half a millisecond of the
 *   processor for each file that it loads. Bundlers do not get these (`exports` in package.json).
 *
 * Each form has a `public` folder with a file for each module of the index, which are the subpaths
 * of the package. They export what the index exports, so that a tag or an error is one object
 * however it is imported.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"
import ts from "typescript"
import { entries, modules, root } from "./project.js"

const dist = resolve(root, "dist")

function options(): ts.ParsedCommandLine {
  const path = resolve(root, "tsconfig.build.json")
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file))
  return ts.parseJsonConfigFileContent(config, ts.sys, dirname(path))
}

/** Marks the calls that run when the module is loaded. Those within functions run later, or never. */
const markPure: ts.TransformerFactory<ts.SourceFile> = (context) => {
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isFunctionLike(node)) return node
    const visited = ts.visitEachChild(node, visit, context)
    // A statement that is a call is there for its effect.
    return (ts.isCallExpression(visited) || ts.isNewExpression(visited)) &&
      !ts.isExpressionStatement(node.parent ?? node)
      ? ts.addSyntheticLeadingComment(visited, ts.SyntaxKind.MultiLineCommentTrivia, " @__PURE__ ")
      : visited
  }
  return (file) => ts.visitEachChild(file, visit, context)
}

function emit(): ReadonlyArray<ts.Diagnostic> {
  const { fileNames, options: compilerOptions, errors } = options()
  const program = ts.createProgram(fileNames, compilerOptions)
  const { diagnostics } = program.emit(undefined, undefined, undefined, undefined, {
    before: [markPure],
  })
  return [...errors, ...ts.getPreEmitDiagnostics(program), ...diagnostics]
}

/** Writes the files of `public`, by their names. */
function writePublic(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files))
    writeFileSync(resolve(folder, name), `${text}\n`)
}

function reexport(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    modules.flatMap(({ name, source }) => {
      const text = `export * from "${source.replace(/^src/, "..").replace(/ts$/, "js")}"`
      return ["js", "d.ts"].map((extension) => [`${name}.${extension}`, text])
    }),
  )
}

/** The members of a namespace of the bundled index as exports, some of which are reserved words. */
function exportMembers(name: string, members: object): string {
  const keys = Object.keys(members)
  return [
    `import { ${name} } from "../index.js"`,
    `const { ${keys.map((key, index) => `${key}: _${index}`).join(", ")} } = ${name}`,
    `export { ${keys.map((key, index) => `_${index} as ${key}`).join(", ")} }`,
  ].join("\n")
}

async function reexportBundled(): Promise<Readonly<Record<string, string>>> {
  const index = (await import(pathToFileURL(resolve(dist, "bundled/index.js")).href)) as Readonly<
    Record<string, object>
  >
  return Object.fromEntries(
    modules.map(({ name }) => [`${name}.js`, exportMembers(name, index[name] ?? {})]),
  )
}

rmSync(dist, { recursive: true, force: true })
const diagnostics = emit()
if (diagnostics.length > 0) {
  console.error(
    ts.formatDiagnosticsWithColorAndContext(diagnostics, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => "\n",
    }),
  )
  process.exit(1)
}
writePublic(resolve(dist, "public"), reexport())
await build({
  entryPoints: entries.map(({ source }) =>
    resolve(root, source.replace(/^src/, "dist").replace(/\.ts$/, ".js")),
  ),
  outbase: dist,
  outdir: resolve(dist, "bundled"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
  // Else its `paths` lead to the sources.
  tsconfigRaw: "{}",
})
writePublic(resolve(dist, "bundled/public"), await reexportBundled())

/**
 * Builds `dist/`, in two forms:
 *
 * - One file for each module, by TypeScript. Calls at the top level are marked as pure, so that a
 *   bundler leaves out every Schema and layer that a program does not use.
 * - `dist/bundled`: the same in a few files, for Node, which takes half a millisecond of the
 *   processor for each file that it loads. Bundlers do not get these (`exports` in package.json).
 */
import { rmSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { build } from "esbuild"
import ts from "typescript"
import { entries, root } from "./project.js"

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

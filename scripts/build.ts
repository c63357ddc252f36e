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
 * however it is imported. For Node, what a program needs that only sends is apart from the rest.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { build } from "esbuild"
import ts from "typescript"
import { entries, type Module, modules, root } from "./project.js"
import { chooseNames, replaceNames } from "./shortNames.js"

const dist = resolve(root, "dist")

function options(): ts.ParsedCommandLine {
  const path = resolve(root, "tsconfig.build.json")
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file))
  return ts.parseJsonConfigFileContent(config, ts.sys, dirname(path))
}

/** The milliseconds of a constant such as `Duration.toMillis("1 minute")`. */
function constantMillis(node: ts.Node): ts.NumericLiteral | undefined {
  if (!ts.isCallExpression(node) || node.expression.getText() !== "Duration.toMillis")
    return undefined
  const [text] = node.arguments
  if (text === undefined || !ts.isStringLiteral(text)) return undefined
  const duration = Option.getOrThrow(Duration.decodeUnknown(text.text))
  return ts.factory.createNumericLiteral(Duration.toMillis(duration))
}

/**
 * Marks the calls that run when the module is loaded, and computes constant durations. Calls within
 * functions run later, or never.
 */
const markPure: ts.TransformerFactory<ts.SourceFile> = (context) => {
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isFunctionLike(node)) return node
    const millis = constantMillis(node)
    if (millis !== undefined) return millis
    const visited = ts.visitEachChild(node, visit, context)
    // A statement that is a call is there for its effect.
    return (ts.isCallExpression(visited) || ts.isNewExpression(visited)) &&
      !ts.isExpressionStatement(node.parent ?? node)
      ? ts.addSyntheticLeadingComment(visited, ts.SyntaxKind.MultiLineCommentTrivia, " @__PURE__ ")
      : visited
  }
  return (file) => ts.visitEachChild(file, visit, context)
}

/** The fields that a constructor assigns, whatever happens in it. */
function assignedFields({ members }: ts.ClassLikeDeclaration): ReadonlySet<string> {
  const statements = members.find(ts.isConstructorDeclaration)?.body?.statements ?? []
  return new Set(
    statements.flatMap((statement) => {
      if (!ts.isExpressionStatement(statement)) return []
      const { expression } = statement
      if (!ts.isBinaryExpression(expression)) return []
      const { left, operatorToken } = expression
      return operatorToken.kind === ts.SyntaxKind.EqualsToken &&
        ts.isPropertyAccessExpression(left) &&
        left.expression.kind === ts.SyntaxKind.ThisKeyword &&
        ts.isIdentifier(left.name)
        ? [left.name.text]
        : []
    }),
  )
}

/**
 * Shortens the fields of classes, which a minifier has to keep: one that the constructor assigns needs
 * no declaration, and one that is `undefined` no initializer. A third of a kilobyte in a bundle that
 * sends.
 */
const shortenFields: ts.TransformerFactory<ts.SourceFile> = (context) => {
  const { factory } = context
  const shorten = (member: ts.ClassElement, assigned: ReadonlySet<string>): ts.Node | undefined => {
    if (!ts.isPropertyDeclaration(member)) return member
    const { initializer, modifiers, name, type } = member
    if (initializer === undefined)
      return ts.isIdentifier(name) && assigned.has(name.text) ? undefined : member
    return ts.isIdentifier(initializer) && initializer.text === "undefined"
      ? factory.updatePropertyDeclaration(member, modifiers, name, undefined, type, undefined)
      : member
  }
  const visit = (node: ts.Node): ts.Node => {
    const visited = ts.visitEachChild(node, visit, context)
    if (!ts.isClassDeclaration(visited)) return visited
    const assigned = assignedFields(visited)
    return ts.visitEachChild(
      visited,
      (member) => (ts.isClassElement(member) ? shorten(member, assigned) : member),
      context,
    )
  }
  return (file) => ts.visitEachChild(file, visit, context)
}

/** Classes of these files are no part of the API. */
const internal = [
  "src/model/DiscordApiBody.ts",
  "src/ratelimit/deadWebhooks.ts",
  "src/ratelimit/internal/",
  "src/ratelimit/settings.ts",
  "src/ratelimit/time.ts",
  "src/rest/redactToken.ts",
  "src/rest/telemetry.ts",
  "src/rest/timeouts.ts",
  "src/rest/transports/direct.ts",
]

function isInternal({ fileName }: ts.SourceFile): boolean {
  return internal.some((path) => fileName.startsWith(resolve(root, path)))
}

function emit(): ReadonlyArray<ts.Diagnostic> {
  const { fileNames, options: compilerOptions, errors } = options()
  const program = ts.createProgram(fileNames, compilerOptions)
  const { diagnostics } = program.emit(undefined, undefined, undefined, undefined, {
    before: [replaceNames(chooseNames(program, isInternal)), markPure, shortenFields],
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

/** What a bundle for Node is made of; its peers stay outside. */
const forNode = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
  // Else its `paths` lead to the sources.
  tsconfigRaw: "{}",
} as const

/** A program with these sends messages, and needs no file with the rest of the index. */
const sending = ["RateLimiter", "RestConfig", "Strategy", "Webhook"]

/** The modules that those load. */
async function sendingModules(): Promise<ReadonlyArray<Module>> {
  const { metafile } = await build({
    ...forNode,
    entryPoints: sending.map((name) => resolve(dist, `public/${name}.js`)),
    absWorkingDir: root,
    outdir: dist,
    metafile: true,
    write: false,
  })
  return modules.filter(({ source }) => toBuilt(source) in metafile.inputs)
}

/** `dist/webhook/Webhook.js` of `src/webhook/Webhook.ts`. */
function toBuilt(source: string): string {
  return source.replace(/^src/, "dist").replace(/\.ts$/, ".js")
}

/** The members of a namespace that a bundle exports as exports; some are reserved words. */
function exportMembers(bundle: string, name: string, members: object): string {
  const keys = Object.keys(members)
  return [
    `import { ${name} } from "../${bundle}"`,
    `const { ${keys.map((key, index) => `${key}: _${index}`).join(", ")} } = ${name}`,
    `export { ${keys.map((key, index) => `_${index} as ${key}`).join(", ")} }`,
  ].join("\n")
}

async function reexportBundled(): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {}
  // The second replaces what both have.
  for (const bundle of ["index.js", "sending.js"]) {
    const path = pathToFileURL(resolve(dist, "bundled", bundle)).href
    const namespaces = (await import(path)) as Readonly<Record<string, object>>
    for (const [name, members] of Object.entries(namespaces)) {
      files[`${name}.js`] = exportMembers(bundle, name, members)
    }
  }
  return files
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
const sendingEntry = resolve(dist, "sending.js")
const sendingExports = (await sendingModules()).map(
  ({ name }) => `export * as ${name} from "./public/${name}.js"`,
)
writeFileSync(sendingEntry, sendingExports.join("\n"))
await build({
  ...forNode,
  entryPoints: [...entries.map(({ source }) => resolve(root, toBuilt(source))), sendingEntry],
  outbase: dist,
  outdir: resolve(dist, "bundled"),
  splitting: true,
  sourcemap: true,
  sourcesContent: false,
})
rmSync(sendingEntry)
writePublic(resolve(dist, "bundled/public"), await reexportBundled())

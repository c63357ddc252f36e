/**
 * Documentation that cannot rot: every public export has a docstring with `@since`, every value
 * among them an `@example`, and every `ts` block of the docstrings, the README and the guides
 * compiles against the sources and imports no index that costs start-up time.
 *
 * Blocks become virtual files of one program, padded so that an error carries the line of the block
 * in its document. Nothing is written to disk.
 */
import { existsSync } from "node:fs"
import { relative, resolve } from "node:path"
import ts from "typescript"
import { blocksOf, markdown, sources, type Block } from "./blocks.js"
import { entries, report, root } from "./project.js"

/** Next to the package.json, so that the project's module kind and paths apply. */
function virtualPath(block: Block): string {
  return resolve(root, `${block.document.replaceAll("/", "~")}~${block.line}.ts`)
}

function options(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(resolve(root, "tsconfig.json"), (path) =>
    ts.sys.readFile(path),
  )
  return {
    ...ts.parseJsonConfigFileContent(config, ts.sys, root).options,
    // A reader's project need not be stricter than `strict`.
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
  }
}

function makeProgram(blocks: ReadonlyArray<Block>): ts.Program {
  const compilerOptions = options()
  const virtual = new Map(blocks.map((_) => [virtualPath(_), "\n".repeat(_.line - 1) + _.code]))
  const disk = ts.createCompilerHost(compilerOptions)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => virtual.has(path) || disk.fileExists(path),
    readFile: (path) => virtual.get(path) ?? disk.readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const code = virtual.get(path)
      return code === undefined
        ? disk.getSourceFile(path, language, ...rest)
        : ts.createSourceFile(path, code, language)
    },
  }
  const surface = entries.map((_) => resolve(root, _.source)).filter((path) => existsSync(path))
  return ts.createProgram([...surface, ...virtual.keys()], compilerOptions, host)
}

function compileErrors(program: ts.Program, block: Block): ReadonlyArray<string> {
  const file = program.getSourceFile(virtualPath(block))
  if (file === undefined) return [`${block.document}:${block.line}: the block was not read`]
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    (_) => {
      const line = ts.getLineAndCharacterOfPosition(file, _.start ?? 0).line + 1
      return `${block.document}:${line}: ${ts.flattenDiagnosticMessageText(_.messageText, "\n")}`
    },
  )
}

/** Every symbol reachable from an entry point, through `export * as` and `export { a as b }`. */
function publicSymbols(program: ts.Program): ReadonlySet<ts.Symbol> {
  const checker = program.getTypeChecker()
  const seen = new Set<ts.Symbol>()
  const visit = (module: ts.Symbol): void => {
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol =
        exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (seen.has(symbol)) continue
      seen.add(symbol)
      if (isModule(symbol)) visit(symbol)
    }
  }
  for (const { source } of entries) {
    const file = program.getSourceFile(resolve(root, source))
    const module = file && checker.getSymbolAtLocation(file)
    if (module !== undefined) visit(module)
  }
  return new Set([...seen].filter((symbol) => !isModule(symbol) && ours(symbol).length > 0))
}

function isModule(symbol: ts.Symbol): boolean {
  return ours(symbol).some((declaration) => ts.isSourceFile(declaration))
}

function ours(symbol: ts.Symbol): ReadonlyArray<ts.Declaration> {
  return (symbol.declarations ?? []).filter((declaration) =>
    declaration.getSourceFile().fileName.startsWith(resolve(root, "src")),
  )
}

/** A type that shares its name with a value leaves the prose to it, an overload everything to the first. */
function undocumented(symbol: ts.Symbol): ReadonlyArray<string> {
  const declarations = ours(symbol).map((declaration) => ({
    declaration,
    docs: docsOf(declaration),
  }))
  const problem = (declaration: ts.Declaration, what: string): string => {
    const file = declaration.getSourceFile()
    const { line } = file.getLineAndCharacterOfPosition(declaration.getStart(file))
    return `${relative(root, file.fileName)}:${line + 1}: ${symbol.name} ${what}`
  }
  const [first] = declarations
  if (first === undefined) return []
  return [
    ...(declarations.every(({ docs }) => !docs.prose)
      ? [problem(first.declaration, "has no docstring")]
      : []),
    ...declarations
      .filter(({ declaration: { kind } }) =>
        declarations.every((_) => _.declaration.kind !== kind || !_.docs.tags.includes("since")),
      )
      .map(({ declaration }) => problem(declaration, "has no @since")),
    ...(isValue(symbol) && declarations.every(({ docs }) => !docs.tags.includes("example"))
      ? [problem(first.declaration, "has no @example")]
      : []),
    ...declarations
      .filter(({ docs }) => docs.tags.includes("internal"))
      .map(({ declaration }) => problem(declaration, "is public and @internal at once")),
  ]
}

function isValue(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Value) !== 0
}

/** The reference shows what a module is for only if its first comment says that it is the module's. */
function unnamed(program: ts.Program): ReadonlyArray<string> {
  return program
    .getSourceFiles()
    .filter(({ fileName }) => /^src\/\w+\/[A-Z]\w*\.ts$/.test(relative(root, fileName)))
    .filter(({ text }) => !text.slice(0, text.indexOf("*/")).includes("@module"))
    .map(({ fileName }) => `${relative(root, fileName)}: its first comment has no @module`)
}

function docsOf(declaration: ts.Declaration): {
  readonly prose: boolean
  readonly tags: ReadonlyArray<string>
} {
  const docs = ts.getJSDocCommentsAndTags(declaration).filter((node) => ts.isJSDoc(node))
  return {
    prose: docs.some((doc) => (ts.getTextOfJSDocComment(doc.comment) ?? "").trim() !== ""),
    tags: docs.flatMap((doc) => doc.tags?.map((tag) => tag.tagName.text) ?? []),
  }
}

/**
 * The pages whose code people copy first. An index loads every module of its package: the one of
 * `effect` some 300 files, the one of `@effect/platform-node` cluster, rpc and sql as well, which
 * not every package manager installs.
 */
const startingPages = new Set([
  "README.md",
  "docs/guides/quick-start.md",
  "docs/guides/production.md",
  "docs/guides/from-discord-js.md",
])

function indexImports({ document, line, code }: Block): ReadonlyArray<string> {
  const index = startingPages.has(document)
    ? /from "(effect|@effect\/(?:platform|platform-node))"/g
    : /from "(@effect\/(?:platform|platform-node))"/g
  return [...code.matchAll(index)].map(([, name]) => {
    return `${document}:${line}: imports the index of ${name}; import the module (${name}/...)`
  })
}

const blocks = [...markdown(), ...sources()].flatMap(blocksOf)
const program = makeProgram(blocks)
const symbols = publicSymbols(program)

report(
  "docs",
  [
    ...blocks.flatMap((block) => compileErrors(program, block)),
    ...blocks.flatMap(indexImports),
    ...[...symbols].flatMap(undocumented),
    ...unnamed(program),
    ...(symbols.size === 0 ? ["no public export was found: nothing was proven"] : []),
  ],
  `${blocks.length} blocks, ${symbols.size} public exports`,
)

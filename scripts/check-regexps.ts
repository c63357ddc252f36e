/**
 * Every regular expression in `src` is linear: its work grows with the length of the text and not
 * with a power of it. Text of strangers goes through most of them.
 *
 * Literals are found in the syntax. What `new RegExp` makes when a module loads is recorded while
 * every module is imported; within a function, `new RegExp` may only copy a regular expression.
 */
import { readdirSync, readFileSync } from "node:fs"
import { relative, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import ts from "typescript"
import { report, root } from "./project.js"

// Scala compiled to JavaScript, the same on every machine; otherwise a native binary or Java.
process.env["RECHECK_SYNC_BACKEND"] = "pure"
const { checkSync } = await import("recheck")

interface Expression {
  readonly place: string
  readonly source: string
  readonly flags: string
}

interface Findings {
  readonly expressions: ReadonlyArray<Expression>
  readonly problems: ReadonlyArray<string>
}

const src = resolve(root, "src")
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => resolve(src, file))

/** Literals, and constructions that no import records. */
function inSyntax(path: string): Findings {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)
  const expressions: Array<Expression> = []
  const problems: Array<string> = []
  const visit = (node: ts.Node): void => {
    const place = `${relative(root, path)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/")
      expressions.push({
        place,
        source: node.text.slice(1, end),
        flags: node.text.slice(end + 1),
      })
    }
    if (isConstruction(node) && isInFunction(node) && !isCopy(node)) {
      problems.push(`${place}: made at run time, so it cannot be checked: use a constant`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { expressions, problems }
}

function isConstruction(node: ts.Node): node is ts.NewExpression | ts.CallExpression {
  const isCall = ts.isNewExpression(node) || ts.isCallExpression(node)
  return isCall && ts.isIdentifier(node.expression) && node.expression.text === "RegExp"
}

function isInFunction(node: ts.Node): boolean {
  return ts.findAncestor(node.parent, ts.isFunctionLike) !== undefined
}

/** Of a constant of the module, which is a literal or recorded. */
function isCopy(node: ts.NewExpression | ts.CallExpression): boolean {
  const [original] = node.arguments ?? []
  const constants = node
    .getSourceFile()
    .statements.filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
  return constants.some(
    ({ initializer, name }) =>
      original?.getText() === name.getText() &&
      initializer !== undefined &&
      (ts.isRegularExpressionLiteral(initializer) || isConstruction(initializer)),
  )
}

/** What modules construct when they load; other packages may do so as well. */
async function atImport(): Promise<ReadonlyArray<Expression>> {
  const expressions: Array<Expression> = []
  const native = globalThis.RegExp
  globalThis.RegExp = new Proxy(native, {
    construct(target, given: ConstructorParameters<RegExpConstructor>, newTarget: NewableFunction) {
      const made: RegExp = Reflect.construct(target, given, newTarget)
      const caller = new Error("caller").stack?.split("\n")[2] ?? ""
      const place = native("\\bsrc/[^?:]+:[0-9]+").exec(caller)?.[0]
      if (place !== undefined && caller.includes(src)) {
        expressions.push({ place, source: made.source, flags: made.flags })
      }
      return made
    },
  })
  for (const file of files) await import(pathToFileURL(file).href)
  globalThis.RegExp = native
  return expressions
}

function check({ flags, place, source }: Expression): ReadonlyArray<string> {
  // The limit is on steps and not on time, so that a busy machine finds the same.
  const found = checkSync(source, flags, {
    timeout: null,
    attackTimeout: null,
    incubationTimeout: null,
  })
  if (found.status === "safe") return []
  const reason =
    found.status === "vulnerable"
      ? `${found.complexity.summary}, for example on ${found.attack.pattern}`
      : `recheck could not tell (${found.error.kind})`
  return [`${place}: /${source}/${flags} is not linear: ${reason}`]
}

const found = files.map(inSyntax)
const expressions = [...found.flatMap((_) => _.expressions), ...(await atImport())]
const problems = [...found.flatMap((_) => _.problems), ...expressions.flatMap(check)]
report("regexps", problems, `${expressions.length} regular expressions in ${files.length} files`)

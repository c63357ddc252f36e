/** The keys of the configuration, read off its Schema. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { lazy } from "../model/lazy.js"
import { settings } from "./settings.js"

export type Path = ReadonlyArray<string>

/** What may be in the place of a key, as JSON has it. */
export type Scalar = string | number | boolean

/** One key of the configuration. */
export interface Key {
  /** As in the file: `client.rate_limit.strategy`. */
  readonly name: string
  readonly path: Path
  /** The variable that overrides the file: `DISCORD_CLIENT_RATE_LIMIT_STRATEGY`. */
  readonly variable: string
  readonly meaning: string
  /** As it would be written; `undefined` where leaving it out means something of its own. */
  readonly fallback: Scalar | undefined
  /** What a text of the environment may stand for. */
  readonly kinds: ReadonlyArray<"string" | "number" | "boolean">
}

/** Where keys stand together. */
export interface Section {
  readonly path: Path
  /** The names of what is in it. */
  readonly names: ReadonlyArray<string>
}

/** What the file would say if it said everything. */
const written = lazy((): unknown =>
  Schema.encodeSync(settings())(Schema.decodeUnknownSync(settings())({})),
)

const found = lazy(() => explore(settings().ast, []))

export const keys = (): ReadonlyArray<Key> => found().keys
export const sections = (): ReadonlyArray<Section> => found().sections

export function variableOf(path: Path): string {
  return ["DISCORD", ...path].join("_").toUpperCase()
}

function explore(
  ast: AST.AST,
  path: Path,
): { readonly keys: ReadonlyArray<Key>; readonly sections: ReadonlyArray<Section> } {
  const fields = fieldsOf(ast)
  if (fields === undefined) return { keys: [keyOf(ast, path)], sections: [] }
  const inner = fields.map(({ name, type }) => explore(type, [...path, String(name)]))
  const own = { path, names: fields.map(({ name }) => String(name)) }
  return {
    keys: inner.flatMap((one) => one.keys),
    sections: [own, ...inner.flatMap((one) => one.sections)],
  }
}

/** Of a section, as it is written; a section may also be empty, hence the union. */
function fieldsOf(ast: AST.AST): ReadonlyArray<AST.PropertySignature> | undefined {
  if (AST.isTypeLiteral(ast)) return ast.propertySignatures
  if (AST.isTransformation(ast)) return fieldsOf(ast.from)
  return AST.isUnion(ast)
    ? ast.types.map(fieldsOf).find((fields) => fields !== undefined)
    : undefined
}

function keyOf(ast: AST.AST, path: Path): Key {
  return {
    name: path.join("."),
    path,
    variable: variableOf(path),
    meaning: meaningOf(ast),
    fallback: at(written(), path),
    kinds: [...new Set(kindsOf(AST.encodedAST(ast)))],
  }
}

function meaningOf(ast: AST.AST): string {
  const own = Option.getOrUndefined(AST.getDescriptionAnnotation(ast))
  if (own !== undefined || !AST.isUnion(ast)) return own ?? ""
  return ast.types.map(meaningOf).find((meaning) => meaning !== "") ?? ""
}

function kindsOf(ast: AST.AST): Key["kinds"] {
  if (AST.isUnion(ast)) return ast.types.flatMap(kindsOf)
  if (AST.isNumberKeyword(ast)) return ["number"]
  return AST.isBooleanKeyword(ast) ? ["boolean"] : ["string"]
}

function at(value: unknown, [first, ...rest]: Path): Scalar | undefined {
  if (first === undefined) return isScalar(value) ? value : undefined
  return isRecord(value) ? at(value[first], rest) : undefined
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean"].includes(typeof value)
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

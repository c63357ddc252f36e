/** The keys of the configuration and its JSON Schema, both derived from the Schema. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { lazy } from "../model/lazy.js"
import { settings } from "./schema.js"
import * as JSONSchema from "effect/JSONSchema"

export type Path = ReadonlyArray<string>

/** The JSON value of a key. */
export type Scalar = string | number | boolean

/** One key of the configuration. */
export interface Key {
  /** As in the file: `client.rate_limit.strategy`. */
  readonly name: string
  readonly path: Path
  /** The variable that overrides the file: `DISCORD_CLIENT_RATE_LIMIT_STRATEGY`. */
  readonly variable: string
  readonly meaning: string
  /** Encoded; `undefined` if leaving the key out has its own meaning. */
  readonly default: Scalar | undefined
  /** The types that a variable's text may be converted to. */
  readonly kinds: ReadonlyArray<"string" | "number" | "boolean">
}

/** A group of keys. */
export interface Section {
  readonly path: Path
  /** The names of its keys and sections. */
  readonly names: ReadonlyArray<string>
}

/** The settings of an empty file, encoded. */
const encodedDefaults = lazy((): unknown =>
  Schema.encodeSync(settings())(Schema.decodeUnknownSync(settings())({})),
)

const explored = lazy(() => explore(settings().ast, []))

export const keys = (): ReadonlyArray<Key> => explored().keys
export const sections = (): ReadonlyArray<Section> => explored().sections

/** The key of the webhook, and the short name of its variable. */
export const webhookKey = "client.webhook_url"
export const webhookVariable = "DISCORD_WEBHOOK_URL"

/** The variable with the path of the file. */
export const fileVariable = "DISCORD_CONFIG_FILE"

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

/** The encoded fields of a section, which is a union because a section may be null. */
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
    default: getScalar(encodedDefaults(), path),
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

function getScalar(value: unknown, [first, ...rest]: Path): Scalar | undefined {
  if (first === undefined) return isScalar(value) ? value : undefined
  return isRecord(value) ? getScalar(value[first], rest) : undefined
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean"].includes(typeof value)
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The JSON Schema of the file, draft 7, for editors. */
export const makeJsonSchema = (): object => {
  const { $schema, ...form } = JSONSchema.make(settings())
  return {
    $schema,
    title: "Configuration of effect-discord",
    ...withMeanings(form, []),
  }
}

/** Adds the meaning and default of each key, and removes redundant entries. */
function withMeanings(form: unknown, path: Path): object {
  if (!isRecord(form)) return {}
  const key = keys().find(({ name }) => name === path.join("."))
  if (key !== undefined) {
    const { description: _, ...own } = form
    return {
      description: key.meaning,
      ...own,
      ...(key.default === undefined ? {} : { default: key.default }),
    }
  }
  const { anyOf, properties, required: _, ...rest } = form
  return {
    ...rest,
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map((one) => withMeanings(one, path)) } : {}),
    ...(isRecord(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, one]) => [
              name,
              withMeanings(one, [...path, name]),
            ]),
          ),
        }
      : {}),
  }
}

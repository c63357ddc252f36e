/**
 * What is wrong with a value, as a list of places and sentences a user understands.
 *
 * @since 0.1.0
 * @module
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import type * as ParseResult from "effect/ParseResult"
import { nearest } from "./nearest.js"

/**
 * One thing that is wrong: where, in the words of who wrote the value, and what.
 *
 * @example
 * ```ts
 * import type { Issue } from "effect-discord"
 *
 * const issue: Issue.Issue = {
 *   path: "embeds[0].fields[3].name",
 *   message: "at most 256 code points, got 300",
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface Issue {
  /** Empty when the whole value is meant. */
  readonly path: string
  readonly message: string
}

type Path = ReadonlyArray<PropertyKey>

const nothing = "nothing"
const anObject = "an object"

/** How types are called in a sentence. */
const names: { readonly [Tag in SchemaAST.AST["_tag"]]?: string } = {
  UndefinedKeyword: nothing,
  StringKeyword: "a string",
  NumberKeyword: "a number",
  BooleanKeyword: "true or false",
  ObjectKeyword: anObject,
  TupleType: "an array",
}

/** An issue while it is being chosen: `wanted` lists what would have fitted in a wrong value's place. */
interface Leaf {
  readonly path: Path
  readonly message: string
  readonly wanted: ReadonlyArray<string>
  readonly actual: unknown
}

/**
 * A path as it is written in code.
 *
 * @example
 * ```ts
 * import { Issue } from "effect-discord"
 *
 * Issue.formatPath(["embeds", 0, "fields", 3, "name"]) // "embeds[0].fields[3].name"
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((written, key) => {
    if (typeof key === "number") return `${written}[${key}]`
    return written === "" ? String(key) : `${written}.${String(key)}`
  }, "")

/**
 * The issues of a ParseError, without repeating the value: no long text and no nested dump gets
 * into an error or a log. Of a union, only the member that was meant speaks.
 *
 * @example
 * ```ts
 * import { Issue, MessageCreate } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const checked = MessageCreate.encode({ content: "x".repeat(2001) }).pipe(
 *   Effect.mapError(Issue.fromParseError),
 * )
 * // fails with [{ path: "content", message: "at most 2000 code points, got 2001" }]
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromParseError = (error: ParseResult.ParseError): ReadonlyArray<Issue> =>
  leaves(error.issue, [], undefined).map(({ message, path }) => ({
    path: formatPath(path),
    message,
  }))

function leaves(
  issue: ParseResult.ParseIssue,
  path: Path,
  parent: SchemaAST.AST | undefined,
): ReadonlyArray<Leaf> {
  switch (issue._tag) {
    case "Pointer":
      return leaves(issue.issue, path.concat(issue.path), parent)
    case "Composite": {
      const inner = "_tag" in issue.issues ? [issue.issues] : issue.issues
      const found = inner.map((one) => leaves(one, path, issue.ast))
      return SchemaAST.isUnion(issue.ast) ? meant(found, path) : ofOneKind(found.flat(), path)
    }
    case "Refinement":
    case "Transformation":
      return leaves(issue.issue, path, parent)
    case "Missing":
      return [{ path, message: "is missing", wanted: [], actual: undefined }]
    case "Unexpected":
      return [{ path, message: unknownField(path.at(-1), parent), wanted: [], actual: undefined }]
    case "Forbidden":
      return [{ path, message: "cannot be checked here", wanted: [], actual: undefined }]
    case "Type":
    default:
      return [mismatch(path, issue.message, wanted(issue.ast), issue.actual)]
  }
}

function mismatch(
  path: Path,
  message: string | undefined,
  types: ReadonlyArray<string>,
  actual: unknown,
): Leaf {
  return message === undefined
    ? { path, message: `expected ${oneOf(types)}, got ${sketch(actual)}`, wanted: types, actual }
    : { path, message, wanted: [], actual }
}

/** Reports a wrong `type` alone, without the requirements of the other type. */
function ofOneKind(found: ReadonlyArray<Leaf>, path: Path): ReadonlyArray<Leaf> {
  const other = found.find((leaf) => distance(leaf, path) === 2 && leaf.wanted.some(isValue))
  return other === undefined ? found : [other]
}

/** Of the ways a union's members failed, the way of the member that the writer meant. */
function meant(alternatives: ReadonlyArray<ReadonlyArray<Leaf>>, path: Path): ReadonlyArray<Leaf> {
  const ranked = alternatives.map((found) => ({
    found,
    rank: found.reduce((most, leaf) => Math.max(most, distance(leaf, path)), 0),
  }))
  const best = ranked.reduce((least, { rank }) => Math.min(least, rank), 3)
  const closest = ranked.filter(({ rank }) => rank === best).map(({ found }) => found)
  if (best > 0) return merge(closest.flat().filter((leaf) => distance(leaf, path) === best))
  return closest.reduce((shortest, found) => (found.length < shortest.length ? found : shortest))
}

/** How far a failed member is from what was meant: its own fault, another style, type, or shape. */
function distance(leaf: Leaf, path: Path): 0 | 1 | 2 | 3 {
  const depth = leaf.path.length - path.length
  if (depth === 0 && leaf.wanted.length > 0) return 3
  const decides = depth === 1 && (leaf.wanted.length > 0 || leaf.message === "is missing")
  if (!decides) return 0
  return leaf.path.at(-1) === "type" ? 2 : leaf.path.at(-1) === "style" ? 1 : 0
}

/** Joins what several members wanted in the same place into one sentence. */
function merge(found: ReadonlyArray<Leaf>): ReadonlyArray<Leaf> {
  const merged = new Map<string, Leaf>()
  for (const leaf of found) {
    const key = `${formatPath(leaf.path)}${leaf.wanted.length > 0 ? "" : `:${leaf.message}`}`
    const before = merged.get(key)
    const types = [...(before?.wanted ?? []), ...leaf.wanted]
    merged.set(key, types.length > 0 ? mismatch(leaf.path, undefined, types, leaf.actual) : leaf)
  }
  return [...merged.values()]
}

function wanted(ast: SchemaAST.AST): ReadonlyArray<string> {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(wanted)
  if (SchemaAST.isRefinement(ast)) {
    return Option.match(SchemaAST.getDescriptionAnnotation(ast), {
      onNone: () => wanted(ast.from),
      onSome: Array.of<string>,
    })
  }
  if (SchemaAST.isTransformation(ast)) return wanted(ast.to)
  const description = SchemaAST.getDescriptionAnnotation(ast)
  if (SchemaAST.isLiteral(ast)) {
    return [Option.getOrElse(description, () => JSON.stringify(ast.literal))]
  }
  if (SchemaAST.isTypeLiteral(ast)) return [objectOf(ast)]
  return [names[ast._tag] ?? Option.getOrElse(description, () => "another value")]
}

/** Names the fields that the object cannot do without: "an object with name and value". */
function objectOf({ propertySignatures }: SchemaAST.TypeLiteral): string {
  const needed = propertySignatures.filter(({ isOptional }) => !isOptional)
  const fields = needed.map(({ name }) => String(name))
  return fields.length === 0 ? anObject : `${anObject} with ${enumeration(fields, "and")}`
}

/** "a string or a number"; leaving a field out is not worth saying. */
function oneOf(types: ReadonlyArray<string>): string {
  const distinct = [...new Set(withoutDetail(types))].filter((type) => type !== nothing)
  if (distinct.every(isValue)) distinct.sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
  return enumeration(distinct, "or")
}

/** "a, b or c" */
function enumeration(words: ReadonlyArray<string>, conjunction: "and" | "or"): string {
  const last = words.at(-1) ?? nothing
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} ${conjunction} ${last}`
}

/** The fields of one object help; those of every kind of component do not. */
function withoutDetail(types: ReadonlyArray<string>): ReadonlyArray<string> {
  const objects = new Set(types.filter((type) => type.startsWith(anObject)))
  return objects.size < 2 ? types : types.map((type) => (objects.has(type) ? anObject : type))
}

/** Values are written as JSON, types in words. */
function isValue(type: string): boolean {
  return /^["\d]/.test(type)
}

/** Longer strings are not shown: they may be a whole message, or a secret. */
const maxShownLength = 24

function sketch(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= maxShownLength
      ? JSON.stringify(value)
      : `a string of ${value.length} characters`
  }
  if (typeof value === "object" && value !== null) return kindOf(value)
  return typeof value === "function" ? "a function" : String(value)
}

/** `an object`, or the name of its class, such as `a Date`. */
function kindOf(value: object): string {
  if (Array.isArray(value)) return "an array"
  const prototype: unknown = Object.getPrototypeOf(value)
  const name: unknown =
    Predicate.hasProperty(prototype, "constructor") &&
    Predicate.hasProperty(prototype.constructor, "name")
      ? prototype.constructor.name
      : ""
  const isClass = typeof name === "string" && name !== "Object" && /^[A-Z]\w{0,30}$/.test(name)
  if (!isClass) return anObject
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`
}

function unknownField(key: PropertyKey | undefined, parent: SchemaAST.AST | undefined): string {
  if (typeof key !== "string" || parent?._tag !== "TypeLiteral") return "is not a known field"
  const near = nearest(
    key,
    parent.propertySignatures.map((field) => String(field.name)),
  )
  return near === undefined ? "is not a known field" : `is not a known field: did you mean ${near}?`
}

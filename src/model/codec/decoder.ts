/**
 * Compiles decoders, and what they share with the encoders of `codec.ts`. The decoder of a type side
 * validates a value and returns a copy.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { listItemOf, type Missable, missableOf } from "../fields.js"

/** Returns the converted input, or `irregular`. */
export type Step = (input: unknown) => unknown
export type Compile = (ast: AST.AST) => Step

/** The function of a transformation. It returns an `Either`, or an effect. */
type Transform = (
  input: unknown,
  options: AST.ParseOptions,
  ast: AST.Transformation,
  whole: unknown,
) => unknown

/** The result for input that the Schema itself has to handle. */
export const irregular = Symbol("irregular")

export type Fields = Record<PropertyKey, unknown>

export const isFields: (input: unknown) => input is Readonly<Fields> = Predicate.isRecord

/** What differs between decoders and encoders. */
export interface Way {
  readonly isEncoder: boolean
  readonly compileStruct: (fields: ReadonlyArray<Field>, part: Compile) => Step
  readonly compileUnion: (ast: AST.Union, part: Compile) => Step
  readonly compileRenaming: (ast: AST.Transformation, part: Compile) => Step
  /** Uses the Schema itself, for rare and complicated parts. */
  readonly compileBySchema: (ast: AST.AST) => Step
}

const decoding: Way = {
  isEncoder: false,
  compileBySchema,
  compileRenaming,
  compileStruct,
  compileUnion,
}

export function compileDecoder(ast: AST.AST): Step {
  return memoize((one, part) => {
    const read = compileKind(one, part, decoding)
    const fallback = Option.getOrUndefined(AST.getDecodingFallbackAnnotation(one))
    return fallback === undefined ? read : withFallback(one, read, fallback)
  })(ast)
}

function withFallback(ast: AST.AST, read: Step, fallback: DecodingFallback): Step {
  return (input) => {
    const value = read(input)
    return value === irregular ? getResult(fallback(new ParseResult.Type(ast, input))) : value
  }
}

type DecodingFallback = AST.DecodingFallbackAnnotation<unknown>

type Kinds = {
  readonly [Tag in AST.AST["_tag"]]?: (
    ast: Extract<AST.AST, { readonly _tag: Tag }>,
    part: Compile,
    way: Way,
  ) => Step | undefined
}

/** Without a step, the Schema itself is used. */
const kinds: Kinds = {
  StringKeyword: () => compileType("string"),
  NumberKeyword: () => compileType("number"),
  BooleanKeyword: () => compileType("boolean"),
  UndefinedKeyword: () => compileType("undefined"),
  ObjectKeyword: () => (input) => (Predicate.isObject(input) ? input : irregular),
  UnknownKeyword: () => identity,
  AnyKeyword: () => identity,
  Literal: (ast) => (input) => (input === ast.literal ? input : irregular),
  Declaration: (ast) => (ast.typeParameters.length === 0 ? compileDeclaration(ast) : undefined),
  Refinement: compileRefinement,
  TypeLiteral: (ast, part, way) =>
    isStruct(ast) ? way.compileStruct(getFields(ast), part) : undefined,
  TupleType: (ast, part) => {
    const item = getItemType(ast)
    return item && compileList(item, part, false)
  },
  Union: (ast, part, way) => way.compileUnion(ast, part),
  Transformation: compileTransformation,
  Suspend: compileSuspend,
}

export function compileKind(ast: AST.AST, part: Compile, way: Way): Step {
  const compile = hasOwnOptions(ast) ? undefined : kinds[ast._tag]
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the kind of its tag
  return compile?.(ast as never, part, way) ?? way.compileBySchema(ast)
}

function compileBySchema(ast: AST.AST): Step {
  const decode = ParseResult.decodeUnknownEither(Schema.make(ast))
  return (input) => getResult(decode(input))
}

function compileUnion(ast: AST.Union, part: Compile): Step {
  return areLiteralsFirst(ast.types) ? firstOf(ast.types.map(part)) : compileBySchema(ast)
}

function compileType(name: string): Step {
  return (input) => (typeof input === name ? input : irregular)
}

function compileDeclaration(ast: AST.Declaration): Step {
  const parse: (input: unknown, options: AST.ParseOptions, ast: AST.Declaration) => unknown =
    ast.decodeUnknown()
  return (input) => getResult(parse(input, AST.defaultParseOption, ast))
}

/** The condition is one of the decoded value, and may rely on the type that `from` checks. */
function compileRefinement(ast: AST.Refinement, part: Compile, { isEncoder }: Way): Step {
  const from = part(ast.from)
  return (input) => {
    const value = from(input)
    const decoded = isEncoder ? input : value
    return value === irregular || Option.isSome(ast.filter(decoded, AST.defaultParseOption, ast))
      ? irregular
      : value
  }
}

/** The result of the first step that has one. */
export function firstOf(members: ReadonlyArray<Step>): Step {
  return (input) => {
    for (const read of members) {
      const value = read(input)
      if (value !== irregular) return value
    }
    return irregular
  }
}

/** How an encoder renames a field or omits it. */
interface Change {
  readonly encode: (given: Option.Option<unknown>) => Option.Option<unknown>
  /** The type of the field before. */
  readonly type: AST.AST
}

/** A field of an output, and its source in the input. */
export interface Field {
  readonly from: PropertyKey
  readonly to: PropertyKey
  /** Whether the input may not have it. */
  readonly isOptional: boolean
  readonly type: AST.AST
  /** Compiled with the first value, because most messages have few of the fields. */
  step: Step | undefined
  /** For encoders. */
  readonly change?: Change
  /** For decoders: how it is decoded if it may be missing. */
  readonly missable?: Missable | undefined
}

export function getFields({ propertySignatures }: AST.TypeLiteral): ReadonlyArray<Field> {
  return propertySignatures.map(({ isOptional, name, type }) => {
    return { from: name, to: name, isOptional, type, step: undefined }
  })
}

function compileStruct(fields: ReadonlyArray<Field>, part: Compile): Step {
  return (input) => {
    if (!isFields(input)) return irregular
    const output: Fields = {}
    for (const field of fields) {
      const { from, isOptional, missable, to } = field
      const given = input[from]
      const isNothing = missable !== undefined && (given === undefined || given === null)
      let value: unknown
      if (!isNothing && (!isOptional || Object.hasOwn(input, from))) {
        value = (field.step ??= part(missable?.item ?? field.type))(given)
        if (value === irregular) {
          if (missable?.isLenient !== true) return irregular
          value = undefined
        }
      } else if (missable === undefined) continue
      if (missable !== undefined) {
        value ??= missable.fallback?.()
        if (value === undefined) continue
      }
      output[to] = value
    }
    return output
  }
}

/** An encoder goes the way of a decoder from its end. */
function compileTransformation(ast: AST.Transformation, part: Compile, way: Way): Step {
  const { isEncoder } = way
  const { transformation } = ast
  const item = isEncoder ? undefined : listItemOf(ast)
  if (item !== undefined) return compileList(item, part, true)
  if (transformation._tag === "TypeLiteralTransformation") return way.compileRenaming(ast, part)
  const first = part(isEncoder ? ast.to : ast.from)
  const last = part(isEncoder ? ast.from : ast.to)
  if (transformation._tag === "ComposeTransformation") return chain(first, last)
  const transform: Transform = isEncoder ? transformation.encode : transformation.decode
  const step: Step = (value) => getResult(transform(value, AST.defaultParseOption, ast, value))
  return chain(chain(first, step), last)
}

/** Decodes an object whose keys change, in one step and in the order of the new keys. */
function compileRenaming(ast: AST.Transformation, part: Compile): Step {
  const renaming = getRenaming(ast)
  if (renaming === undefined) return compileBySchema(ast)
  const sources = new Map(getFields(renaming.from).map((field) => [field.from, field]))
  const changes = new Map(renaming.changes.map((change) => [change.to, change]))
  const fields: Array<Field> = []
  for (const { name } of renaming.to.propertySignatures) {
    const change = changes.get(name)
    const source = sources.get(change?.from ?? name)
    if (source === undefined) continue
    const missable = change && missableOf(source.type)
    if (change !== undefined && missable === undefined && change.decode !== identity)
      return compileBySchema(ast)
    const field = { ...source, to: name, missable }
    fields.push(field)
  }
  return compileStruct(fields, part)
}

/** The value of a synchronous success; everything else is irregular. */
export function getResult(result: unknown): unknown {
  return Either.isEither(result) && Either.isRight(result) ? result.right : irregular
}

function chain(first: Step, second: Step): Step {
  return (input) => {
    const value = first(input)
    return value === irregular ? irregular : second(value)
  }
}

function compileSuspend(ast: AST.Suspend, part: Compile): Step {
  let step: Step | undefined
  return (input) => {
    step ??= part(ast.f())
    return step(input)
  }
}

/** The item type of an array of any length; `undefined` for any other tuple type. */
function getItemType({ elements, rest }: AST.TupleType): AST.AST | undefined {
  return elements.length === 0 && rest.length === 1 ? rest[0]?.type : undefined
}

/** Compiles the items with the first one. A lenient list omits items that do not match. */
function compileList(itemAst: AST.AST, part: Compile, isLenient: boolean): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      if (isLenient && (one === null || one === undefined)) continue
      const value = (item ??= part(itemAst))(one)
      if (value !== irregular) output.push(value)
      else if (!isLenient) return irregular
    }
    return output
  }
}

function isStruct(ast: AST.AST): ast is AST.TypeLiteral {
  return (
    AST.isTypeLiteral(ast) && ast.indexSignatures.length === 0 && ast.propertySignatures.length > 0
  )
}

/** The two sides of a change of keys that can be made in one step. */
export interface Renaming {
  readonly from: AST.TypeLiteral
  readonly to: AST.TypeLiteral
  readonly changes: AST.TypeLiteralTransformation["propertySignatureTransformations"]
}

/** `undefined` if a new key is also an old one, or has no source: then the order of the changes matters. */
export function getRenaming({
  from,
  to,
  transformation,
}: AST.Transformation): Renaming | undefined {
  if (transformation._tag !== "TypeLiteralTransformation") return undefined
  // The result is not checked again, so the new side must be a type without transformations.
  if (!isStruct(from) || !isStruct(to) || AST.typeAST(to) !== to) return undefined
  const changes = transformation.propertySignatureTransformations
  const old = getNames(from)
  const made = new Set(old)
  for (const change of changes) {
    if (change.from !== change.to && old.has(change.to)) return undefined
    if (!made.delete(change.from)) return undefined
    made.add(change.to)
  }
  const wanted = getNames(to)
  const isWhole = made.size === wanted.size && [...made].every((name) => wanted.has(name))
  return isWhole ? { from, to, changes } : undefined
}

function getNames({ propertySignatures }: AST.TypeLiteral): Set<PropertyKey> {
  return new Set(propertySignatures.map(({ name }) => name))
}

/**
 * Whether the members that a literal distinguishes come first. Schema tries them before the others, so
 * in any other order the first member that matches may be another one than the Schema's.
 */
export function areLiteralsFirst(members: ReadonlyArray<AST.AST>): boolean {
  const haveLiterals = members.map(hasLiteralField)
  return !haveLiterals.slice(0, haveLiterals.lastIndexOf(true) + 1).includes(false)
}

function hasLiteralField(ast: AST.AST): boolean {
  if (AST.isTypeLiteral(ast)) {
    return ast.propertySignatures.some(
      ({ isOptional, type }) => !isOptional && AST.isLiteral(AST.encodedAST(type)),
    )
  }
  if (AST.isTupleType(ast)) return ast.elements.length > 0
  if (AST.isSuspend(ast)) return hasLiteralField(ast.f())
  return (AST.isRefinement(ast) || AST.isTransformation(ast)) && hasLiteralField(ast.from)
}

/** Whether the Schema has its own parse options. */
function hasOwnOptions({ annotations }: AST.AST): boolean {
  return AST.ParseOptionsAnnotationId in annotations
}

/** Compiles each part once: Schemas share parts, and may be recursive. */
export function memoize(make: (ast: AST.AST, part: Compile) => Step): Compile {
  const known = new Map<AST.AST, Step>()
  const part: Compile = (ast) => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const made = make(ast, part)
    known.set(ast, made)
    return made
  }
  return part
}

/**
 * Compiles Schemas to plain functions that decode, which are faster than Schema's parser, and has what the encoders of
 * `codec.ts` use as well. A compiled function returns `irregular` for all that it cannot convert, invalid input
 * included; `codec.ts` then uses Schema's parser, so that every error is Schema's. A decoder for
 * `Schema.typeSchema(schema)` validates a value and returns a copy.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { listItemOf, type NullishField, nullishFieldOf } from "../fields.js"

/** Returns the converted input, or `irregular`. */
export type Step = (input: unknown) => unknown
export type Compile = (ast: AST.AST) => Step

/** The function of a transformation. It returns an `Either`, or an effect. */
type Transform = (
  input: unknown,
  options: AST.ParseOptions,
  ast: AST.Transformation,
  original: unknown,
) => unknown

/** The result for input that the Schema itself has to handle. */
export const irregular = Symbol("irregular")

export type Fields = Record<PropertyKey, unknown>

export const isFields: (input: unknown) => input is Readonly<Fields> = Predicate.isRecord

/** What differs between decoders and encoders. */
export interface Direction {
  readonly isEncoder: boolean
  readonly compileStruct: (fields: ReadonlyArray<Field>, compilePart: Compile) => Step
  readonly compileUnion: (ast: AST.Union, compilePart: Compile) => Step
  readonly compileRenaming: (ast: AST.Transformation, compilePart: Compile) => Step
  /** Uses the Schema itself, for rare and complicated parts. */
  readonly compileBySchema: (ast: AST.AST) => Step
}

const decoding: Direction = {
  isEncoder: false,
  compileBySchema,
  compileRenaming,
  compileStruct,
  compileUnion,
}

export function compileDecoder(ast: AST.AST): Step {
  return memoize((one, compilePart) => {
    const read = compileKind(one, compilePart, decoding)
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
    compilePart: Compile,
    direction: Direction,
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
  TypeLiteral: (ast, compilePart, direction) =>
    isStruct(ast) ? direction.compileStruct(getFields(ast), compilePart) : undefined,
  TupleType: (ast, compilePart) => {
    const item = getItemType(ast)
    return item && compileList(item, compilePart, false)
  },
  Union: (ast, compilePart, direction) => direction.compileUnion(ast, compilePart),
  Transformation: compileTransformation,
  Suspend: compileSuspend,
}

export function compileKind(ast: AST.AST, compilePart: Compile, direction: Direction): Step {
  const compile = hasOwnOptions(ast) ? undefined : kinds[ast._tag]
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `kinds[tag]` takes an AST of that tag
  return compile?.(ast as never, compilePart, direction) ?? direction.compileBySchema(ast)
}

function compileBySchema(ast: AST.AST): Step {
  const decode = ParseResult.decodeUnknownEither(Schema.make(ast))
  return (input) => getResult(decode(input))
}

function compileUnion(ast: AST.Union, compilePart: Compile): Step {
  return areLiteralsFirst(ast.types) ? firstOf(ast.types.map(compilePart)) : compileBySchema(ast)
}

function compileType(name: string): Step {
  return (input) => (typeof input === name ? input : irregular)
}

function compileDeclaration(ast: AST.Declaration): Step {
  const parse: (input: unknown, options: AST.ParseOptions, ast: AST.Declaration) => unknown =
    ast.decodeUnknown()
  return (input) => getResult(parse(input, AST.defaultParseOption, ast))
}

/**
 * The condition is about the decoded value, which an encoder has as its input. It is checked after `from`, so that it
 * can rely on the type that `from` has checked.
 */
function compileRefinement(
  ast: AST.Refinement,
  compilePart: Compile,
  { isEncoder }: Direction,
): Step {
  const from = compilePart(ast.from)
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
  /** The type of the field before it is encoded. */
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
  /** For decoders: set if the field may be missing, `null` or invalid (an annotation by `fields.ts`). */
  readonly nullish?: NullishField | undefined
}

export function getFields({ propertySignatures }: AST.TypeLiteral): ReadonlyArray<Field> {
  return propertySignatures.map(({ isOptional, name, type }) => {
    return { from: name, to: name, isOptional, type, step: undefined }
  })
}

function compileStruct(fields: ReadonlyArray<Field>, compilePart: Compile): Step {
  return (input) => {
    if (!isFields(input)) return irregular
    const output: Fields = {}
    for (const field of fields) {
      const { from, isOptional, nullish, to } = field
      const given = input[from]
      if (nullish === undefined) {
        if (isOptional && !Object.hasOwn(input, from)) continue
        const value = (field.step ??= compilePart(field.type))(given)
        if (value === irregular) return irregular
        output[to] = value
        continue
      }
      let value: unknown
      if (given !== undefined && given !== null)
        value = (field.step ??= compilePart(nullish.item))(given)
      if (value === irregular) {
        if (!nullish.isLenient) return irregular
        value = undefined
      }
      value ??= nullish.fallback?.()
      if (value !== undefined) output[to] = value
    }
    return output
  }
}

/** An encoder takes the steps of a decoder in reverse order. */
function compileTransformation(
  ast: AST.Transformation,
  compilePart: Compile,
  direction: Direction,
): Step {
  const { isEncoder } = direction
  const { transformation } = ast
  const item = isEncoder ? undefined : listItemOf(ast)
  if (item !== undefined) return compileList(item, compilePart, true)
  if (transformation._tag === "TypeLiteralTransformation")
    return direction.compileRenaming(ast, compilePart)
  const first = compilePart(isEncoder ? ast.to : ast.from)
  const last = compilePart(isEncoder ? ast.from : ast.to)
  if (transformation._tag === "ComposeTransformation") return chain(first, last)
  const transform: Transform = isEncoder ? transformation.encode : transformation.decode
  return (input) => {
    const value = first(input)
    if (value === irregular) return irregular
    const result = getResult(transform(value, AST.defaultParseOption, ast, input))
    return result === irregular ? irregular : last(result)
  }
}

/** Decodes an object whose keys change, in one step and in the order of the new keys. */
function compileRenaming(ast: AST.Transformation, compilePart: Compile): Step {
  const renaming = getRenaming(ast)
  if (renaming === undefined) return compileBySchema(ast)
  const sources = new Map(getFields(renaming.from).map((field) => [field.from, field]))
  const changes = new Map(renaming.changes.map((change) => [change.to, change]))
  const fields: Array<Field> = []
  for (const { name } of renaming.to.propertySignatures) {
    const change = changes.get(name)
    const source = sources.get(change?.from ?? name)
    if (source === undefined) continue
    const nullish = change && nullishFieldOf(source.type)
    if (change !== undefined && nullish === undefined && change.decode !== identity)
      return compileBySchema(ast)
    const field = { ...source, to: name, nullish }
    fields.push(field)
  }
  return compileStruct(fields, compilePart)
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

function compileSuspend(ast: AST.Suspend, compilePart: Compile): Step {
  let step: Step | undefined
  return (input) => {
    step ??= compilePart(ast.f())
    return step(input)
  }
}

/** The item type of an array of any length; `undefined` for any other tuple type. */
function getItemType({ elements, rest }: AST.TupleType): AST.AST | undefined {
  return elements.length === 0 && rest.length === 1 ? rest[0]?.type : undefined
}

/** Compiles the items with the first one. A lenient list omits items that do not match. */
function compileList(itemAst: AST.AST, compilePart: Compile, isLenient: boolean): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      if (isLenient && (one === null || one === undefined)) continue
      const value = (item ??= compilePart(itemAst))(one)
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

/**
 * Returns `undefined` if a key changes to one that exists already, or from one that does not exist: then the order of
 * the changes matters.
 */
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
  const changed = new Set(old)
  for (const change of changes) {
    if (change.from !== change.to && old.has(change.to)) return undefined
    if (!changed.delete(change.from)) return undefined
    changed.add(change.to)
  }
  const expected = getNames(to)
  const isComplete =
    changed.size === expected.size && [...changed].every((name) => expected.has(name))
  return isComplete ? { from, to, changes } : undefined
}

function getNames({ propertySignatures }: AST.TypeLiteral): Set<PropertyKey> {
  return new Set(propertySignatures.map(({ name }) => name))
}

/**
 * Whether all members with a literal field, which tells them apart, come before the others. Schema tries them first, so
 * only in this order do the members, tried one after the other, give the result of the Schema.
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
export function memoize(make: (ast: AST.AST, compilePart: Compile) => Step): Compile {
  const known = new Map<AST.AST, Step>()
  const compilePart: Compile = (ast) => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const made = make(ast, compilePart)
    known.set(ast, made)
    return made
  }
  return compilePart
}

/**
 * Compiles decoders, and on the type side, checkers that return a copy; then the parts that the encoders
 * of `codec.ts` share.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { listItemOf } from "../fields.js"

/** Returns the converted input, or `irregular`. */
export type Step = (input: unknown) => unknown
export type Compile = (ast: AST.AST) => Step

/** A change of the Schema's own; an `Either`, or an effect that waits. */
export type Transform = (
  input: unknown,
  options: AST.ParseOptions,
  ast: AST.Transformation,
  whole: unknown,
) => unknown

/** The result for input that the Schema itself has to handle. */
export const irregular = Symbol("irregular")

export type Fields = Record<PropertyKey, unknown>

export const isFields: (input: unknown) => input is Readonly<Fields> = Predicate.isRecord

export interface Options {
  /** Whether a field that the Schema does not have is irregular. */
  readonly strict: boolean
}

export function compileDecoder(ast: AST.AST, options: Options): Step {
  return memoize((one, part) => compile(one, part, options))(ast)
}

function compile(ast: AST.AST, part: Compile, options: Options): Step {
  if (hasOwnOptions(ast)) return bySchema(ast, options)
  const read = compileKind(ast, part, options)
  return Option.match(AST.getDecodingFallbackAnnotation(ast), {
    onNone: () => read,
    onSome: (fallback) => orFallback(ast, read, fallback),
  })
}

function orFallback(ast: AST.AST, read: Step, fallback: DecodingFallback): Step {
  return (input) => {
    const value = read(input)
    return value === irregular ? resultOf(fallback(new ParseResult.Type(ast, input))) : value
  }
}

type DecodingFallback = AST.DecodingFallbackAnnotation<unknown>

function compileKind(ast: AST.AST, part: Compile, options: Options): Step {
  switch (ast._tag) {
    case "StringKeyword":
      return when(Predicate.isString)
    case "NumberKeyword":
      return when(Predicate.isNumber)
    case "BooleanKeyword":
      return when(Predicate.isBoolean)
    case "UndefinedKeyword":
      return when(Predicate.isUndefined)
    case "ObjectKeyword":
      return when(Predicate.isObject)
    case "UnknownKeyword":
    case "AnyKeyword":
      return (input) => input
    case "Literal":
      return when((input) => input === ast.literal)
    case "Declaration":
      return declared(ast)
    case "Refinement":
      return refined(ast, part)
    case "TypeLiteral":
      return isStruct(ast) ? struct(fieldsOf(ast), part, options) : bySchema(ast, options)
    case "TupleType": {
      const item = itemOf(ast)
      return item === undefined ? bySchema(ast, options) : list(item, part)
    }
    case "Union":
      return areLiteralsFirst(ast.types) ? union(ast.types.map(part)) : bySchema(ast, options)
    case "Transformation":
      return transformed(ast, part, options)
    case "Suspend":
      return suspended(ast, part)
    case "BigIntKeyword":
    case "Enums":
    case "NeverKeyword":
    case "SymbolKeyword":
    case "TemplateLiteral":
    case "UniqueSymbol":
    case "VoidKeyword":
    default:
      return bySchema(ast, options)
  }
}

/** For what is rare, or hard to get right. */
function bySchema(ast: AST.AST, { strict }: Options): Step {
  const decode = ParseResult.decodeUnknownEither(Schema.make(ast), {
    onExcessProperty: strict ? "error" : "ignore",
    exact: strict,
  })
  return (input) => resultOf(decode(input))
}

function when(holds: (input: unknown) => boolean): Step {
  return (input) => (holds(input) ? input : irregular)
}

function declared(ast: AST.Declaration): Step {
  const parse: (input: unknown, options: AST.ParseOptions, ast: AST.Declaration) => unknown =
    ast.decodeUnknown(...ast.typeParameters)
  return (input) => resultOf(parse(input, AST.defaultParseOption, ast))
}

function refined(ast: AST.Refinement, part: Compile): Step {
  const from = part(ast.from)
  return (input) => {
    const value = from(input)
    if (value === irregular) return irregular
    return Option.isNone(ast.filter(value, AST.defaultParseOption, ast)) ? value : irregular
  }
}

function union(members: ReadonlyArray<Step>): Step {
  return (input) => {
    for (const read of members) {
      const value = read(input)
      if (value !== irregular) return value
    }
    return irregular
  }
}

/** One field of what is made, and where it comes from. */
interface Field {
  readonly from: PropertyKey
  readonly to: PropertyKey
  readonly isOptional: boolean
  readonly type: AST.AST
  /** Compiled with the first value: most messages have few of the fields that there are. */
  read: Step | undefined
  /** Unless it only moves. */
  readonly change?: (given: Option.Option<unknown>) => Option.Option<unknown>
  /** Whether nothing may come of a change. */
  readonly mayVanish?: boolean
}

function fieldsOf({ propertySignatures }: AST.TypeLiteral): ReadonlyArray<Field> {
  return propertySignatures.map(({ isOptional, name, type }) => {
    return { from: name, to: name, isOptional, type, read: undefined }
  })
}

function struct(fields: ReadonlyArray<Field>, part: Compile, { strict }: Options): Step {
  return (input) => {
    if (!isFields(input)) return irregular
    if (strict && !isExact(input, fields)) return irregular
    const output: Fields = {}
    for (const field of fields) if (!put(output, field, input, part)) return irregular
    return output
  }
}

/** No field too many, none too few. */
function isExact(input: Readonly<Fields>, fields: ReadonlyArray<Field>): boolean {
  let known = 0
  for (const { from, isOptional } of fields) {
    if (Object.hasOwn(input, from)) known += 1
    else if (!isOptional) return false
  }
  return known === Reflect.ownKeys(input).length
}

/** Whether all is as it should be. */
function put(output: Fields, field: Field, input: Readonly<Fields>, part: Compile): boolean {
  const { change, from, isOptional, mayVanish, to } = field
  const isGiven = !isOptional || Object.hasOwn(input, from)
  const value = isGiven ? (field.read ??= part(field.type))(input[from]) : undefined
  if (value === irregular) return false
  if (change === undefined) {
    if (isGiven) output[to] = value
    return true
  }
  const changed = change(isGiven ? Option.some(value) : Option.none())
  if (Option.isNone(changed)) return mayVanish === true
  output[to] = changed.value
  return true
}

function transformed(ast: AST.Transformation, part: Compile, options: Options): Step {
  const { from, to, transformation } = ast
  const item = listItemOf(ast)
  if (item !== undefined) return lenientList(item, part)
  switch (transformation._tag) {
    case "TypeLiteralTransformation":
      return renamed(ast, part, options)
    case "ComposeTransformation":
      return chain(part(from), part(to))
    case "FinalTransformation":
    default: {
      const decode: Transform = transformation.decode
      const step: Step = (input) => resultOf(decode(input, AST.defaultParseOption, ast, input))
      return chain(chain(part(from), step), part(to))
    }
  }
}

/** An object whose keys change: made once, under its new names, in their order. */
function renamed(ast: AST.Transformation, part: Compile, options: Options): Step {
  const renaming = renamingOf(ast)
  if (renaming === undefined) return bySchema(ast, options)
  const sources = new Map(fieldsOf(renaming.from).map((field) => [field.from, field]))
  const changes = new Map(renaming.changes.map((change) => [change.to, change]))
  const fields = renaming.to.propertySignatures.flatMap(({ isOptional, name }) => {
    const change = changes.get(name)
    const source = sources.get(change?.from ?? name)
    const how = change === undefined ? {} : { change: change.decode, mayVanish: isOptional }
    return source === undefined ? [] : [{ ...source, to: name, ...how }]
  })
  return struct(fields, part, options)
}

/** What a synchronous step came to; one that waits is for the Schema. */
export function resultOf(result: unknown): unknown {
  return Either.isEither(result) && Either.isRight(result) ? result.right : irregular
}

export function chain(first: Step, second: Step): Step {
  return (input) => {
    const value = first(input)
    return value === irregular ? irregular : second(value)
  }
}

export function suspended(ast: AST.Suspend, part: Compile): Step {
  let step: Step | undefined
  return (input) => {
    step ??= part(ast.f())
    return step(input)
  }
}

/** The item type of an array of any length; `undefined` for any other tuple type. */
export function itemOf({ elements, rest }: AST.TupleType): AST.AST | undefined {
  return elements.length === 0 && rest.length === 1 ? rest[0]?.type : undefined
}

/** The step of an item is compiled with the first one. */
export function list(itemAst: AST.AST, part: Compile): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      const value = (item ??= part(itemAst))(one)
      if (value === irregular) return irregular
      output.push(value)
    }
    return output
  }
}

/** Leaves out what does not fit. */
function lenientList(itemAst: AST.AST, part: Compile): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      if (one === null || one === undefined) continue
      const value = (item ??= part(itemAst))(one)
      if (value !== irregular) output.push(value)
    }
    return output
  }
}

export function isStruct(ast: AST.AST): ast is AST.TypeLiteral {
  return (
    AST.isTypeLiteral(ast) && ast.indexSignatures.length === 0 && ast.propertySignatures.length > 0
  )
}

/** The sides of a change of names, as far as it can be made in one go. */
export interface Renaming {
  readonly from: AST.TypeLiteral
  readonly to: AST.TypeLiteral
  readonly changes: AST.TypeLiteralTransformation["propertySignatureTransformations"]
}

/** `undefined` where names cross, or come from nowhere: then the order of the changes matters. */
export function renamingOf({ from, to, transformation }: AST.Transformation): Renaming | undefined {
  if (transformation._tag !== "TypeLiteralTransformation") return undefined
  // What is made of the parts of a message needs no second look.
  if (!isStruct(from) || !isStruct(to) || AST.typeAST(to) !== to) return undefined
  const changes = transformation.propertySignatureTransformations
  const old = namesOf(from)
  const made = new Set(old)
  for (const change of changes) {
    if (change.from !== change.to && old.has(change.to)) return undefined
    if (!made.delete(change.from)) return undefined
    made.add(change.to)
  }
  const wanted = namesOf(to)
  const isWhole = made.size === wanted.size && [...made].every((name) => wanted.has(name))
  return isWhole ? { from, to, changes } : undefined
}

function namesOf({ propertySignatures }: AST.TypeLiteral): Set<PropertyKey> {
  return new Set(propertySignatures.map(({ name }) => name))
}

/**
 * Schema tries the members of a union that a literal distinguishes before the others. Where they are
 * mixed, the first that fits is not always the one.
 */
export function areLiteralsFirst(members: ReadonlyArray<AST.AST>): boolean {
  const told = members.map(hasLiteralField)
  return !told.slice(0, told.lastIndexOf(true) + 1).includes(false)
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

/** Whether a part is read with options of its own. */
function hasOwnOptions({ annotations }: AST.AST): boolean {
  return AST.ParseOptionsAnnotationId in annotations
}

/** Schemas share parts, and refer to themselves. */
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

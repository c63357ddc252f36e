/**
 * Schemas as plain functions. Schema's own parser makes an `Either`, an issue or a list for every
 * value on its way, so that an error can tell all about it; for a message without an error that is
 * most of what reading it costs. Here the AST is walked once, and becomes functions that answer with
 * the value, or give up at the first thing out of the ordinary; then the Schema itself looks, so
 * that errors are its own, word for word.
 */
import { Either, Option, ParseResult, Predicate, Schema, SchemaAST as AST } from "effect"

/** Answers with what it has read, or with `irregular`. */
type Read = (input: unknown) => unknown
type Compile = (ast: AST.AST) => Read

const irregular = Symbol("irregular")

/**
 * Reads as the Schema decodes, in a fraction of the time. What comes out of a change of names is not
 * looked at again, since we have made it.
 */
export function decoder<A, I>(
  schema: Schema.Schema<A, I>,
): (input: unknown) => Either.Either<A, ParseResult.ParseError> {
  const read = memoized(compile)(schema.ast)
  const decode = Schema.decodeUnknownEither(schema)
  return (input) => {
    const value = read(input)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the Schema says it is
    return value === irregular ? decode(input) : Either.right(value as A)
  }
}

function compile(ast: AST.AST, part: Compile): Read {
  if (isSpecial(ast)) return bySchema(ast)
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
      return object(ast, part)
    case "TupleType":
      return array(ast, part)
    case "Union":
      return union(ast, part)
    case "Transformation":
      return transformed(ast, part)
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
      return bySchema(ast)
  }
}

/** Annotations that change how a part is read. */
function isSpecial({ annotations }: AST.AST): boolean {
  return (
    AST.ParseOptionsAnnotationId in annotations || AST.DecodingFallbackAnnotationId in annotations
  )
}

/** For what is rare, or hard to get right. */
function bySchema(ast: AST.AST): Read {
  const decode = ParseResult.decodeUnknownEither(Schema.make(ast))
  return (input) => outcome(decode(input))
}

/** What a synchronous step came to; one that waits is for the Schema. */
function outcome(result: unknown): unknown {
  return Either.isEither(result) && Either.isRight(result) ? result.right : irregular
}

function when(holds: (input: unknown) => boolean): Read {
  return (input) => (holds(input) ? input : irregular)
}

function declared(ast: AST.Declaration): Read {
  const parse = ast.decodeUnknown(...ast.typeParameters)
  return (input) => outcome(parse(input, AST.defaultParseOption, ast))
}

function refined(ast: AST.Refinement, part: Compile): Read {
  const from = part(ast.from)
  return (input) => {
    const value = from(input)
    if (value === irregular) return irregular
    return Option.isNone(ast.filter(value, AST.defaultParseOption, ast)) ? value : irregular
  }
}

function suspended(ast: AST.Suspend, part: Compile): Read {
  let read: Read | undefined
  return (input) => {
    read ??= part(ast.f())
    return read(input)
  }
}

/** One field of what is made, and where it comes from. */
interface Field {
  readonly from: PropertyKey
  readonly to: PropertyKey
  readonly isOptional: boolean
  readonly read: Read
  /** Unless it only moves. */
  readonly change?: (given: Option.Option<unknown>) => Option.Option<unknown>
  /** Whether nothing may come of a change. */
  readonly mayVanish?: boolean
}

function object(ast: AST.TypeLiteral, part: Compile): Read {
  return isStruct(ast) ? struct(fieldsOf(ast, part)) : bySchema(ast)
}

function isStruct(ast: AST.AST): ast is AST.TypeLiteral {
  return (
    AST.isTypeLiteral(ast) && ast.indexSignatures.length === 0 && ast.propertySignatures.length > 0
  )
}

function fieldsOf({ propertySignatures }: AST.TypeLiteral, part: Compile): ReadonlyArray<Field> {
  return propertySignatures.map(({ isOptional, name, type }) => {
    return { from: name, to: name, isOptional, read: part(type) }
  })
}

function struct(fields: ReadonlyArray<Field>): Read {
  return (input) => {
    if (!Predicate.isRecord(input)) return irregular
    const output: Record<PropertyKey, unknown> = {}
    for (const field of fields) if (!put(output, field, input)) return irregular
    return output
  }
}

type Fields = Record<PropertyKey, unknown>

/** Whether all is as it should be. */
function put(output: Fields, field: Field, input: Readonly<Fields>): boolean {
  const { change, from, isOptional, mayVanish, read, to } = field
  const isGiven = !isOptional || Object.hasOwn(input, from)
  const value = isGiven ? read(input[from]) : undefined
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

function array(ast: AST.TupleType, part: Compile): Read {
  const [rest, ...more] = ast.rest
  if (rest === undefined || more.length > 0 || ast.elements.length > 0) return bySchema(ast)
  const item = part(rest.type)
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      const value = item(one)
      if (value === irregular) return irregular
      output.push(value)
    }
    return output
  }
}

/**
 * The first member that fits. Schema tries those that a literal tells apart before the others, so
 * where they are mixed it has to look itself.
 */
function union(ast: AST.Union, part: Compile): Read {
  const told = ast.types.map(isTold)
  if (told.lastIndexOf(true) >= 0 && told.slice(0, told.lastIndexOf(true)).includes(false)) {
    return bySchema(ast)
  }
  const members = ast.types.map(part)
  return (input) => {
    for (const read of members) {
      const value = read(input)
      if (value !== irregular) return value
    }
    return irregular
  }
}

function isTold(ast: AST.AST): boolean {
  if (AST.isTypeLiteral(ast)) {
    return ast.propertySignatures.some(
      ({ isOptional, type }) => !isOptional && AST.isLiteral(AST.encodedAST(type)),
    )
  }
  if (AST.isTupleType(ast)) return ast.elements.length > 0
  if (AST.isSuspend(ast)) return isTold(ast.f())
  return (AST.isRefinement(ast) || AST.isTransformation(ast)) && isTold(ast.from)
}

function transformed(ast: AST.Transformation, part: Compile): Read {
  const { from, to, transformation } = ast
  switch (transformation._tag) {
    case "TypeLiteralTransformation":
      return renamed(ast, transformation, part)
    case "ComposeTransformation":
      return chain(part(from), part(to))
    case "FinalTransformation":
    default: {
      const { decode } = transformation
      const step: Read = (input) => outcome(decode(input, AST.defaultParseOption, ast, input))
      return chain(chain(part(from), step), part(to))
    }
  }
}

function chain(first: Read, second: Read): Read {
  return (input) => {
    const value = first(input)
    return value === irregular ? irregular : second(value)
  }
}

/** An object whose keys change: made once, under its new names, in their order. */
function renamed(
  ast: AST.Transformation,
  { propertySignatureTransformations: changes }: AST.TypeLiteralTransformation,
  part: Compile,
): Read {
  const { from, to } = ast
  if (!isStruct(from) || !isStruct(to) || AST.typeAST(to) !== to) return bySchema(ast)
  const sources = new Map(fieldsOf(from, part).map((field) => [field.from, field]))
  const changed = new Map(changes.map((change) => [change.to, change]))
  const fields = to.propertySignatures.flatMap(({ isOptional, name }) => {
    const change = changed.get(name)
    const source = sources.get(change?.from ?? name)
    sources.delete(change?.from ?? name)
    if (source === undefined) return []
    const how = change === undefined ? {} : { change: change.decode, mayVanish: isOptional }
    return [{ ...source, to: name, ...how }]
  })
  // Names that cross, or that come from nowhere, depend on the order of the changes.
  const isPlain = sources.size === 0 && fields.length === to.propertySignatures.length
  const old = new Set(from.propertySignatures.map(({ name }) => name))
  const isCrossed = fields.some((field) => field.from !== field.to && old.has(field.to))
  return isPlain && !isCrossed ? struct(fields) : bySchema(ast)
}

/** Schemas share parts, and refer to themselves. */
function memoized(make: (ast: AST.AST, part: Compile) => Read): Compile {
  const known = new Map<AST.AST, Read>()
  const part: Compile = (ast) => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const made = make(ast, part)
    known.set(ast, made)
    return made
  }
  return part
}

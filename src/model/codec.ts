/**
 * Compiles Schemas to plain functions. Schema's own parser allocates an `Either`, an issue or a list
 * for every value, which is most of the cost of a message without errors. The compiled functions
 * return the value, or `irregular` at the first irregularity; the Schema itself then decodes the
 * input, so every error is its own.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import {
  areLiteralsFirst,
  chain,
  compileDecoder,
  irregular,
  isFields,
  isStruct,
  itemOf,
  list,
  memoize,
  renamingOf,
  resultOf,
  suspended,
} from "./codec/decoder.js"
import type { Compile, Fields, Step, Transform } from "./codec/decoder.js"
import { lazy } from "./lazy.js"

/** Decodes as the Schema does. The result of renaming keys is not checked again. */
export function makeDecoder<A, I>(
  schema: Schema.Schema<A, I>,
): (input: unknown) => Either.Either<A, ParseResult.ParseError> {
  let compiled: Step | undefined
  const decode = lazy(() => Schema.decodeUnknownEither(schema))
  return (input) => {
    const value = (compiled ??= compileDecoder(schema.ast, { strict: false }))(input)
    if (value === irregular) return catchUnreadable(schema.ast, input, decode())
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema's type
    return Either.right(value as A)
  }
}

/** Validates a value, rejects unknown fields, reports every issue, and encodes. */
export function makeStrictEncoder<A, I>(
  schema: Schema.Schema<A, I>,
): (value: A) => Either.Either<I, ParseResult.ParseError> {
  let check: Step | undefined
  let write: Step | undefined
  const validate = lazy(() =>
    Schema.validateEither(schema, { errors: "all", onExcessProperty: "error" }),
  )
  const encode = lazy(() => Schema.encodeEither(schema))
  return (value) => {
    check ??= compileDecoder(AST.typeAST(schema.ast), { strict: true })
    write ??= compileEncoder(schema.ast)
    const valid = check(value)
    const written = valid === irregular ? irregular : write(valid)
    if (written === irregular) {
      return catchUnreadable(schema.ast, value, () => Either.flatMap(validate()(value), encode()))
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema's type
    return Either.right(written as I)
  }
}

/** Schema throws on an object that cannot be converted to text, such as `{"toString": null}`. */
function catchUnreadable<I, A>(
  ast: AST.AST,
  input: I,
  read: (input: I) => Either.Either<A, ParseResult.ParseError>,
): Either.Either<A, ParseResult.ParseError> {
  try {
    return read(input)
  } catch {
    const message = "holds an object that cannot be read as text"
    return Either.left(ParseResult.parseError(new ParseResult.Type(ast, input, message)))
  }
}

/** Compiles an encoder. Its input has been checked, so no filter runs again. */
function compileEncoder(ast: AST.AST): Step {
  return memoize(compile)(ast)
}

function compile(ast: AST.AST, part: Compile): Step {
  switch (ast._tag) {
    case "StringKeyword":
    case "NumberKeyword":
    case "BooleanKeyword":
    case "UndefinedKeyword":
    case "ObjectKeyword":
    case "UnknownKeyword":
    case "AnyKeyword":
    case "Literal":
      return (value) => value
    case "Refinement":
      return part(ast.from)
    case "TypeLiteral":
      return isStruct(ast) ? struct(fieldsOf(ast), part) : bySchema(ast)
    case "TupleType": {
      const item = itemOf(ast)
      return item === undefined ? bySchema(ast) : list(item, part)
    }
    case "Union":
      return union(ast, part)
    case "Transformation":
      return transformed(ast, part)
    case "Suspend":
      return suspended(ast, part)
    case "BigIntKeyword":
    case "Declaration":
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

function bySchema(ast: AST.AST): Step {
  const encode = ParseResult.encodeUnknownEither(Schema.make(ast))
  return (value) => resultOf(encode(value))
}

/** `undefined` and `null` stand for themselves; one other member needs no looking for. */
function union(ast: AST.Union, part: Compile): Step {
  const members = ast.types.filter((member) => !isNothing(member))
  const [only] = members
  if (only === undefined) return (value) => value
  if (members.length === 1) return given(part(only))
  if (!areLiteralsFirst(members.map((member) => AST.typeAST(member)))) return bySchema(ast)
  const ways = members.map((member) => ({
    fits: compileDecoder(AST.typeAST(member), { strict: false }),
    write: part(member),
  }))
  return given((value) => {
    const way = ways.find(({ fits }) => fits(value) !== irregular)
    return way === undefined ? irregular : way.write(value)
  })
}

function isNothing(ast: AST.AST): boolean {
  return AST.isUndefinedKeyword(ast) || (AST.isLiteral(ast) && ast.literal === null)
}

function given(write: Step): Step {
  return (value) => (value === undefined || value === null ? value : write(value))
}

/** One field of what is written, and where it comes from. */
interface Field {
  readonly from: PropertyKey
  readonly to: PropertyKey
  readonly isOptional: boolean
  readonly type: AST.AST
  /** Compiled with the first value. */
  write: Step | undefined
  /** Unless it only moves. */
  readonly change?: (given: Option.Option<unknown>) => Option.Option<unknown>
}

function fieldsOf({ propertySignatures }: AST.TypeLiteral): ReadonlyArray<Field> {
  return propertySignatures.map(({ isOptional, name, type }) => {
    return { from: name, to: name, isOptional, type, write: undefined }
  })
}

function struct(fields: ReadonlyArray<Field>, part: Compile): Step {
  return (value) => {
    if (!isFields(value)) return irregular
    const output: Fields = {}
    for (const field of fields) if (!put(output, field, value, part)) return irregular
    return output
  }
}

function put(output: Fields, field: Field, value: Readonly<Fields>, part: Compile): boolean {
  const { change, from, isOptional, to } = field
  const isGiven = Object.hasOwn(value, from)
  if (change === undefined && !isGiven && isOptional) return true
  const own = isGiven ? Option.some(value[from]) : Option.none()
  const changed = change === undefined ? Option.some(value[from]) : change(own)
  if (Option.isNone(changed)) return isOptional
  const written = (field.write ??= part(field.type))(changed.value)
  if (written === irregular) return false
  output[to] = written
  return true
}

function transformed(ast: AST.Transformation, part: Compile): Step {
  const { from, to, transformation } = ast
  switch (transformation._tag) {
    case "TypeLiteralTransformation":
      return renamed(ast, part)
    case "ComposeTransformation":
      return chain(part(to), part(from))
    case "FinalTransformation":
    default: {
      const encode: Transform = transformation.encode
      const step: Step = (value) => resultOf(encode(value, AST.defaultParseOption, ast, value))
      return chain(chain(part(to), step), part(from))
    }
  }
}

function renamed(ast: AST.Transformation, part: Compile): Step {
  const renaming = renamingOf(ast)
  if (renaming === undefined) return bySchema(ast)
  const changes = new Map(renaming.changes.map((change) => [change.from, change]))
  const fields = fieldsOf(renaming.from).map((field) => {
    const change = changes.get(field.to)
    return change === undefined ? field : { ...field, from: change.to, change: change.encode }
  })
  return struct(fields, part)
}

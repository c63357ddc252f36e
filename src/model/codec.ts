/**
 * Compiles Schemas to plain functions. Schema's own parser allocates an `Either`, an issue or a list
 * for every value, which is most of the cost of a message without errors. The compiled functions
 * return the value, or `irregular` for input that the Schema itself then decodes or encodes, so that all
 * errors are the Schema's.
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
  getFields,
  getItemType,
  compileList,
  memoize,
  getRenaming,
  getResult,
  compileSuspend,
} from "./codec/decoder.js"
import type { Compile, Field, Fields, Step, Transform } from "./codec/decoder.js"
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
  return memoize(compilePart)(ast)
}

function compilePart(ast: AST.AST, part: Compile): Step {
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
      return isStruct(ast) ? compileStruct(getFields(ast), part) : compileBySchema(ast)
    case "TupleType": {
      const item = getItemType(ast)
      return item === undefined ? compileBySchema(ast) : compileList(item, part)
    }
    case "Union":
      return compileUnion(ast, part)
    case "Transformation":
      return compileTransformation(ast, part)
    case "Suspend":
      return compileSuspend(ast, part)
    case "BigIntKeyword":
    case "Declaration":
    case "Enums":
    case "NeverKeyword":
    case "SymbolKeyword":
    case "TemplateLiteral":
    case "UniqueSymbol":
    case "VoidKeyword":
    default:
      return compileBySchema(ast)
  }
}

function compileBySchema(ast: AST.AST): Step {
  const encode = ParseResult.encodeUnknownEither(Schema.make(ast))
  return (value) => getResult(encode(value))
}

/** Keeps `undefined` and `null`. If there is one other member, it encodes every other value. */
function compileUnion(ast: AST.Union, part: Compile): Step {
  const members = ast.types.filter((member) => !isNullish(member))
  const [only] = members
  if (only === undefined) return (value) => value
  if (members.length === 1) return unlessNullish(part(only))
  if (!areLiteralsFirst(members.map((member) => AST.typeAST(member)))) return compileBySchema(ast)
  const ways = members.map((member) => ({
    fits: compileDecoder(AST.typeAST(member), { strict: false }),
    write: part(member),
  }))
  return unlessNullish((value) => {
    const way = ways.find(({ fits }) => fits(value) !== irregular)
    return way === undefined ? irregular : way.write(value)
  })
}

function isNullish(ast: AST.AST): boolean {
  return AST.isUndefinedKeyword(ast) || (AST.isLiteral(ast) && ast.literal === null)
}

function unlessNullish(write: Step): Step {
  return (value) => (value === undefined || value === null ? value : write(value))
}

function compileStruct(fields: ReadonlyArray<Field>, part: Compile): Step {
  return (value) => {
    if (!isFields(value)) return irregular
    const output: Fields = {}
    for (const field of fields) if (!encodeField(output, field, value, part)) return irregular
    return output
  }
}

function encodeField(
  output: Fields,
  field: Field,
  value: Readonly<Fields>,
  part: Compile,
): boolean {
  const { change, from, isOptional, to } = field
  const isGiven = Object.hasOwn(value, from)
  if (change === undefined && !isGiven && isOptional) return true
  const own = isGiven ? Option.some(value[from]) : Option.none()
  const changed = change === undefined ? Option.some(value[from]) : change(own)
  if (Option.isNone(changed)) return isOptional
  const written = (field.step ??= part(field.type))(changed.value)
  if (written === irregular) return false
  output[to] = written
  return true
}

function compileTransformation(ast: AST.Transformation, part: Compile): Step {
  const { from, to, transformation } = ast
  switch (transformation._tag) {
    case "TypeLiteralTransformation":
      return compileRenaming(ast, part)
    case "ComposeTransformation":
      return chain(part(to), part(from))
    case "FinalTransformation":
    default: {
      const encode: Transform = transformation.encode
      const step: Step = (value) => getResult(encode(value, AST.defaultParseOption, ast, value))
      return chain(chain(part(to), step), part(from))
    }
  }
}

function compileRenaming(ast: AST.Transformation, part: Compile): Step {
  const renaming = getRenaming(ast)
  if (renaming === undefined) return compileBySchema(ast)
  const changes = new Map(renaming.changes.map((change) => [change.from, change]))
  const fields = getFields(renaming.from).map((field) => {
    const change = changes.get(field.to)
    return change === undefined ? field : { ...field, from: change.to, change: change.encode }
  })
  return compileStruct(fields, part)
}

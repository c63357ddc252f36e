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
  compileDecoder,
  compileKind,
  firstOf,
  getFields,
  getRenaming,
  getResult,
  irregular,
  isFields,
  memoize,
} from "./codec/decoder.js"
import type { Compile, Field, Fields, Step, Direction } from "./codec/decoder.js"
import { lazy } from "./lazy.js"

/** Decodes as the Schema does. The result of renaming keys is not checked again. */
export function makeDecoder<A, I>(
  schema: Schema.Schema<A, I>,
): (input: unknown) => Either.Either<A, ParseResult.ParseError> {
  let compiled: Step | undefined
  const decode = lazy(() => Schema.decodeUnknownEither(schema))
  return (input) => {
    const value = (compiled ??= compileDecoder(schema.ast))(input)
    if (value === irregular) return catchUnreadable(schema.ast, input, decode())
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema's type
    return Either.right(value as A)
  }
}

/**
 * Validates a value, rejects unknown fields, reports every issue, and encodes. A missing field stays
 * missing: no field of `fields.ts` is encoded otherwise.
 */
export function makeStrictEncoder<A, I>(
  schema: Schema.Schema<A, I>,
): (value: A) => Either.Either<I, ParseResult.ParseError> {
  let compiled: Step | undefined
  const validate = lazy(() =>
    Schema.validateEither(schema, { errors: "all", onExcessProperty: "error" }),
  )
  const encode = lazy(() => Schema.encodeEither(schema))
  return (value) => {
    const written = (compiled ??= compileEncoder(schema.ast))(value)
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

const encoding: Direction = {
  isEncoder: true,
  compileBySchema,
  compileRenaming,
  compileStruct,
  compileUnion,
}

/** Compiles a function that validates a value and encodes it in one pass. */
function compileEncoder(ast: AST.AST): Step {
  return memoize((one, compilePart) => compileKind(one, compilePart, encoding))(ast)
}

function compileBySchema(ast: AST.AST): Step {
  const encode = ParseResult.encodeUnknownEither(Schema.make(ast), {
    onExcessProperty: "error",
    exact: true,
  })
  return (value) => getResult(encode(value))
}

/** The Schema encodes with the first member that fits a value, unknown fields aside. */
function compileUnion(ast: AST.Union, compilePart: Compile): Step {
  const defined = ast.types.filter((member) => !isNullish(member))
  if (defined.length === 1) return firstOf(ast.types.map(compilePart))
  if (!areLiteralsFirst(defined.map((member) => AST.typeAST(member)))) return compileBySchema(ast)
  const tests = ast.types.map((member) => compileDecoder(AST.typeAST(member)))
  const steps = ast.types.map(compilePart)
  return (value) => {
    const write = steps[tests.findIndex((fits) => fits(value) !== irregular)]
    return write === undefined ? irregular : write(value)
  }
}

function isNullish(ast: AST.AST): boolean {
  return ast._tag === "UndefinedKeyword" || (AST.isLiteral(ast) && ast.literal === null)
}

/** Visits the fields that a value has: a message has few of those that it may have. */
function compileStruct(fields: ReadonlyArray<Field>, compilePart: Compile): Step {
  const places = new Map(fields.map(({ from }, place) => [from, place]))
  const required = fields.filter(({ isOptional }) => !isOptional).length
  return (value) => {
    if (!isFields(value)) return irregular
    const output: Fields = {}
    let missing = required
    // The place of the field before; infinite once the fields are not in the Schema's order.
    let last = -1
    for (const key of Reflect.ownKeys(value)) {
      const place = places.get(key) ?? -1
      const field = fields[place]
      if (field === undefined || !encodeField(output, field, value[key], compilePart))
        return irregular
      if (!field.isOptional) missing -= 1
      last = place > last ? place : Infinity
    }
    if (missing > 0) return irregular
    return last === Infinity ? sortFields(output, fields) : output
  }
}

function sortFields(output: Fields, fields: ReadonlyArray<Field>): Fields {
  const sorted: Fields = {}
  for (const { to } of fields) if (to in output) sorted[to] = output[to]
  return sorted
}

/** A field whose value changes, or that is omitted with a value, is left to the Schema. */
function encodeField(output: Fields, field: Field, value: unknown, compilePart: Compile): boolean {
  const { change, to, type } = field
  if (change !== undefined) {
    const isNothing = value === undefined || value === null
    if (isNothing && compilePart(change.type)(value) === irregular) return false
    const changed = change.encode(Option.some(value))
    if (Option.isNone(changed)) return isNothing
    if (changed.value !== value) return false
  }
  const written = (field.step ??= compilePart(type))(value)
  if (written === irregular) return false
  output[to] = written
  return true
}

function compileRenaming(ast: AST.Transformation, compilePart: Compile): Step {
  const renaming = getRenaming(ast)
  if (renaming === undefined) return compileBySchema(ast)
  const changes = new Map(renaming.changes.map((change) => [change.from, change]))
  const types = new Map(renaming.to.propertySignatures.map((one) => [one.name, one]))
  const fields = getFields(renaming.from).map((field): Field => {
    const change = changes.get(field.to)
    const to = change && types.get(change.to)
    if (change === undefined || to === undefined) return field
    const { isOptional, name, type } = to
    return { ...field, from: name, isOptional, change: { encode: change.encode, type } }
  })
  return compileStruct(fields, compilePart)
}

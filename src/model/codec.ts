/**
 * Compiles Schemas to plain functions. Schema's own parser allocates an `Either`, an issue or a list
 * for every value, which is most of the cost of a message without errors. The compiled functions
 * return the value, or `irregular` at the first irregularity; the Schema itself then decodes the
 * input, so every error is its own.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { lazy } from "./lazy.js"
import { compileDecoder } from "./codec/read.js"
import { irregular } from "./codec/step.js"
import { compileEncoder } from "./codec/write.js"

/** Decodes as the Schema does. The result of renaming keys is not checked again. */
export function makeDecoder<A, I>(
  schema: Schema.Schema<A, I>,
): (input: unknown) => Either.Either<A, ParseResult.ParseError> {
  const compiled = lazy(() => compileDecoder(schema.ast, { strict: false }))
  const decode = lazy(() => Schema.decodeUnknownEither(schema))
  return (input) => {
    const value = compiled()(input)
    if (value === irregular) return catchUnreadable(schema.ast, input, decode())
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema's type
    return Either.right(value as A)
  }
}

/** Validates a value, rejects unknown fields, reports every issue, and encodes. */
export function makeStrictEncoder<A, I>(
  schema: Schema.Schema<A, I>,
): (value: A) => Either.Either<I, ParseResult.ParseError> {
  const compiled = lazy(() => ({
    check: compileDecoder(AST.typeAST(schema.ast), { strict: true }),
    write: compileEncoder(schema.ast),
  }))
  const validate = lazy(() =>
    Schema.validateEither(schema, { errors: "all", onExcessProperty: "error" }),
  )
  const encode = lazy(() => Schema.encodeEither(schema))
  return (value) => {
    const { check, write } = compiled()
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

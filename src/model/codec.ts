/**
 * Schemas as plain functions. Schema's own parser makes an `Either`, an issue or a list for every
 * value on its way, so that an error can tell all about it; for a message without an error that is
 * most of what it costs. Here the AST is walked once, and becomes functions that answer with the
 * value, or give up at the first thing out of the ordinary; then the Schema itself looks, so that
 * errors are its own, word for word.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { lazy } from "./lazy.js"
import { reader } from "./codec/read.js"
import { irregular } from "./codec/step.js"
import { writer } from "./codec/write.js"

/**
 * Reads as the Schema decodes, in a fraction of the time. What comes out of a change of names is not
 * looked at again, since we have made it.
 */
export function decoder<A, I>(
  schema: Schema.Schema<A, I>,
): (input: unknown) => Either.Either<A, ParseResult.ParseError> {
  const compiled = lazy(() => reader(schema.ast, { strict: false }))
  const decode = lazy(() => Schema.decodeUnknownEither(schema))
  return (input) => {
    const value = compiled()(input)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the Schema says it is
    return value === irregular ? readable(schema.ast, input, decode()) : Either.right(value as A)
  }
}

/** Checks a value by all its rules, refuses unknown fields, finds every fault, and encodes. */
export function strictEncoder<A, I>(
  schema: Schema.Schema<A, I>,
): (value: A) => Either.Either<I, ParseResult.ParseError> {
  const compiled = lazy(() => ({
    check: reader(AST.typeAST(schema.ast), { strict: true }),
    write: writer(schema.ast),
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
      return readable(schema.ast, value, () => Either.flatMap(validate()(value), encode()))
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the Schema says it is
    return Either.right(written as I)
  }
}

/** A Schema throws over an object that cannot become text, and `{"toString": null}` is JSON. */
function readable<I, A>(
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

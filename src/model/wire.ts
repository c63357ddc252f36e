/**
 * How a field of a Discord object is written on our side (camelCase) and on the wire (snake_case).
 * Four ways, and no other, so that every object of the model follows one convention:
 *
 * - `required`: always there.
 * - `optional`: outgoing; `undefined` is the same as leaving it out, and never reaches the wire.
 * - `clearable`: outgoing edit; left out = unchanged, `null` = cleared.
 * - `sometimes`: incoming; absent and `null` both become an absent key.
 * - `orElse`: incoming; absent and `null` both become a default.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Function from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

type Field<K extends string, A, I> = Schema.PropertySignature<"?:", A, K, "?:", I>

export function required<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Schema.PropertySignature<":", A, K, ":", I> {
  return Schema.propertySignature(schema).pipe(Schema.fromKey(key))
}

export function optional<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Field<K, A | undefined, I> {
  // Decoding also takes null (embed editors export it); `Encoded` states only what we emit.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const from = Schema.NullishOr(schema) as unknown as Schema.Schema<A | undefined, I>
  return Schema.optionalToOptional(from, Schema.UndefinedOr(Schema.typeSchema(schema)), {
    decode: givenOnly,
    encode: Option.filter(Predicate.isNotUndefined),
  }).pipe(Schema.fromKey(key))
}

export function clearable<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Field<K, A | null | undefined, I | null> {
  return Schema.optionalToOptional(
    Schema.NullOr(schema),
    Schema.NullishOr(Schema.typeSchema(schema)),
    { decode: Function.identity, encode: Option.filter(Predicate.isNotUndefined) },
  ).pipe(Schema.fromKey(key))
}

export function sometimes<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Field<K, A, I | null | undefined> {
  const from: Schema.Schema<A | null | undefined, I | null | undefined> = Schema.NullishOr(schema)
  return Schema.optionalToOptional(from, Schema.typeSchema(schema), {
    decode: givenOnly,
    encode: Function.identity,
  }).pipe(Schema.fromKey(key))
}

export function orElse<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
  fallback: () => NoInfer<A>,
): Schema.PropertySignature<":", A, K, "?:", I | null | undefined> {
  return Schema.optionalToRequired(Schema.NullishOr(schema), Schema.typeSchema(schema), {
    decode: (value) => Option.getOrElse(givenOnly(value), fallback),
    encode: Option.some,
  }).pipe(Schema.fromKey(key))
}

/** `Option.filter` makes a function and an `Option` for each of a message's forty fields. */
function givenOnly<A>(value: Option.Option<A | null | undefined>): Option.Option<A> {
  return Option.isSome(value) && isGiven(value) ? value : Option.none()
}

function isGiven<A>(some: Option.Some<A | null | undefined>): some is Option.Some<A> {
  return some.value !== null && some.value !== undefined
}

/** Any number that JSON can carry. */
export const Numeric = Schema.JsonNumber.annotations({ arbitrary: () => (fc) => fc.integer() })

/** An incoming array; generated ones stay short, since they nest. */
export function list<A, I>(
  item: Schema.Schema<A, I>,
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> {
  return Schema.Array(item).annotations({
    arbitrary: () => (fc) => fc.array(Arbitrary.makeLazy(item)(fc), { maxLength: 2 }),
  })
}

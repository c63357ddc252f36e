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
import { Function, Option, Predicate, Schema } from "effect"

type Field<K extends string, A, I> = Schema.PropertySignature<"?:", A, K, "?:", I, false, never>

export function required<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Schema.PropertySignature<":", A, K, ":", I, false, never> {
  return Schema.propertySignature(schema).pipe(Schema.fromKey(key))
}

export function optional<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
): Field<K, A | undefined, I> {
  // Decoding also takes null (embed editors export it); `Encoded` states only what we emit.
  const from = Schema.NullishOr(schema) as unknown as Schema.Schema<A | undefined, I>
  return Schema.optionalToOptional(from, Schema.UndefinedOr(Schema.typeSchema(schema)), {
    decode: Option.filter(isGiven),
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
    decode: (value) => Option.filter(value, isGiven),
    encode: Function.identity,
  }).pipe(Schema.fromKey(key))
}

export function orElse<A, I, const K extends string>(
  key: K,
  schema: Schema.Schema<A, I>,
  fallback: () => NoInfer<A>,
): Schema.PropertySignature<":", A, K, "?:", I | null | undefined, false, never> {
  return Schema.optionalToRequired(Schema.NullishOr(schema), Schema.typeSchema(schema), {
    decode: (value) => Option.getOrElse(Option.filter(value, isGiven), fallback),
    encode: Option.some,
  }).pipe(Schema.fromKey(key))
}

function isGiven<A>(value: A | null | undefined): value is A {
  return value !== null && value !== undefined
}

/** Any number that JSON can carry. */
export const Numeric = Schema.JsonNumber.annotations({ arbitrary: () => (fc) => fc.integer() })

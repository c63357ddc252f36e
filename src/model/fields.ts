/**
 * The fields of Discord's objects, camelCase on our side and snake_case on the wire. Each takes the
 * wire name last, if that is another one. Every object of the model is made of these:
 *
 * - A plain Schema, or `required` with another name on the wire: always present.
 * - `optional`: outgoing; `undefined` is the same as absent, and is never sent.
 * - `nullable`: outgoing edit; absent = unchanged, `null` = cleared.
 * - `nullishToAbsent`: incoming; absent, `null` and a value that does not fit become an absent key.
 * - `withDefault`: incoming; absent, `null` and a value that does not fit become a default.
 * - `list`: incoming, without the items that do not fit.
 * - `strictNullishToAbsent`, `strictWithDefault`, `strictList`: the same, but a value that does not
 *   fit fails, because something around it keeps the whole as Discord sent it (components).
 */
import type { LazyArbitrary } from "effect/Arbitrary"
import * as Either from "effect/Either"
import type * as FastCheck from "effect/FastCheck"
import * as Function from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

type Field<K extends string, A, I> = Schema.PropertySignature<"?:", A, K, "?:", I>

export function required<A, I, const K extends string>(
  schema: Schema.Schema<A, I>,
  key: K,
): Schema.PropertySignature<":", A, K, ":", I> {
  return Schema.propertySignature(schema).pipe(Schema.fromKey(key))
}

export function optional<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  key?: K,
): Field<NoInfer<K>, A | undefined, I> {
  // Decoding also takes null (embed editors export it); `Encoded` states only what we emit.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const from = Schema.NullishOr(schema) as unknown as Schema.Schema<A | undefined, I>
  const field = Schema.optionalToOptional(from, Schema.UndefinedOr(typeSide(schema)), {
    decode: definedOnly,
    encode: definedOnly,
  })
  return rename(field, key)
}

export function nullable<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  key?: K,
): Field<NoInfer<K>, A | null | undefined, I | null> {
  const to = Schema.NullishOr(typeSide(schema))
  const field = Schema.optionalToOptional(Schema.NullOr(schema), to, {
    decode: Function.identity,
    encode: Option.filter(Predicate.isNotUndefined),
  })
  return rename(field, key)
}

export function nullishToAbsent<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  key?: K,
): Field<NoInfer<K>, A, I | null | undefined> {
  return rename(absentOr(schema, true), key)
}

export function strictNullishToAbsent<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  key?: K,
): Field<NoInfer<K>, A, I | null | undefined> {
  return rename(absentOr(schema, false), key)
}

export function withDefault<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  fallback: () => NoInfer<A>,
  key?: K,
): Schema.PropertySignature<":", A, NoInfer<K>, "?:", I | null | undefined> {
  return rename(defaultOr(schema, true, fallback), key)
}

export function strictWithDefault<A, I, const K extends string = never>(
  schema: Schema.Schema<A, I>,
  fallback: () => NoInfer<A>,
  key?: K,
): Schema.PropertySignature<":", A, NoInfer<K>, "?:", I | null | undefined> {
  return rename(defaultOr(schema, false, fallback), key)
}

type Nullish<A, I> = Schema.Schema<A | null | undefined, I | null | undefined>

/** Decodes what does not fit as `undefined`. */
const orUndefined: AST.Annotations = {
  [AST.DecodingFallbackAnnotationId]: () => Either.right(undefined),
}

/** The annotation of a field that may be missing. */
const nullishFieldId = Symbol.for("effect-discord/model/NullishField")

/** A received field that counts as missing if it is `null` or, if lenient, does not fit. */
export interface NullishField {
  readonly item: AST.AST
  readonly isLenient: boolean
  /** The value of a missing field; if `undefined`, the field stays missing. */
  readonly fallback: (() => unknown) | undefined
}

/** For readers that decode such a field in one step. */
export function nullishFieldOf(ast: AST.AST): NullishField | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `nullishField` has put there
  return ast.annotations[nullishFieldId] as NullishField | undefined
}

function nullishField<A, I>(
  schema: Schema.Schema<A, I>,
  isLenient: boolean,
  fallback: (() => A) | undefined,
): Nullish<A, I> {
  const how: NullishField = { item: schema.ast, isLenient, fallback }
  return nullish(schema, { ...(isLenient ? orUndefined : {}), [nullishFieldId]: how })
}

function absentOr<A, I>(
  schema: Schema.Schema<A, I>,
  isLenient: boolean,
): Field<never, A, I | null | undefined> {
  return Schema.optionalToOptional(nullishField(schema, isLenient, undefined), typeSide(schema), {
    decode: definedOnly,
    encode: Function.identity,
  })
}

function defaultOr<A, I>(
  schema: Schema.Schema<A, I>,
  isLenient: boolean,
  fallback: () => A,
): Schema.PropertySignature<":", A, never, "?:", I | null | undefined> {
  return Schema.optionalToRequired(nullishField(schema, isLenient, fallback), typeSide(schema), {
    decode: (value) => Option.getOrElse(definedOnly(value), fallback),
    encode: Option.some,
  })
}

type Presence = Schema.PropertySignature.Token

function rename<T extends Presence, A, F extends Presence, I, K extends string>(
  field: Schema.PropertySignature<T, A, never, F, I>,
  key: K | undefined,
): Schema.PropertySignature<T, A, K, F, I> {
  return key === undefined ? field : field.pipe(Schema.fromKey(key))
}

/** `Schema.typeSchema` walks the whole Schema each time, and these nest. */
const typeSides = new WeakMap<AST.AST, Schema.Schema.Any>()

function typeSide<A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A> {
  const known = typeSides.get(schema.ast)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what has been made of it
  if (known !== undefined) return known as Schema.Schema<A>
  const made = Schema.typeSchema(schema)
  typeSides.set(schema.ast, made)
  return made
}

function lenient<A, I>(schema: Schema.Schema<A, I>): Nullish<A, I> {
  return nullish(schema, orUndefined)
}

/** At once and not by `NullishOr` and `annotations`: each makes a class, for a hundred fields. */
function nullish<A, I>(schema: Schema.Schema<A, I>, annotations: AST.Annotations): Nullish<A, I> {
  return Schema.make(AST.Union.make([schema.ast, AST.null, AST.undefinedKeyword], annotations))
}

/** `Option.filter` makes a function and an `Option` for each of a message's forty fields. */
function definedOnly<A>(value: Option.Option<A | null | undefined>): Option.Option<A> {
  return Option.isSome(value) && isDefined(value) ? value : Option.none()
}

function isDefined<A>(some: Option.Some<A | null | undefined>): some is Option.Some<A> {
  return some.value !== null && some.value !== undefined
}

/** Any number that JSON can carry. */
export const Numeric = Schema.Finite.annotations({ arbitrary: () => (fc) => fc.integer() })

/** The annotation that marks a {@link list}; its value is the AST of an item. */
const listItemId = Symbol.for("effect-discord/model/wire/ListItem")

/** The item of a {@link list}, for readers that decode one without a second pass over its items. */
export function listItemOf(ast: AST.AST): AST.AST | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `list` has put there
  return ast.annotations[listItemId] as AST.AST | undefined
}

/** An incoming array, without the items that do not fit. */
export function list<A, I>(
  item: Schema.Schema<A, I>,
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> {
  // Decoding also takes null and what does not fit; `Encoded` states only what we emit.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const from = Schema.Array(lenient(item)) as unknown as Schema.Schema<
    ReadonlyArray<A | null | undefined>,
    ReadonlyArray<I>
  >
  return Schema.transform(from, shortWhenGenerated(Schema.Array(typeSide(item))), {
    strict: true,
    decode: (items) => items.filter((one) => one !== null && one !== undefined),
    encode: Function.identity,
  }).annotations({ [listItemId]: item.ast })
}

/** An incoming array that fits in all its items. */
export function strictList<A, I>(
  item: Schema.Schema<A, I>,
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> {
  return shortWhenGenerated(Schema.Array(item))
}

/** The annotation from which `effect/Arbitrary` reads the size of a generated list. */
const shortListId = Symbol.for("effect-discord/model/ShortList")

/** Generated lists stay short, since they nest; a list may have any length. */
function shortWhenGenerated<A, I>(
  schema: Schema.Schema<ReadonlyArray<A>, I>,
): Schema.Schema<ReadonlyArray<A>, I> {
  return schema.pipe(
    Schema.filter(() => true, { schemaId: shortListId, [shortListId]: { maxItems: 2 } }),
  )
}

/** The argument of every `arbitrary` annotation: fast-check's module, as Effect re-exports it. */
export type FastCheckModule = Parameters<LazyArbitrary<unknown>>[0]

export function generatedSnowflake(fc: FastCheckModule): FastCheck.Arbitrary<string> {
  return fc.bigInt(0n, 2n ** 64n - 1n).map(String)
}

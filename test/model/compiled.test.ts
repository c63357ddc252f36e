import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as ParseResult from "effect/ParseResult"
import { Component, Issue, MessageCreate } from "../../src/index.js"
import { makeDecoder, makeStrictEncoder } from "../../src/model/codec.js"
import { Message } from "../../src/model/Message.js"
import { MessageEdit } from "../../src/model/MessageEdit.js"
import { WebhookInfo } from "../../src/model/WebhookInfo.js"
import { WebhookModify } from "../../src/model/WebhookModify.js"
import { runs } from "../support/laws.js"

addEqualityTesters()

/** What was read, with its keys in their order; or what is wrong. */
const shown = (read: Either.Either<unknown, ParseResult.ParseError>): unknown =>
  Either.match(read, {
    onLeft: (error) => ({ issues: Issue.fromParseError(error), text: error.message }),
    onRight: (value) => ({ value, keys: JSON.stringify(value) }),
  })

/** Effect's Schema throws for an object without a text form; ours accepts or rejects it. */
const same = (
  quick: Either.Either<unknown, ParseResult.ParseError>,
  plain: () => Either.Either<unknown, ParseResult.ParseError>,
) => {
  const ours = shown(quick)
  try {
    expect(ours).toEqual(shown(plain()))
  } catch (error) {
    if (!String(error).includes("Cannot convert object to primitive value")) throw error
  }
}

/** JSON with something changed, left out or added, anywhere: some of it still valid. */
const damaged = (json: unknown, dice: ReadonlyArray<number>, scrap: unknown): unknown => {
  const copy: unknown = structuredClone(json)
  let place = copy
  for (const [depth, die] of dice.entries()) {
    if (typeof place !== "object" || place === null) return copy
    const keys = Object.keys(place)
    const key = keys[die % Math.max(1, keys.length)]
    if (key === undefined) return copy
    const inner: unknown = Reflect.get(place, key)
    const goesOn = typeof inner === "object" && inner !== null && depth < dice.length - 1
    if (goesOn && die % 3 > 0) {
      place = inner
      continue
    }
    if (scrap === undefined) Reflect.deleteProperty(place, key)
    else Reflect.set(place, die % 7 === 0 ? `${key}_more` : key, scrap)
    return copy
  }
  return copy
}

const noText: FastCheck.JsonValue = { toString: null }

const scraps = FastCheck.oneof(
  FastCheck.constantFrom(
    undefined,
    null,
    "",
    "17",
    0,
    -1,
    3,
    10,
    true,
    "2026-01-31",
    [],
    {},
    noText,
  ),
  FastCheck.jsonValue(),
)

const law = <A, I>(name: string, schema: Schema.Schema<A, I>, count: number) =>
  describe(name, () => {
    const encode = Schema.encodeSync(schema)
    const plain = Schema.decodeUnknownEither(schema)
    const quick = makeDecoder(schema)
    const values = Arbitrary.make(schema).map((value): unknown =>
      JSON.parse(JSON.stringify(encode(value))),
    )

    it("is read as its Schema decodes it", () => {
      FastCheck.assert(
        FastCheck.property(values, (json) => {
          expect(shown(quick(json))).toEqual(shown(plain(json)))
        }),
        { numRuns: runs(count) },
      )
    })

    it("is accepted and rejected as by its Schema, with the same message", () => {
      const dice = FastCheck.array(FastCheck.nat(1000), { minLength: 1, maxLength: 6 })
      FastCheck.assert(
        FastCheck.property(values, dice, scraps, (json, throws, scrap) => {
          const wrong = damaged(json, throws, scrap)
          same(quick(wrong), () => plain(wrong))
        }),
        { numRuns: runs(count * 2) },
      )
    })
  })

describe("compiled, a Schema of the model", () => {
  law("a message", Message, 400)
  law("a received component", Component.Component, 400)
  law("a webhook", WebhookInfo, 200)
  law("a message to be sent", MessageCreate.MessageCreate, 200)
  law("an edit", MessageEdit, 200)
})

it("a transformation gets the original value, as from its Schema", () => {
  const schema = Schema.transform(Schema.NumberFromString, Schema.String, {
    strict: true,
    decode: (number, original) => `${number} of ${original}`,
    encode: (_, original) => original.length,
  })
  expect(makeDecoder(schema)("1.0")).toEqual(Schema.decodeUnknownEither(schema)("1.0"))
  expect(makeStrictEncoder(schema)("abc")).toEqual(Schema.encodeEither(schema)("abc"))
})

describe("an object that cannot become text", () => {
  const component = { type: noText, components: [] }

  it("is rejected where the rest cannot be decoded either", () => {
    const read = makeDecoder(Message)({ components: [component] })
    expect(Either.isLeft(read) && Issue.fromParseError(read.left)).toEqual([
      { path: "", message: "holds an object that cannot be read as text" },
    ])
  })

  it("is rejected in outgoing values", () => {
    const message = { components: [component] } as unknown as MessageCreate.MessageCreate
    expect(Either.isLeft(makeStrictEncoder(MessageCreate.MessageCreate)(message))).toBe(true)
  })
})

/** What would change it in place, throws. */
function frozen(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
}

const outgoing = <A, I>(name: string, schema: Schema.Schema<A, I>) =>
  describe(name, () => {
    const validate = Schema.validateEither(schema, { errors: "all", onExcessProperty: "error" })
    const encode = Schema.encodeEither(schema)
    const plain = (value: A) => Either.flatMap(validate(value), (valid) => encode(valid))
    const quick = makeStrictEncoder(schema)
    const values = Arbitrary.make(schema)

    it("is written as its Schema encodes it, and left as it is", () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          frozen(value)
          expect(shown(quick(value))).toEqual(shown(plain(value)))
        }),
        { numRuns: runs(300) },
      )
    })

    it("is rejected with every issue, with the message of its Schema", () => {
      const dice = FastCheck.array(FastCheck.nat(1000), { minLength: 1, maxLength: 6 })
      FastCheck.assert(
        FastCheck.property(values, dice, dice, scraps, (value, first, second, scrap) => {
          const wrong = damaged(damaged(value, first, scrap), second, scrap) as A
          same(quick(wrong), () => plain(wrong))
        }),
        { numRuns: runs(400) },
      )
    })
  })

describe("compiled, a Schema of what is sent", () => {
  outgoing("a message", MessageCreate.MessageCreate)
  outgoing("an edit", MessageEdit)
  outgoing("changes of a webhook", WebhookModify)
})

describe("compiled, a Schema of any kind", () => {
  const Loop: Schema.Schema<Loop> = Schema.Struct({
    next: Schema.optional(Schema.suspend(() => Loop)),
  })
  interface Loop {
    readonly next?: Loop | undefined
  }
  const tagged = Schema.Struct({ kind: Schema.Literal("a"), size: Schema.optional(Schema.Number) })
  const schemas: Readonly<Record<string, Schema.Schema<unknown, unknown>>> = {
    record: Schema.Record({ key: Schema.String, value: Schema.Number }) as never,
    tuple: Schema.Tuple(Schema.String, Schema.optionalElement(Schema.Number)) as never,
    nonEmpty: Schema.NonEmptyArray(Schema.Boolean) as never,
    anything: Schema.Struct({}) as never,
    loop: Loop as never,
    fallback: Schema.Struct({
      a: Schema.Number.annotations({ decodingFallback: () => Either.right(7) }),
    }) as never,
    exact: Schema.Struct({ a: Schema.Number }).annotations({
      parseOptions: { onExcessProperty: "error" },
    }) as never,
    // The untagged member comes first, but Schema tries the tagged one before it.
    mixed: Schema.Union(
      Schema.Struct({ kind: Schema.String }),
      tagged,
      Schema.Struct({ kind: Schema.Literal("b") }),
    ) as never,
    swapped: Schema.Struct({
      a: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("b")),
      b: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("a")),
    }) as never,
    defaulted: Schema.Struct({
      a: Schema.optionalWith(Schema.NumberFromString, { default: () => 1, nullable: true }),
    }) as never,
    unions: Schema.NullishOr(Schema.Union(Schema.NumberFromString, Schema.Boolean)) as never,
    template: Schema.TemplateLiteral("a", Schema.Number) as never,
    checkedAfter: Schema.transform(Schema.String, Schema.NonEmptyString, {
      decode: (text) => text.trim(),
      encode: (text) => text,
    }) as never,
    // The Schema validates against the whole and then encodes with the first member that fits.
    overlapping: Schema.Union(
      Schema.Struct({ a: Schema.Number }),
      Schema.Struct({ a: Schema.Number, b: Schema.Number }),
    ) as never,
    omitted: Schema.Struct({
      a: Schema.optionalToOptional(Schema.NullishOr(Schema.Number), Schema.NullOr(Schema.Number), {
        decode: Option.filter((value) => value !== undefined),
        encode: Option.filter((value) => value !== null && value > 1),
      }),
    }) as never,
    changed: Schema.Struct({
      a: Schema.optionalToOptional(Schema.Number, Schema.Int, {
        decode: Option.map((value) => value * 10),
        encode: Option.map((value) => value / 10),
      }),
    }) as never,
    option: Schema.Struct({ a: Schema.Option(Schema.NumberFromString) }) as never,
    dated: Schema.Struct({ at: Schema.Date, by: Schema.DateTimeUtc }) as never,
  }
  const inputs: ReadonlyArray<unknown> = [
    undefined,
    null,
    "",
    " ",
    "12",
    "a1",
    "x",
    true,
    [],
    ["x"],
    ["x", 1],
    ["x", 1, 2],
    [true],
    {},
    { a: 1 },
    { a: 1.5 },
    { a: 2.5 },
    { a: "1" },
    { a: { _tag: "Some", value: "1" } },
    { a: null },
    { a: undefined },
    { a: 1, b: 2 },
    { b: 2 },
    { kind: "a" },
    { kind: "a", size: 1 },
    { kind: "a", size: "1" },
    { kind: "b" },
    { kind: "c" },
    { kind: 1 },
    { next: {} },
    { next: { next: { next: {} } } },
    { next: { next: 1 } },
    { at: "2026-01-31", by: "2026-01-31T00:00:00Z" },
    { at: "2026-01-31", by: "never" },
  ]

  for (const [name, schema] of Object.entries(schemas)) {
    it(`reads as it decodes: ${name}`, () => {
      const plain = Schema.decodeUnknownEither(schema)
      const quick = makeDecoder(schema)
      for (const input of inputs) expect(shown(quick(input))).toEqual(shown(plain(input)))
    })

    it(`writes as it encodes: ${name}`, () => {
      const validate = Schema.validateEither(schema, { errors: "all", onExcessProperty: "error" })
      const encode = Schema.encodeEither(schema)
      const quick = makeStrictEncoder(schema)
      const decode = Schema.decodeUnknownEither(schema)
      for (const input of inputs) {
        const value = Either.getOrElse(decode(input), () => input)
        const plain = Either.flatMap(validate(value), (valid) => encode(valid))
        expect(shown(quick(value))).toEqual(shown(plain))
      }
    })
  }
})

it("a codec is built on first use", () => {
  let reads = 0
  const schema = Object.create(Schema.String, {
    ast: {
      get: () => {
        reads += 1
        return Schema.String.ast
      },
    },
  }) as typeof Schema.String
  const decode = makeDecoder(schema)
  const encode = makeStrictEncoder(schema)
  expect(reads).toBe(0)
  expect([decode("a"), encode("a")]).toEqual([Either.right("a"), Either.right("a")])
  expect(reads).toBeGreaterThan(0)
})

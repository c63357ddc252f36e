/** A component as JSON: a kind or a shape that this version does not know. */
import * as Arbitrary from "effect/Arbitrary"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Kind } from "./kinds.js"

const json = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const Whole = Schema.Struct({
  // Errors do not offer it among the kinds.
  type: Schema.Literal("unknown").annotations({ description: "nothing" }),
  raw: json.annotations({
    arbitrary: () => (fc) =>
      fc.record({ type: fc.integer({ min: 100, max: 200 }), novelty: fc.string() }),
  }),
})

type Json = typeof json.Type

const whole = (raw: Json) => ParseResult.succeed({ type: "unknown" as const, raw })

/** Incoming: anything. */
export const Raw = Schema.transformOrFail(json, Whole, {
  strict: true,
  decode: whole,
  encode: ({ raw }) => ParseResult.succeed(raw),
})

const kinds: ReadonlyArray<unknown> = Object.values(Kind)

/** From JSON, a kind that we know is held to the rules of that kind. */
const RawCreate = Schema.transformOrFail(json, Whole, {
  strict: true,
  decode: (raw, _, ast) =>
    kinds.includes(raw["type"]) ? ParseResult.fail(new ParseResult.Type(ast, raw)) : whole(raw),
  encode: ({ raw }) => ParseResult.succeed(raw),
})

/**
 * Outgoing: one of the kinds, or any as it is. Only the kinds are generated, and only they are in
 * the type of the JSON.
 */
export function orRaw<const Members extends ReadonlyArray<Schema.Schema.All>>(...members: Members) {
  const known = Schema.Union(...members)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const raw = RawCreate as unknown as Schema.Schema<typeof Whole.Type, never>
  return Schema.Union(...members, raw).annotations({
    arbitrary: () => (fc) => Arbitrary.makeLazy(known)(fc),
  })
}

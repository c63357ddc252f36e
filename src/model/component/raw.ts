/** A component as JSON, in both directions: a kind or a shape that this version does not know. */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

const json = Schema.Record({ key: Schema.String, value: Schema.Unknown })

export const Raw = Schema.transformOrFail(
  json,
  Schema.Struct({
    type: Schema.Literal("unknown"),
    raw: json.annotations({
      arbitrary: () => (fc) =>
        fc.record({ type: fc.integer({ min: 100, max: 200 }), novelty: fc.string() }),
    }),
  }),
  {
    strict: true,
    decode: (raw) => ParseResult.succeed({ type: "unknown" as const, raw }),
    encode: ({ raw }) => ParseResult.succeed(raw),
  },
)

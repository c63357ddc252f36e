import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { runs } from "../support/laws.js"

/** What every Schema of ours keeps: a value survives the way to Discord and back. */
export function law<A, I>(name: string, schema: Schema.Schema<A, I>, count: number) {
  describe(name, () => {
    const values = Arbitrary.make(schema)
    const encode = Schema.encodeSync(schema)
    const decode = Schema.decodeUnknownSync(schema)

    it(`comes back from the wire as it was sent (${count} values)`, () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          expect(decode(JSON.parse(JSON.stringify(encode(value))))).toEqual(value)
        }),
        { numRuns: runs(count) },
      )
    })

    it("is written the same when it was read before", () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          const wire: unknown = JSON.parse(JSON.stringify(encode(value)))
          expect(JSON.parse(JSON.stringify(encode(decode(wire))))).toStrictEqual(wire)
        }),
        { numRuns: runs(Math.min(count, 200)) },
      )
    })
  })
}

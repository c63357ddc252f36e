import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, FastCheck, Schema } from "effect"

/** What every Schema of ours keeps: a value survives the way to Discord and back. */
export function law<A, I>(name: string, schema: Schema.Schema<A, I>, runs: number) {
  describe(name, () => {
    const values = Arbitrary.make(schema)
    const encode = Schema.encodeSync(schema)
    const decode = Schema.decodeUnknownSync(schema)

    it(`comes back from the wire as it was sent (${runs} values)`, () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          expect(decode(JSON.parse(JSON.stringify(encode(value))))).toEqual(value)
        }),
        { numRuns: runs },
      )
    })

    it("is written the same when it was read before", () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          const wire: unknown = JSON.parse(JSON.stringify(encode(value)))
          expect(JSON.parse(JSON.stringify(encode(decode(wire))))).toStrictEqual(wire)
        }),
        { numRuns: Math.min(runs, 200) },
      )
    })
  })
}

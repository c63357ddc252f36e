import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, FastCheck, Schema } from "effect"
import * as MessageCreate from "../../src/model/MessageCreate.js"
import * as MessageEdit from "../../src/model/MessageEdit.js"
import { emitting } from "../../src/model/onePass.js"
import { WebhookModify } from "../../src/model/WebhookModify.js"

/** What would change it in place, throws. */
function frozen(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
}

const outgoing = <A, I>(name: string, schema: Schema.Schema<A, I>) =>
  it(`emits ${name} as its Schema encodes it`, () => {
    const plain = Schema.encodeSync(schema)
    const validate = Schema.validateSync(schema)
    const quick = Schema.encodeSync(emitting(schema))
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(schema), (value) => {
        expect(quick(validate(value))).toEqual(plain(value))
      }),
      { numRuns: 300 },
    )
  })

describe("one pass", () => {
  outgoing("a message", MessageCreate.MessageCreate)
  outgoing("an edit", MessageEdit.MessageEdit)
  outgoing("changes of a webhook", WebhookModify)

  it("leaves the caller's message as it is", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(MessageCreate.MessageCreate), (message) => {
        frozen(message)
        expect(() => MessageCreate.encode(message)).not.toThrow()
      }),
      { numRuns: 300 },
    )
  })
})

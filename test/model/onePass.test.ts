import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, Schema } from "effect"
import type { ParseResult } from "effect"
import * as Issue from "../../src/model/Issue.js"
import { Message } from "../../src/model/Message.js"
import * as MessageCreate from "../../src/model/MessageCreate.js"
import * as MessageEdit from "../../src/model/MessageEdit.js"
import { emitting, trusting } from "../../src/model/onePass.js"
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

const issuesOf = (read: Either.Either<unknown, ParseResult.ParseError>) =>
  Either.match(read, { onLeft: Issue.fromParseError, onRight: () => [] })

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

  it("reads a message as its Schema decodes it", () => {
    const encode = Schema.encodeSync(Message)
    const plain = Schema.decodeUnknownSync(Message)
    const quick = Schema.decodeUnknownSync(trusting(Message))
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(Message), (message) => {
        const json = encode(message)
        expect(quick(json)).toEqual(plain(json))
      }),
      { numRuns: 200 },
    )
  })

  it("refuses what its Schema refuses, in the same words", () => {
    const plain = Schema.decodeUnknownEither(Message)
    const quick = Schema.decodeUnknownEither(trusting(Message))
    for (const json of [
      null,
      {},
      { id: 1 },
      { id: "1", channel_id: "2", author: {}, timestamp: "x" },
    ]) {
      expect(issuesOf(quick(json))).toEqual(issuesOf(plain(json)))
    }
  })
})

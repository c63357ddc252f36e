import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import {
  IncomingWebhookRequestPartialSchema,
  IncomingWebhookUpdateRequestPartialSchema,
} from "discord-api-spec/zod"

import { MessageCreate, MessageEdit } from "../../src/index.js"
import { runs } from "../support/laws.js"

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/**
 * Where Discord's OpenAPI is stricter than its documentation, the body is changed to what the spec accepts;
 * everything else must be accepted unchanged:
 *
 * - The emoji of a button or an option: the spec wants a `name` (docs: a partial emoji, whose id
 *   is enough for a custom one) and does not know `animated` (docs: it does).
 */
function withSpecEmoji(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSpecEmoji)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    if (key !== "emoji") return [key, withSpecEmoji(inner)]
    const { animated: _, ...emoji } = inner as Record<string, unknown>
    return [key, { name: "any", ...emoji }]
  })
  return Object.fromEntries(entries)
}

/** Poll emoji have no such rule, so the exception is made for components only. */
function asTheSpecWants(body: unknown): unknown {
  const { components, ...rest } = body as { readonly components?: unknown }
  return components === undefined ? rest : { ...rest, components: withSpecEmoji(components) }
}

describe("every body we can send is one of Discord's OpenAPI", () => {
  // Zod drops unknown keys silently: equality with what went in proves that we send none.
  it("MessageCreate", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(MessageCreate.MessageCreate), (message) => {
        const body = asTheSpecWants(json(Effect.runSync(MessageCreate.encode(message))))
        expect(IncomingWebhookRequestPartialSchema.parse(body)).toStrictEqual(body)
      }),
      { numRuns: runs(3000) },
    )
  })

  it("MessageEdit", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(MessageEdit.MessageEdit), (edit) => {
        const body = asTheSpecWants(json(Effect.runSync(MessageEdit.encode(edit))))
        expect(IncomingWebhookUpdateRequestPartialSchema.parse(body)).toStrictEqual(body)
      }),
      { numRuns: runs(3000) },
    )
  })

  it("rejects what our Schemas reject, so that the two tests above can fail", () => {
    const accepts = (body: unknown) => IncomingWebhookRequestPartialSchema.safeParse(body).success
    expect(accepts({ content: "x".repeat(2001) })).toBe(false)
    expect(accepts({ components: [{ type: 10, content: "" }] })).toBe(false)
    expect(IncomingWebhookRequestPartialSchema.parse({ avatarUrl: "a" })).toEqual({})
  })
})

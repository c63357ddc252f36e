import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Struct from "effect/Struct"

import { AllowedMentions, Component, MessageCreate, MessageEdit, Poll } from "../../src/index.js"
import { runs } from "../support/laws.js"

const usersOnly = { parse: ["users"] }

const sent = (message: MessageCreate.MessageCreate) =>
  Effect.map(MessageCreate.encode(message), (wire) => wire.allowed_mentions)
const edited = (edit: MessageEdit.MessageEdit) =>
  Effect.map(MessageEdit.encode(edit), (wire) => wire.allowed_mentions)

describe("a message without allowedMentions", () => {
  it.effect("notifies users, but no role and not everyone, by explicit allowed_mentions", () =>
    Effect.gen(function* () {
      for (const content of ["@everyone", "@here", "<@1> and <@&2>", "mail@example.com"]) {
        expect(yield* sent({ content })).toEqual(usersOnly)
        expect(yield* edited({ content })).toEqual(usersOnly)
      }
    }),
  )

  it.effect("does so for the texts of components, however deep", () =>
    Effect.gen(function* () {
      const at = Component.text("@everyone")
      const thumbnail = Component.thumbnail("https://example.com/a.png")
      for (const component of [
        at,
        Component.container([at]),
        Component.section([Component.text("a"), at], thumbnail),
        Component.container([Component.text("a"), Component.section([at], thumbnail)]),
      ]) {
        expect(yield* sent({ components: [Component.separator(), component] })).toEqual(usersOnly)
        expect(yield* edited({ components: [component] })).toEqual(usersOnly)
      }
    }),
  )

  it.effect("sends no allowed_mentions when no text mentions", () =>
    Effect.gen(function* () {
      expect(yield* MessageCreate.encode({ content: "hello" })).toStrictEqual({ content: "hello" })
      // Mentions in these notify nobody.
      expect(yield* sent({ embeds: [{ description: "@everyone" }] })).toBeUndefined()
      expect(yield* sent({ poll: Poll.make("@everyone?", ["@here"]) })).toBeUndefined()
      expect(yield* sent({ components: [Component.separator()] })).toBeUndefined()
      expect(yield* edited({ content: null, embeds: [] })).toBeUndefined()
    }),
  )

  it.effect("is not replaced when allowedMentions is given, even if empty", () =>
    Effect.gen(function* () {
      const content = "@everyone"
      for (const allowedMentions of [{}, AllowedMentions.none, { users: ["1"] }]) {
        expect(yield* sent({ content, allowedMentions })).toEqual(allowedMentions)
        expect(yield* edited({ content, allowedMentions })).toEqual(allowedMentions)
      }
      expect(yield* sent({ content, allowedMentions: undefined })).toEqual(usersOnly)
      expect(yield* edited({ content, allowedMentions: null })).toEqual(usersOnly)
    }),
  )

  it("gets allowed_mentions exactly when one of its texts contains an @", () => {
    FastCheck.assert(
      FastCheck.property(
        Arbitrary.make(MessageCreate.MessageCreate),
        FastCheck.infiniteStream(FastCheck.boolean()),
        (generated, coin) => {
          const message = Struct.omit(generated, "allowedMentions")
          let hasAt = false
          // Short generated texts, some of which get an @, far below every limit.
          const text = () => {
            const at = coin.next().value
            hasAt ||= at
            return at ? "a @ b" : "a b"
          }
          const marked = JSON.stringify(message, (key, value: unknown) =>
            key === "content" && typeof value === "string" && value.trim() !== "" ? text() : value,
          )
          const given = JSON.parse(marked) as MessageCreate.MessageCreate
          const wire = Effect.runSync(MessageCreate.encode({ ...given, embeds: message.embeds }))
          expect(wire.allowed_mentions).toEqual(hasAt ? usersOnly : undefined)
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})

describe("presets", () => {
  it.effect("are encoded as given", () =>
    Effect.gen(function* () {
      const preset = (allowedMentions: AllowedMentions.AllowedMentions) =>
        sent({ content: "a", allowedMentions })
      expect(yield* preset(AllowedMentions.none)).toEqual({ parse: [] })
      expect(yield* preset(AllowedMentions.users)).toEqual(usersOnly)
      expect(yield* preset(AllowedMentions.all)).toEqual({ parse: ["users", "roles", "everyone"] })
    }),
  )
})

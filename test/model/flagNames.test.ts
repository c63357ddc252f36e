import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

import { Component, MessageCreate, MessageEdit, MessageFlags } from "../../src/index.js"
import { faults } from "./faults.js"

const { Flag } = MessageFlags
const text = Component.text("hello")

const sent = (message: MessageCreate.MessageCreate) =>
  Effect.map(MessageCreate.encode(message), (wire) => wire.flags)

describe("flags by name", () => {
  it.effect("become the bits that Discord reads", () =>
    Effect.gen(function* () {
      expect(yield* sent({ content: "a", flags: ["SuppressEmbeds"] })).toBe(4)
      expect(yield* sent({ content: "a", flags: ["SuppressNotifications"] })).toBe(4096)
      expect(
        yield* sent({ content: "a", flags: ["SuppressNotifications", "SuppressEmbeds"] }),
      ).toBe(4100)
      expect(yield* sent({ content: "a", flags: ["IsVoiceMessage"] })).toBe(8192)
      expect(yield* sent({ content: "a", flags: [] })).toBe(0)
    }),
  )

  it.effect("hide and show the embeds of a message that was sent", () =>
    Effect.gen(function* () {
      expect(yield* MessageEdit.encode({ flags: ["SuppressEmbeds"] })).toStrictEqual({ flags: 4 })
      expect(yield* MessageEdit.encode({ flags: [] })).toStrictEqual({ flags: 0 })
    }),
  )

  it.effect("are kept beside the automatic flag of Components V2", () =>
    Effect.gen(function* () {
      const flags = ["SuppressNotifications"] as const
      expect(yield* sent({ components: [text], flags })).toBe(Flag.IsComponentsV2 | 4096)
      expect(yield* sent({ components: [text], flags: ["IsComponentsV2"] })).toBe(32_768)
      const edit = yield* MessageEdit.encode({ components: [text], flags: ["SuppressEmbeds"] })
      expect(edit.flags).toBe(Flag.IsComponentsV2 | 4)
    }),
  )

  it.effect("forbid content beside Components V2 as the bit does", () =>
    Effect.gen(function* () {
      const [refused] = yield* faults(
        MessageCreate.encode({ content: "a", flags: ["IsComponentsV2"] }),
      )
      expect(refused?.path).toBe("content")
    }),
  )

  it.effect("are only those that a webhook may set, which the error lists", () =>
    Effect.gen(function* () {
      // @ts-expect-error -- Discord sets it, a webhook cannot
      const message: MessageCreate.MessageCreate = { content: "a", flags: ["Urgent"] }
      expect(yield* faults(MessageCreate.encode(message))).toEqual([
        {
          path: "flags[0]",
          message: `expected "IsComponentsV2", "IsVoiceMessage", "SuppressEmbeds" or "SuppressNotifications", got "Urgent"`,
        },
      ])
    }),
  )

  it("are numbers when they come from Discord, and turn into each other", () => {
    expectTypeOf<MessageFlags.MessageFlagsEdit>().toExtend<
      Parameters<typeof MessageFlags.toNumber>[0]
    >()
    expect(MessageFlags.toNumber(4100)).toBe(4100)
    expect(MessageFlags.toNumber(MessageFlags.names(4100))).toBe(4100)
    expect(MessageFlags.toNumber([])).toBe(0)
  })
})

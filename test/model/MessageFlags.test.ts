import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

import { MessageCreate, MessageFlags } from "../../src/index.js"
import { faults } from "./faults.js"

const { Flag } = MessageFlags

describe("MessageFlags", () => {
  it("combines, tests and names bits", () => {
    const flags = MessageFlags.combine(Flag.SuppressEmbeds, Flag.SuppressNotifications, 1 << 10)
    expect(flags).toBe(4 + 4096 + 1024)
    expect(MessageFlags.has(flags, Flag.SuppressEmbeds)).toBe(true)
    expect(MessageFlags.has(flags, Flag.HasThread)).toBe(false)
    expect(MessageFlags.has(Flag.SuppressEmbeds, flags)).toBe(false)
    expect(MessageFlags.names(flags)).toEqual(["SuppressEmbeds", "SuppressNotifications"])
    expect(MessageFlags.combine()).toBe(0)
  })

  it.effect("accepts only flags that a webhook may set, and lists the others", () =>
    Effect.gen(function* () {
      const flags = (value: number) => faults(MessageCreate.encode({ content: "a", flags: value }))
      for (const settable of [
        0,
        Flag.SuppressEmbeds,
        Flag.SuppressNotifications,
        Flag.IsVoiceMessage,
      ]) {
        expect(yield* flags(settable)).toEqual([])
      }
      expect(
        yield* flags(MessageFlags.combine(Flag.Ephemeral, Flag.HasThread, Flag.SuppressEmbeds)),
      ).toEqual([{ path: "flags", message: "cannot be set by a webhook: HasThread, Ephemeral" }])
      expect(yield* flags(1 << 10)).toEqual([
        { path: "flags", message: "cannot be set by a webhook: 1024" },
      ])
      expect(yield* flags(2 ** 32)).toEqual([
        { path: "flags", message: "cannot be set by a webhook: 4294967296" },
      ])
      expect((yield* flags(1.5))[0]?.message).toBe("must be a bitfield, got 1.5")
      expect((yield* flags(-4))[0]?.message).toBe("must be a bitfield, got -4")
    }),
  )

  it("lets an edit repeat every bit that is already set", () => {
    const accepts = Schema.is(MessageFlags.MessageFlagsEdit)
    expect(
      [0, Flag.HasThread | Flag.SuppressEmbeds, 1 << 10].filter((flags) => !accepts(flags)),
    ).toEqual([])
    expect([-1, 0.5, 2 ** 31].filter((flags) => accepts(flags))).toEqual([])
  })
})

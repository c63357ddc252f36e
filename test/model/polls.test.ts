import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

import { MessageCreate, Poll } from "../../src/index.js"
import { faults } from "./faults.js"

const lasting = (duration: Poll.MakeOptions["duration"]) =>
  MessageCreate.encode({ poll: Poll.make("Lunch?", ["Pizza"], { duration }) })

describe("Poll.make", () => {
  it("encodes only the given fields", () => {
    expect(Poll.make("Lunch?", ["Pizza", { text: "Salad", emoji: { id: "1" } }])).toStrictEqual({
      question: { text: "Lunch?" },
      answers: [
        { pollMedia: { text: "Pizza" } },
        { pollMedia: { text: "Salad", emoji: { id: "1" } } },
      ],
    })
    expect(Poll.make("Lunch?", [], { allowMultiselect: true })).toMatchObject({
      allowMultiselect: true,
    })
  })

  it.effect("accepts hours or a Duration", () =>
    Effect.gen(function* () {
      const hours = (duration: Poll.MakeOptions["duration"]) =>
        Effect.map(lasting(duration), ({ poll }) => poll?.duration)
      expect(yield* hours(4)).toBe(4)
      expect(yield* hours("1 hour")).toBe(1)
      expect(yield* hours("3 days")).toBe(72)
      expect(yield* hours(Duration.weeks(1))).toBe(168)
      expect(yield* hours("32 days")).toBe(768)
      expect(yield* hours(undefined)).toBeUndefined()
    }),
  )

  it.effect("rejects a duration that Discord does not accept", () =>
    Effect.gen(function* () {
      const path = "poll.duration"
      const message = (got: string) => `a whole number of hours from 1 to 768, got ${got}`
      expect(yield* faults(lasting("90 minutes"))).toEqual([{ path, message: message("1.5") }])
      expect(yield* faults(lasting("33 days"))).toEqual([{ path, message: message("792") }])
      expect(yield* faults(lasting("0 hours"))).toEqual([{ path, message: message("0") }])
      expect(yield* faults(lasting(Duration.infinity))).toEqual([
        { path, message: message("Infinity") },
      ])
    }),
  )
})

import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"

import { MessageCreate, ThreadCreate } from "../../src/index.js"
import { faults } from "./faults.js"
import { law } from "./law.js"

addEqualityTesters()

const tags = (count: number) => Array.from({ length: count }, (_, index) => String(index))

describe("ThreadCreate", () => {
  law("on the wire", ThreadCreate.ThreadCreate, 500)

  it("is encoded in the message that starts the thread", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(ThreadCreate.ThreadCreate), (thread) => {
        const { name: threadName, appliedTags } = thread
        const message = MessageCreate.encode({ threadName, appliedTags })
        expect(Effect.runSync(ThreadCreate.encode(thread))).toEqual(Effect.runSync(message))
      }),
    )
  })

  it.effect.each<[name: string, thread: ThreadCreate.ThreadCreate, path: string, what: string]>([
    ["an empty name", { name: "" }, "name", "at least 1 code point, got 0"],
    ["a long name", { name: "x".repeat(101) }, "name", "at most 100 code points, got 101"],
    ["six tags", { name: "x", appliedTags: tags(6) }, "appliedTags", "at most 5 tags, got 6"],
  ])("refuses %s", ([, thread, path, message]) =>
    Effect.gen(function* () {
      expect(yield* faults(ThreadCreate.encode(thread))).toEqual([{ path, message }])
    }),
  )

  it.effect.each<ThreadCreate.ThreadCreate>([
    { name: "x" },
    { name: "𝒳".repeat(100), appliedTags: tags(5) },
  ])("takes what is just within the limits", (thread) =>
    Effect.gen(function* () {
      expect(yield* faults(ThreadCreate.encode(thread))).toEqual([])
    }),
  )

  it("rejects an unknown field", () => {
    const thread = { name: "x", tags: ["1"] } as ThreadCreate.ThreadCreate
    expect(Either.isLeft(Effect.runSync(Effect.either(ThreadCreate.encode(thread))))).toBe(true)
  })
})

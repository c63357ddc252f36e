import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { Snowflake } from "../../src/index.js"

const MAX = 2n ** 64n - 1n

describe("Snowflake", () => {
  it("takes decimal digits up to 64 bits, and nothing else", () => {
    const accepts = Schema.is(Snowflake.Snowflake)
    const good = ["0", "1", "175928847299117063", String(MAX)]
    const bad = [
      "",
      "007",
      "-1",
      "1.5",
      "1e3",
      "0x10",
      " 1",
      "1 ",
      "١",
      String(MAX + 1n),
      "9".repeat(21),
    ]
    expect(good.filter((id) => !accepts(id))).toEqual([])
    expect(bad.filter((id) => accepts(id))).toEqual([])
  })

  it("is written as a plain string where we send it", () => {
    const accepts = Schema.is(Snowflake.SnowflakeInput)
    expect(accepts("175928847299117063") && accepts(Snowflake.make(1n))).toBe(true)
    expect(accepts("everyone")).toBe(false)
  })

  it("throws when made of something else", () => {
    expect(() => Snowflake.make("webhook")).toThrow(/snowflake/)
    expect(() => Snowflake.make(MAX + 1n)).toThrow(/64-bit/)
  })

  it("contains its creation time (the documentation's example)", () => {
    expect(DateTime.formatIso(Snowflake.timestamp("175928847299117063"))).toBe(
      "2016-04-30T11:18:25.796Z",
    )
    expect(Snowflake.fromTimestamp("2016-04-30T11:18:25.796Z")).toBe("175928847298985984")
    expect(Snowflake.fromTimestamp("2015-01-01T00:00:00Z")).toBe("0")
  })

  it("keeps the moment to the millisecond, and is the smallest of its millisecond", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: 1_420_070_400_001, max: 4_102_444_800_000 }),
        (ms) => {
          const id = Snowflake.fromTimestamp(ms)
          expect(DateTime.toEpochMillis(Snowflake.timestamp(id))).toBe(ms)
          const before = Snowflake.make(BigInt(id) - 1n)
          expect(DateTime.toEpochMillis(Snowflake.timestamp(before))).toBe(ms - 1)
        },
      ),
    )
  })

  it("is ordered as a number", () => {
    expect(Arr.sort(["10", "9", "100", "9"], Snowflake.Order)).toEqual(["9", "9", "10", "100"])
    const ids = Arbitrary.make(Snowflake.Snowflake)
    FastCheck.assert(
      FastCheck.property(ids, ids, (a, b) => {
        expect(Snowflake.Order(a, b)).toBe(Math.sign(Number(BigInt(a) - BigInt(b))))
      }),
    )
  })
})

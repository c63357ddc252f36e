import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Color } from "../../src/index.js"

describe("Color", () => {
  const encode = Schema.encodeSync(Color.Color)

  it("is an integer on the wire, however it was written", () => {
    expect(
      [0x5865f2, "#5865f2", "#5865F2", 0, "#000000", "#ffffff"].map((color) =>
        encode(color as Color.Color),
      ),
    ).toEqual([5793266, 5793266, 5793266, 0, 0, 0xffffff])
  })

  it("is not a fraction, a short form, a name, or out of range", () => {
    const bad: ReadonlyArray<unknown> = [
      -1,
      0x1000000,
      1.5,
      Number.NaN,
      "#fff",
      "5865f2",
      "#5865fg",
      "#5865f21",
      "red",
    ]
    expect(bad.filter(Schema.is(Color.Color))).toEqual([])
  })

  it("is converted both ways", () => {
    expect(Color.toHex(0xff)).toBe("#0000ff")
    expect(Color.toHex("#5865F2")).toBe("#5865f2")
    expect(Color.toNumber("#0000ff")).toBe(255)
  })
})

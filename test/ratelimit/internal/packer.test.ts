import { it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { describe, expect } from "vitest"
import { Packer } from "../../../src/ratelimit/internal/packedWebhooks.js"
import { runs } from "../../support/laws.js"

class Point {
  x = 0
  y: number | undefined = undefined
  readonly #secret = 1
  get sum(): number {
    return this.x + (this.y ?? 0) + this.#secret
  }
}

const isPolicy = (value: object) => "decide" in value
const makePacker = () => new Packer([() => new Point()], isPolicy)

const point = FastCheck.record({
  x: FastCheck.double(),
  y: FastCheck.option(FastCheck.double()),
}).map(({ x, y }) => Object.assign(new Point(), { x, y: y ?? undefined }))

const { data } = FastCheck.letrec<{ data: unknown }>((tie) => ({
  data: FastCheck.oneof(
    { maxDepth: 4 },
    FastCheck.double(),
    FastCheck.constantFrom(0, -0, 1, Infinity, -Infinity, NaN, undefined, null, true, "text", 3n),
    point,
    FastCheck.array(tie("data"), { maxLength: 4 }),
    FastCheck.dictionary(FastCheck.constantFrom("a", "b", "c"), tie("data")),
  ),
}))

describe("a packer", () => {
  it("returns what was packed, in any order", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(data, { minLength: 1, maxLength: 8 }), (values) => {
        const packer = makePacker()
        const packed = values.map((value, index) => packer.pack(value, [index, 0]))
        expect(packed.map((one) => packer.unpack(one!, 2))).toStrictEqual(values)
        expect(packed.map((one) => one![1])).toEqual(values.map((_, index) => index))
      }),
      { numRuns: runs(1000) },
    )
  })

  it("stores the numbers only, once for each value of a form", () => {
    const packer = makePacker()
    const valueAt = (at: number) => ({
      id: "hash",
      at,
      none: undefined,
      list: [at, { at }],
      zero: 0,
    })
    expect(packer.pack(valueAt(1.5), [])).toEqual([0, 1.5, 1.5, 1.5])
    expect(packer.pack(valueAt(2.5), [])).toEqual([0, 2.5, 2.5, 2.5])
    expect(packer.pack({ ...valueAt(2.5), id: "other" }, [])?.[0]).toBe(1)
  })

  it("makes objects of their classes, and keeps a whole object", () => {
    const packer = makePacker()
    const policy = { decide: () => 1, initial: new Date(0) }
    const made = packer.unpack(
      packer.pack({ point: Object.assign(new Point(), { x: 2 }), policy }, [])!,
      0,
    )
    expect(made).toHaveProperty("point.sum", 3)
    expect((made as { policy: unknown }).policy).toBe(policy)
  })

  it.each([
    ["another class", { at: new Date(0) }],
    ["a map", new Map()],
    ["more data than a webhook has", Array.from({ length: 600 }, () => [])],
  ])("packs nothing of %s", (_name, value) => {
    const packer = makePacker()
    expect(packer.pack(value, [])).toBeUndefined()
    expect(packer.unpack(packer.pack({ a: 1 }, [])!, 0)).toEqual({ a: 1 })
  })

  it("packs no cycle", () => {
    const cyclic: Record<string, unknown> = { at: 1 }
    cyclic["self"] = cyclic
    expect(makePacker().pack(cyclic, [])).toBeUndefined()
  })

  it("packs known forms when there are too many others", () => {
    const packer = makePacker()
    const packed = Array.from({ length: 100 }, (_, index) => packer.pack({ id: `${index}` }, []))
    expect(packed.filter((one) => one !== undefined)).toHaveLength(64)
    expect(packed.at(-1)).toBeUndefined()
    expect(packer.unpack(packer.pack({ id: "7" }, [])!, 0)).toEqual({ id: "7" })
  })
})

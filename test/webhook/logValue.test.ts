import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { WebhookValidationError } from "../../src/error/WebhookError.js"
import { formatCause, formatValue } from "../../src/webhook/logValue.js"
import { runs } from "../support/laws.js"

class Declined extends Data.TaggedError("Declined")<{ readonly code: number }> {}

class Order {
  readonly id = 7n
  readonly total = Option.some(3)
}

const circular: Record<string, unknown> = { name: "a" }
circular["self"] = [circular]

const json = (value: unknown): unknown => JSON.parse(formatValue(value))

describe("a value", () => {
  it.each<readonly [string, unknown, unknown]>([
    [
      "a nested error",
      { error: new TypeError("no") },
      { error: { name: "TypeError", message: "no" } },
    ],
    [
      "an error's tag, fields and causes",
      [new Error("outer", { cause: Object.assign(new Declined({ code: 4 }), { cause: "bank" }) })],
      [
        {
          name: "Error",
          message: "outer",
          cause: { name: "Declined", message: "", _tag: "Declined", code: 4, cause: "bank" },
        },
      ],
    ],
    ["bigints", { big: 12n, list: [1n] }, { big: "12n", list: ["1n"] }],
    ["a Map by its keys", new Map([["a", new Map([[1, new Set([2n])]])]]), { a: [[1, ["2n"]]] }],
    ["a Set", { set: new Set(["a", { b: 1 }]) }, { set: ["a", { b: 1 }] }],
    ["what is redacted", [Redacted.make("s3cret")], ["<redacted>"]],
    ["dates", [new Date(0), new Date(Number.NaN)], ["1970-01-01T00:00:00.000Z", null]],
    [
      "class instances",
      new Order(),
      { id: "7n", total: { _id: "Option", _tag: "Some", value: 3 } },
    ],
    [
      "what is its own JSON",
      Object.assign(new Order(), {
        toJSON() {
          return this
        },
      }),
      { id: "7n", total: { _id: "Option", _tag: "Some", value: 3 }, toJSON: "[Function toJSON]" },
    ],
    ["what holds itself", circular, { name: "a", self: ["(circular)"] }],
    [
      "Effect's data with errors in it",
      // An untagged error on purpose: this is about how it is shown.
      // @effect-diagnostics-next-line globalErrorInEffectFailure:off
      Either.left(new Error("no")),
      { _id: "Either", _tag: "Left", left: { name: "Error", message: "no" } },
    ],
    ["a Chunk", Chunk.make(1n), { _id: "Chunk", values: ["1n"] }],
    ["a HashMap", HashMap.make(["a", 1n]), { _id: "HashMap", values: [["a", "1n"]] }],
    ["a Duration", Duration.seconds(1), { _id: "Duration", _tag: "Millis", millis: 1000 }],
    [
      "bytes",
      [new Uint8Array(3), new ArrayBuffer(2)],
      ["[Uint8Array of 3 bytes]", "[ArrayBuffer]"],
    ],
    ["functions and symbols", [Math.max, Symbol("x")], ["[Function max]", "Symbol(x)"]],
    ["numbers that JSON does not know", [Number.NaN, -Infinity], ["NaN", "-Infinity"]],
    ["expressions and addresses", [/a/g, new URL("https://a.b/")], ["/a/g", "https://a.b/"]],
    ["what has nothing to show", [new WeakMap(), Promise.resolve()], ["[WeakMap]", "[Promise]"]],
    ["nothing", [null, undefined], [null, null]],
    [
      "twins, which are no circle",
      [circular["name"], [Order], [Order]],
      ["a", ["[Function Order]"], ["[Function Order]"]],
    ],
  ])("shows %s", (_, value, expected) => {
    expect(json(value)).toEqual(expected)
  })

  it("that is an error has its tag and fields after the stack", () => {
    const text = formatValue(new Declined({ code: 4 }))
    expect(text).toMatch(/^Declined: .*\n +at /)
    const [, fields = ""] = text.split(/\n(?=\{)/)
    expect(JSON.parse(fields)).toEqual({ _tag: "Declined", code: 4 })
    expect(formatValue(new TypeError("no"))).not.toContain("{")
    expect(formatValue(Object.assign(new Error("no"), { token: Redacted.make("s") }))).toContain(
      '"token": "<redacted>"',
    )
  })

  it("shows the rest of what throws", () => {
    const hostile = {
      fine: 1,
      get broken(): never {
        throw new Error("no")
      },
      json: {
        toJSON: () => {
          throw new Error("no")
        },
      },
    }
    expect(json(hostile)).toEqual({
      fine: 1,
      broken: "(cannot be shown)",
      json: "(cannot be shown)",
    })
  })

  it("stays small", () => {
    const list = Array.from({ length: 100_000 }, (_, index) => index)
    const large = { list, set: new Set(list), map: new Map(list.map((n) => [`k${n}`, n])) }
    const shown = json(large) as typeof large & { readonly map: Readonly<Record<string, unknown>> }
    expect(shown.list.length).toBe(201)
    expect(shown.list.at(-1)).toBe("99800 more")
    expect(Object.keys(shown.map)).toHaveLength(201)
    let deep: unknown = "end"
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(formatValue(deep)).toContain("…")
  })

  it("is text for any value", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (value) => {
          const text = formatValue(value)
          expect(typeof text).toBe("string")
          expect(text).not.toContain("[object Object]")
          expect(text).not.toBe("(cannot be shown)")
        },
      ),
      { numRuns: runs(300) },
    )
  })
})

describe("a cause", () => {
  const stack = (...frames: ReadonlyArray<string>) =>
    Object.assign(new Error("broken"), {
      stack: ["Error: broken", ...frames.map((frame) => `    at ${frame}`)].join("\n"),
    })

  it("folds the frames of dependencies and of the runtime", () => {
    const error = stack(
      "work (/app/src/work.ts:1:2)",
      "run (/app/node_modules/effect/src/internal/core.ts:3:4)",
      "C:\\app\\node_modules\\effect\\core.js:5:6",
      "async main (file:///app/src/main.ts:7:8)",
      "process.processTicksAndRejections (node:internal/process/task_queues:9:10)",
    )
    expect(formatCause(Cause.fail(error)).split("\n")).toEqual([
      "Error: broken",
      "    at work (/app/src/work.ts:1:2)",
      "    … 2 frames of dependencies",
      "    at async main (file:///app/src/main.ts:7:8)",
      "    … 1 frame of dependencies",
    ])
  })

  it("leaves lines alone that are no frames", () => {
    const text = "look at node_modules/effect\n  at noon"
    expect(formatCause(Cause.fail(text))).toBe(`Error: ${text}`)
  })

  it("may be of an error that throws when it is read", () => {
    const hostile = Object.defineProperty(new Error("a"), "message", {
      get: () => {
        throw new Error("no")
      },
    })
    expect(formatCause(Cause.die(hostile))).toBe("(cannot be shown)")
  })

  it("shows failures that are no errors", () => {
    const failure = { _tag: "Declined", reason: new Error("card"), cents: 12n }
    for (const cause of [Cause.fail(failure), Cause.die(failure)]) {
      const text = formatCause(cause)
      expect(text).toContain('"message": "card"')
      expect(text).toContain('"12n"')
    }
    const both = formatCause(Cause.sequential(Cause.fail(1n), Cause.die(new Set([2]))))
    expect(both).toContain("1n")
    expect(both).toContain("2")
  })

  it("names the tag and the reasons of an error", () => {
    const error = new WebhookValidationError({
      operation: "Webhook.send",
      route: "POST /x",
      issues: [{ path: "content", message: "is too long" }],
    })
    expect(formatValue(error)).toMatch(
      /^WebhookValidationError: Webhook\.send: content: is too long/,
    )
    const outer = new Error("outer", { cause: new Error("inner", { cause: "root" }) })
    expect(formatValue(outer)).toMatch(/^Error: outer[^]*\[cause\]: Error: inner[^]*root/)
  })
})

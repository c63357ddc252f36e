import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

import { DiscordApiBody } from "../../src/index.js"
import { runs } from "../support/laws.js"

describe("DiscordApiBody", () => {
  it("reads any JSON without throwing", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.jsonValue(), (body) => {
        DiscordApiBody.fromUnknown(body)
        DiscordApiBody.rateLimitFromUnknown(body)
        DiscordApiBody.flatten(body)
      }),
      { numRuns: runs(2000) },
    )
  })

  it("ends on a cyclic object, which untyped code may pass", () => {
    const cyclic: Record<string, unknown> = {}
    cyclic["a"] = cyclic
    cyclic["b"] = [cyclic, cyclic]
    const body = DiscordApiBody.fromUnknown({ code: 50035, message: "Invalid", errors: cyclic })
    expect(Option.map(body, ({ code }) => code)).toEqual(Option.some(50035))
  })

  it("returns nothing for bodies that are not Discord's errors", () => {
    const others = [
      null,
      undefined,
      0,
      "ok",
      "<html>",
      [],
      ["a"],
      {},
      { error: "no" },
      { embeds: [] },
    ]
    expect(others.filter((body) => Option.isSome(DiscordApiBody.fromUnknown(body)))).toEqual([])
  })

  it("takes a body without code, and a tree of another form", () => {
    expect(DiscordApiBody.fromUnknown({ message: "401: Unauthorized", code: 0 })).toEqual(
      Option.some({ code: 0, message: "401: Unauthorized", fields: [], omitted: 0 }),
    )
    expect(DiscordApiBody.fromUnknown({ message: "no", errors: ["a", 5] })).toEqual(
      Option.some({ code: 0, message: "no", fields: [{ path: "", message: "a" }], omitted: 0 }),
    )
    expect(
      DiscordApiBody.flatten({
        a_b: { _errors: ["plain", 7, null, {}, { code: "X" }], 0: { _errors: "no list" } },
      }),
    ).toEqual([
      { path: "aB", message: "plain" },
      { path: "aB", message: "is refused" },
      { path: "aB", code: "X", message: "is refused" },
    ])
  })

  it.each<(tree: unknown) => unknown>([
    (tree) => ({ a: tree }),
    (tree) => [tree],
    (tree) => ({ _errors: tree }),
    (tree) => ({ _errors: [tree] }),
    (tree) => ({ _misc: tree }),
  ])("survives a tree deeper than any message: %s", (wrap) => {
    let tree: unknown = { _errors: [{ code: "DEEP", message: "down here" }] }
    for (let depth = 0; depth < 100_000; depth++) tree = wrap(tree)
    expect(DiscordApiBody.flatten(tree)).toEqual([])
  })

  const tooLong = { code: "BASE_TYPE_MAX_LENGTH", message: "too long" }
  it.each<[unknown, unknown]>([
    [{ embeds: ["0"] }, { code: 0, fields: [{ path: "embeds[0]", message: "is refused" }] }],
    [
      { content: ["Too long."], _misc: ["No."] },
      {
        fields: [
          { path: "content", message: "Too long." },
          { path: "", message: "No." },
        ],
      },
    ],
    [{ code: 10015 }, { code: 10015, message: "", fields: [] }],
    [
      { code: 50035, errors: { content: { _errors: [tooLong] } } },
      { code: 50035, message: "", fields: [{ path: "content", ...tooLong }] },
    ],
    [{ errors: { content: { _errors: [tooLong] } } }, { fields: [{ path: "content" }] }],
    [
      { embeds: { 0: { title: { _errors: [tooLong] } } } },
      { fields: [{ path: "embeds[0].title" }] },
    ],
    [{ _errors: [tooLong] }, { fields: [{ path: "", ...tooLong }] }],
    [
      { errors: { embeds: { _errors: [{ 1: { _errors: [tooLong] } }] } } },
      { fields: [{ path: "embeds[1]" }] },
    ],
    [
      { errors: { _errors: { content: { _errors: [tooLong] } } } },
      { fields: [{ path: "content" }] },
    ],
    [{ errors: { content: { _errors: tooLong } } }, { fields: [{ path: "content", ...tooLong }] }],
    [{ message: "no", errors: { embeds: ["1"] } }, { fields: [{ path: "embeds[1]" }] }],
    [{ embeds: [{ title: { _errors: [tooLong] } }] }, { fields: [{ path: "embeds[0].title" }] }],
  ])("finds code and paths in %j", (body, found) => {
    expect(Option.getOrNull(DiscordApiBody.fromUnknown(body))).toMatchObject(found as object)
  })

  it("keeps the first 100 of any number, and counts the others", () => {
    const many = Array.from({ length: 300_000 }, () => "wrong")
    for (const body of [
      { content: many },
      { code: 50035, errors: { content: { _errors: many } } },
    ]) {
      const { fields, omitted } = Option.getOrThrow(DiscordApiBody.fromUnknown(body))
      expect([fields.length, omitted]).toEqual([100, 299_900])
    }
    expect(DiscordApiBody.flatten({ _errors: many })).toHaveLength(300_000)
  })

  it("takes a rate limit only with its time, in seconds", () => {
    const limited = (body: unknown) =>
      DiscordApiBody.rateLimitFromUnknown(body).pipe(
        Option.map((found) => found.retryAfter),
        Option.getOrNull,
      )
    expect(limited({ message: "", retry_after: 1163, global: true })).toBe(1163)
    expect(limited({ retry_after: 0.25 })).toBe(0.25)
    expect(limited({ retry_after: -1 })).toBe(0)
    expect(limited({ retry_after: "soon" })).toBe(null)
    expect(limited({ retry_after: null })).toBe(null)
    expect(limited({ message: "blocked", code: 0 })).toBe(null)
    expect(limited("error code: 1015")).toBe(null)
  })

  it("keeps whether it is global, and a code of its own", () => {
    expect(
      DiscordApiBody.rateLimitFromUnknown({
        message: "m",
        retry_after: 1,
        global: true,
        code: 20016,
      }),
    ).toEqual(Option.some({ message: "m", retryAfter: 1, global: true, code: 20016 }))
    expect(DiscordApiBody.rateLimitFromUnknown({ retry_after: 1, code: null })).toEqual(
      Option.some({ message: "", retryAfter: 1, global: false }),
    )
  })

  it("reads the body of a 429 as its Schema decodes it", () => {
    const numbers = FastCheck.oneof(FastCheck.double(), FastCheck.integer(), FastCheck.constant(-0))
    const texts = FastCheck.oneof(
      numbers.map(String),
      numbers.map((number) => ` ${number}\n`),
      FastCheck.constantFrom(
        "",
        " ",
        "1e3",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "+2",
        ".5",
        "soon",
      ),
    )
    const values = FastCheck.oneof(numbers, texts, FastCheck.jsonValue())
    const body = FastCheck.record(
      { message: values, retry_after: values, global: values, code: values },
      { requiredKeys: [] },
    )
    const decode = Schema.decodeUnknownOption(DiscordApiBody.RateLimitBody)
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(body, FastCheck.jsonValue()), (input) => {
        expect(DiscordApiBody.rateLimitFromUnknown(input)).toStrictEqual(decode(input))
      }),
      { numRuns: runs(10_000) },
    )
  })
})

import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { RateLimitHeaders } from "../../src/index.js"
import { runs } from "../support/laws.js"

const fc = FastCheck
const { parse } = RateLimitHeaders

describe("RateLimitHeaders.parse", () => {
  it("reads what Discord sends", () => {
    expect(
      parse({
        "x-ratelimit-bucket": "abcd1234",
        "x-ratelimit-limit": "5",
        "x-ratelimit-remaining": "4",
        "x-ratelimit-reset": "1470173023.123",
        "x-ratelimit-reset-after": "1.872",
        "retry-after": "2",
        "x-ratelimit-scope": "Shared",
        "x-ratelimit-global": "true",
      }),
    ).toEqual({
      bucket: "abcd1234",
      limit: 5,
      remaining: 4,
      reset: 1_470_173_023_123,
      resetAfter: 1872,
      retryAfter: 2000,
      scope: "shared",
      global: true,
    })
  })

  it("reads a reset in milliseconds, as some reimplementations send it", () => {
    expect(parse({ "x-ratelimit-reset": "1790000000123" }).reset).toBe(1_790_000_000_123)
    expect(parse({ "x-ratelimit-reset": "1790000000.123" }).reset).toBe(1_790_000_000_123)
    expect(parse({ "x-ratelimit-reset": "1e300" }).reset).toBe(undefined)
  })

  it("returns nothing for a response without headers", () => {
    expect(parse({})).toEqual(RateLimitHeaders.empty)
  })

  it.each(["", " ", "x", "NaN", "-1", "Infinity", "1e400", "86400.001", "1,5"])(
    "counts a delay of %j as missing",
    (text) => {
      const headers = parse({ "retry-after": text, "x-ratelimit-reset-after": text })
      expect(headers).toMatchObject({ retryAfter: undefined, resetAfter: undefined })
    },
  )

  it.each(["0", "-3", "2.5", "five", "1e999", ""])("counts a limit of %j as missing", (text) => {
    expect(parse({ "x-ratelimit-limit": text }).limit).toBe(undefined)
  })

  it("reads fractional delays, rounded up to milliseconds", () => {
    expect(parse({ "retry-after": "64.57" }).retryAfter).toBe(64_570)
    expect(parse({ "x-ratelimit-reset-after": "0.0001" }).resetAfter).toBe(1)
  })

  it("takes every millisecond that Discord writes for just that", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (millis) => {
        const text = (millis / 1000).toFixed(3)
        const headers = parse({ "retry-after": text, "x-ratelimit-reset-after": text })
        expect(headers).toMatchObject({ retryAfter: millis, resetAfter: millis })
      }),
      { numRuns: runs(2000), examples: [[0], [16_100], [1001], [86_400_000]] },
    )
  })

  it("never lets more remain than the limit", () => {
    const headers = parse({ "x-ratelimit-limit": "5", "x-ratelimit-remaining": "9" })
    expect(headers.remaining).toBe(5)
    expect(parse({ "x-ratelimit-remaining": "9" }).remaining).toBe(9)
  })

  it("uses a reset in the past as the identity of a window only", () => {
    expect(parse({ "x-ratelimit-reset": "1" }).reset).toBe(1000)
  })

  it("ignores bucket names that are too long", () => {
    expect(parse({ "x-ratelimit-bucket": "x".repeat(129) }).bucket).toBe(undefined)
    expect(parse({ "x-ratelimit-bucket": " " }).bucket).toBe(undefined)
  })

  it("ignores scopes that Discord does not document", () => {
    expect(parse({ "x-ratelimit-scope": "galaxy", "x-ratelimit-global": "1" })).toMatchObject({
      scope: undefined,
      global: false,
    })
  })

  it("makes sense of any text", () => {
    const text = fc.option(
      fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String)),
      {
        nil: undefined,
      },
    )
    const names = ["limit", "remaining", "reset", "reset-after", "bucket", "scope", "global"]
    fc.assert(
      fc.property(fc.array(text, { minLength: 8, maxLength: 8 }), (values) => {
        const headers = parse({
          ...Object.fromEntries(names.map((name, index) => [`x-ratelimit-${name}`, values[index]])),
          "retry-after": values[7],
        })
        const { limit, remaining, reset, resetAfter, retryAfter } = headers
        for (const value of [limit, remaining, reset, resetAfter, retryAfter]) {
          expect(value === undefined || (Number.isFinite(value) && value >= 0)).toBe(true)
        }
        expect(limit).not.toBe(0)
        expect(remaining ?? 0).toBeLessThanOrEqual(limit ?? Infinity)
        for (const delay of [resetAfter, retryAfter]) {
          expect(delay === undefined || Number.isInteger(delay)).toBe(true)
        }
      }),
      { numRuns: runs(2000) },
    )
  })
})

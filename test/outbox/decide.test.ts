import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import type { WebhookError } from "../../src/error/WebhookError.js"
import { decide, getBackoff } from "../../src/outbox/decide.js"
import { runs } from "../support/laws.js"

type Tag = WebhookError["_tag"]

/** `InDoubt / Retry` stands for a send in doubt, and an edit that is repeated. */
type Expected = "Sent" | "Dead" | "WebhookDead" | "Retry" | "InDoubt / Retry" | "InDoubt / Dead"

const after = Duration.seconds(7)

/** Every tag of the union, with the fields that matter. */
const table: { readonly [T in Tag]: ReadonlyArray<readonly [object, Expected]> } = {
  WebhookValidationError: [[{ issues: [] }, "Dead"]],
  WebhookFileError: [
    [{ delivered: "no" }, "Dead"],
    [{ delivered: "unknown" }, "InDoubt / Dead"],
  ],
  WebhookBadRequest: [[{ code: 50035 }, "Dead"]],
  WebhookPayloadTooLarge: [[{ code: 40005 }, "Dead"]],
  WebhookNotFound: [[{ code: 10015 }, "WebhookDead"]],
  WebhookUnauthorized: [
    [{ code: 50027 }, "WebhookDead"],
    [{ code: 0 }, "Dead"],
  ],
  WebhookForbidden: [[{ code: 50013 }, "Dead"]],
  WebhookMessageNotFound: [[{ code: 10008 }, "Dead"]],
  WebhookInteractionError: [
    [{ code: 10015, reason: "notResponded" }, "Dead"],
    [{ code: 50027, reason: "expired" }, "WebhookDead"],
  ],
  WebhookThreadError: [
    [{ code: 20016, reason: "slowmode", retryAfter: after }, "Retry"],
    [{ code: 160006, reason: "tooManyActive" }, "Retry"],
    [{ code: 10003, reason: "unknownThread" }, "Dead"],
    [{ code: 40067, reason: "tagRequired" }, "Dead"],
  ],
  WebhookRateLimited: [[{ retryAfter: after }, "Retry"]],
  WebhookQueueFull: [[{ capacity: 1 }, "Retry"]],
  DiscordRateLimiterClosed: [[{}, "Retry"]],
  DiscordRateLimiterUnavailable: [[{ detail: "away" }, "Retry"]],
  DiscordInvalidRequestLimit: [[{ retryAfter: after }, "Retry"]],
  DiscordServerError: [
    [{ status: 503, delivered: "no" }, "Retry"],
    [{ status: 500, delivered: "unknown" }, "InDoubt / Retry"],
  ],
  DiscordTransportError: [
    [{ reason: "refused", delivered: "no" }, "Retry"],
    [{ reason: "dns", delivered: "no" }, "Retry"],
    [{ reason: "broken", delivered: "unknown" }, "InDoubt / Retry"],
    [{ reason: "timeout", delivered: "unknown" }, "InDoubt / Retry"],
    [{ reason: "encode", delivered: "no" }, "Dead"],
  ],
  DiscordDecodeError: [
    [{ delivered: "yes" }, "Sent"],
    [{ delivered: "unknown" }, "InDoubt / Retry"],
  ],
  DiscordApiError: [[{ status: 418, code: 1 }, "Dead"]],
}

const rows = Object.entries(table).flatMap(([tag, cases]) =>
  cases.map(([fields, expected]) => ({ tag, fields, expected })),
)

describe("what becomes of an entry", () => {
  it.each(rows)("after $tag $fields: $expected", ({ expected, fields, tag }) => {
    // The fields that `decide` reads.
    const error = { _tag: tag, ...fields } as unknown as WebhookError
    const [once, repeatable = once] = expected.split(" / ")
    for (const operation of ["send", "createThread"] as const) {
      expect(decide(operation, error)._tag).toBe(once)
    }
    for (const operation of ["edit", "delete"] as const) {
      expect(decide(operation, error)._tag).toBe(repeatable)
    }
    if (once !== "Retry") return
    const delay = "retryAfter" in fields ? fields.retryAfter : undefined
    expect(decide("send", error)).toEqual({ _tag: "Retry", after: delay })
  })
})

describe("the back-off", () => {
  const figures = { base: 1000, max: 300_000 }

  it("doubles from base to max, shortened by up to a half", () => {
    const longest = [0, 1, 2, 3, 8, 9, 10, 11, 1000].map((failures) =>
      getBackoff(failures, undefined, figures, 0),
    )
    expect(longest).toEqual([1000, 1000, 2000, 4000, 128_000, 256_000, 300_000, 300_000, 300_000])
    expect(getBackoff(3, undefined, figures, 1)).toBe(2000)
  })

  it("is a whole number, within its bounds, and at least Discord's own delay", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.nat(100),
        FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        FastCheck.option(FastCheck.nat(1_000_000), { nil: undefined }),
        (failures, random, millis) => {
          const own = millis === undefined ? undefined : Duration.millis(millis)
          const delay = getBackoff(failures, own, figures, random)
          expect(Number.isInteger(delay)).toBe(true)
          expect(delay).toBeGreaterThanOrEqual(Math.max(500, millis ?? 0))
          expect(delay).toBeLessThanOrEqual(Math.max(300_000, millis ?? 0))
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})

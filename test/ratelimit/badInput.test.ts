/**
 * Whatever headers say, everybody comes to his turn, and nothing grows. The longest reset that is
 * believed is a day. A bucket may leak, and then it says in how long the slots used until now come
 * back; so with a day for one, those of three may take three days.
 */
import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { RateLimitHeaders } from "../../src/index.js"
import { responded } from "../../src/ratelimit/Permit.js"
import { makeMachine } from "./machine.js"
import { response } from "./responses.js"
import { proactive, reactive, adaptive, pacedProactive } from "./model/policies.js"
import { runs } from "../support/laws.js"

const fc = FastCheck

/** Numbers as they should be, and everything that they should not. */
const figure = fc.oneof(
  fc.constantFrom("NaN", "-1", "0", "1e308", "Infinity", "-Infinity", "", " ", "5", "2.5", "0x10"),
  fc.constantFrom("86400", "86401", "0.0001", "9007199254740993", "1,5", "five", "1e-320"),
  fc.integer({ min: -10, max: 100 }).map(String),
)

/** Also a reset long past, a limit of 0, and a name that is another one each time. */
const headersArbitrary = fc.record(
  {
    "x-ratelimit-bucket": fc.string({ maxLength: 200 }),
    "x-ratelimit-limit": figure,
    "x-ratelimit-remaining": figure,
    "x-ratelimit-reset": figure,
    "x-ratelimit-reset-after": figure,
    "retry-after": figure,
    "x-ratelimit-scope": fc.constantFrom("user", "shared", "global", "galaxy"),
  },
  { requiredKeys: [] },
)

const answers = fc.array(fc.record({ headers: headersArbitrary, isLimited: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
})

const day = Duration.toMillis("1 day")

describe("malformed rate-limit headers", () => {
  for (const [name, policy] of Object.entries({ proactive, reactive, adaptive, pacedProactive })) {
    it(`${name}: delay requests by at most two days in total or for each slot, and leave one bucket`, () => {
      fc.assert(
        fc.property(answers, (all) => {
          let now = 0
          const { fireNext, machine, nextTimer, submit } = makeMachine()
          for (const [used, { headers, isLimited }] of all.entries()) {
            const ticket = submit(now, { policy })
            const from = now
            while (ticket.state === "waiting") {
              expect(Number.isFinite(nextTimer())).toBe(true)
              now = Math.max(now, nextTimer())
              fireNext(now)
            }
            expect(ticket.hasPermit).toBe(true)
            expect(now - from).toBeLessThanOrEqual(Math.max(2, used) * day)
            const parsed = RateLimitHeaders.parse(headers)
            const limited = isLimited
              ? { scope: parsed.scope ?? "user", retryAfter: parsed.retryAfter }
              : undefined
            now += 50
            machine.settle(
              ticket,
              responded(response({ status: isLimited ? 429 : 200, headers: parsed, limited })),
              now,
            )
            expect(machine.snapshot(now).buckets).toBe(1)
          }
        }),
        { numRuns: runs(500) },
      )
    })
  }
})

import { expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import {
  type Bucket,
  type BucketRule,
  makeBucket,
  type SlotResult,
  takeSlot,
} from "../../src/testing/simulator/bucket.js"
import { runs } from "../support/laws.js"
import { pathOf, SimulatorDriver } from "./SimulatorDriver.js"

const rules = (model: BucketRule["model"]): FastCheck.Arbitrary<BucketRule> =>
  FastCheck.record({
    limit: FastCheck.integer({ min: 1, max: 12 }),
    periodMillis: FastCheck.integer({ min: 1, max: 5000 }),
    model: FastCheck.constant(model),
  })

/** Arrival times in order, dense enough to reach the limit. */
const arrivals = FastCheck.array(FastCheck.integer({ min: 0, max: 900 }), {
  minLength: 1,
  maxLength: 200,
}).map((gaps) => {
  let now = 0
  return gaps.map((gap) => (now += gap % 3 === 0 ? gap : 0))
})

interface Observed {
  readonly now: number
  readonly reading: SlotResult
}

const observe = (rule: BucketRule, times: ReadonlyArray<number>): ReadonlyArray<Observed> => {
  const bucket: Bucket = makeBucket()
  return times.map((now) => ({ now, reading: takeSlot(bucket, rule, now) }))
}

const law = (
  name: string,
  model: BucketRule["model"],
  holds: (rule: BucketRule, seen: ReadonlyArray<Observed>) => void,
) =>
  it(name, () =>
    FastCheck.assert(
      FastCheck.property(rules(model), arrivals, (rule, times) =>
        holds(rule, observe(rule, times)),
      ),
      { numRuns: runs(1000) },
    ),
  )

const accepted = (seen: ReadonlyArray<Observed>) => seen.filter(({ reading }) => reading.accepted)

law("fixed: no window accepts more than its limit", "fixed", (rule, seen) => {
  const byWindow = new Map<number, number>()
  for (const { now, reading } of accepted(seen)) {
    const closes = now + reading.resetAfter
    byWindow.set(closes, (byWindow.get(closes) ?? 0) + 1)
  }
  for (const count of byWindow.values()) expect(count).toBeLessThanOrEqual(rule.limit)
})

law(
  "fixed: within a window remaining decreases by one and the reset is constant",
  "fixed",
  (_, seen) => {
    let before: Observed | undefined
    for (const now of seen) {
      const closes = (one: Observed) => one.now + one.reading.resetAfter
      if (before !== undefined && now.now < closes(before)) {
        expect(closes(now)).toBe(closes(before))
        const taken = now.reading.accepted ? 1 : 0
        expect(now.reading.remaining).toBe(before.reading.remaining - taken)
      }
      before = now
    }
  },
)

law("leaking: any time t accepts at most limit + t / (period / limit)", "leaking", (rule, seen) => {
  const times = accepted(seen).map(({ now }) => now)
  const slotMillis = rule.periodMillis / rule.limit
  times.forEach((from, first) => {
    times.slice(first).forEach((to, index) => {
      expect(index + 1).toBeLessThanOrEqual(rule.limit + (to - from) / slotMillis + 1e-6)
    })
  })
})

law("leaking: Reset-After is the time of all used slots", "leaking", (rule, seen) => {
  const slotMillis = rule.periodMillis / rule.limit
  for (const { reading } of seen) {
    const used = reading.resetAfter / slotMillis
    expect(reading.remaining).toBe(Math.max(0, Math.floor(rule.limit - used + 1e-6)))
    expect(used).toBeLessThanOrEqual(rule.limit + 1e-6)
  }
})

law(
  "penalty: no window accepts more than its limit, and each early request adds one",
  "penalty",
  (rule, seen) => {
    let opened = Number.NEGATIVE_INFINITY
    let early = 0
    let count = 0
    for (const { now, reading } of seen) {
      const isOver = now >= opened + (early + 1) * rule.periodMillis
      if (isOver) {
        opened = now
        early = 0
        count = 0
      }
      expect(reading.accepted).toBe(count < rule.limit)
      if (reading.accepted) count += 1
      else early += 1
      if (!reading.accepted) {
        const wait = opened + (early + 1) * rule.periodMillis - now
        expect(reading.retryAfter).toBe(Math.ceil(wait / 1000) * 1000)
      }
    }
  },
)

for (const model of ["fixed", "leaking"] as const) {
  law(`${model}: a request is rejected exactly when no slot is left`, model, (_, seen) => {
    seen.forEach(({ reading }, index) => {
      if (!reading.accepted) expect(reading.remaining).toBe(0)
      const next = seen[index + 1]
      if (reading.remaining > 0 && next !== undefined) expect(next.reading.accepted).toBe(true)
    })
  })

  law(
    `${model}: a request after Retry-After is accepted, one a millisecond earlier is not`,
    model,
    (rule, seen) => {
      for (const [index, { now, reading }] of seen.entries()) {
        if (reading.accepted) continue
        const until = seen.slice(0, index + 1).map((one) => one.now)
        const after = (wait: number) =>
          observe(rule, [...until, now + wait]).at(-1)?.reading.accepted
        expect(after(Math.ceil(reading.retryAfter))).toBe(true)
        if (reading.retryAfter > 1) expect(after(reading.retryAfter - 1)).toBe(false)
        return
      }
    },
  )
}

it("removes buckets after their reset", () => {
  const simulator = new SimulatorDriver({
    maxTrafficRecords: 0,
    maxStoredMessages: 0,
    globalLimit: "none",
  })
  const { state } = simulator
  const { id } = simulator.addWebhook()
  for (let i = 0; i < 50_000; i++) {
    simulator.respondTo({ method: "GET", path: pathOf({ id, token: `token${i}` }) }, i)
  }
  expect(state.limits.buckets.entries.size).toBeLessThan(5000)
  expect(state.traffic.records).toHaveLength(0)
})

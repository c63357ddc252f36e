import { expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { runs } from "../support/laws.js"
import { pathOf, SimulatorDriver, withJson } from "./SimulatorDriver.js"

const limit = 5
const periodMillis = 2000
const globalLimit = 8
const hidden = { limit: 12, periodMillis: 10_000 }

interface Seen {
  readonly now: number
  readonly webhook: number
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Sends requests to four webhooks, two of them in one channel. */
const run = (
  model: "fixed" | "leaking",
  clockSkew: number,
  arrivals: ReadonlyArray<readonly [gap: number, webhook: number]>,
): ReadonlyArray<Seen> => {
  const simulator = new SimulatorDriver({
    limits: { execute: { limit, period: periodMillis, model } },
    hiddenLimit: { limit: hidden.limit, period: hidden.periodMillis },
    globalLimit,
    clockSkew,
  })
  const hooks = Array.from({ length: 3 }, () => simulator.addWebhook())
  hooks.push(simulator.addWebhook({ channelId: hooks[0]?.channel.id }))
  let now = 0
  return arrivals.map(([gap, webhook]) => {
    now += gap
    const path = pathOf(hooks[webhook]!)
    const request = { method: "POST", path, ...withJson({ content: "a" }) }
    const response = simulator.respondTo(request, now)
    return { now, webhook, status: response?.status, headers: response?.headers ?? {} }
  })
}

const traffic = FastCheck.array(
  FastCheck.tuple(
    FastCheck.oneof(FastCheck.constant(0), FastCheck.integer({ min: 0, max: 400 })),
    FastCheck.integer({ min: 0, max: 3 }),
  ),
  { minLength: 1, maxLength: 150 },
)

const law = (name: string, holds: (seen: ReadonlyArray<Seen>, clockSkew: number) => void) => {
  for (const model of ["fixed", "leaking"] as const) {
    it(`${name} (${model})`, () =>
      FastCheck.assert(
        FastCheck.property(
          traffic,
          FastCheck.integer({ min: -90_000, max: 90_000 }),
          (arrivals, clockSkew) => holds(run(model, clockSkew, arrivals), clockSkew),
        ),
        { numRuns: runs(300) },
      ))
  }
}

const sent = (seen: ReadonlyArray<Seen>) => seen.filter(({ status }) => status === 204)

law("every second of the server's clock accepts at most the global limit", (seen, clockSkew) => {
  const perSecond = new Map<number, number>()
  for (const { now, headers } of seen) {
    if (headers["x-ratelimit-scope"] === "global") continue
    const second = Math.floor((now + clockSkew) / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
  }
  for (const count of perSecond.values()) expect(count).toBeLessThanOrEqual(globalLimit)
})

law("two periods accept at most three times the limit of a webhook", (seen) => {
  for (const one of [0, 1, 2, 3]) {
    const times = sent(seen.filter(({ webhook }) => webhook === one)).map(({ now }) => now)
    for (const from of times) {
      const inside = times.filter((time) => time >= from && time < from + 2 * periodMillis)
      expect(inside.length).toBeLessThanOrEqual(3 * limit)
    }
  }
})

law("the hidden limit of a channel is shared by its webhooks", (seen) => {
  const times = sent(seen.filter(({ webhook }) => webhook === 0 || webhook === 3)).map(
    ({ now }) => now,
  )
  for (const from of times) {
    const inside = times.filter((time) => time >= from && time < from + hidden.periodMillis)
    expect(inside.length).toBeLessThanOrEqual(2 * hidden.limit)
  }
})

law(
  "rate limit headers are consistent with each other and with the server's clock",
  (seen, clockSkew) => {
    for (const { now, status, headers } of seen) {
      const scope = headers["x-ratelimit-scope"]
      expect(status === 429).toBe(scope !== undefined)
      if (scope === "global") {
        expect(Object.keys(headers)).not.toContain("x-ratelimit-remaining")
        continue
      }
      const resetAfter = Number(headers["x-ratelimit-reset-after"])
      const reset = Number(headers["x-ratelimit-reset"])
      expect(reset).toBeCloseTo((now + clockSkew) / 1000 + resetAfter, 2)
      expect(resetAfter).toBeLessThanOrEqual(periodMillis / 1000)
      expect(Number(headers["x-ratelimit-remaining"])).toBeLessThan(limit)
      if (scope === "user") expect(headers["x-ratelimit-remaining"]).toBe("0")
      if (scope === "shared") expect(Number(headers["retry-after"])).toBeGreaterThan(0)
    }
  },
)

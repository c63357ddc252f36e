/**
 * The laws of the rate-limit model where fibers are dropped at any step, without finalisers: on a
 * runtime that resumes fibers by the machine's alarms, and on one whose fibers poll.
 */
import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { neverSent, unknown } from "../../../src/ratelimit/Permit.js"
import { runs } from "../../support/laws.js"
import { response, deleted, limited, ok, route } from "../responses.js"
import { literal } from "./policies.js"
import { anything, literally, type Scenario } from "./scenarios.js"
import { makeMachine, type SubmitOptions } from "../machine.js"
import { checkAlarms, type Job, ModelRun } from "./modelRun.js"

/** Some of the jobs lose their fiber, and some have a fiber that is slow to resume. */
const vary = (
  scenarios: FastCheck.Arbitrary<Scenario>,
  { slow = false }: { readonly slow?: boolean } = {},
): FastCheck.Arbitrary<Scenario> =>
  FastCheck.tuple(
    scenarios,
    FastCheck.infiniteStream(
      FastCheck.record({
        droppedAfter: FastCheck.option(FastCheck.integer({ min: 0, max: 4000 }), {
          freq: 1,
          nil: undefined,
        }),
        resumesAfter: slow
          ? FastCheck.option(FastCheck.integer({ min: 0, max: 3000 }), { freq: 1, nil: undefined })
          : FastCheck.constant(undefined),
      }),
    ),
  ).map(([scenario, fates]) => ({
    ...scenario,
    jobs: scenario.jobs.map((job): Job => {
      const fate = fates.next().value
      return fate === undefined ? job : { ...job, ...fate }
    }),
  }))

const modes = [
  ["where alarms resume fibers", "none"],
  ["where fibers poll", "all"],
  ["where some fibers poll and alarms resume the others", "some"],
] as const

for (const [name, polling] of modes) {
  const law = (
    title: string,
    scenarios: FastCheck.Arbitrary<Scenario>,
    check: (model: ModelRun) => void,
  ) =>
    it(title, () => {
      FastCheck.assert(
        FastCheck.property(scenarios, (scenario) => {
          const model = new ModelRun(scenario.server, scenario.jobs, {
            polling,
            onStep: checkAlarms,
          })
          for (const { at, act } of scenario.meddling ?? []) model.at(at, () => model.meddle(act))
          check(model.play())
        }),
        { numRuns: runs(1000) },
      )
    })

  describe(`the laws with dropped fibers, ${name}`, () => {
    law("every request whose fiber lives ends", vary(anything), (model) => {
      for (const { end, job } of model.runs) {
        expect(end).toBeDefined()
        if (job.droppedAfter === undefined) expect(end).not.toBe("dropped")
      }
    })

    law("so it does when fibers are slow to resume", vary(anything, { slow: true }), (model) => {
      for (const { end } of model.runs) expect(end).toBeDefined()
    })

    law("no slot is freed early: no 429 where all limits are visible", vary(literally), (model) => {
      expect(model.server.refused).toBe(0)
    })

    law("nothing stays behind", vary(anything, { slow: true }), (model) => {
      expect(model.alarms.size).toBe(0)
      const later = model.now + Duration.toMillis("2 days")
      expect(model.machine.snapshot(later)).toMatchObject({ buckets: 0, waiting: 0, inFlight: 0 })
    })
  })
}

it("fibers that take seconds to resume do not skip one another forever", () => {
  const job = (at: number, resumesAfter: number): Job => ({
    at,
    webhook: 0,
    route: "POST",
    ordered: true,
    policy: literal,
    attempts: [{ up: 5000, down: 100, fate: "answered" }],
    backoff: 0,
    maxWait: undefined,
    leavesAfter: undefined,
    resumesAfter,
  })
  const server = {
    kind: "fixed",
    limit: 1,
    window: 200,
    skew: 0,
    hash: "changing",
    global: undefined,
  } as const
  const jobs = [job(0, 1554), job(10, 2418), job(20, 2850), job(30, 1998), job(40, 1974)]
  const model = new ModelRun({ ...server, headers: "none" }, jobs).play()
  expect(model.runs.map(({ end }) => end)).toEqual(jobs.map(() => "answered"))
})

describe("the laws without dropped fibers, where fibers poll", () => {
  it("hold: everything ends, and no request meets a 429 where all limits are visible", () => {
    FastCheck.assert(
      FastCheck.property(literally, ({ jobs, server }) => {
        const model = new ModelRun(server, jobs, { polling: "all" }).play()
        expect(model.server.refused).toBe(0)
        for (const { end } of model.runs) expect(end).toBeDefined()
      }),
      { numRuns: runs(1000) },
    )
  })
})

const lease = 10_000

const machine = (
  settings: Parameters<typeof makeMachine>[0] = {},
  owner: SubmitOptions["owner"] = {},
) => {
  const { advance, machine: one, submit } = makeMachine(settings)
  const arrive = (now: number, options: SubmitOptions = {}) =>
    submit(now, { lease, owner, ...options })
  return { advance, arrive, one }
}

describe("a permit whose fiber was dropped", () => {
  it("is taken back when its lease has ended, within a second", () => {
    const { advance, arrive } = machine()
    const dropped = arrive(0)
    const next = arrive(100)
    advance(lease - 1)
    expect(next.state).toBe("waiting")
    advance(lease + 1000)
    expect(dropped.state).toBe("expired")
    expect(next.hasPermit).toBe(true)
  })

  it("is taken back by any transition", () => {
    const { arrive, one } = machine()
    arrive(0)
    expect(one.snapshot(lease - 1).inFlight).toBe(1)
    expect(one.snapshot(lease).inFlight).toBe(0)
    expect(arrive(lease).hasPermit).toBe(true)
  })

  it("keeps its slot used until the window is over, since the request may have arrived", () => {
    const { arrive, one } = machine()
    one.settle(arrive(0), ok({ resetAfter: 20_000 }), 100)
    arrive(200)
    const bucket = one.find(route(), 200 + lease)
    expect(bucket).toMatchObject({ inFlight: 0, remaining: 3 })
  })

  it("still teaches when it is settled late, and frees nothing twice", () => {
    const { arrive, one } = machine()
    const slow = arrive(0)
    const next = arrive(lease)
    expect(one.snapshot(lease)).toMatchObject({ inFlight: 1 })
    one.settle(slow, deleted(), lease + 10)
    expect(one.snapshot(lease + 10)).toMatchObject({ deadWebhooks: 1, inFlight: 1 })
    one.settle(slow, deleted(), lease + 20)
    one.cancel(slow, lease + 20)
    one.settle(next, unknown, lease + 30)
    expect(one.snapshot(lease + 30)).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  it("is taken back in the order of the leases, not of the grants", () => {
    const { arrive, one } = machine()
    const upload = arrive(0, { lease: 60_000 })
    const message = arrive(0, { webhookId: "2" })
    const last = arrive(10, { webhookId: "3" })
    expect(one.snapshot(lease + 20).inFlight).toBe(1)
    expect([upload, message, last].map(({ state }) => state)).toEqual([
      "held",
      "expired",
      "expired",
    ])
  })

  it("counts a 429 that comes late", () => {
    const { arrive, one } = machine()
    const slow = arrive(0)
    one.settle(slow, limited(1000), lease + 10)
    const [tally] = Object.values(one.snapshot(lease + 10).strategies)
    expect(tally?.limited.user).toBe(1)
  })

  it("may wait again when its fiber was only slow", () => {
    const { arrive, one } = machine()
    const slow = arrive(0)
    const next = arrive(lease)
    one.retry(slow, limited(1000), 0, lease + 10)
    expect(slow.state).toBe("waiting")
    one.settle(next, ok(), lease + 50)
    expect(one.snapshot(lease + 5000)).toMatchObject({ inFlight: 0, waiting: 1 })
    one.wake(slow.bucket, lease + 5000)
    expect(one.claim(slow, lease + 5000)).toBe(true)
  })

  it("does not disturb the webhook that was forgotten and met again", () => {
    const { arrive, one } = machine({ idleAfter: 1000 })
    const slow = arrive(0)
    expect(one.snapshot(60_000).buckets).toBe(0)
    const fresh = arrive(60_000)
    one.settle(slow, ok(), 60_001)
    // The response was to a request of before; the request in flight now is not forgotten with it.
    expect(one.snapshot(65_000)).toMatchObject({ buckets: 1, inFlight: 1 })
    expect(one.snapshot(120_000)).toMatchObject({ buckets: 0, inFlight: 0 })
    expect(fresh.state).toBe("expired")
    one.settle(fresh, unknown, 120_001)
    expect(one.snapshot(240_000)).toMatchObject({ buckets: 0, inFlight: 0 })
  })
})

describe("a request whose fiber was dropped while it waited", () => {
  it("is passed over a second after its grant", () => {
    const { advance, arrive, one } = machine()
    const first = arrive(0)
    const dropped = arrive(10)
    const next = arrive(20)
    one.settle(first, ok(), 100)
    expect([dropped.state, next.state]).toEqual(["granted", "waiting"])
    advance(1100)
    expect([dropped.state, next.hasPermit]).toEqual(["skipped", true])
    // Not a byte was sent: only the first and the one in flight count.
    expect(one.find(route(), 1100)).toMatchObject({ inFlight: 1, remaining: 4 })
  })

  it("waits again at its old place when its fiber was only slow", () => {
    const { advance, arrive, one } = machine()
    const first = arrive(0)
    const slow = arrive(10)
    const next = arrive(20)
    const last = arrive(30)
    one.settle(first, ok(), 100)
    advance(1100)
    expect(one.claim(next, 1100)).toBe(true)
    expect(one.claim(slow, 1200)).toBe(false)
    one.settle(next, ok(), 1300)
    expect([slow.state, last.state]).toEqual(["granted", "waiting"])
    expect(one.claim(slow, 1300)).toBe(true)
    expect(slow.attempts).toBe(1)
  })

  it("fails when its scope was closed in the meantime", () => {
    const { advance, arrive, one } = machine()
    const first = arrive(0)
    const owner = { closed: false }
    const slow = arrive(10, { owner })
    one.settle(first, ok(), 100)
    arrive(150)
    advance(1200)
    owner.closed = true
    one.close(owner, 1210)
    expect(one.claim(slow, 1220)).toBe(false)
    expect(slow.result).toMatchObject({ cause: { error: { _tag: "DiscordRateLimiterClosed" } } })
  })

  it("waits behind the others when its webhook was forgotten and met again", () => {
    const { arrive, one } = machine({ idleAfter: 1000 })
    const first = arrive(0)
    const slow = arrive(10)
    one.settle(first, ok(), 100)
    expect(one.snapshot(60_000).buckets).toBe(0)
    arrive(60_000)
    expect(one.claim(slow, 60_010)).toBe(false)
    expect(one.snapshot(60_020)).toMatchObject({ buckets: 1, inFlight: 1, waiting: 1 })
  })

  it("fails when its webhook was deleted in the meantime", () => {
    const { advance, arrive, one } = machine()
    const first = arrive(0)
    const slow = arrive(10)
    one.settle(first, ok(), 100)
    arrive(150)
    advance(1100)
    one.update(route(), response({ status: 404, code: 10_015 }), 1250)
    expect(one.claim(slow, 1300)).toBe(false)
    expect(slow.result).toMatchObject({ cause: { error: { _tag: "WebhookNotFound" } } })
    expect(one.snapshot(100_000)).toMatchObject({ inFlight: 0, waiting: 0 })
  })
})

describe("where fibers poll", () => {
  const polling = () => machine({}, { polls: true })

  it("a request is granted between two polls", () => {
    const { arrive, one } = polling()
    const first = arrive(0)
    const next = arrive(0)
    expect(one.poll(next, 0)).toBe(25)
    one.settle(first, ok(), 20)
    expect(one.poll(next, 25)).toBeUndefined()
    expect(one.claim(next, 25)).toBe(true)
  })

  it("later requests poll less often, at least every half second", () => {
    const { arrive, one } = polling()
    arrive(0)
    const waiting = Array.from({ length: 30 }, () => arrive(0))
    const polls = waiting.map((ticket) => one.poll(ticket, 0))
    expect(polls.slice(0, 3)).toEqual([25, 50, 75])
    expect(polls.at(-1)).toBe(500)
  })

  it("a request polls less and less often while nothing moves", () => {
    const { arrive, one } = machine({}, { polls: true })
    arrive(0)
    const next = arrive(0)
    const polls: Array<number> = []
    for (let at = 0; at < lease - 500; at = one.poll(next, at) ?? Number.POSITIVE_INFINITY) {
      polls.push(at)
    }
    expect(polls.slice(0, 4)).toEqual([0, 25, 56.25, 95.3125])
    expect(polls.length).toBeLessThan(35)
  })

  it("a request sleeps until its known start", () => {
    const { arrive, one } = polling()
    one.settle(arrive(0), ok({ limit: 1, remaining: 0, resetAfter: 300 }), 10)
    const next = arrive(20)
    expect(one.poll(next, 20)).toBeCloseTo(310, 0)
    expect(one.poll(next, 311)).toBeUndefined()
  })

  it("all whose fibers are gone are passed over at once", () => {
    const { arrive, one } = polling()
    const first = arrive(0)
    for (let index = 0; index < 100; index += 1) one.poll(arrive(0), 0)
    one.settle(first, ok(), 1500)
    const next = arrive(1600)
    expect(next.hasPermit).toBe(true)
    expect(one.snapshot(1600)).toMatchObject({ waiting: 0, inFlight: 1 })
  })

  it("they take no room in a full queue", () => {
    const { arrive, one } = machine({}, { polls: true, queueCapacity: 3 })
    arrive(0)
    for (let index = 0; index < 3; index += 1) one.poll(arrive(0), 0)
    expect(arrive(100).result).toMatchObject({ cause: { error: { _tag: "WebhookQueueFull" } } })
    expect(arrive(2000).state).toBe("waiting")
  })

  it("a request that polls late waits again at its old place", () => {
    const { arrive, one } = polling()
    const first = arrive(0)
    const slow = arrive(10)
    one.poll(slow, 10)
    const next = arrive(1500)
    one.settle(first, neverSent, 1510)
    expect([slow.state, next.state]).toEqual(["skipped", "granted"])
    expect(one.claim(next, 1520)).toBe(true)
    const last = arrive(1530)
    one.poll(slow, 1540)
    one.settle(next, ok(), 1550)
    expect([slow.state, last.state]).toEqual(["granted", "waiting"])
  })
})

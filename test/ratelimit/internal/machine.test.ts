/** Single transitions that neither random worlds nor stories can aim at. */
import { describe, expect, it } from "vitest"
import { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { GlobalLimiter } from "../../../src/ratelimit/internal/globalLimiter.js"
import { WebhookRegistry } from "../../../src/ratelimit/internal/learning.js"
import type { PendingRequest } from "../../../src/ratelimit/internal/bucketState.js"
import { Permits, type TimerTarget } from "../../../src/ratelimit/internal/pendingRequests.js"
import { neverSent, unknown } from "../../../src/ratelimit/Permit.js"
import type { ServerOptions } from "../model/server.js"
import { blocked, deleted, headers, limited, ok, response, route } from "../responses.js"
import { proactive, reactive, adaptive, literal, pacedProactive } from "../model/policies.js"
import { type Job, settings, ModelRun } from "../model/modelRun.js"

const wish = {
  policy: literal,
  ordered: false,
  maxWait: Number.POSITIVE_INFINITY,
  lease: Number.POSITIVE_INFINITY,
  owner: {},
}

const machine = () => {
  const alarms = new Map<TimerTarget, number>()
  /** All calls for the timer of permits. */
  const watches: Array<number | undefined> = []
  const one = new StateMachine(settings, (target, at) => {
    if (target instanceof Permits) watches.push(at)
    if (at === undefined) alarms.delete(target)
    else alarms.set(target, at)
  })
  return { alarms, one, watches }
}

const isLate = { cause: { error: { reason: "maxWait" } } }

/** Number of buckets once everything that is idle has been evicted. */
const bucketsLeft = (one: StateMachine, after: number) => {
  one.pending.sweep(after + settings.idleAfter)
  return one.snapshot(after + settings.idleAfter).buckets
}

describe("Machine", () => {
  it("schedules the timer again when it fires too early", () => {
    const { alarms, one } = machine()
    const told: Array<string> = []
    const ticket = one.submit(route(), wish, 0, () => told.push("first"))
    one.retry(ticket, neverSent, 500, 0, () => told.push("second"))
    expect(alarms.get(ticket)).toBe(500)
    one.wake(ticket, 499)
    expect(alarms.get(ticket)).toBe(500)
    expect(told).toEqual(["first"])
    one.wake(ticket, 500)
    expect(told).toEqual(["first", "second"])
    one.wake(ticket, 600)
    expect(told.length).toBe(2)
  })

  it("does nothing for a request that is over", () => {
    const { one } = machine()
    const ticket = one.submit(route(), wish, 0, () => {})
    one.settle(ticket, ok(), 0)
    one.settle(ticket, limited(1000), 0)
    one.retry(ticket, limited(1000), 0, 0, () => {})
    one.cancel(ticket, 0)
    expect(ticket.bucket).toMatchObject({ remaining: 4, inFlight: 0, waiting: 0, blockedUntil: 0 })
  })

  it("takes a permit that was never used for neverSent", () => {
    const { one } = machine()
    const ticket = one.submit(route(), wish, 0, () => {})
    one.cancel(ticket, 0)
    expect(one.snapshot(0)).toMatchObject({ inFlight: 0, waiting: 0 })
    expect(ticket.state).toBe("settled")
  })
})

describe("a request that cannot start in time", () => {
  const update = (one: StateMachine, retryAfter: number, now: number) =>
    one.update(
      route(),
      response({ headers: headers({ remaining: 0, resetAfter: retryAfter }) }),
      now,
    )

  it("fails, and others wait up to their own deadlines", () => {
    const { alarms, one } = machine()
    update(one, 2000, 0)
    const [short, long, endless] = [2500, 5000, Infinity].map((maxWait) =>
      one.submit(route(), { ...wish, maxWait }, 0),
    )
    update(one, 5000, 0)
    expect(short!.result).toMatchObject(isLate)
    // Its deadline is that of the reset.
    expect(long!.state).toBe("waiting")
    expect(alarms.get(long!.bucket)).toBe(5000)
    update(one, 6000, 0)
    expect(long!.result).toMatchObject(isLate)
    expect(alarms.get(endless!.bucket)).toBe(6000)
    one.wake(endless!.bucket, 6000)
    expect(endless!.hasPermit).toBe(true)
  })

  it("leaves its webhook idle", () => {
    const { one } = machine()
    update(one, 2000, 0)
    const late = one.submit(route(), { ...wish, maxWait: 3000 }, 0)
    one.settle(one.submit(route({ webhookId: "2" }), wish, 0), blocked("edge", 60_000), 0)
    one.wake(late.bucket, 2000)
    expect(late.result).toMatchObject({ cause: { error: { reason: "maxWait", scope: "edge" } } })
    expect(bucketsLeft(one, 60_000)).toBe(0)
  })

  it("because its webhook was deleted while its fiber did not run leaves the webhook idle", () => {
    const { one } = machine()
    const first = one.submit(route(), wish, 0)
    const late = one.submit(route(), wish, 0)
    one.settle(first, ok(), 10)
    expect(late.state).toBe("granted")
    one.settle(one.submit(route(), wish, 2000), deleted(), 2000)
    expect(late).toMatchObject({ state: "skipped", attempts: 0 })
    // The reset of the window that the last request opened is at 4010.
    expect(bucketsLeft(one, 4010)).toBe(0)
    const now = 4010 + settings.idleAfter
    expect(one.claim(late, now)).toBe(false)
    expect(late.result).toMatchObject({ cause: { error: { _tag: "WebhookNotFound" } } })
    expect(bucketsLeft(one, now)).toBe(0)
  })
})

describe("the timer that looks for expired permits", () => {
  it("is set while others wait, and canceled with the last permit", () => {
    const { alarms, one, watches } = machine()
    const ask = (at: number) => one.submit(route(), { ...wish, lease: 60_000 }, at)
    one.settle(ask(0), limited(1000), 0)
    // The probe alone is not watched.
    const probe = ask(1000)
    expect(watches).toEqual([])
    const next = ask(1000)
    expect(watches).toEqual([2000])
    one.settle(probe, ok(), 1100)
    expect(watches).toEqual([2000, undefined])
    one.claim(next, 1100)
    one.settle(next, ok(), 1200)
    expect(watches).toEqual([2000, undefined])
    expect(alarms.size).toBe(0)
  })

  it("is set again only as long as others wait", () => {
    const { alarms, one, watches } = machine()
    const ask = () => one.submit(route(), { ...wish, lease: 60_000 }, 0)
    const probe = ask()
    const next = ask()
    const permits = [...alarms.keys()].find((target) => target instanceof Permits)!
    one.wake(permits, 1000)
    expect(watches).toEqual([1000, 2000])
    one.cancel(next, 1500)
    one.wake(permits, 2000)
    expect(watches).toEqual([1000, 2000])
    expect(probe.state).toBe("held")
  })
})

describe("a permit", () => {
  it("whose fiber has resumed late is measured from then on", () => {
    const { one } = machine()
    const first = one.submit(route(), wish, 0)
    const next = one.submit(route(), wish, 0)
    one.settle(first, ok(), 10)
    one.claim(next, 500)
    one.settle(next, ok({ remaining: 3 }), 600)
    expect(next.bucket.roundTrip).toMatchObject({ last: 100, longest: 100 })
  })

  it("that has expired counts its late 429, and leaves its webhook idle", () => {
    const { one } = machine()
    const late = one.submit(route(), { ...wish, lease: 1000 }, 0)
    one.snapshot(2000)
    expect(bucketsLeft(one, 2000)).toBe(0)
    const now = 2000 + settings.idleAfter
    expect(late.state).toBe("expired")
    one.settle(late, limited(1000), now)
    expect(one.snapshot(now).strategies["literal"]).toMatchObject({ limited: { user: 1 } })
    expect(bucketsLeft(one, now + 1000)).toBe(0)
  })

  it("of a request that was parked is not taken from it when the webhook is deleted", () => {
    const { one } = machine()
    one.settle(one.submit(route(), wish, 0), ok(), 0)
    const [parked, other] = [one.submit(route(), wish, 0), one.submit(route(), wish, 0)]
    one.retry(parked, unknown, 500, 10)
    one.wake(parked, 500)
    expect(parked.state).toBe("granted")
    one.settle(other, deleted(), 600)
    expect(parked.state).toBe("granted")
    expect(one.snapshot(600)).toMatchObject({ waiting: 0, inFlight: 1 })
  })
})

describe("requests of a layer that closes", () => {
  it("let those of others go that waited behind them", () => {
    const { one } = machine()
    const edits = { at: route({ method: "PATCH", template: "/edit" }), bucket: "edits" }
    one.settle(one.submit(route(), wish, 0), ok({ remaining: 5 }), 0)
    one.settle(one.submit(edits.at, wish, 0), ok({ bucket: edits.bucket, remaining: 5 }), 0)
    one.submit(edits.at, wish, 0)
    const owner = {}
    const alone = one.submit(route(), { ...wish, ordered: true, owner }, 0)
    const behind = one.submit(edits.at, wish, 0)
    expect([alone, behind].map(({ state }) => state)).toEqual(["waiting", "waiting"])
    one.close(owner, 10)
    expect(behind.state).toBe("granted")
  })
})

describe("requests that are spaced because many are invalid", () => {
  it("are sent at once when those count no more", () => {
    const alarms = new Map<TimerTarget, number>()
    const one = new StateMachine({ ...settings, invalidRequestLimit: 4 }, (target, at) => {
      if (at !== undefined) alarms.set(target, at)
    })
    for (let count = 0; count < 2; count += 1)
      one.update(route({ webhookId: "0" }), response({ status: 403 }), 0)
    const ask = (webhookId: string) => one.submit(route({ webhookId }), wish, 0)
    ask("1")
    const [second, third, fourth] = ["2", "3", "4"].map(ask)
    const timer = [...alarms.keys()].find((target) => target instanceof GlobalLimiter)!
    expect(alarms.get(timer)).toBe(300_000)
    one.wake(timer, 300_000)
    expect([second, third, fourth].map((request) => request!.hasPermit)).toEqual([
      true,
      false,
      false,
    ])
    one.wake(timer, 600_000)
    expect([third, fourth].map((request) => request!.hasPermit)).toEqual([true, true])
  })
})

describe("a response without a request", () => {
  it("leaves its webhook idle", () => {
    const { one } = machine()
    one.update(route(), response(), 0)
    expect(bucketsLeft(one, 2000)).toBe(0)
  })
})

describe("idle webhooks", () => {
  it("are evicted by a timer if they are many", () => {
    const { alarms, one } = machine()
    const use = (webhookId: string) => one.update(route({ webhookId }), response(), 0)
    for (let index = 0; index < 100; index += 1) use(String(index))
    expect(alarms.size).toBe(0)
    use("the last")
    const [[registry, at] = []] = alarms
    expect(at).toBe(settings.idleAfter)
    one.wake(registry!, at!)
    expect(one.learning.webhooks.idle).toBe(101)
    // Their windows end after 2 seconds.
    one.wake(registry!, at! + 2000)
    expect(one.learning.webhooks.idle).toBe(0)
    expect(alarms.size).toBe(0)
  })
})

describe("the estimate of a wait", () => {
  it("counts the free slots of this window before later ones", () => {
    const { one } = machine()
    one.settle(one.submit(route(), wish, 0), ok({ remaining: 4 }), 0)
    for (let count = 0; count < 7; count += 1) one.submit(route(), { ...wish, ordered: true }, 0)
    // One is in flight, three fit, and three of five in the next window.
    expect(one.snapshot(0)).toMatchObject({ waiting: 6, inFlight: 1 })
    expect(one.estimate(route(), literal, 0)).toBe(2000)
  })
})

describe("the first response of a route", () => {
  const arrive = (one: StateMachine, webhookId: string, count: number) =>
    Array.from({ length: count }, () => one.submit(route({ webhookId }), wish, 0))
  const states = (tickets: ReadonlyArray<PendingRequest>) =>
    tickets.map(({ hasPermit }) => (hasPermit ? "goes" : "waits")).join(" ")

  it("teaches the webhooks whose own is still on its way", () => {
    const { one } = machine()
    const [quick] = arrive(one, "1", 1)
    const slow = arrive(one, "2", 6)
    expect(states(slow)).toBe("goes waits waits waits waits waits")
    one.settle(quick!, ok(), 50)
    expect(states(slow)).toBe("goes goes goes goes goes waits")
  })

  it("teaches them nothing when it names no limit, or a limit of another route", () => {
    const { one } = machine()
    const [quick] = arrive(one, "1", 1)
    const other = one.submit(route({ webhookId: "3", method: "GET" }), wish, 0)
    const slow = arrive(one, "2", 2)
    one.settle(quick!, limited(1000, "edge", { limit: undefined, remaining: undefined }), 50)
    one.settle(other, ok(), 60)
    expect(states(slow)).toBe("goes waits")
  })

  it("keeps what was recorded of lost requests", () => {
    const { one } = machine()
    const [quick] = arrive(one, "1", 1)
    const slow = arrive(one, "2", 7)
    one.settle(slow[0]!, unknown, 40)
    expect(states(slow.slice(1))).toBe("goes waits waits waits waits waits")
    one.settle(quick!, ok(), 50)
    expect(states(slow.slice(1))).toBe("goes goes goes goes waits waits")
  })

  it("is the first again once the route was forgotten", () => {
    const { one } = machine()
    const [quick] = arrive(one, "1", 1)
    one.settle(quick!, ok(), 50)
    one.clear(60, route())
    one.clear(60, route({ webhookId: "2" }))
    const [again] = arrive(one, "1", 1)
    const slow = arrive(one, "2", 2)
    expect(states(slow)).toBe("goes waits")
    one.settle(again!, ok(), 50)
    expect(states(slow)).toBe("goes goes")
  })
})

describe("two routes that share a bucket on one webhook", () => {
  it("are assumed to share it on another", () => {
    const registry = new WebhookRegistry()
    const routes = (webhookId: string) =>
      [route({ webhookId }), route({ webhookId, method: "PATCH", template: "/edit" })].map((one) =>
        registry.getRouteState(one),
      )
    for (const one of routes("1")) {
      registry.assignBucket(one, "hash")
      one.bucket.window.onResponse(headers(), 0, 10, false, 0)
      registry.shareLimit(one)
    }
    const [post, edit] = routes("2")
    expect(post!.bucket.id).toBe("hash")
    expect(edit!.bucket).toBe(post!.bucket)
  })
})

describe("two routes that turn out to share a bucket", () => {
  const shared = () => {
    const registry = new WebhookRegistry()
    const post = registry.getRouteState(route())
    const edit = registry.getRouteState(route({ method: "PATCH", template: "/edit" }))
    registry.assignBucket(post, "hash")
    return { edit, post, registry }
  }

  it("wait for the block of either, and probe after it", () => {
    const { edit, post, registry } = shared()
    for (const at of [0, 2000]) edit.bucket.block("user", undefined, at, at)
    registry.assignBucket(edit, "hash")
    expect(edit.bucket).toBe(post.bucket)
    expect(post.bucket).toMatchObject({ blockedUntil: 4000, probing: true, blocksWithoutDelay: 2 })
  })

  it("wait for the later block", () => {
    const { edit, post, registry } = shared()
    post.bucket.block("user", 5000, 0, 0)
    edit.bucket.block("user", 1000, 0, 0)
    registry.assignBucket(edit, "hash")
    expect(post.bucket.blockedUntil).toBe(5000)
  })

  it("reject a request of the other in time", () => {
    const { one } = machine()
    const edit = route({ method: "PATCH", template: "/edit" })
    one.settle(one.submit(route(), wish, 0), ok({ bucket: "hash", remaining: 0 }), 10)
    one.submit(edit, wish, 10)
    const late = one.submit(edit, { ...wish, maxWait: 500 }, 10)
    expect(late.state).toBe("waiting")
    one.update(edit, response({ headers: headers({ bucket: "hash", remaining: 0 }) }), 20)
    expect(late.result).toMatchObject({ cause: { error: { reason: "maxWait" } } })
  })
})

describe("after a 429", () => {
  it("an idle webhook is not evicted before the end of its block", () => {
    const registry = new WebhookRegistry()
    const { bucket, webhook } = registry.getRouteState(route())
    bucket.block("user", 600_000, 0, 0)
    registry.markIdle(webhook, 0)
    registry.sweep(600_000 - 1)
    expect(registry.find(route(), 600_000)).toMatchObject({ blockedUntil: 600_000 })
    registry.sweep(600_000)
    expect(registry.find(route(), 600_000)).toBe(undefined)
  })

  it("one request probes until a response to a later one", () => {
    const { one } = machine()
    one.settle(one.submit(route(), wish, 0), ok(), 10)
    const [first, second] = [20, 20].map((at) => one.submit(route(), wish, at))
    one.settle(first!, limited(1000), 30)
    one.settle(second!, ok(), 40)
    const [probe, next] = [2050, 2050].map((at) => one.submit(route(), wish, at))
    expect([probe!.state, next!.state]).toEqual(["held", "waiting"])
    one.settle(probe!, ok(), 2060)
    expect(next!.hasPermit).toBe(true)
  })
})

describe("makespan", () => {
  const server: ServerOptions = {
    kind: "fixed",
    limit: 5,
    window: 2000,
    skew: 0,
    hash: "route",
    headers: "all",
    global: undefined,
  }
  const messages = (policy: Job["policy"], ordered: boolean): ReadonlyArray<Job> =>
    Array.from({ length: 20 }, () => ({
      at: 0,
      webhook: 0,
      route: "POST",
      ordered,
      policy,
      attempts: [{ up: 60, down: 60, fate: "answered" }],
      backoff: 0,
      maxWait: undefined,
      leavesAfter: undefined,
    }))
  /** Three more windows, or fifteen slots of 400 ms, and one round trip. */
  const optimum = 6120

  for (const [name, policy] of Object.entries({ proactive, pacedProactive, adaptive, reactive })) {
    for (const kind of ["fixed", "leaking"] as const) {
      for (const ordered of [true, false]) {
        it(`${name}, ${kind}, ${ordered ? "ordered" : "concurrent"}`, () => {
          const world = new ModelRun({ ...server, kind }, messages(policy, ordered)).play()
          const makespan = Math.max(...world.runs.map(({ endedAt }) => endedAt))
          expect(world.get("answered").length).toBe(20)
          if (policy === reactive) return
          expect(world.server.refused).toBe(0)
          expect(makespan / optimum).toBeLessThan(1.1)
        })
      }
    }
  }
})

/** Idle webhooks in a compact form behave as if they were not. */
import { it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { describe, expect } from "vitest"
import { RateLimitHeaders } from "../../src/index.js"
import { responded } from "../../src/ratelimit/Permit.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { runs } from "../support/laws.js"
import { encodeState, makeMachine as makeBareMachine } from "./machine.js"
import { ModelRun } from "./model/modelRun.js"
import { proactive, adaptive } from "./model/policies.js"
import { anything, oneChannel, type Scenario } from "./model/scenarios.js"
import { headers, response, route } from "./responses.js"

const play = ({ jobs, meddling, server }: Scenario, unpacked: number) => {
  const model = new ModelRun(server, jobs, { settings: { idleAfter: 1e12 } })
  model.machine.learning.webhooks.maxUnpackedIdle = unpacked
  for (const { act, at } of meddling ?? []) model.at(at, () => model.meddle(act))
  model.play()
  const webhooks = [...new Set(jobs.map(({ webhook }) => webhook))]
  return {
    exchanges: model.exchanges,
    ends: model.runs.map(({ end, endedAt }) => `${end}@${endedAt}`),
    states: webhooks.map((webhook) => encodeState(model.machine, `${webhook}`)),
    snapshot: model.machine.snapshot(model.clock),
  }
}

/** A machine with a webhook for each id, all idle, of which one is not packed. */
const makeMachine = (ids: ReadonlyArray<string>, channelId?: (id: string) => string) => {
  const { machine, submit } = makeBareMachine({ globalLimits: [], idleAfter: 60_000 })
  machine.learning.webhooks.maxUnpackedIdle = 1
  const send = (id: string, at: number, policy: Policy = adaptive) =>
    submit(at, { webhookId: id, policy, lease: 60_000 })
  const settle = (request: ReturnType<typeof send>, id: string, at: number) => {
    const answer = response({ channelId: channelId?.(id), headers: headers({ remaining: 0 }) })
    machine.settle(request, responded(answer), at)
  }
  for (const id of ids) settle(send(id, 0), id, 10.5)
  machine.learning.webhooks.packIdle()
  return { machine, send, settle }
}

const { empty } = RateLimitHeaders
const ids = ["1", "2", "3"]
const majorOf = (id: string) => route({ webhookId: id }).major

describe("a packed webhook", () => {
  it.each([
    ["any scenario", anything],
    ["webhooks of one channel", oneChannel],
  ])("behaves exactly as one that is not, in %s", (_name, scenarios) => {
    FastCheck.assert(
      FastCheck.property(scenarios, (scenario) => {
        expect(play(scenario, 0)).toStrictEqual(play(scenario, Infinity))
      }),
      { numRuns: runs(200) },
    )
  })

  it("is no object of its own", () => {
    const { machine } = makeMachine(ids)
    const { idle, unpacked } = machine.learning.webhooks
    expect([...unpacked.keys()]).toEqual([majorOf("3")])
    expect(idle).toBe(3)
    expect(machine.snapshot(20)).toMatchObject({ buckets: 3, waiting: 0, inFlight: 0 })
  })

  it("keeps its limit, and counts its window again after the reset", () => {
    const { machine, send } = makeMachine(ids)
    const request = send("1", 100)
    expect(request.state).toBe("waiting")
    expect(machine.find(route({ webhookId: "2" }), 100)).toMatchObject({ limit: 5, remaining: 0 })
    expect(machine.find(route({ webhookId: "2" }), 3000)).toMatchObject({ limit: 5, remaining: 5 })
  })

  it("is evicted when it has been idle and unlimited for long enough", () => {
    const { machine } = makeMachine(ids)
    machine.pending.sweep(60_100)
    expect(machine.snapshot(60_100).buckets).toBe(2 + 1)
    machine.pending.sweep(62_011)
    expect(machine.snapshot(62_011).buckets).toBe(0)
  })

  it("is forgotten when all is, and when its route is", () => {
    const { machine } = makeMachine(ids)
    machine.clear(20, route({ webhookId: "1" }))
    expect(machine.find(route({ webhookId: "1" }), 20)).toMatchObject({ limit: undefined })
    expect(machine.find(route({ webhookId: "2" }), 20)).toMatchObject({ limit: 5 })
    machine.clear(20)
    expect(machine.find(route({ webhookId: "2" }), 20)).toBeUndefined()
  })

  it("shares its channel with a webhook that is found to belong to it", () => {
    const { machine } = makeMachine(["1", "2"], () => "7")
    const { webhooks } = machine.learning
    // Webhooks of a channel with several are not packed: 1 and 2 have it in common.
    expect(webhooks.unpacked.size).toBe(2)
    const other = makeMachine(["1", "2"], (id) => id)
    expect(other.machine.learning.webhooks.unpacked.has(majorOf("1"))).toBe(false)
    const request = other.send("3", 20)
    other.machine.settle(request, responded(response({ channelId: "1" })), 30)
    const channel = other.machine.learning.webhooks.get(majorOf("1"))?.channel
    expect(channel?.webhooks.map(({ major }) => major)).toEqual([majorOf("1"), majorOf("3")])
  })

  it("stays as it is before its first response, with other memories than plain data, and as a guess", () => {
    const { machine, send } = makeMachine([])
    const dated: Policy = {
      ...proactive,
      name: "dated",
      initial: new Date(0),
      observe: (memory) => memory,
    }
    const respond = (id: string, at: number, policy?: Policy) =>
      machine.settle(send(id, at, policy), responded(response({})), at + 10)
    respond("plain", 20)
    respond("guess", 40)
    respond("dated", 60, dated)
    // The last bucket that was described is the guess for those of new webhooks.
    respond("guess", 80)
    machine.update(
      route({ webhookId: "unknown", method: "GET" }),
      response({ status: 500, headers: empty }),
      90,
    )
    machine.learning.webhooks.maxUnpackedIdle = 0
    machine.learning.webhooks.packIdle()
    expect([...machine.learning.webhooks.unpacked.keys()].sort()).toEqual(
      ["dated", "guess", "unknown"].map(majorOf),
    )
    expect(machine.learning.webhooks.get(majorOf("dated"))?.buckets[0]?.learned).toBeInstanceOf(
      Date,
    )
  })

  it("is packed a few at a time", () => {
    const many = Array.from({ length: 50 }, (_, index) => `${index}`)
    const { machine, send } = makeMachine([])
    const requests = many.map((id) => [id, send(id, 0)] as const)
    for (const [, request] of requests) machine.settle(request, responded(response({})), 10)
    const before = machine.learning.webhooks.unpacked.size
    machine.find(route({ webhookId: "unknown" }), 20)
    expect(before - machine.learning.webhooks.unpacked.size).toBe(8)
  })
})

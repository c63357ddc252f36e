import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { combine } from "../../../src/ratelimit/settings.js"
import type { TimerTarget } from "../../../src/ratelimit/internal/pendingRequests.js"
import { getProgram } from "../../support/ChildProgram.js"
import { deleted, ok, route } from "../responses.js"
import { careful } from "../model/policies.js"

const wish = {
  policy: careful,
  ordered: true,
  maxWait: Number.POSITIVE_INFINITY,
  lease: Number.POSITIVE_INFINITY,
  owner: {},
}

const play = (webhooks: number, outcome = ok()) => {
  const alarms = new Map<TimerTarget, number>()
  const machine = new StateMachine(
    { ...combine([]), globalLimits: [{ limit: 10_000, window: 1000 }] },
    (target, at) => {
      if (at === undefined) alarms.delete(target)
      else alarms.set(target, at)
    },
  )
  for (let index = 0; index < webhooks; index += 1) {
    machine.settle(machine.submit(route({ webhookId: String(index) }), wish, index), outcome, index)
  }
  return { alarms, machine }
}

describe("a program that has nothing else to do", () => {
  it("ends, although its runtime is never disposed", async () => {
    const program = await getProgram("test/ratelimit/keepAlive/program.ts")
    const done = promisify(execFile)(process.execPath, [program])
    // The timers that would keep it alive.
    expect(await done).toEqual({ stdout: "0\n", stderr: "" })
  })

  it("has no timer for a hundred idle webhooks, which are gone at the next look", () => {
    const { alarms, machine } = play(100)
    expect(alarms.size).toBe(0)
    expect(machine.snapshot(1000).buckets).toBe(100)
    expect(machine.snapshot(200_000).buckets).toBe(0)
  })

  it("has one for more, until few are left", () => {
    const { alarms, machine } = play(101)
    expect([...alarms.values()]).toEqual([120_100])
    for (const target of alarms.keys()) machine.wake(target, 300_000)
    expect(alarms.size).toBe(0)
  })

  it("has none for a few dead webhooks, and one for many", () => {
    expect(play(40, deleted()).alarms.size).toBe(0)
    expect(play(60, deleted()).alarms.size).toBe(1)
  })
})

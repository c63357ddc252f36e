import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { getProgram } from "../../support/ChildProgram.js"
import { makeMachine } from "../machine.js"
import { deleted, ok } from "../responses.js"
import { proactive } from "../model/policies.js"

const play = (webhooks: number, outcome = ok()) => {
  const globalLimits = [{ limit: 10_000, window: 1000 }]
  const { machine, submit, timers } = makeMachine({ globalLimits })
  for (let index = 0; index < webhooks; index += 1) {
    const request = submit(index, { policy: proactive, webhookId: String(index) })
    machine.settle(request, outcome, index)
  }
  return { machine, timers }
}

describe("a program that has nothing else to do", () => {
  it("ends, although its runtime is never disposed", async () => {
    const program = await getProgram("test/ratelimit/keepAlive/program.ts")
    const done = promisify(execFile)(process.execPath, [program])
    // The timers that would keep it alive.
    expect(await done).toEqual({ stdout: "0\n", stderr: "" })
  })

  it("has no timer for a hundred idle webhooks, which are gone at the next look", () => {
    const { timers, machine } = play(100)
    expect(timers.size).toBe(0)
    expect(machine.snapshot(1000).buckets).toBe(100)
    expect(machine.snapshot(200_000).buckets).toBe(0)
  })

  it("has one for more, until few are left", () => {
    const { timers, machine } = play(101)
    expect([...timers.values()]).toEqual([120_100])
    for (const target of timers.keys()) machine.wake(target, 300_000)
    expect(timers.size).toBe(0)
  })

  it("has none for a few dead webhooks, and one for many", () => {
    expect(play(40, deleted()).timers.size).toBe(0)
    expect(play(60, deleted()).timers.size).toBe(1)
  })
})

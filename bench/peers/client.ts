/** One library in a process of its own, so that processor time, memory and collections are its own. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Name, open } from "./libraries.js"
import type { Lanes, Peer, Setup, Target } from "./peer.js"
import { answer } from "./remote.js"
import { targetsOf } from "./targets.js"

const name = process.argv[2] as Name
let peer: Peer | undefined

function opened(): Peer {
  if (peer === undefined) throw new Error("open it first")
  return peer
}

/** Microseconds of this process, in user and system mode. */
function cpuSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return user + system
}

/** Bytes in use after a collection. */
function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const commands = {
  /** A new instance, without learned state. */
  open: async (setup: Setup): Promise<void> => {
    await peer?.close()
    peer = await open[name](setup)
  },

  /**
   * Milliseconds and CPU microseconds of all, milliseconds of each call. No collection is forced
   * before: a full one discards compiled code of functions that are created for each call.
   */
  send: async (lanes: Lanes) => {
    const took: Array<number> = []
    const cpu = process.cpuUsage()
    const start = performance.now()
    await opened().send(lanes, took)
    const lasted = performance.now() - start
    return { lasted, cpu: cpuSince(cpu), took }
  },

  /** CPU microseconds until each of `marks` messages were sent, with as many lanes as targets. */
  first: async ({ targets, marks }: { targets: ReadonlyArray<Target>; marks: Array<number> }) => {
    const lanes = targets.length
    const cpu = process.cpuUsage()
    const used: Array<number> = []
    let sent = 0
    for (const mark of marks) {
      const plan = targets.map((target, lane) =>
        Array<Target>(Math.ceil((mark - sent - lane) / lanes)).fill(target),
      )
      await opened().send(plan, [])
      used.push(cpuSince(cpu))
      sent = mark
    }
    return used
  },

  /** Bytes for each of `count` webhooks that got one message: at once, and when all are swept. */
  remember: async (count: number) => {
    const lanes = 64
    const setup = { baseUrl: "http://localhost/api/v10", wait: false, canned: "five" as const }
    // What the first requests compile and cache is not memory of webhooks.
    const rehearsal = await open[name]({ ...setup, idleAfter: 500 })
    const start = performance.now()
    await rehearsal.send(lanesOf(targetsOf(4000), lanes), [])
    const msEach = (performance.now() - start) / 4000
    await emptied(rehearsal, 60_000)
    await rehearsal.close()

    const targets = targetsOf(count)
    const idleAfter = Math.ceil(Math.max(3000, 3 * msEach * count))
    const tracker = await open[name]({ ...setup, idleAfter })
    const plan = lanesOf(targets, lanes)
    const before = heap()
    await tracker.send(plan, [])
    const tracked = tracker.tracked()
    const full = heap()
    await emptied(tracker, 10 * idleAfter)
    const swept = heap()
    const left = tracker.tracked()
    await tracker.close()
    return {
      tracked,
      left,
      bytesEach: (full - before) / count,
      sweptBytesEach: (swept - before) / count,
      webhooks: targets.length,
    }
  },
}

export type ClientCommands = typeof commands

async function emptied(one: Peer, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs
  while (one.tracked() > 0 && performance.now() < end) await sleep(250)
}

function lanesOf(targets: ReadonlyArray<Target>, lanes: number): Lanes {
  return Array.from({ length: lanes }, (_, lane) =>
    targets.filter((__, index) => index % lanes === lane),
  )
}

answer(commands)

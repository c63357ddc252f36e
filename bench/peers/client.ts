/** One library in a process of its own, so that time, memory and collections are its alone. */
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { discordjs } from "./discordjs.js"
import { ours, strategies } from "./ours.js"
import type { Lanes, Peer, Setup, Target } from "./peer.js"
import { rawUndici, rawUndiciInFibers } from "./rawUndici.js"
import { answer } from "./remote.js"

/** The peers by the names that the tables show. */
const peers: Readonly<Record<string, (setup: Setup) => Peer | Promise<Peer>>> = {
  undici: rawUndici,
  "undici, in fibers": rawUndiciInFibers,
  "@discordjs/rest": (setup) => discordjs(setup),
  "@discordjs/rest, offset 0": (setup) => discordjs(setup, 0),
  "ours, reactive": (setup) => ours(setup, strategies.reactive),
  "ours, proactive": (setup) => ours(setup, strategies.proactive),
  "ours, adaptive": (setup) => ours(setup, strategies.adaptive),
}

const name = process.argv[2] ?? ""
let peer: Peer | undefined

async function opened(setup: Setup): Promise<Peer> {
  const open = peers[name]
  if (open === undefined) throw new Error(`no peer is called ${name}`)
  return open(setup)
}

/** Bytes in use after a collection. */
function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const commands = {
  /** A new instance, which has learned nothing yet. */
  open: async (setup: Setup): Promise<void> => {
    await peer?.close()
    peer = await opened(setup)
  },

  /**
   * Milliseconds and CPU microseconds of the whole, milliseconds of each call. No collection is
   * forced before it: a full one throws away what was compiled of functions that live for a call.
   */
  send: async (lanes: Lanes) => {
    if (peer === undefined) throw new Error("open it first")
    const took: Array<number> = []
    const cpu = process.cpuUsage()
    const start = performance.now()
    await peer.send(lanes, took)
    const lasted = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    return { lasted, cpu: user + system, took }
  },

  /** Bytes for each of so many webhooks that got one message: at once, and when all are swept. */
  remember: async (count: number) => {
    const lane = 64
    // What is compiled and cached by the first requests is no memory of webhooks.
    const rehearsal = await opened({
      baseUrl: "http://localhost/api/v10",
      canned: true,
      idleAfter: 500,
    })
    const rehearsed = performance.now()
    await rehearsal.send(lanesOf(webhooks(4000), lane), [])
    const each = (performance.now() - rehearsed) / 4000
    await emptied(rehearsal, 60_000)
    await rehearsal.close()

    const targets = webhooks(count)
    const idleAfter = Math.ceil(Math.max(3000, 3 * each * count))
    const tracker = await opened({ baseUrl: "http://localhost/api/v10", canned: true, idleAfter })
    const lanes = lanesOf(targets, lane)
    const before = heap()
    await tracker.send(lanes, [])
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

async function emptied(one: Peer, patience: number): Promise<void> {
  const end = performance.now() + patience
  while (one.tracked() > 0 && performance.now() < end) await sleep(250)
}

function webhooks(count: number): Array<Target> {
  return Array.from({ length: count }, (_, index) => ({
    id: String(1_100_000_000_000_000_000n + BigInt(index)),
    token: randomBytes(51).toString("base64url"),
  }))
}

function lanesOf(targets: ReadonlyArray<Target>, lanes: number): Lanes {
  return Array.from({ length: lanes }, (_, lane) =>
    targets.filter((__, index) => index % lanes === lane),
  )
}

answer(commands)

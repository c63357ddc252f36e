/** Each drain by each library, one after another: together they would slow each other. */
import { setTimeout } from "node:timers/promises"
import { type Drain, drains } from "./drains.js"
import { median } from "./figures.js"
import { type Name, names } from "./libraries.js"
import type { Target } from "./peer.js"
import { type Processes, rotated } from "./processes.js"
import { targetsOf } from "./targets.js"

export interface Drained {
  readonly drain: string
  readonly peer: Name
  readonly makespanMs: number
  readonly optimumMs: number
  /** Relative to the optimum; where nothing has to wait, to undici alone. */
  readonly ratio: number
  /** Responses with status 429. */
  readonly limited: number
}

const limiters = [
  names.discordjs,
  names.discordjsOffset0,
  names.reactive,
  names.proactive,
  names.adaptive,
]

/** Where nothing has to wait, a library without limits takes part. */
function participants({ isFree }: Drain): ReadonlyArray<Name> {
  return isFree ? [names.undici, names.undiciInFibers, ...limiters] : limiters
}

interface Once {
  readonly ms: number
  readonly limited: number
}

async function drainOnce(
  processes: Processes,
  drain: Drain,
  peer: Name,
  baseUrl: string,
): Promise<Once> {
  const { simulator } = processes
  const targets = await simulator.call("webhooks", drain.webhooks)
  const client = processes.client(peer)
  await client.call("open", { baseUrl, ...(drain.global === undefined ? {} : { globalLimit: 50 }) })
  const all = Array.from({ length: drain.messages }, (_, index) => [
    targets[index % targets.length]!,
  ])
  // The server counts by the seconds of its clock, which is ours: the optimum begins with one.
  if (drain.global !== undefined) await setTimeout(1000 - (Date.now() % 1000))
  const { lasted } = await client.call("send", all)
  const ids = targets.map(({ id }) => id)
  const { limited, stored } = await simulator.call("retire", ids)
  if (stored !== drain.messages) throw new Error(`${peer}: ${stored} messages of ${drain.messages}`)
  return { ms: lasted, limited }
}

async function drainAll(
  processes: Processes,
  drain: Drain,
  rounds: number,
): Promise<ReadonlyArray<Drained>> {
  const { limit, periodMs, linkMs, global } = drain
  const baseUrl = await processes.simulator.call("baseUrl", undefined)
  await processes.simulator.call("scene", { limit: { limit, periodMs }, linkMs, global })
  const peers = participants(drain)
  const seen = new Map(peers.map((peer) => [peer, [] as Array<Once>]))
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const peer of rotated(peers, turn)) {
      seen.get(peer)?.push(await drainOnce(processes, drain, peer, baseUrl))
    }
  }
  const makespan = (peer: Name): number => median((seen.get(peer) ?? []).map(({ ms }) => ms))
  const optimumMs = drain.isFree ? makespan(names.undici) : drain.optimumMs
  return peers.map((peer) => {
    const own = seen.get(peer) ?? []
    return {
      drain: drain.name,
      peer,
      makespanMs: makespan(peer),
      optimumMs,
      ratio: makespan(peer) / optimumMs,
      limited: own.reduce((sum, { limited }) => sum + limited, 0) / own.length,
    }
  })
}

export async function runDrains(
  processes: Processes,
  { quick, progress }: { quick: boolean; progress: (text: string) => void },
): Promise<ReadonlyArray<Drained>> {
  await warmUp(processes, quick ? 1 : 5)
  const all: Array<Drained> = []
  for (const drain of drains.filter(({ long }) => !quick || !long)) {
    progress(drain.name)
    all.push(...(await drainAll(processes, drain, quick ? 1 : drain.rounds)))
  }
  return all
}

/** Rounds without limits, until V8 has compiled what runs often. */
async function warmUp(processes: Processes, rounds: number): Promise<void> {
  const baseUrl = await processes.plain.call("baseUrl", undefined)
  const plan = targetsOf(64).map((target) => Array<Target>(30).fill(target))
  for (const peer of [names.undici, names.undiciInFibers, ...limiters]) {
    await processes.client(peer).call("open", { baseUrl })
    for (let turn = 0; turn < rounds; turn += 1) await processes.client(peer).call("send", plan)
  }
}

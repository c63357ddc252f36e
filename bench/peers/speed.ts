/** The same number of messages from every library, warm, without limits. */
import { median, quantile } from "./figures.js"
import { type Name, names } from "./libraries.js"
import type { Lanes, Target } from "./peer.js"
import { type Processes, rotated } from "./processes.js"
import { targetsOf } from "./targets.js"

export interface Speed {
  readonly peer: Name
  readonly wait: boolean
  /** Whether the client responds in process. */
  readonly inProcess: boolean
  readonly lanes: number
  readonly requestsPerSecond: number
  /** Microseconds per message. */
  readonly cpuMicros: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface SpeedSettings {
  readonly lanes: number
  readonly wait: boolean
  readonly inProcess: boolean
  /** Messages of a lane and round. */
  readonly each: number
  /** Of each library, one after the other: V8 compiles the same code faster in one than in another. */
  readonly processes: number
  /** Of each process. */
  readonly rounds: number
  /** Rounds before those, until V8 has compiled what runs often. */
  readonly warmUp: number
}

const sockets = [
  names.undici,
  names.fetch,
  names.discordjs,
  names.dfx,
  names.proactive,
  names.adaptive,
  names.adaptiveFetch,
]

/** Those with an interface for a client of one's own. */
const clients = [names.discordjs, names.proactive, names.adaptive]

export async function speed(
  processes: Processes,
  settings: SpeedSettings,
): Promise<ReadonlyArray<Speed>> {
  const { lanes, wait, inProcess, each, rounds, warmUp } = settings
  const baseUrl = await processes.plain.call("baseUrl", undefined)
  const peers = inProcess ? clients : sockets
  const setup = { baseUrl, wait, ...(inProcess ? { canned: "million" as const } : {}) }
  // Each library has webhooks of its own: another one's messages would be competing traffic.
  const plans = new Map(
    peers.map((peer): [Name, Lanes] => [
      peer,
      targetsOf(lanes).map((target) => Array<Target>(each).fill(target)),
    ]),
  )
  const seen = new Map(peers.map((peer) => [peer, [] as Array<Speed>]))
  for (let life = 0; life < settings.processes; life += 1) {
    processes.stopClients()
    for (const peer of peers) await processes.client(peer).call("open", setup)
    for (let turn = 0; turn < warmUp + rounds; turn += 1) {
      for (const peer of rotated(peers, life + turn)) {
        const plan = plans.get(peer) ?? []
        const { cpu, lasted, took } = await processes.client(peer).call("send", plan)
        if (turn < warmUp) continue
        seen.get(peer)?.push({
          peer,
          wait,
          inProcess,
          lanes,
          requestsPerSecond: (took.length / lasted) * 1000,
          cpuMicros: cpu / took.length,
          p50Ms: quantile(took, 0.5),
          p99Ms: quantile(took, 0.99),
        })
      }
    }
  }
  return peers.map((peer) => {
    const own = seen.get(peer) ?? []
    const mid = (pick: (one: Speed) => number): number => median(own.map(pick))
    return {
      peer,
      wait,
      inProcess,
      lanes,
      requestsPerSecond: mid((one) => one.requestsPerSecond),
      cpuMicros: mid((one) => one.cpuMicros),
      p50Ms: mid((one) => one.p50Ms),
      p99Ms: mid((one) => one.p99Ms),
    }
  })
}

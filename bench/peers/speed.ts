/**
 * The same number of messages from every library, warm, without limits: in one go, as in a busy
 * program, or with seconds of idleness between rounds. After a pause V8 lets the heap grow less, so
 * that a full collection falls into almost every round.
 */
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
  /** Whether each round came after a pause. */
  readonly pauses: boolean
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
  /** Whether a library is idle while the others have their turns of a round. */
  readonly pauses: boolean
  /** Messages of a lane and round. */
  readonly each: number
  /** Of each library, one after the other: V8 compiles the same code faster in one than in another. */
  readonly processes: number
  /** Of each process. */
  readonly rounds: number
  /** Rounds before those, until V8 has compiled what runs often. */
  readonly warmUp: number
}

const sockets: ReadonlyArray<Name> = [
  names.undici,
  names.fetch,
  names.discordjs,
  names.dfx,
  names.proactive,
  names.adaptive,
  names.adaptiveFetch,
]

/** The measured rounds of one process, with their collections of garbage. */
interface Life {
  /** Microseconds. */
  cpu: number
  /** Milliseconds. */
  lasted: number
  /** Milliseconds of each message. */
  readonly took: Array<number>
}

/** Those with an interface for a client of one's own. */
const clients: ReadonlyArray<Name> = [names.discordjs, names.proactive, names.adaptive]

export async function speed(
  processes: Processes,
  settings: SpeedSettings,
): Promise<ReadonlyArray<Speed>> {
  const { lanes, wait, inProcess, pauses, each, rounds, warmUp } = settings
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
  const lives = new Map(peers.map((peer) => [peer, [] as Array<Life>]))
  const turns = Array.from({ length: warmUp + rounds }, (_, turn) => turn)
  for (let life = 0; life < settings.processes; life += 1) {
    processes.stopClients()
    for (const peer of peers) {
      await processes.client(peer).call("open", setup)
      lives.get(peer)?.push({ cpu: 0, lasted: 0, took: [] })
    }
    const send = async (peer: Name, turn: number): Promise<void> => {
      const round = await processes.client(peer).call("send", plans.get(peer) ?? [])
      const own = lives.get(peer)?.[life]
      if (own === undefined || turn < warmUp) return
      own.cpu += round.cpu
      own.lasted += round.lasted
      own.took.push(...round.took)
    }
    if (pauses) {
      for (const turn of turns)
        for (const peer of rotated(peers, life + turn)) await send(peer, turn)
    } else {
      for (const peer of rotated(peers, life)) for (const turn of turns) await send(peer, turn)
    }
  }
  return peers.map((peer) => {
    const own = lives.get(peer) ?? []
    const mid = (figure: (one: Life) => number): number => median(own.map(figure))
    return {
      peer,
      wait,
      inProcess,
      pauses,
      lanes,
      requestsPerSecond: mid(({ lasted, took }) => (took.length / lasted) * 1000),
      cpuMicros: mid(({ cpu, took }) => cpu / took.length),
      p50Ms: mid(({ took }) => quantile(took, 0.5)),
      p99Ms: mid(({ took }) => quantile(took, 0.99)),
    }
  })
}

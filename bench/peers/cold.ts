/**
 * Processor time of the first messages of a process, while V8 interprets and compiles. Each library
 * and round is a new process; modules are loaded and the client is made before the measurement.
 */
import { median } from "./figures.js"
import { type Name, names } from "./libraries.js"
import { type Processes, rotated } from "./processes.js"
import { targetsOf } from "./targets.js"

export interface Cold {
  readonly peer: Name
  readonly wait: boolean
  readonly lanes: number
  /** The first so many messages of the process. */
  readonly messages: number
  /** Microseconds per message. */
  readonly cpuMicros: number
}

const marks = [100, 1000, 5000]
const compared = [names.undici, names.discordjs, names.dfx, names.adaptive]

const settings = [
  { lanes: 1, wait: true, peers: [...compared, names.fetch, names.adaptiveFetch] },
  { lanes: 64, wait: true, peers: compared },
  { lanes: 64, wait: false, peers: compared },
]

export async function cold(
  processes: Processes,
  rounds: number,
  progress: (text: string) => void,
): Promise<ReadonlyArray<Cold>> {
  const baseUrl = await processes.plain.call("baseUrl", undefined)
  const rows: Array<Cold> = []
  for (const { lanes, wait, peers } of settings) {
    progress(`cold, ${lanes} at once, wait=${wait}`)
    const seen = new Map(peers.map((peer) => [peer, [] as Array<ReadonlyArray<number>>]))
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const peer of rotated(peers, turn)) {
        const client = processes.freshClient(peer)
        await client.call("open", { baseUrl, wait })
        const used = await client.call("first", { targets: targetsOf(lanes), marks })
        client.stop()
        seen.get(peer)?.push(used)
      }
    }
    for (const [index, messages] of marks.entries()) {
      for (const peer of peers) {
        const used = median((seen.get(peer) ?? []).map((one) => one[index] ?? Number.NaN))
        rows.push({ peer, wait, lanes, messages, cpuMicros: used / messages })
      }
    }
  }
  return rows
}

/** Heap for each webhook that got one message, with responses in process. */
import { type Name, names } from "./libraries.js"
import type { Processes } from "./processes.js"

export interface Remembered {
  readonly peer: Name
  readonly webhooks: number
  readonly tracked: number
  readonly left: number
  readonly bytesEach: number
  readonly sweptBytesEach: number
}

export async function memory(
  processes: Processes,
  webhooks: number,
): Promise<ReadonlyArray<Remembered>> {
  const all: Array<Remembered> = []
  for (const peer of [names.discordjs, names.adaptive]) {
    all.push({ peer, ...(await processes.client(peer).call("remember", webhooks)) })
  }
  return all
}

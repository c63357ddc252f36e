/** What the server does with a request, chosen by seed, message and arrival, the same in every run. */

export interface Fault {
  readonly name: string
  /** Of 1000 requests. */
  readonly weight: number
  /** The message counts as posted. */
  readonly stores: boolean
}

const faults: ReadonlyArray<Fault> = [
  { name: "reset after the head of the request", weight: 15, stores: false },
  { name: "reset after the request", weight: 15, stores: false },
  { name: "stored, then reset", weight: 15, stores: true },
  { name: "stored, then half a response", weight: 15, stores: true },
  { name: "stored, then half a head", weight: 10, stores: true },
  { name: "no response", weight: 10, stores: false },
  { name: "stored, no response", weight: 10, stores: true },
  { name: "stored, late response", weight: 10, stores: true },
  { name: "500", weight: 15, stores: false },
  { name: "stored, then 502", weight: 10, stores: true },
  { name: "429", weight: 40, stores: false },
  { name: "429 without delay", weight: 5, stores: false },
  { name: "307", weight: 5, stores: false },
  { name: "421", weight: 5, stores: false },
  { name: "100 Continue first", weight: 10, stores: true },
  { name: "103 Early Hints first", weight: 10, stores: true },
  { name: "not HTTP", weight: 10, stores: false },
  { name: "HTML with status 200", weight: 10, stores: false },
  { name: "response in pieces", weight: 30, stores: true },
  { name: "response, then the connection ends", weight: 20, stores: true },
]

const healthy: Fault = { name: "response", weight: 0, stores: true }

/** The fault of the n-th time that a message arrives. */
export function faultOf(seed: number, message: number, arrival: number): Fault {
  let left = random(seed, message, arrival) * 1000
  for (const fault of faults) {
    left -= fault.weight
    if (left < 0) return fault
  }
  return healthy
}

/** A figure from 0 to 1, by the mixing steps of MurmurHash3. */
export function random(...parts: ReadonlyArray<number>): number {
  let hash = 0x9e3779b9
  for (const part of parts) {
    hash = Math.imul(hash ^ part, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return (hash >>> 0) / 2 ** 32
}

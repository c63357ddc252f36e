/** What the laws of the rate-limit model need of an implementation, and what a run of a scenario shows. */
import type * as FastCheck from "effect/FastCheck"
import type { Exchange } from "./modelRun.js"
import type { Scenario } from "./scenarios.js"

/** What happens to a process, or to the store that processes share. */
export interface Fault {
  /** `close` closes the limiter of a process; `restart`, `forget` and `away` concern the store. */
  readonly kind: "restart" | "forget" | "away" | "pause" | "kill" | "close"
  readonly at: number
  readonly process: number
  readonly lasts: number
}

export interface Environment {
  readonly seed: number
  readonly processes: number
  /** Maximum milliseconds of a call to the store, and of a message from it. */
  readonly delay: number
  /** Probability that a message is lost. */
  readonly loss: number
  readonly faults: ReadonlyArray<Fault>
}

export interface Played {
  /** Responses 429, and those of the global limit. */
  readonly refused: number
  readonly refusedGlobally: number
  /** In the order in which they began. */
  readonly exchanges: ReadonlyArray<Exchange>
  /** How each job ended; `undefined` if it did not. */
  readonly ends: ReadonlyArray<string | undefined>
  readonly endedAt: ReadonlyArray<number>
  /** The process of each job. */
  readonly processOf: ReadonlyArray<number>
  /** Processes that were killed or whose limiter was closed, and those that stood still. */
  readonly gone: ReadonlySet<number>
  readonly paused: ReadonlySet<number>
  /** When the program first had the outcome of a request. */
  readonly firstOutcomeAt: number
  /** Requests that wait or are in flight at the end. */
  readonly open: number
  /** What is remembered, and the timers that run, long after the end. */
  readonly remembered: number
}

export interface PlayOptions {
  /** Requests in each second. */
  readonly globalLimit?: number
  /** Whether to wait for `remembered`. */
  readonly isForgetting?: boolean
}

export interface Implementation {
  readonly name: string
  readonly isAvailable: boolean
  /** Whether a law is played on one of six implementations like this one while typing. */
  readonly takesTurns: boolean
  /** The part of a law's runs, and of a law whose runs take hours: processes send heartbeats all the time. */
  readonly share: number
  readonly shareOfHours: number
  readonly environments: FastCheck.Arbitrary<Environment>
  readonly play: (
    scenario: Scenario,
    environment: Environment,
    options: PlayOptions,
  ) => Promise<Played>
  /**
   * `arrival`: first in, first out over all processes, if the requests are at least `knownAfter` milliseconds
   * apart. `process`: only within each, because the others may learn of a request late.
   */
  readonly order: "arrival" | "process"
  readonly knownAfter: (environment: Environment) => number
  /**
   * What shows that two routes share a limit: a response that the process has received for any webhook, or only
   * the state of the webhook itself, since others have received the responses.
   */
  readonly routesKnownBy: "process" | "webhook"
  /** Whether every instant and latency is exact; on a real clock a law about milliseconds cannot hold. */
  readonly isExact: boolean
  /**
   * Whether each response stays known. A store that loses its last second while the process that had the
   * response dies has lost what the request used, and a 429 follows; so does a limiter that closes while
   * requests are in flight.
   */
  readonly keepsResponses: boolean
  /**
   * Whether one process at a time sends to a webhook. A store that has lost its last second may give a turn twice,
   * until the processes confirm theirs.
   */
  readonly keepsTurns: boolean
  /**
   * Maximum number of 429s with which the hidden limit of a channel is found, beside one of each webhook. Processes
   * share a count only once a limit is known: what each has counted before is combined, and probes find the rest.
   * More where faults make processes lose their counts.
   */
  readonly channelProbes: number
}

export const undisturbed: Environment = { seed: 0, processes: 1, delay: 0, loss: 0, faults: [] }

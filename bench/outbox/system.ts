/** A process that is measured: a queue that stores messages, and a worker that sends them. */
import { setTimeout as sleep } from "node:timers/promises"
import { answer } from "../peers/remote.js"
import type { Target } from "./discord.js"

export type SystemName = "memory" | "sqlite" | "postgres" | "bullmq"

export interface Setup {
  readonly name: SystemName
  /** The simulated Discord. */
  readonly baseUrl: string
  readonly targets: ReadonlyArray<Target>
  /** The file of SQLite. */
  readonly filename: string
  /** The port of PostgreSQL or Redis. */
  readonly port: number
  /** The beginning of the names of tables, or the name of the queue. */
  readonly prefix: string
  /** How long work belongs to a worker that does not respond, in milliseconds. */
  readonly lease: number
}

/** What a system does; the rest of the process is the same for all. */
export interface System {
  /** Resolves as soon as the message is stored. The same key again stores nothing. */
  readonly add: (target: Target, content: string, key?: string) => Promise<void>
  /** Starts a worker. */
  readonly work: (concurrency: number) => Promise<void>
  /** Messages that this process has sent and recorded. */
  readonly sent: () => number
  /** Transactions that recorded steps of sending; undefined if the system does not count them. */
  readonly commits: () => number | undefined
  readonly state: () => Promise<State>
  readonly close: () => Promise<void>
}

export interface State {
  /** Messages that are neither sent nor given up. */
  readonly pending: number
  /** Messages that were given up. */
  readonly dead: number
  /** The contents of the messages of which a request had an unknown result. */
  readonly inDoubt: ReadonlyArray<string>
}

interface Spent {
  readonly seconds: number
  /** Processor time of this process in microseconds. */
  readonly cpu: number
  readonly commits: number | undefined
}

export interface Idle {
  /** Bytes in use, and resident, with a worker. */
  readonly heap: number
  readonly resident: number
  /** Bytes in use that the worker added. */
  readonly worker: number
  /** Processor time of the worker in milliseconds per second. */
  readonly cpuPerSecond: number
}

/** The contents of the messages of a producer: `<webhook>-<number>`. */
export const contentOf = (webhook: number, number: number): string => `${webhook}-${number}`

const retryDelay = 100
const idleSeconds = 3

/** Serves the commands of a process that is measured. */
export function serve(open: (setup: Setup) => Promise<System>): void {
  answer(makeCommands(open))
}

function makeCommands(open: (setup: Setup) => Promise<System>) {
  let system: System | undefined
  let targets: ReadonlyArray<Target> = []
  const opened = (): System => {
    if (system === undefined) throw new Error("open the system first")
    return system
  }
  const targetOf = (index: number): Target => {
    const target = targets[index % targets.length]
    if (target === undefined) throw new Error("there is no webhook")
    return target
  }

  return {
    open: async (setup: Setup): Promise<void> => {
      await system?.close()
      targets = setup.targets
      system = await open(setup)
    },

    close: async (): Promise<void> => {
      await system?.close()
      system = undefined
    },

    work: (concurrency: number): Promise<void> => opened().work(concurrency),

    sent: (): number => opened().sent(),

    state: (): Promise<State> => opened().state(),

    /** Stores messages in turn for each webhook. */
    enqueue: ({ concurrency, count }: { concurrency: number; count: number }): Promise<Spent> =>
      measure(opened(), async ({ add }) => {
        let next = 0
        const loop = async (): Promise<void> => {
          while (next < count) {
            const index = next
            next += 1
            await add(targetOf(index), `message ${index}`)
          }
        }
        await Promise.all(Array.from({ length: concurrency }, loop))
      }),

    /** Starts a worker, and waits until it has sent this many messages. */
    drain: ({ concurrency, count }: { concurrency: number; count: number }): Promise<Spent> =>
      measure(opened(), async ({ sent, work }) => {
        await work(concurrency)
        while (sent() < count) await sleep(5)
      }),

    /**
     * Stores messages at this rate, whether or not the earlier ones are stored. Returns the milliseconds
     * of each call.
     */
    pace: async ({ count, rate }: { count: number; rate: number }) => {
      const { add } = opened()
      const times: Array<number> = []
      const start = performance.now()
      const one = async (index: number): Promise<void> => {
        await sleep(Math.max(0, start + (index * 1000) / rate - performance.now()))
        const begun = performance.now()
        await add(targetOf(index), `message ${index}`)
        times.push(performance.now() - begun)
      }
      const spent = await measure(opened(), async () => {
        await Promise.all(Array.from({ length: count }, (_, index) => one(index)))
      })
      return { times, spent }
    },

    /**
     * Stores this many messages for each webhook, at this rate for all together, each webhook's in
     * order, and repeats whatever fails. Returns how many calls failed.
     */
    produce: async ({ each, rate }: { each: number; rate: number }): Promise<number> => {
      const { add } = opened()
      const start = performance.now()
      let failed = 0
      const store = async (target: Target, content: string): Promise<void> => {
        for (;;) {
          try {
            return await add(target, content, content)
          } catch {
            failed += 1
            await sleep(retryDelay)
          }
        }
      }
      const one = async (target: Target, webhook: number): Promise<void> => {
        for (let number = 0; number < each; number += 1) {
          const due = start + ((number * targets.length + webhook) * 1000) / rate
          await sleep(Math.max(0, due - performance.now()))
          await store(target, contentOf(webhook, number))
        }
      }
      await Promise.all(targets.map(one))
      return failed
    },

    /** What a worker costs that has nothing to do. */
    idle: async (concurrency: number): Promise<Idle> => {
      const before = heap()
      await opened().work(concurrency)
      await sleep(1000)
      const cpu = process.cpuUsage()
      await sleep(idleSeconds * 1000)
      const { system: inKernel, user } = process.cpuUsage(cpu)
      const after = heap()
      return {
        heap: after,
        resident: process.memoryUsage().rss,
        worker: after - before,
        cpuPerSecond: (user + inKernel) / 1000 / idleSeconds,
      }
    },
  }
}
export type SystemCommands = ReturnType<typeof makeCommands>

async function measure(system: System, run: (system: System) => Promise<void>): Promise<Spent> {
  const commits = system.commits()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run(system)
  const seconds = (performance.now() - start) / 1000
  const { system: inKernel, user } = process.cpuUsage(cpu)
  const committed = system.commits()
  return {
    seconds,
    cpu: user + inKernel,
    commits: committed === undefined ? undefined : committed - (commits ?? 0),
  }
}

/** Bytes in use after a collection. */
function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

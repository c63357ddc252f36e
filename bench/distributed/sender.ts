/** A process that sends messages; what limits it is the difference between the systems. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Target } from "../outbox/discord.js"
import { answer } from "../peers/remote.js"
import { contentOf } from "./counts.js"

export type SystemName = "shared" | "separate" | "bottleneck"

export interface Setup {
  readonly name: SystemName
  /** The simulated Discord. */
  readonly baseUrl: string
  readonly redisPort: number
  /** The beginning of all keys in Redis. */
  readonly prefix: string
  readonly targets: ReadonlyArray<Target>
  /** Webhooks that only the warm-up uses. */
  readonly warmUp: ReadonlyArray<Target>
}

interface Work {
  /** The index of the process. */
  readonly process: number
  readonly messages: number
  /** Milliseconds since 1970. */
  readonly start: number
  /** Milliseconds over which the messages arrive. */
  readonly over: number
}

export interface Spent {
  /** Sends that have failed. */
  readonly failed: number
  /** Processor time of this process in microseconds. */
  readonly cpu: number
}

/** Sends a message; resolves when Discord has accepted it. */
export type Send = (target: Target, content: string) => Promise<void>

/** Serves the commands of a process that is measured. */
export function serve(open: (setup: Setup) => Promise<Send>): void {
  answer(makeCommands(open))
}

function makeCommands(open: (setup: Setup) => Promise<Send>) {
  let targets: ReadonlyArray<Target> = []
  let send: Send | undefined
  return {
    open: async (setup: Setup): Promise<void> => {
      targets = setup.targets
      const opened = await open(setup)
      send = opened
      // Code that runs for the first time stops the process for longer than messages may be unknown to others.
      await Promise.all(setup.warmUp.map((target) => opened(target, "warm-up")))
    },

    /** Sends messages to one webhook after the other, and does not wait for the results in between. */
    work: async ({ messages, over, process: index, start }: Work): Promise<Spent> => {
      const before = process.cpuUsage()
      let count = 0
      const one = async (place: number): Promise<boolean> => {
        const due = start + (place * over) / messages
        await sleep(Math.max(0, due - Date.now()))
        const number = count
        count += 1
        const target = targets[number % targets.length]
        if (send === undefined || target === undefined) throw new Error("open the system first")
        return send(target, contentOf({ process: index, number, arrivedAt: Date.now() })).then(
          () => true,
          () => false,
        )
      }
      const sent = await Promise.all(Array.from({ length: messages }, (_, place) => one(place)))
      const { system, user } = process.cpuUsage(before)
      return { failed: sent.filter((isSent) => !isSent).length, cpu: user + system }
    },
  }
}
export type SenderCommands = ReturnType<typeof makeCommands>

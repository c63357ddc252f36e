/** Throughput and latency of one system, in rounds that others interleave. */
import { quantile } from "../peers/figures.js"
import { Remote } from "../peers/remote.js"
import type { DiscordCommands } from "./discord.js"
import type { Server } from "./servers.js"
import type { Idle, Setup, SystemCommands, SystemName } from "./system.js"

/** A system under measurement, with the module of its process and its server. */
export interface Contestant {
  readonly name: SystemName
  readonly module: string
  readonly server: Server | undefined
  /** New names of tables and files. */
  readonly place: () => Pick<Setup, "name" | "filename" | "port" | "prefix">
}

export interface Throughput {
  readonly name: SystemName
  readonly messagesPerSecond: number
  readonly enqueuedPerSecond: number
  /** Microseconds of processor time for each message: of the process, its server, and Discord's. */
  readonly cpu: number
  readonly serverCpu: number | undefined
  readonly discordCpu: number
  readonly enqueueCpu: number
  readonly commitsPerMessage: number | undefined
}

export interface Latency {
  readonly name: SystemName
  /** Milliseconds of a call. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Microseconds of processor time to store and send a message, of the process and of its server. */
  readonly cpu: number
  readonly serverCpu: number | undefined
}

export interface Load {
  readonly webhooks: number
  readonly messages: number
  readonly producers: number
  readonly concurrency: number
}

export interface IdleRow extends Idle {
  readonly name: SystemName
  /** What the engine stores. */
  readonly webhooks: number
  readonly sent: number
}

const lease = 30_000

export class Rounds {
  readonly #contestant: Contestant
  readonly #discord: Remote<DiscordCommands>
  readonly #remote: Remote<SystemCommands>

  constructor(contestant: Contestant, discord: Remote<DiscordCommands>) {
    this.#contestant = contestant
    this.#discord = discord
    this.#remote = new Remote<SystemCommands>(contestant.module)
  }

  async #open(webhooks: number) {
    const targets = await this.#discord.call("webhooks", webhooks)
    const baseUrl = await this.#discord.call("baseUrl", undefined)
    await this.#remote.call("open", { ...this.#contestant.place(), baseUrl, targets, lease })
    return targets
  }

  /** Stores all messages, and then sends them. */
  async measureThroughput(load: Load): Promise<Throughput> {
    const { concurrency, messages, producers, webhooks } = load
    const { name, server } = this.#contestant
    const targets = await this.#open(webhooks)
    const stored = await this.#remote.call("enqueue", { concurrency: producers, count: messages })
    const before = { discord: await this.#discord.call("cpu", undefined), server: server?.cpu() }
    const drained = await this.#remote.call("drain", { concurrency, count: messages })
    const discordCpu = (await this.#discord.call("cpu", undefined)) - before.discord
    const serverCpu =
      server === undefined || before.server === undefined ? undefined : server.cpu() - before.server
    await this.#remote.call("close", undefined)
    await this.#discord.call("arrived", targets)
    return {
      name,
      messagesPerSecond: messages / drained.seconds,
      enqueuedPerSecond: messages / stored.seconds,
      cpu: drained.cpu / messages,
      serverCpu: serverCpu === undefined ? undefined : serverCpu / messages,
      discordCpu: discordCpu / messages,
      enqueueCpu: stored.cpu / messages,
      commitsPerMessage: drained.commits === undefined ? undefined : drained.commits / messages,
    }
  }

  /** Of a call that stores a message while a worker of the process sends. */
  async measureLatency(rate: number, seconds: number, load: Load): Promise<Latency> {
    const { name, server } = this.#contestant
    const targets = await this.#open(load.webhooks)
    await this.#remote.call("work", load.concurrency)
    const count = rate * seconds
    const before = server?.cpu()
    const { spent, times } = await this.#remote.call("pace", { rate, count })
    const serverCpu =
      server === undefined || before === undefined ? undefined : server.cpu() - before
    await this.#remote.call("close", undefined)
    await this.#discord.call("arrived", targets)
    return {
      name,
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      max: Math.max(...times),
      cpu: spent.cpu / count,
      serverCpu: serverCpu === undefined ? undefined : serverCpu / count,
    }
  }

  stop(): void {
    this.#remote.stop()
  }
}

/** What a worker costs that has nothing to send, in a process of its own. */
export async function measureIdle(
  { module, place }: Contestant,
  changes: Partial<Setup>,
): Promise<Idle> {
  const remote = new Remote<SystemCommands>(module)
  const setup = { ...place(), baseUrl: "http://127.0.0.1:1", targets: [], lease, ...changes }
  await remote.call("open", setup)
  const idle = await remote.call("idle", 50)
  remote.stop()
  return idle
}

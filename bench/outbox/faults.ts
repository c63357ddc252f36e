/**
 * Two workers and a producer, each a process, at Discord's limits. Workers are killed, one is stopped for
 * longer than its lease, and the database restarts. Counts what became of the messages.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { median } from "../peers/figures.js"
import { Remote } from "../peers/remote.js"
import type { Arrived, DiscordCommands, Message, Rules } from "./discord.js"
import { contentOf } from "./system.js"
import type { Setup, SystemCommands, SystemName } from "./system.js"

export interface Plan {
  readonly webhooks: number
  /** Messages of each webhook. */
  readonly each: number
  /** Messages stored in a second, in all: more than the limits let through. */
  readonly rate: number
  readonly rules: Rules
  readonly lease: number
  /** Milliseconds between two faults. */
  readonly interval: number
  readonly faults: ReadonlyArray<Fault>
}

/** `kill`: a worker ends and is started again; `stop`: it stands still for two leases. */
export type Fault = "kill" | "stop" | "restart"

export interface FaultRow {
  readonly name: SystemName
  readonly accepted: number
  readonly lost: number
  /** Copies beyond the first. */
  readonly duplicated: number
  /** Those of them whose result the system has recorded as unknown; undefined if it has no record. */
  readonly inDoubt: number | undefined
  /** Messages whose first copy arrived after that of a later one of the webhook. */
  readonly outOfOrder: number
  readonly limited: number
  readonly kills: number
  /**
   * Milliseconds from a kill until every webhook had the next message; undefined if there was none after
   * any kill.
   */
  readonly takeover: { readonly median: number; readonly max: number } | undefined
  /** Calls of the producer that failed and were repeated. */
  readonly repeated: number
  readonly seconds: number
}

const workerConcurrency = 50
/** How long the queues may take beyond the time that the limits need. */
const patience = 60_000

interface Options {
  readonly plan: Plan
  readonly setup: Omit<Setup, "baseUrl" | "targets" | "lease">
  /** The module of the system's process. */
  readonly module: string
  /** Restarts the database; undefined if it has no server of its own. */
  readonly restart: (() => Promise<void>) | undefined
}

/** A process that can be started again. */
class Member {
  readonly #module: string
  readonly #setup: Setup
  #remote: Remote<SystemCommands> | undefined
  #sent = 0

  constructor(module: string, setup: Setup) {
    this.#module = module
    this.#setup = setup
  }

  async start(): Promise<Remote<SystemCommands>> {
    const remote = new Remote<SystemCommands>(this.#module)
    this.#remote = remote
    this.#sent = 0
    await remote.call("open", this.#setup)
    return remote
  }

  async work(): Promise<void> {
    const remote = await this.start()
    await remote.call("work", workerConcurrency)
  }

  /** How many messages it has sent since the last call. */
  async countSent(): Promise<number> {
    const before = this.#sent
    this.#sent = (await this.#remote?.call("sent", undefined)) ?? 0
    return this.#sent - before
  }

  kill(signal: NodeJS.Signals): void {
    this.#remote?.kill(signal)
  }
}

export async function runFaults({ module, plan, restart, setup }: Options): Promise<FaultRow> {
  const discord = new Remote<DiscordCommands>("../outbox/discord.js")
  const baseUrl = await discord.call("baseUrl", undefined)
  await discord.call("configure", plan.rules)
  const targets = await discord.call("webhooks", plan.webhooks)
  const whole: Setup = { ...setup, baseUrl, targets, lease: plan.lease }
  const producer = new Member(module, whole)
  const producing = await producer.start()
  const workers = [new Member(module, whole), new Member(module, whole)] as const
  const start = performance.now()
  const produced = producing.call("produce", { each: plan.each, rate: plan.rate })
  for (const worker of workers) await worker.work()

  const kills = await causeFaults(plan, workers, restart)
  const repeated = await produced
  const state = await settle(producing, plan)
  const seconds = (performance.now() - start) / 1000
  for (const member of [...workers, producer]) member.kill("SIGKILL")
  const arrived = await discord.call("arrived", targets)
  discord.stop()
  return {
    name: setup.name,
    ...count(arrived, plan, setup.name === "bullmq" ? undefined : new Set(state.inDoubt)),
    limited: arrived.limited,
    kills: kills.length,
    takeover: measureTakeovers(arrived.messages, kills),
    repeated,
    seconds,
  }
}

/** Returns the times of the kills. */
async function causeFaults(
  { faults, interval, lease }: Plan,
  workers: readonly [Member, Member],
  restart: (() => Promise<void>) | undefined,
): Promise<ReadonlyArray<number>> {
  const kills: Array<number> = []
  for (const fault of faults) {
    await sleep(interval)
    const worker = await findBusiest(workers)
    if (fault === "kill") {
      kills.push(Date.now())
      worker.kill("SIGKILL")
      await worker.work()
    } else if (fault === "stop") {
      worker.kill("SIGSTOP")
      await sleep(2 * lease)
      worker.kill("SIGCONT")
    } else {
      await restart?.()
    }
  }
  return kills
}

async function findBusiest(workers: readonly [Member, Member]): Promise<Member> {
  const [first, second] = workers
  return (await first.countSent()) >= (await second.countSent()) ? first : second
}

async function settle(producer: Remote<SystemCommands>, { each, rules, webhooks }: Plan) {
  const needed = rules.limit === 0 ? 0 : (each / rules.limit) * rules.periodMs
  const end = performance.now() + needed + patience
  for (;;) {
    const state = await producer.call("state", undefined)
    if (state.pending === 0 || performance.now() > end) return state
    await sleep(Math.min(1000, 20 * webhooks))
  }
}

function count(
  { messages }: Arrived,
  { each, webhooks }: Plan,
  inDoubt: ReadonlySet<string> | undefined,
): Pick<FaultRow, "accepted" | "lost" | "duplicated" | "inDoubt" | "outOfOrder"> {
  let [lost, duplicated, doubted, outOfOrder] = [0, 0, 0, 0]
  for (const [webhook, all] of messages.entries()) {
    const seen = new Set<string>()
    let last = -1
    for (const { content } of all) {
      if (seen.has(content)) {
        duplicated += 1
        if (inDoubt?.has(content) === true) doubted += 1
        continue
      }
      seen.add(content)
      const number = Number(content.split("-")[1])
      if (number < last) outOfOrder += 1
      last = Math.max(last, number)
    }
    for (let number = 0; number < each; number += 1) {
      if (!seen.has(contentOf(webhook, number))) lost += 1
    }
  }
  const accepted = each * webhooks
  return {
    accepted,
    lost,
    duplicated,
    inDoubt: inDoubt === undefined ? undefined : doubted,
    outOfOrder,
  }
}

/** Requests that were on their way when their worker was killed arrive within this time. */
const inFlight = 150

/** Only kills after which every webhook had messages left. */
function measureTakeovers(
  messages: ReadonlyArray<ReadonlyArray<Message>>,
  kills: ReadonlyArray<number>,
): FaultRow["takeover"] {
  const times = kills.flatMap((kill) => {
    const next = messages.map((all) => all.find(({ at }) => at > kill + inFlight)?.at ?? Infinity)
    const last = Math.max(...next)
    return Number.isFinite(last) ? [last - kill] : []
  })
  return times.length === 0 ? undefined : { median: median(times), max: Math.max(...times) }
}

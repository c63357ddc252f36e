/** One run: processes that send to the same simulated Discord, and what happens to them. */
import { setTimeout as sleep } from "node:timers/promises"
import type { DiscordCommands, Target } from "../outbox/discord.js"
import { Remote } from "../peers/remote.js"
import { bestMakespan, countOvertaking, toSent } from "./counts.js"
import type { Limit, Sent } from "./counts.js"
import { MeasuredRedis } from "./redis.js"
import type { SenderCommands, Setup, Spent, SystemName } from "./sender.js"

const processes = 4

/** `kill`: one process ends; `restart`: Redis crashes, and starts again; `freeze`: it stands still. */
export type Fault = "none" | "kill" | "restart" | "freeze"

export interface Plan {
  /** What it is called in the table. */
  readonly load: string
  readonly webhooks: number
  /** Whether every process sends to all of the webhooks, or to its own. */
  readonly isContended: boolean
  /** Messages of each process. */
  readonly messages: number
  /** Milliseconds over which they arrive. */
  readonly over: number
  readonly limit: Limit
  /** Milliseconds of a request, without the time of Discord itself. */
  readonly link: number
}

export interface Row {
  readonly name: SystemName
  readonly load: string
  readonly fault: Fault
  readonly messages: number
  /** Messages of processes that were not killed, which have not arrived. */
  readonly lost: number
  readonly limited: number
  readonly makespan: number
  readonly optimum: number
  /** Messages that overtook another one. */
  readonly overtaking: number
  /** Calls of scripts. */
  readonly calls: number
  /** Those of them in the second half of the time in which messages arrive. */
  readonly lateCalls: number
  /** Processor time of the processes that were not killed, in microseconds per message. */
  readonly cpu: number
  /** Of Redis. */
  readonly redisCpu: number
}

interface Options {
  readonly name: SystemName
  readonly module: string
  readonly plan: Plan
  readonly fault: Fault
}

const startDelay = 300
const warmUpWebhooks = 40
/** How long messages may take beyond the time that the limits need. */
const patience = 60_000

let prefixes = 0

export async function run({ fault, module, name, plan }: Options): Promise<Row> {
  const discord = new Remote<DiscordCommands>("../outbox/discord.js")
  const redis = await MeasuredRedis.start()
  const { limit, link, messages, over, webhooks } = plan
  await discord.call("configure", { ...limit, latencyMs: link })
  const targets = await discord.call("webhooks", webhooks)
  const warmUp = await discord.call("webhooks", warmUpWebhooks)
  const fill = (target: Target) => Array.from({ length: limit.limit }, () => target)
  prefixes += 1
  const setup = {
    name,
    baseUrl: await discord.call("baseUrl", undefined),
    redisPort: redis.port,
    prefix: `bench-${prefixes}`,
  }
  const senders = await Promise.all(
    Array.from({ length: processes }, (_, index) =>
      startSender(module, {
        ...setup,
        targets: targetsOf(plan, targets, index),
        warmUp: warmUp.filter((_one, place) => place % processes === index).flatMap(fill),
      }),
    ),
  )
  const before = await redis.usage()
  const start = Date.now() + startDelay
  const working = senders.map((sender, index) =>
    sender.call("work", { process: index, messages, start, over }),
  )
  const lateFrom = sleep(start + over / 2 - Date.now()).then(() => redis.usage())
  const lateTo = sleep(start + over - Date.now()).then(() => redis.usage())
  const victim = fault === "kill" ? 0 : undefined
  const injected = sleep(start + over / 2 - Date.now()).then(() => inject(fault, senders, redis))
  const limitsNeed = (((messages * processes) / webhooks / limit.limit) * limit.periodMs) | 0
  const timeout = new AbortController()
  const spent = await Promise.race([
    Promise.all(working.map((work) => work.catch((): Spent | undefined => undefined))),
    sleep(over + limitsNeed + patience, undefined, { signal: timeout.signal }),
  ])
  timeout.abort()
  await injected
  const after = await redis.usage()
  const late = [await lateFrom, await lateTo] as const
  const { limited, messages: arrived } = await discord.call("arrived", targets)
  const sent = arrived.map((own) => own.map(toSent))
  const surviving = sent.flat().filter((one) => one.process !== victim)
  senders.forEach((sender, index) => {
    if (index !== victim) sender.kill("SIGKILL")
  })
  discord.stop()
  await redis.stop()
  const survivors = victim === undefined ? processes : processes - 1
  return {
    name,
    load: plan.load,
    fault,
    messages: sent.flat().length,
    lost:
      survivors * messages -
      new Set(surviving.map(({ number, process }) => `${process}-${number}`)).size,
    limited,
    ...makespanOf(sent, limit, start),
    overtaking: sent.reduce((sum, own) => sum + countOvertaking(own), 0),
    calls: after.calls - before.calls,
    lateCalls: late[1].calls - late[0].calls,
    cpu: (spent ?? []).reduce((sum, one) => sum + (one?.cpu ?? 0), 0) / (survivors * messages),
    redisCpu: (after.cpu - before.cpu) / sent.flat().length,
  }
}

async function startSender(module: string, setup: Setup): Promise<Remote<SenderCommands>> {
  const sender = new Remote<SenderCommands>(module)
  await sender.call("open", setup)
  return sender
}

function targetsOf(
  { isContended }: Plan,
  targets: ReadonlyArray<Target>,
  process: number,
): ReadonlyArray<Target> {
  return isContended ? targets : targets.filter((_, index) => index % processes === process)
}

async function inject(
  fault: Fault,
  [victim]: ReadonlyArray<Remote<SenderCommands>>,
  redis: MeasuredRedis,
): Promise<void> {
  if (fault === "kill") victim?.kill("SIGKILL")
  else if (fault === "restart") await redis.restart()
  else if (fault === "freeze") await redis.freeze()
}

/** The webhook with the most messages decides. */
function makespanOf(
  sent: ReadonlyArray<ReadonlyArray<Sent>>,
  limit: Limit,
  start: number,
): { readonly makespan: number; readonly optimum: number } {
  const last = Math.max(...sent.flat().map(({ sentAt }) => sentAt))
  const optima = sent.map((own) => {
    const arrivals = own.map(({ arrivedAt }) => arrivedAt)
    return Math.min(...arrivals) - start + bestMakespan(arrivals, limit)
  })
  return { makespan: last - start, optimum: Math.max(...optima) }
}

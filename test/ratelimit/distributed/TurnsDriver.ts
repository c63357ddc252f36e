/** Drives the turns of one process, call by call. */
import * as Exit from "effect/Exit"
import { expect } from "vitest"
import type { Call } from "../../../src/ratelimit/distributed/sharedWebhook.js"
import type { Reply } from "../../../src/ratelimit/distributed/store.js"
import { Turns } from "../../../src/ratelimit/distributed/turns.js"
import type { PendingRequest } from "../../../src/ratelimit/internal/bucketState.js"
import { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { responded } from "../../../src/ratelimit/Permit.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { settings } from "../model/modelRun.js"
import { literal } from "../model/policies.js"
import { headers, response, route } from "../responses.js"

export const lease = 15_000
export const validFor = 60_000
const period = 40_000
/** Milliseconds for which a message waits for the turn of its channel. */
export const maxWait = lease + period
export const never = Number.POSITIVE_INFINITY

/** Never waits; what it remembers is a hidden limit. */
export const knowing: Policy = {
  ...literal,
  name: "knowing",
  shouldWait: () => false,
  initial: 3,
  findings: (hiddenLimit) => ({ hiddenLimit: limitOf(hiddenLimit), hiddenPeriod: period }),
  channel: { copy: (_, from) => from, merge: (_, from) => from },
}
export const ignorant: Policy = { ...knowing, name: "ignorant", initial: undefined }

function limitOf(memory: unknown): number | undefined {
  return typeof memory === "number" ? memory : undefined
}

/** A process, whose calls the test answers. */
export class Process {
  now = 1000
  readonly machine = new StateMachine(settings, () => {})
  readonly restored: Array<{ readonly key: string; readonly hasSentAlone: boolean }> = []
  readonly presence = { aliveUntil: never, doubtfulUntil: -never, shift: 0 }
  readonly #due = new Set<string>()
  readonly #calls = new Map<string, Call>()
  readonly turns: Turns

  constructor(options: { readonly fallbackAfter?: number; readonly failAfter?: number } = {}) {
    this.turns = new Turns({
      machine: this.machine,
      presence: this.presence,
      lease,
      validFor,
      fallbackAfter: never,
      failAfter: never,
      onDue: ({ major }) => this.#due.add(major),
      restore: ({ hasSentAlone, major }) => this.restored.push({ key: major, hasSentAlone }),
      ...options,
    })
    this.machine.pending.gate = this.turns
  }

  /** A message, or an edit of one. */
  submit(
    webhook: string,
    method: "POST" | "PATCH" = "POST",
    policy: Policy = knowing,
  ): PendingRequest {
    const options = { policy, ordered: true, maxWait: never, lease: 60_000, owner: {} }
    return this.machine.submit(route({ webhookId: webhook, method }), options, this.now)
  }

  settle(request: PendingRequest): void {
    const outcome = response({ headers: headers({ bucket: request.route.method }), channelId: "7" })
    this.machine.settle(request, responded(outcome), this.now)
  }

  /** The call for a webhook or a channel that was begun. */
  call(key: string): Call | undefined {
    for (const due of this.#due) this.#begin(due)
    this.#due.clear()
    return this.#calls.get(key)
  }

  #begin(key: string): void {
    const webhook = this.turns.get(key)
    webhook.isQueued = false
    if (webhook.isCalling) return
    const call = this.turns.next(webhook, this.now)
    if (call === undefined) return
    webhook.isCalling = true
    this.#calls.set(key, call)
    this.turns.begin(webhook, call, this.now)
  }

  /** Replies to a call; without a reply, it fails. */
  reply(key: string, call: Call, reply: Reply | undefined): void {
    const webhook = this.turns.get(key)
    if (reply === undefined) this.turns.onFailure(webhook, call, this.now)
    else this.turns.onReply(webhook, call, reply, this.now)
    webhook.isCalling = false
    this.#calls.delete(key)
    this.#begin(key)
  }

  /** Makes a call that the store replies to. */
  exchange(key: string, reply: Reply | undefined): Call | undefined {
    const call = this.call(key)
    if (call !== undefined) this.reply(key, call, reply)
    return call
  }

  /** A message of the store gives a turn. */
  grant(key: string, epoch: number, until = never): void {
    const given = { epoch, until, state: undefined, isUncertain: false }
    this.turns.onTurn(this.turns.get(key), given, this.now)
  }

  tick(after: number): void {
    this.now += after
    this.turns.onTick(this.now)
  }
}

export const turn = (epoch: number, until = never): Reply => ({
  _tag: "Turn",
  turn: { epoch, until, state: undefined, isUncertain: false },
})
export const waiting = (epoch: number, isLost = false): Reply => ({
  _tag: "Waiting",
  owner: "other.0",
  epoch,
  isLost,
})
export const isGranted = ({ result }: PendingRequest) =>
  result !== undefined && Exit.isSuccess(result)
export const majorOf = (webhook: string) => route({ webhookId: webhook }).major
/** The key of the channel of all webhooks. */
export const channel = "channel.7"

/** A process that has the turns of the webhooks, whose channel is known. */
export const inChannel = (
  webhooks: ReadonlyArray<string>,
  options?: { readonly failAfter: number },
) => {
  const process = new Process(options)
  for (const webhook of webhooks) {
    const first = process.submit(webhook)
    process.exchange(majorOf(webhook), turn(1))
    expect(isGranted(first)).toBe(true)
    process.settle(first)
  }
  return process
}

/** Another process gets the turn of a webhook. */
export const takeAway = (process: Process, webhook: string, epoch: number) => {
  const major = majorOf(webhook)
  process.turns.onWanted(major, 0)
  let call = process.call(major)
  if (call?._tag === "Join") {
    process.reply(major, call, turn(1, 0))
    call = process.call(major)
  }
  expect(call).toEqual({ _tag: "Pass", how: "give", epoch: 1 })
  process.reply(major, call!, waiting(epoch))
}

/** Drives the turns of one process, call by call. */
import * as Exit from "effect/Exit"
import { expect } from "vitest"
import type { Call } from "../../../src/ratelimit/distributed/turnTarget.js"
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
  readonly restored: Array<{ readonly key: string; readonly hasSentWithoutTurn: boolean }> = []
  readonly presence = { aliveUntil: never, lostTurnsValidUntil: -never, clockOffset: 0 }
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
      onDue: ({ key }) => this.#due.add(key),
      restore: ({ hasSentWithoutTurn, key }) => this.restored.push({ key, hasSentWithoutTurn }),
      ...options,
    })
    this.machine.pending.coordinator = this.turns
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
    const target = this.turns.get(key)
    target.isScheduled = false
    if (target.isCalling) return
    const call = this.turns.nextCall(target, this.now)
    if (call === undefined) return
    target.isCalling = true
    this.#calls.set(key, call)
    this.turns.beginCall(target, call, this.now)
  }

  /** Replies to a call; without a reply, it fails. */
  reply(key: string, call: Call, reply: Reply | undefined): void {
    const target = this.turns.get(key)
    if (reply === undefined) this.turns.onFailure(target, call, this.now)
    else this.turns.onReply(target, call, reply, this.now)
    target.isCalling = false
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
  grant(key: string, turnNumber: number, coversBefore = never): void {
    const given = { turnNumber, coversBefore, state: undefined, isStateOutdated: false }
    this.turns.onTurn(this.turns.get(key), given, this.now)
  }

  tick(after: number): void {
    this.now += after
    this.turns.onTick(this.now)
  }
}

export const turn = (turnNumber: number, coversBefore = never): Reply => ({
  _tag: "Turn",
  turn: { turnNumber, coversBefore, state: undefined, isStateOutdated: false },
})
export const waiting = (turnNumber: number, hasLostTurn = false): Reply => ({
  _tag: "Waiting",
  owner: "other.0",
  turnNumber,
  hasLostTurn,
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
export const takeAway = (process: Process, webhook: string, turnNumber: number) => {
  const major = majorOf(webhook)
  process.turns.onWanted(major, 0)
  let call = process.call(major)
  if (call?._tag === "Join") {
    process.reply(major, call, turn(1, 0))
    call = process.call(major)
  }
  expect(call).toEqual({ _tag: "Save", how: "give", turnNumber: 1 })
  process.reply(major, call!, waiting(turnNumber))
}

/**
 * What Discord counts by IP address, for the processes behind one: the global limit, the blocks of all
 * requests, and the invalid requests. Each process reports what it needs and has, and takes a share of the
 * global limit that the others leave. A share that a process gives up stays reserved for one more window,
 * because its requests still count.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { PendingRequest } from "../internal/bucketState.js"
import type { StateMachine } from "../internal/stateMachine.js"
import type { GlobalLimit } from "../settings.js"
import { safePart } from "./presence.js"
import type { StoreError, TurnStore } from "./store.js"

/** How long invalid requests count, hence how long reports of ended processes are read. */
const memory = Duration.toMillis("10 minutes")
const maxAttempts = 5
/** Of every process, also if nothing is left. */
const minShare = 1

/** Times are on the store's clock. */
const Report = Schema.parseJson(
  Schema.Struct({
    seenAt: Schema.Finite,
    /** Requests of the last window, and those that only limits delay. */
    demand: Schema.Finite,
    /** The part of the global limit. */
    share: Schema.Finite,
    /** Larger parts of before, whose requests still count. */
    former: Schema.Array(Schema.Struct({ share: Schema.Finite, until: Schema.Finite })),
    invalid: Schema.Finite,
    blockedUntil: Schema.Finite,
    blockedBy: Schema.Literal("global", "edge", "proxy"),
  }),
)
type Report = typeof Report.Type

const decodeReport = Schema.decodeUnknownOption(Report)
const encodeReport = Schema.encodeSync(Report)

export interface AddressOptions {
  readonly store: TurnStore
  /** The name of the address. */
  readonly name: string
  readonly machine: StateMachine
  readonly limit: GlobalLimit
  readonly invalidRequestLimit: number
  /** Milliseconds after which a process that does not report has no share. */
  readonly lease: number
  readonly now: () => number
  /** Whether only limits delay a request. */
  readonly isUsable: (request: PendingRequest, now: number) => boolean
}

export interface Situation {
  /** Milliseconds that are added to the times of this process, for those of the store. */
  readonly shift: number
  /** Maximum error of `shift`. */
  readonly uncertainty: number
  /** Since when the store has been available, by this clock. */
  readonly connectedSince: number
  /** Whether there have been requests lately. */
  readonly isInUse: boolean
}

/** This process behind an address. */
export class Address {
  /** The part of the global limit that this process uses. */
  share = minShare
  /** Whether the others know that this process needs nothing; it does not report until it is used again. */
  isIdle = false
  /** Larger shares of before, in decreasing order, until their requests count no more. */
  #former: Array<{ readonly share: number; readonly until: number }> = []
  /** Until then the others respect the share. */
  #reservedUntil = Number.NEGATIVE_INFINITY
  readonly #options: AddressOptions

  constructor(options: AddressOptions) {
    this.#options = options
  }

  /** Uses the minimum until the first report. */
  start(): void {
    const { limit, machine } = this.#options
    machine.learning.globalLimiter.setLimits([{ limit: this.share, window: limit.window }])
  }

  /** Gives up the share if the others may have taken it, because no report was written for so long. */
  expire(): void {
    if (this.#options.now() >= this.#reservedUntil) this.#use(minShare)
  }

  /** Reads the reports of the others, and writes one. A process that is not in use keeps the minimum. */
  report(process: string, situation: Situation): Effect.Effect<void, StoreError> {
    const attempt = (left: number): Effect.Effect<void, StoreError> =>
      Effect.flatMap(this.#exchange(process, situation), (isWritten) =>
        isWritten || left === 0 ? Effect.void : attempt(left - 1),
      )
    return attempt(maxAttempts)
  }

  #exchange(
    process: string,
    { connectedSince, isInUse, shift, uncertainty }: Situation,
  ): Effect.Effect<boolean, StoreError> {
    const { lease, limit, machine, name, store } = this.#options
    const now = this.#options.now()
    return Effect.flatMap(store.readReports(name), ({ texts, version }) => {
      const reports = decode(texts)
      reports.delete(process)
      const time = now + shift
      const others = [...reports.values()]
      const isAlive = ({ seenAt }: Report) => seenAt > time - uncertainty - lease
      // Nobody could report while the store was away; each used the minimum.
      const isBack = now < connectedSince + lease
      this.#adopt(others, now, shift)
      const demand = this.#demandAt(now)
      const reserved = others
        .filter((one) => isBack || isAlive(one))
        .map((one) =>
          isAlive(one)
            ? { demand: one.demand, share: reservedBy(one, time - uncertainty) }
            : { demand: minShare, share: minShare },
        )
      const next = isInUse ? shareOf(limit.limit, demand, reserved) : minShare
      // A smaller share applies at once, a larger one when it is written.
      this.#use(Math.min(next, this.share))
      const block = machine.learning.globalLimiter.getBlock("webhook")
      const text = encodeReport({
        seenAt: time,
        demand,
        share: next,
        former: this.#former.map((one) => ({
          share: one.share,
          until: one.until + shift + uncertainty,
        })),
        invalid: machine.learning.invalidRequests.count(now),
        blockedUntil: block.until + shift,
        blockedBy: block.by,
      })
      const remove = [...texts.keys()].filter(
        (one) => (reports.get(one)?.seenAt ?? 0) <= time - memory && one !== process,
      )
      return Effect.tap(
        store.writeReport(name, { process, version, text, remove, ttl: memory }),
        (isWritten) =>
          Effect.sync(() => {
            if (!isWritten) return
            this.#reservedUntil = now + lease * safePart - uncertainty
            this.isIdle = !isInUse
            this.#use(next)
          }),
      )
    })
  }

  /**
   * What was sent within the last window, and waits for limits only. What waits for the turn of another process is
   * left out, because that one needs the share, and what is more than the limit.
   */
  #demandAt(now: number): number {
    const { isUsable, limit, machine } = this.#options
    const { globalLimiter, webhooks } = machine.learning
    let count = globalLimiter.sent.countSince(now - limit.window)
    for (const webhook of webhooks.withWaiting()) {
      for (const request of webhook.pending()) {
        if (count >= limit.limit) return count
        if (isUsable(request, now)) count += 1
      }
    }
    return count
  }

  #use(share: number): void {
    const { limit, machine } = this.#options
    const now = this.#options.now()
    this.#former = this.#former.filter(({ until }) => until > now)
    if (share === this.share) return
    if (share < this.share) {
      const former = { share: this.share, until: now + limit.window }
      this.#former = [...this.#former.filter((one) => one.share > former.share), former]
    }
    this.share = share
    machine.learning.globalLimiter.setLimits([{ limit: share, window: limit.window }])
    machine.scheduler.dispatchAll(now)
  }

  /** Obeys the blocks of others, and leaves them room for their invalid requests. */
  #adopt(others: ReadonlyArray<Report>, now: number, shift: number): void {
    const { invalidRequestLimit, machine } = this.#options
    const { globalLimiter, invalidRequests } = machine.learning
    const left = others.reduce((rest, { invalid }) => rest - invalid, invalidRequestLimit)
    invalidRequests.limit = Math.max(1, left)
    for (const { blockedBy, blockedUntil } of others) {
      const until = blockedUntil - shift
      if (until > Math.max(now, globalLimiter.getBlock("webhook").until)) {
        globalLimiter.block(blockedBy, until - now, undefined, now)
      }
    }
  }
}

/** The part of the global limit that a process may have used within the last window. */
function reservedBy({ former, share }: Report, time: number): number {
  return former.reduce((most, one) => (one.until > time ? Math.max(most, one.share) : most), share)
}

function decode(texts: ReadonlyMap<string, string>): Map<string, Report> {
  const reports = new Map<string, Report>()
  for (const [process, text] of texts) {
    const report = Option.getOrUndefined(decodeReport(text))
    if (report !== undefined) reports.set(process, report)
  }
  return reports
}

/**
 * The share of a process: nobody gets more than it needs while another one needs more, and what nobody needs is
 * divided equally. No part is taken before it was given up, but each process has at least 1.
 */
export function shareOf(
  limit: number,
  demand: number,
  others: ReadonlyArray<{ readonly demand: number; readonly share: number }>,
): number {
  const free = others.reduce((left, { share }) => left - share, limit)
  const demands = [demand, ...others.map((one) => one.demand)]
  const level = levelOf(limit, demands)
  const used = demands.reduce((sum, one) => sum + Math.min(one, level), 0)
  const fair = Math.min(demand, level) + (limit - used) / demands.length
  return Math.max(minShare, Math.min(Math.floor(fair), free))
}

/** The level up to which all demands can be served. */
function levelOf(limit: number, demands: ReadonlyArray<number>): number {
  let left = limit
  let count = demands.length
  for (const demand of [...demands].sort((a, b) => a - b)) {
    if (demand * count >= left) return left / count
    left -= demand
    count -= 1
  }
  return limit
}

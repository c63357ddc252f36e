/**
 * Shares what Discord counts by IP address among the processes behind one: the global limit, blocks of all requests,
 * and invalid requests. Each process reports its demand and its share of the global limit, and takes no more than the
 * other shares leave. A share that a process gives up stays reserved for one more window, because its requests still
 * count.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { PendingRequest } from "../internal/bucketState.js"
import type { StateMachine } from "../internal/stateMachine.js"
import type { GlobalLimit } from "../settings.js"
import { safeLeasePart } from "./presence.js"
import type { StoreError, TurnStore } from "./store.js"

/** Milliseconds for which invalid requests count, and so for which the reports of ended processes are kept. */
const reportLifetime = Duration.toMillis("10 minutes")
/** Maximum number of retries after another process has written its report first. */
const maxRetries = 5
/** The minimum share of a process, even if the others leave nothing. */
const minShare = 1

/** The report of one process. Its times are on the store's clock. */
const Report = Schema.parseJson(
  Schema.Struct({
    /** The time of the report. */
    seenAt: Schema.Finite,
    /** Number of requests in the last window, and of waiting ones that only limits delay. */
    demand: Schema.Finite,
    /** Its part of the global limit. */
    share: Schema.Finite,
    /** Larger shares that it has given up, reserved until a time because their requests still count. */
    former: Schema.Array(Schema.Struct({ share: Schema.Finite, until: Schema.Finite })),
    /** Number of invalid requests that still count. */
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
  /** Milliseconds after its last report for which the share of a process is reserved. */
  readonly lease: number
  readonly now: () => number
  /** Whether this process has the turn for a request, so that only limits delay it. */
  readonly isCoveredByTurn: (request: PendingRequest, now: number) => boolean
}

export interface ReportContext {
  /** Milliseconds to add to a time of this process, for the time of the store's clock. */
  readonly clockOffset: number
  /** Maximum error of `clockOffset` in milliseconds. */
  readonly maxClockError: number
  /** The time by this clock since which the store has been available. */
  readonly connectedSince: number
  /** Whether the process has used a webhook lately. */
  readonly isInUse: boolean
}

/** The share of this process in what Discord counts for its IP address. */
export class Address {
  /** The part of the global limit that this process uses. */
  share = minShare
  /** Whether the last report shows no demand. The process does not report again until it is used. */
  isIdle = false
  /** Larger shares that were given up, in decreasing order, with the time until which their requests count. */
  #formerShares: Array<{ readonly share: number; readonly until: number }> = []
  /** The time until which the other processes reserve the share. */
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

  /** Gives up the share if the others no longer reserve it, because no report was written in time. */
  expire(): void {
    if (this.#options.now() >= this.#reservedUntil) this.#setShare(minShare)
  }

  /** Reads the reports of the others, and writes one. A process that is not in use takes the minimum. */
  report(process: string, context: ReportContext): Effect.Effect<void, StoreError> {
    const attempt = (retries: number): Effect.Effect<void, StoreError> =>
      Effect.flatMap(this.#tryReport(process, context), (isWritten) =>
        isWritten || retries === 0 ? Effect.void : attempt(retries - 1),
      )
    return attempt(maxRetries)
  }

  /** Returns whether the report was written: another process may have written its own meanwhile. */
  #tryReport(
    process: string,
    { connectedSince, isInUse, clockOffset, maxClockError }: ReportContext,
  ): Effect.Effect<boolean, StoreError> {
    const { lease, limit, machine, name, store } = this.#options
    const now = this.#options.now()
    return Effect.flatMap(store.readReports(name), ({ texts, version }) => {
      const reports = decode(texts)
      reports.delete(process)
      const time = now + clockOffset
      const others = [...reports.values()]
      const isAlive = ({ seenAt }: Report) => seenAt > time - maxClockError - lease
      // No process could report while the store was unavailable, and each used the minimum.
      const isJustConnected = now < connectedSince + lease
      this.#applyReports(others, now, clockOffset)
      const demand = this.#demandAt(now)
      const reserved = others
        .filter((one) => isJustConnected || isAlive(one))
        .map((one) =>
          isAlive(one)
            ? { demand: one.demand, share: reservedBy(one, time - maxClockError) }
            : { demand: minShare, share: minShare },
        )
      const next = isInUse ? shareOf(limit.limit, demand, reserved) : minShare
      // A smaller share applies at once, a larger one once it is written.
      this.#setShare(Math.min(next, this.share))
      const block = machine.learning.globalLimiter.getBlock("webhook")
      const text = encodeReport({
        seenAt: time,
        demand,
        share: next,
        former: this.#formerShares.map((one) => ({
          share: one.share,
          until: one.until + clockOffset + maxClockError,
        })),
        invalid: machine.learning.invalidRequests.count(now),
        blockedUntil: block.until + clockOffset,
        blockedBy: block.by,
      })
      const remove = [...texts.keys()].filter(
        (one) => (reports.get(one)?.seenAt ?? 0) <= time - reportLifetime && one !== process,
      )
      return Effect.tap(
        store.writeReport(name, { process, version, text, remove, ttl: reportLifetime }),
        (isWritten) =>
          Effect.sync(() => {
            if (!isWritten) return
            this.#reservedUntil = now + lease * safeLeasePart - maxClockError
            this.isIdle = !isInUse
            this.#setShare(next)
          }),
      )
    })
  }

  /**
   * Counts the requests of the last window and the waiting ones that only limits delay, up to the limit. Requests that
   * wait for the turn of another process are part of the demand of that one.
   */
  #demandAt(now: number): number {
    const { isCoveredByTurn, limit, machine } = this.#options
    const { globalLimiter, webhooks } = machine.learning
    let count = globalLimiter.sent.countSince(now - limit.window)
    for (const webhook of webhooks.withWaiting()) {
      for (const request of webhook.pending()) {
        if (count >= limit.limit) return count
        if (isCoveredByTurn(request, now)) count += 1
      }
    }
    return count
  }

  /** Applies a share, and reserves a larger one of before until its requests count no more. */
  #setShare(share: number): void {
    const { limit, machine } = this.#options
    const now = this.#options.now()
    this.#formerShares = this.#formerShares.filter(({ until }) => until > now)
    if (share === this.share) return
    if (share < this.share) {
      const former = { share: this.share, until: now + limit.window }
      this.#formerShares = [...this.#formerShares.filter((one) => one.share > former.share), former]
    }
    this.share = share
    machine.learning.globalLimiter.setLimits([{ limit: share, window: limit.window }])
    machine.scheduler.dispatchGlobalQueues(now)
  }

  /** Applies the blocks of other processes, and subtracts their invalid requests from the limit. */
  #applyReports(others: ReadonlyArray<Report>, now: number, clockOffset: number): void {
    const { invalidRequestLimit, machine } = this.#options
    const { globalLimiter, invalidRequests } = machine.learning
    const remaining = others.reduce((left, { invalid }) => left - invalid, invalidRequestLimit)
    invalidRequests.limit = Math.max(1, remaining)
    for (const { blockedBy, blockedUntil } of others) {
      const until = blockedUntil - clockOffset
      if (until > Math.max(now, globalLimiter.getBlock("webhook").until)) {
        globalLimiter.block(blockedBy, until - now, undefined, now)
      }
    }
  }
}

/** Returns the largest share that a process may have used within the last window. */
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
 * Returns the share of a process by max-min fairness: demands are served up to a common level, and what is left is
 * divided equally. A share is taken only after another process has given it up, but each process has at least 1.
 */
export function shareOf(
  limit: number,
  demand: number,
  others: ReadonlyArray<{ readonly demand: number; readonly share: number }>,
): number {
  const free = others.reduce((left, { share }) => left - share, limit)
  const demands = [demand, ...others.map((one) => one.demand)]
  const level = fairLevel(limit, demands)
  const used = demands.reduce((sum, one) => sum + Math.min(one, level), 0)
  const fair = Math.min(demand, level) + (limit - used) / demands.length
  return Math.max(minShare, Math.min(Math.floor(fair), free))
}

/** Returns the level up to which every demand can be served. */
function fairLevel(limit: number, demands: ReadonlyArray<number>): number {
  let left = limit
  let count = demands.length
  for (const demand of [...demands].sort((a, b) => a - b)) {
    if (demand * count >= left) return left / count
    left -= demand
    count -= 1
  }
  return limit
}

/**
 * What Discord counts by IP address, for the processes behind one: the global limit, the blocks of all
 * requests, and the invalid requests. Each process reports what it needs and has, and takes a share of the
 * global limit that the others leave. A share that a process gives up stays reserved for one more interval,
 * because its requests still count.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StateMachine } from "../internal/stateMachine.js"
import type { GlobalLimit } from "../settings.js"
import type { StoreError, TurnStore } from "./store.js"

/** How long invalid requests count, hence how long reports of ended processes are read. */
const memory = Duration.toMillis("10 minutes")
const maxAttempts = 5

/** Times are on the store's clock. */
const Report = Schema.parseJson(
  Schema.Struct({
    seenAt: Schema.Finite,
    /** Requests that wait or are in flight. */
    demand: Schema.Finite,
    /** The reserved part of the global limit. */
    share: Schema.Finite,
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
}

/** This process behind an address. */
export class Address {
  /** The part of the global limit that this process uses; `undefined` before the first report. */
  share: number | undefined = undefined
  readonly #options: AddressOptions

  constructor(options: AddressOptions) {
    this.#options = options
  }

  /** Reads the reports of the others, and writes one. `shift` is added to our times. */
  report(process: string, now: number, shift: number): Effect.Effect<void, StoreError> {
    const attempt = (left: number): Effect.Effect<void, StoreError> =>
      Effect.flatMap(this.#exchange(process, now, shift), (isWritten) =>
        isWritten || left === 0 ? Effect.void : attempt(left - 1),
      )
    return attempt(maxAttempts)
  }

  #exchange(process: string, now: number, shift: number): Effect.Effect<boolean, StoreError> {
    const { lease, limit, machine, name, store } = this.#options
    return Effect.flatMap(store.readReports(name), ({ texts, version }) => {
      const reports = decode(texts)
      reports.delete(process)
      const time = now + shift
      const others = [...reports.values()]
      const alive = others.filter(({ seenAt }) => seenAt > time - lease)
      this.#adopt(others, now, shift)
      const { inFlight, waiting } = machine.learning.webhooks.counts()
      const demand = inFlight + waiting
      const next = shareOf(limit.limit, demand, alive)
      const block = machine.learning.globalLimiter.getBlock("webhook")
      const text = encodeReport({
        seenAt: time,
        demand,
        share: Math.max(next, this.share ?? 0),
        invalid: machine.learning.invalidRequests.count(now),
        blockedUntil: block.until + shift,
        blockedBy: block.by,
      })
      const remove = [...texts.keys()].filter(
        (one) => (reports.get(one)?.seenAt ?? 0) <= time - memory && one !== process,
      )
      // A smaller share applies at once, a larger one when it is written.
      this.#use(Math.min(next, this.share ?? 1), now)
      return Effect.tap(
        store.writeReport(name, { process, version, text, remove, ttl: memory }),
        (isWritten) => Effect.sync(() => isWritten && this.#use(next, now)),
      )
    })
  }

  #use(share: number, now: number): void {
    if (share === this.share) return
    const { limit, machine } = this.#options
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
        globalLimiter.block(blockedBy, until - now, now, now)
      }
    }
  }
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
  return Math.max(1, Math.min(Math.floor(fair), free))
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

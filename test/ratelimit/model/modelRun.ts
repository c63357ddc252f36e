/** A program that sends, a network and a server, around the bare state machine: one event at a time. */
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { Route } from "../../../src/index.js"
import type { WaitError } from "../../../src/error/WebhookError.js"
import type { ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"
import {
  BucketState,
  type WaitResult,
  PendingRequest,
} from "../../../src/ratelimit/internal/bucketState.js"
import { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { Permits } from "../../../src/ratelimit/internal/pendingRequests.js"
import type { TimerTarget } from "../../../src/ratelimit/internal/pendingRequests.js"
import type { Settings } from "../../../src/ratelimit/settings.js"
import { WebhookRegistry } from "../../../src/ratelimit/internal/learning.js"
import { responded, neverSent, type Outcome, unknown } from "../../../src/ratelimit/Permit.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { Heap } from "../../support/Heap.js"
import { Server, type ServerOptions } from "./server.js"

/**
 * What becomes of an attempt: an answer, an answer stripped of its rate-limit headers, no
 * connection, or a timeout before or after the server has counted it.
 */
export type RequestFate = "answered" | "bare" | "neverSent" | "lostBefore" | "lostAfter"

export interface Job {
  readonly at: number
  /** The process that sends it, modulo their number. */
  readonly process?: number
  readonly webhook: number
  readonly route: "POST" | "PATCH"
  readonly ordered: boolean
  readonly policy: Policy
  /** Milliseconds to the server and back, and what becomes of it, attempt by attempt; the last repeats. */
  readonly attempts: ReadonlyArray<{
    readonly up: number
    readonly down: number
    readonly fate: RequestFate
  }>
  /** Milliseconds to wait before a limited attempt is repeated. */
  readonly backoff: number
  readonly maxWait: number | undefined
  /** Milliseconds from its arrival until the caller interrupts it. */
  readonly leavesAfter: number | undefined
  /** Milliseconds from its arrival until its fiber is dropped without finalisers. */
  readonly droppedAfter?: number | undefined
  /** Milliseconds from a grant until its fiber resumes. */
  readonly resumesAfter?: number | undefined
}

export const settings: Settings = {
  globalLimits: [{ limit: 50, window: 1000 }],
  idleAfter: 120_000,
  invalidRequestLimit: 8000,
}

/** Which fibers poll, as on a runtime that isolates requests; `some`: every second one. */
export type Polling = "none" | "some" | "all"

export type End =
  | "answered"
  | "refused"
  | "unknown"
  | "neverSent"
  | "left"
  | "dropped"
  | WaitError["_tag"]

export const mostAttempts = 20

export const ends = { Responded: "answered", NeverSent: "neverSent", Unknown: "unknown" } as const

/** One attempt of a job, from its start until the program has its outcome. */
export interface Exchange {
  readonly job: number
  readonly sentAt: number
  endedAt: number
  /** `undefined` if the request has not arrived. */
  status: number | undefined
}

/** One running job. */
export class Run {
  readonly job: Job
  readonly index: number
  ticket: PendingRequest | undefined = undefined
  attempt = 0
  sentAt = 0
  exchange: Exchange | undefined = undefined
  /** Whether the server has seen the attempt. */
  arrived = false
  /** Whether it has called for a permit that it has not got, and from when on it may start. */
  isWaiting = true
  notBefore = 0
  end: End | undefined = undefined
  error: WaitError | undefined = undefined
  endedAt = 0
  constructor(job: Job, index: number) {
    this.job = job
    this.index = index
  }
}

interface Event {
  readonly at: number
  readonly sequence: number
  readonly happen: () => void
}

export class ModelRun {
  now = 0
  readonly server: Server
  machine: StateMachine
  readonly runs: ReadonlyArray<Run>
  readonly exchanges: Array<Exchange> = []
  readonly arrivals: Array<{ readonly run: Run; readonly at: number }> = []
  readonly #owners = [{ polls: false }, { polls: true }] as const
  /** When the program first learned what became of a request. */
  firstOutcomeAt = Number.POSITIVE_INFINITY
  readonly #events = new Heap<Event>((a, b) => a.at - b.at || a.sequence - b.sequence)
  readonly #alarms = new Map<TimerTarget, Event>()
  readonly #flying = new Map<number, Set<Run>>()
  readonly #onStep: (model: ModelRun) => void
  readonly #polling: Polling
  #sequence = 0
  /** The machine's clock, less ours. */
  #offset = 0
  readonly #settings: Settings

  constructor(
    server: ServerOptions | Server,
    jobs: ReadonlyArray<Job>,
    options: {
      readonly settings?: Partial<Settings>
      readonly polling?: Polling
      readonly onStep?: (model: ModelRun) => void
    } = {},
  ) {
    this.server = server instanceof Server ? server : new Server(server)
    this.#onStep = options.onStep ?? (() => {})
    this.#polling = options.polling ?? "none"
    this.#settings = { ...settings, ...options.settings }
    this.machine = this.#makeMachine()
    this.runs = jobs.map((job, index) => new Run(job, index))
    for (const run of this.runs) this.at(run.job.at, () => this.#arrive(run))
  }

  /** The time on the machine's clock. */
  get clock(): number {
    return this.now + this.#offset
  }

  /** Continues on a new machine, as in another process with another clock. */
  replaceMachine(offset: number): StateMachine {
    this.#alarms.clear()
    this.#offset = offset
    this.machine = this.#makeMachine()
    return this.machine
  }

  #makeMachine(): StateMachine {
    return new StateMachine(this.#settings, (target, at) => {
      this.#setAlarm(target, at === undefined ? undefined : at - this.#offset)
    })
  }

  get alarms(): ReadonlyMap<TimerTarget, { readonly at: number }> {
    return this.#alarms
  }

  get(end: End): ReadonlyArray<Run> {
    return this.runs.filter((run) => run.end === end)
  }

  at(at: number, happen: () => void): void {
    this.#events.push({ at, sequence: ++this.#sequence, happen })
  }

  /** Until nothing is left to happen. */
  play(): this {
    // A machine that rings for ever has no end; a job rings a few times in each of its windows.
    const most = 10_000 + this.runs.length * 1000
    for (let step = 0; this.#step(); step += 1) {
      if (step > most) throw new Error("no end in sight")
      this.#onStep(this)
    }
    return this
  }

  #step(): boolean {
    let target: TimerTarget | undefined
    let next = this.#events.peek()
    for (const [one, alarm] of this.#alarms) {
      if (
        next === undefined ||
        alarm.at < next.at ||
        (alarm.at === next.at && alarm.sequence < next.sequence)
      ) {
        next = alarm
        target = one
      }
    }
    if (next === undefined) return false
    if (next.at < this.now) throw new Error("an alarm in the past")
    this.now = next.at
    if (target === undefined) this.#events.pop()
    next.happen()
    return true
  }

  #setAlarm(target: TimerTarget, wanted: number | undefined): void {
    if (this.#polling === "all") return
    const current = this.#alarms.get(target)
    if (wanted === undefined) {
      this.#alarms.delete(target)
      return
    }
    // As in the real ones: whole milliseconds, rounded up, and an earlier one stays.
    const at = this.now + Math.max(0, Math.ceil(wanted - this.now))
    if (!Number.isSafeInteger(at)) throw new Error(`an alarm at ${at}`)
    if (current !== undefined && current.at <= at) return
    const happen = () => {
      this.#alarms.delete(target)
      this.machine.wake(target, this.clock)
    }
    this.#alarms.set(target, { at, sequence: ++this.#sequence, happen })
  }

  /** Somebody else uses the first webhook, or clears what is known of it. */
  meddle(act: "clear" | "update"): void {
    const route = routeOf(0, "POST")
    if (act === "clear") this.machine.clear(this.clock, route)
    else this.machine.update(route, this.server.handle("0", "POST", this.now), this.clock)
  }

  #arrive(run: Run): void {
    const { job } = run
    const route = routeOf(job.webhook, job.route)
    const wish = {
      policy: job.policy,
      ordered: job.ordered,
      maxWait: job.maxWait ?? Number.POSITIVE_INFINITY,
      lease: leaseOf(job),
      owner: this.#owners[this.#polls(run) ? 1 : 0],
    }
    const ticket = this.machine.submit(route, wish, this.clock)
    run.ticket = ticket
    this.#wait(run, ticket)
    if (job.leavesAfter !== undefined) this.at(job.at + job.leavesAfter, () => this.#leave(run))
    if (job.droppedAfter !== undefined) this.at(job.at + job.droppedAfter, () => this.#drop(run))
  }

  #polls({ index }: Run): boolean {
    return this.#polling === "all" || (this.#polling === "some" && index % 2 === 1)
  }

  /** Waits for a result, which a fiber that polls does not see before its next poll. */
  #wait(run: Run, ticket: PendingRequest): void {
    if (ticket.result !== undefined) {
      this.#checkOrder(run, ticket.result)
      this.#ended(run, ticket.result)
      return
    }
    run.isWaiting = true
    const polls = this.#polls(run)
    ticket.resume = (ending) => {
      this.#checkOrder(run, ending)
      if (!polls) this.#resumed(run, ending)
    }
    if (!polls) return
    const poll = () => {
      if (run.end !== undefined) return
      const at = this.machine.poll(ticket, this.clock)
      if (at !== undefined) this.at(Math.ceil(at - this.#offset), poll)
      else if (ticket.result === undefined) throw new Error("polled for nothing")
      else this.#resumed(run, ticket.result)
    }
    poll()
  }

  /**
   * First in, first out: no living request waits in the bucket of one that arrived later and is granted. One that
   * has been granted before, but was too slow to start, waits again at its old position.
   */
  #checkOrder(run: Run, result: WaitResult): void {
    run.isWaiting = false
    if (Exit.isFailure(result)) return
    const { bucket, sequence } = run.ticket!
    for (const one of this.runs) {
      const { ticket } = one
      if (ticket === undefined || ticket.bucket !== bucket || ticket.sequence > sequence) continue
      const isParked = !one.job.ordered && one.notBefore >= this.now
      if (one.isWaiting && one.end === undefined && !isParked)
        throw new Error(`not first in, first out: job ${run.index} before job ${one.index}`)
    }
  }

  #drop(run: Run): void {
    if (run.end !== undefined) return
    this.#finish(run, "dropped")
    // What is on the wire may still be counted, until the lease ends.
    const isOnTheWire = run.index % 2 === 0 && this.#flying.get(run.job.webhook)?.has(run) === true
    if (isOnTheWire && !run.arrived) this.#count(run)
  }

  #resumed(run: Run, ending: WaitResult): void {
    if (run.end === "dropped") return
    const { resumesAfter = 0 } = run.job
    if (resumesAfter === 0) this.#ended(run, ending)
    else this.at(this.now + resumesAfter, () => this.#ended(run, ending))
  }

  #ended(run: Run, ending: WaitResult): void {
    if (run.end === "dropped" || run.end === "left") return
    if (run.end !== undefined) throw new Error(`job ${run.index} is told twice`)
    if (Exit.isSuccess(ending)) {
      this.#send(run)
      return
    }
    const failure = Cause.failureOrCause(ending.cause)
    if (Either.isRight(failure)) throw new Error(Cause.pretty(failure.right))
    run.error = failure.left
    this.#finish(run, failure.left._tag)
  }

  #send(run: Run): void {
    const { job } = run
    const ticket = run.ticket!
    if (!this.machine.claim(ticket, this.clock)) {
      if (job.resumesAfter === undefined) throw new Error("granted without a permit")
      this.#wait(run, ticket)
      return
    }
    const flying = this.#flying.get(job.webhook) ?? new Set()
    this.#flying.set(job.webhook, flying)
    for (const one of flying) if (isGone(one, this.now)) flying.delete(one)
    if (flying.has(run)) throw new Error("granted twice")
    const isPrompt =
      this.#polling === "none" && this.runs.every((one) => one.job.resumesAfter === undefined)
    // A request that was granted later may begin earlier when fibers do not resume at once.
    const isAlone = [...flying].every((one) => !isPrompt && !one.job.ordered)
    if (ticket.ordered && !isAlone) throw new Error("an ordered request is not alone")
    if (isPrompt && !ticket.bucket.isKnown && ticket.bucket.inFlight > 1)
      throw new Error("two probes")
    if (isPrompt && ticket.bucket.probing && ticket.bucket.inFlight > 1) throw new Error("two look")
    flying.add(run)
    run.exchange = { job: run.index, sentAt: this.now, endedAt: Infinity, status: undefined }
    this.exchanges.push(run.exchange)
    run.sentAt = this.now
    run.arrived = false
    const attempt = job.attempts[Math.min(run.attempt, job.attempts.length - 1)]!
    const number = run.attempt
    const { fate } = attempt
    let answer: ResponseInfo | undefined
    const isCurrent = () => run.attempt === number && run.end === undefined && flying.has(run)
    this.at(this.now + attempt.up, () => {
      if (!isCurrent()) return
      if (fate !== "neverSent" && fate !== "lostBefore") answer = this.#count(run)
      if (fate === "neverSent") this.#settle(run, neverSent)
    })
    this.at(this.now + attempt.up + attempt.down, () => {
      if (!isCurrent()) return
      this.#settle(run, outcomeOf(fate, answer))
    })
  }

  #count(run: Run): ResponseInfo {
    run.arrived = true
    this.arrivals.push({ run, at: this.now })
    const response = this.server.handle(String(run.job.webhook), run.job.route, this.now)
    if (run.exchange !== undefined) run.exchange.status = response.status
    return response
  }

  #settle(run: Run, outcome: Outcome): void {
    if (run.exchange !== undefined) run.exchange.endedAt = this.now
    const refused = outcome._tag === "Responded" && outcome.response.limited !== undefined
    const repeat = (refused || outcome._tag === "NeverSent") && run.attempt < mostAttempts
    this.#flying.get(run.job.webhook)!.delete(run)
    this.firstOutcomeAt = Math.min(this.firstOutcomeAt, this.now)
    run.attempt += 1
    if (repeat) {
      const ticket = run.ticket!
      run.notBefore = this.now + run.job.backoff
      run.isWaiting = true
      // A grant within the call is handled at once: others may be granted after it, in the same call.
      this.machine.retry(ticket, outcome, run.notBefore + this.#offset, this.clock, (ending) => {
        this.#checkOrder(run, ending)
        this.#ended(run, ending)
      })
      if (ticket.result === undefined) this.#wait(run, ticket)
      return
    }
    this.#finish(run, refused ? "refused" : ends[outcome._tag])
    this.machine.settle(run.ticket!, outcome, this.clock)
    // Settling twice does nothing.
    this.machine.settle(run.ticket!, neverSent, this.clock)
  }

  #leave(run: Run): void {
    if (run.end !== undefined) return
    const flying = this.#flying.get(run.job.webhook)
    const sent = flying?.delete(run) === true
    this.#finish(run, "left")
    if (sent && run.exchange !== undefined) run.exchange.endedAt = this.now
    if (!sent) this.machine.cancel(run.ticket!, this.clock)
    else {
      // What is on the wire may still be counted before the connection is gone.
      if (run.index % 2 === 0 && !run.arrived) this.#count(run)
      this.machine.settle(run.ticket!, unknown, this.clock)
    }
    this.machine.cancel(run.ticket!, this.clock)
  }

  #finish(run: Run, end: End): void {
    run.end = end
    run.endedAt = this.now
  }
}

/** Dropped, and so long ago that its request can no longer be on its way. */
function isGone({ end, job, sentAt }: Run, now: number): boolean {
  return end === "dropped" && sentAt + leaseOf(job) <= now
}

/** A moment longer than any of its attempts. */
function leaseOf({ attempts }: Job): number {
  return Math.max(...attempts.map(({ up, down }) => up + down)) + 1
}

export function routeOf(webhook: number, method: Job["route"]): Route.Route {
  return Route.make({
    method,
    template: method === "POST" ? "/send" : "/edit",
    webhookId: String(webhook),
    tokenDigest: Route.digest(Redacted.make("token")),
  })
}

export function outcomeOf(fate: RequestFate, answer: ResponseInfo | undefined): Outcome {
  if (fate === "neverSent") return neverSent
  if (answer === undefined || fate === "lostAfter") return unknown
  if (fate !== "bare" || answer.limited !== undefined) return responded(answer)
  return responded({
    ...answer,
    headers: {
      ...answer.headers,
      bucket: undefined,
      limit: undefined,
      remaining: undefined,
      reset: undefined,
      resetAfter: undefined,
    },
  })
}

/** Law 7, at any moment: an alarm only where a request waits, and one for each at most. */
export const checkAlarms = (model: ModelRun): void => {
  const { inFlight, waiting } = model.machine.snapshot(model.clock)
  for (const target of model.alarms.keys()) {
    if (target instanceof BucketState) {
      if (target.waiting === 0) throw new Error("an alarm for a bucket where nobody waits")
    } else if (target instanceof PendingRequest) {
      if (target.state !== "parked") throw new Error("an alarm for a request that does not rest")
    } else if (target instanceof Permits) {
      if (inFlight === 0) throw new Error("an alarm for permits, and nothing is in flight")
    } else if (!(target instanceof WebhookRegistry) && waiting === 0) {
      throw new Error("an alarm for the gate, and nobody waits")
    }
  }
}

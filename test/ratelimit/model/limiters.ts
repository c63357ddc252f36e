/** Plays a scenario on limiters of processes: every job is a fiber, and one that leaves is interrupted. */
// A test fails with whatever its limiters fail with.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"
import type { Permit } from "../../../src/ratelimit/Permit.js"
import type { LimiterProcess } from "../distributed/World.js"
import type { Environment, Fault, Played, PlayOptions } from "./implementation.js"
import {
  ends as endOf,
  type Exchange,
  type Job,
  mostAttempts,
  outcomeOf,
  routeOf,
} from "./modelRun.js"
import type { Scenario } from "./scenarios.js"
import { Server } from "./server.js"

/** The limiters of a run, and the store that they share. */
export interface Limiters {
  readonly processes: ReadonlyArray<LimiterProcess>
  readonly store?: { isAway: boolean; readonly restart: () => void; readonly forget: () => void }
  /** What their surroundings still hold, after all that is remembered was forgotten. */
  readonly remains: Effect.Effect<number>
}

/** A request that waits for so long waits for ever. */
const maxWait = Duration.hours(4)

class Play {
  readonly #scenario: Scenario
  readonly #limiters: Limiters
  readonly #options: PlayOptions
  readonly #server: Server
  readonly #now: () => number
  readonly #exchanges: Array<Exchange> = []
  readonly #gone = new Set<number>()
  readonly #paused = new Set<number>()
  readonly #deaths: ReadonlyArray<Deferred.Deferred<string>>
  readonly #endedAt: Array<number> = []
  #firstOutcomeAt = Number.POSITIVE_INFINITY

  constructor(
    scenario: Scenario,
    limiters: Limiters,
    options: PlayOptions,
    now: () => number,
    deaths: ReadonlyArray<Deferred.Deferred<string>>,
  ) {
    this.#scenario = scenario
    this.#limiters = limiters
    this.#options = options
    this.#server = new Server(scenario.server)
    this.#now = now
    this.#deaths = deaths
  }

  readonly run = (faults: ReadonlyArray<Fault>): Effect.Effect<Played, unknown, Scope.Scope> =>
    Effect.gen(this, function* () {
      const { jobs, meddling = [] } = this.#scenario
      for (const fault of faults) yield* Effect.forkScoped(this.#inject(fault))
      for (const { act, at } of meddling)
        yield* Effect.forkScoped(Effect.delay(this.#meddle(act), at))
      const ends = yield* Effect.forEach(jobs, this.#play, { concurrency: "unbounded" }).pipe(
        Effect.timeoutFailCause({
          duration: maxWait,
          onTimeout: () => Cause.die("a request does not end"),
        }),
      )
      return yield* this.#result(ends)
    })

  readonly #result = (ends: Played["ends"]): Effect.Effect<Played> =>
    Effect.gen(this, function* () {
      const { processes, remains } = this.#limiters
      const { refused, refusedGlobally } = this.#server
      // A process that was killed goes on below, so that its limiter closes.
      const exchanges = this.#exchanges.map((exchange) => ({ ...exchange }))
      for (const { clock } of processes) clock.thaw()
      const living = processes.filter((_, index) => !this.#gone.has(index))
      const snapshots = Effect.forEach(living, ({ limiter }) => limiter.snapshot)
      const open = (yield* snapshots).reduce((sum, one) => sum + one.waiting + one.inFlight, 0)
      let remembered = 0
      if (this.#options.isForgetting === true) {
        yield* Effect.sleep("1 hour")
        remembered = (yield* snapshots).reduce((sum, { buckets }) => sum + buckets, 0)
        remembered += yield* remains
      }
      return {
        refused,
        refusedGlobally,
        exchanges,
        ends,
        endedAt: this.#endedAt,
        processOf: this.#scenario.jobs.map((job) => this.#processOf(job)),
        gone: this.#gone,
        paused: this.#paused,
        firstOutcomeAt: this.#firstOutcomeAt,
        open,
        remembered,
      }
    })

  #processOf({ process = 0 }: Job): number {
    return process % this.#limiters.processes.length
  }

  /** Another program uses the first webhook, or clears what is known of it. */
  readonly #meddle = (act: "clear" | "update"): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { clock, limiter } = this.#limiters.processes[0]!
      const route = routeOf(0, "POST")
      return act === "clear"
        ? limiter.clear(route)
        : limiter
            .update(route, this.#server.handle("0", "POST", this.#now()))
            .pipe(Effect.withClock(clock))
    })

  readonly #inject = ({ at, kind, lasts, process: number }: Fault): Effect.Effect<void> =>
    Effect.gen(this, function* () {
      yield* Effect.sleep(at + (this.#scenario.faultsAfter ?? 0))
      const { processes, store } = this.#limiters
      const index = number % processes.length
      const process = processes[index]!
      if (this.#gone.has(index)) return
      if (kind === "restart") store?.restart()
      else if (kind === "forget") store?.forget()
      else if (kind === "away") {
        if (store !== undefined) store.isAway = true
        yield* Effect.sleep(lasts)
        if (store !== undefined) store.isAway = false
      } else if (kind === "close") {
        this.#gone.add(index)
        yield* process.close
      } else if (kind === "kill") {
        this.#gone.add(index)
        process.clock.freeze()
        yield* Deferred.succeed(this.#deaths[index]!, "killed")
      } else {
        this.#paused.add(index)
        process.clock.freeze()
        yield* Effect.sleep(lasts)
        if (!(yield* Deferred.isDone(this.#deaths[index]!))) process.clock.thaw()
      }
    })

  readonly #play = (job: Job, index: number): Effect.Effect<string> =>
    Effect.gen(this, function* () {
      yield* Effect.sleep(job.at)
      const process = this.#processOf(job)
      if (this.#gone.has(process)) return "never began"
      const { clock } = this.#limiters.processes[process]!
      const fiber = yield* Effect.forkDaemon(Effect.withClock(this.#request(job, index), clock))
      if (job.leavesAfter !== undefined)
        yield* Fiber.interruptFork(fiber).pipe(
          Effect.delay(job.leavesAfter),
          Effect.withClock(clock),
          Effect.forkDaemon,
        )
      const exit = yield* Effect.raceFirst(
        Fiber.await(fiber),
        Effect.map(Deferred.await(this.#deaths[process]!), Exit.succeed),
      )
      this.#endedAt[index] = this.#now()
      return Exit.match(exit, {
        onSuccess: (end) => end,
        onFailure: (cause) =>
          cause._tag === "Fail"
            ? cause.error._tag
            : Cause.isInterrupted(cause)
              ? "left"
              : Cause.pretty(cause),
      })
    })

  /** Half of them by a scoped permit. */
  #request(job: Job, index: number) {
    const { limiter } = this.#limiters.processes[this.#processOf(job)]!
    const options = {
      policy: job.policy,
      delivery: job.ordered ? ("ordered" as const) : ("concurrent" as const),
      maxWait: job.maxWait === undefined ? undefined : Duration.millis(job.maxWait),
    }
    const route = routeOf(job.webhook, job.route)
    const use = (permit: Permit) => this.#use(job, index, permit)
    return job.at % 2 === 0
      ? limiter.withPermit(route, options, use)
      : Effect.scoped(Effect.flatMap(limiter.wait(route, options), use))
  }

  #use(job: Job, index: number, permit: Permit) {
    return Effect.gen(this, function* () {
      for (let number = 0; ; number++) {
        const outcome = yield* this.#attempt(job, index, number)
        this.#firstOutcomeAt = Math.min(this.#firstOutcomeAt, this.#now())
        const refused = outcome._tag === "Responded" && outcome.response.limited !== undefined
        if ((refused || outcome._tag === "NeverSent") && number < mostAttempts) {
          yield* permit.retry(outcome, Duration.millis(job.backoff))
        } else {
          yield* permit.settle(outcome)
          return refused ? "refused" : endOf[outcome._tag]
        }
      }
    })
  }

  /** The network goes on while a process stands still. */
  #attempt(job: Job, index: number, number: number) {
    const { down, fate, up } = job.attempts[Math.min(number, job.attempts.length - 1)]!
    const exchange: Exchange = {
      job: index,
      sentAt: this.#now(),
      endedAt: Number.POSITIVE_INFINITY,
      status: undefined,
    }
    this.#exchanges.push(exchange)
    const arrive = (): ResponseInfo => {
      const response = this.#server.handle(String(job.webhook), job.route, this.#now())
      exchange.status = response.status
      return response
    }
    const hasArrived = () => exchange.status !== undefined
    const { clock } = this.#limiters.processes[this.#processOf(job)]!
    return Effect.gen(this, function* () {
      yield* Effect.sleep(up)
      if (fate === "neverSent") return outcomeOf(fate, undefined)
      const response = fate === "lostBefore" ? undefined : arrive()
      yield* Effect.sleep(down)
      return outcomeOf(fate, response)
    }).pipe(
      Effect.withClock(clock.network),
      // What is on the wire may still be counted before the connection is gone.
      Effect.onInterrupt(() =>
        Effect.sync(() => {
          if (index % 2 === 0 && !hasArrived()) arrive()
        }),
      ),
      Effect.tap(() => clock.thawed),
      Effect.ensuring(Effect.sync(() => (exchange.endedAt = this.#now()))),
    )
  }
}

export const play = (
  scenario: Scenario,
  { faults }: Environment,
  limiters: Limiters,
  options: PlayOptions,
): Effect.Effect<Played, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const begin = clock.unsafeCurrentTimeMillis()
    const deaths = yield* Effect.forEach(limiters.processes, () => Deferred.make<string>())
    const now = () => clock.unsafeCurrentTimeMillis() - begin
    return yield* new Play(scenario, limiters, options, now, deaths).run(faults)
  })

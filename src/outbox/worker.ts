/**
 * A worker claims queues, sends their entries, and keeps their leases. Any number of workers, in any number
 * of processes, share an engine.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import type { Service as LimiterService } from "../ratelimit/RateLimiter.js"
import { Strategy } from "../ratelimit/Strategy.js"
import type { Requirements } from "../rest/pipeline.js"
import * as RestConfig from "../rest/RestConfig.js"
import type { Webhook } from "../webhook/credentials.js"
import { getEndpoint, makeRoute } from "../webhook/operations.js"
import { Batcher } from "./batcher.js"
import { Engine } from "./engine.js"
import type { Entry } from "./entry.js"
import * as OutboxMetrics from "./OutboxMetrics.js"
import { DiscordOutboxUnavailable } from "./OutboxError.js"
import { runQueue } from "./queueRunner.js"
import type { RunningQueue, WorkerContext } from "./queueRunner.js"
import { sweep } from "./service.js"
import type { ClaimedQueue, OwnedQueue, Step, StepResult, Store, Stored } from "./store.js"

/**
 * Options of a worker.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkerOptions {
  /** Maximum number of webhooks that are sent to at the same time. Default: 50. */
  readonly concurrency?: number | undefined
  /**
   * What becomes of a message that may or may not have been posted, because the process crashed or the
   * connection broke during the request. `resend` (default): it is sent again, and may be posted
   * twice. `hold`: it becomes dead, and a person decides. Edits and deletions are always repeated.
   */
  readonly inDoubt?:
    | "resend"
    | "hold"
    | ((entry: Entry) => Effect.Effect<"resend" | "hold">)
    | undefined
  /**
   * How long a queue belongs to a worker that does not respond any more. A lease is renewed after a
   * third. Default: 30 seconds.
   */
  readonly lease?: Duration.DurationInput | undefined
  /** How often the worker looks for entries without being notified. Default: 1 second. */
  readonly pollInterval?: Duration.DurationInput | undefined
  /** Delay before an entry is tried again; it doubles up to `max`. Default: 1 second to 5 minutes. */
  readonly backoff?:
    | { readonly base?: Duration.DurationInput; readonly max?: Duration.DurationInput }
    | undefined
  /**
   * How long a shutdown waits for requests in flight; with the engine in memory, for all entries.
   * Default: 30 seconds.
   */
  readonly drainTimeout?: Duration.DurationInput | undefined
}

interface Settings {
  readonly concurrency: number
  readonly inDoubt: (entry: Entry) => Effect.Effect<"resend" | "hold">
  readonly lease: number
  readonly pollInterval: number
  readonly backoff: { readonly base: number; readonly max: number }
  readonly drainTimeout: Duration.Duration
}

const maxCommitted = 500
const maxReleased = 500
const prefetch = 20
const sweepInterval = Duration.minutes(10)
const statsInterval = Duration.seconds(15)
/** How often a shutdown looks whether the engine in memory is empty. */
const emptyInterval = Duration.millis(20)
/** The part of the lease in which requests start; clocks differ in speed. */
const usedLease = 0.9
/** When a queue is tried again whose token is not available. */
const tokenDelay = 60_000
/** Maximum wait of a new owner for a window that the former one has used up. */
const maxTakeoverWait = 60_000
const nanosPerMilli = 1_000_000

const resolveOptions = (options: WorkerOptions): Effect.Effect<Settings, DiscordInvalidOption> => {
  const { backoff, concurrency = 50, inDoubt = "resend", lease, pollInterval } = options
  const settings: Settings = {
    concurrency,
    inDoubt: typeof inDoubt === "function" ? inDoubt : () => Effect.succeed(inDoubt),
    lease: Duration.toMillis(lease ?? "30 seconds"),
    pollInterval: Duration.toMillis(pollInterval ?? "1 second"),
    backoff: {
      base: Duration.toMillis(backoff?.base ?? "1 second"),
      max: Duration.toMillis(backoff?.max ?? "5 minutes"),
    },
    drainTimeout: Duration.decode(options.drainTimeout ?? "30 seconds"),
  }
  const limits = {
    concurrency: [settings.concurrency, 1],
    lease: [settings.lease, 1000],
    pollInterval: [settings.pollInterval, 1],
  } as const
  const wrong = Object.entries(limits).find(
    ([, [value, min]]) => !(Number.isFinite(value) && value >= min),
  )
  if (wrong === undefined) return Effect.succeed(settings)
  const [name, [value, min]] = wrong
  return new DiscordInvalidOption({
    option: `Outbox.worker: ${name}`,
    expected: name === "concurrency" ? "a number of at least 1" : `at least ${min} ms`,
    actual: String(value),
  })
}

/** Runs a worker until the scope closes, which drains it. */
export const runWorker = Effect.fnUntraced(function* (
  options: WorkerOptions,
): Effect.fn.Return<void, DiscordInvalidOption, Engine | Requirements | Scope.Scope> {
  const settings = yield* resolveOptions(options)
  const engine = yield* Engine
  const requirements = yield* Effect.context<Requirements>()
  const worker = new Worker({
    settings,
    engine,
    requirements,
    rest: yield* RestConfig.RestConfig,
    owner: `worker-${(yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)}`,
    clock: yield* Effect.clock,
    fibers: yield* FiberSet.make(),
    draining: yield* Deferred.make<void>(),
  })
  yield* worker.start()
})

type Release = OwnedQueue & {
  readonly memory: string | undefined
  /** When a worker has to look at the queue again; `undefined` as soon as it has entries. */
  readonly nextAt: number | undefined
}

interface Parts {
  readonly settings: Settings
  readonly engine: Engine["Type"]
  readonly requirements: Context.Context<Requirements>
  readonly rest: RestConfig.RestOptions
  readonly owner: string
  readonly clock: Clock.Clock
  readonly fibers: FiberSet.FiberSet
  readonly draining: Deferred.Deferred<void>
}

class Worker {
  readonly #parts: Parts
  readonly #store: Store
  readonly #limiter: LimiterService
  readonly #availability = new Availability()
  readonly #commits: Batcher<Step, StepResult, DiscordOutboxUnavailable>
  readonly #releases: Batcher<Release, true, DiscordOutboxUnavailable>
  readonly #context: WorkerContext
  readonly #owned = new Map<string, RunningQueue>()
  readonly #wake = Effect.unsafeMakeLatch(true)
  /** The store's time minus the monotonic clock. */
  #offset = 0
  /** The earliest time, on the store's clock, at which a queue of this worker has to be claimed again. */
  #nextAt = Infinity

  constructor(parts: Parts) {
    const { draining, engine, owner, requirements, settings } = parts
    const { settlements, store } = engine
    this.#parts = parts
    this.#store = store
    this.#limiter = Context.get(requirements, RateLimiter)
    this.#commits = new Batcher({
      maxSize: maxCommitted,
      identify: ({ entryId }) => entryId,
      run: (steps) =>
        Effect.tap(this.#availability.retry(commitSteps(store, owner, steps)), () =>
          Effect.sync(() => settlements.report()),
        ),
      closed,
    })
    this.#releases = new Batcher({
      maxSize: maxReleased,
      identify: ({ webhookId }) => webhookId,
      run: (queues) =>
        Effect.as(
          Effect.zipRight(store.release(owner, queues), this.#wake.open),
          queues.map(() => true as const),
        ),
      closed,
    })
    this.#context = {
      owner,
      store,
      commits: this.#commits,
      limiter: this.#limiter,
      draining,
      inDoubt: settings.inDoubt,
      backoff: settings.backoff,
      prefetch,
      monotonic: () => this.#monotonic(),
      now: () => this.#now(),
    }
  }

  /** Starts the fibers of the scope. The queues are drained before the fibers end. */
  start(): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen(this, function* () {
      yield* this.#commits.start
      yield* this.#releases.start
      yield* this.#store.onEnqueued(() => {
        this.#wake.unsafeOpen()
      })
      yield* Effect.forkScoped(this.#renewLeases())
      yield* Effect.forkScoped(this.#maintain())
      yield* Effect.forkScoped(this.#claimQueues())
      yield* Effect.addFinalizer(() => this.#drain())
    })
  }

  #monotonic(): number {
    return Number(this.#parts.clock.unsafeCurrentTimeNanos()) / nanosPerMilli
  }

  #now(): number {
    return this.#monotonic() + this.#offset
  }

  /** Claims queues whenever there is something to claim and a place to run it. */
  #claimQueues(): Effect.Effect<never> {
    const { draining, fibers, owner, settings } = this.#parts
    const claim = Effect.gen(this, function* () {
      this.#wake.unsafeClose()
      const limit = settings.concurrency - (yield* FiberSet.size(fibers))
      if (limit <= 0) return 0
      yield* this.#measureTime()
      if (this.#nextAt <= this.#now()) this.#nextAt = Infinity
      const claimedAt = this.#monotonic()
      const options = { owner, leaseMillis: settings.lease, limit, prefetch }
      const claimed = yield* this.#store.claim(options)
      for (const queue of claimed) yield* this.#fork(queue, claimedAt)
      return claimed.length
    })
    const wait = Effect.suspend(() => {
      const delay = Math.max(1, Math.min(settings.pollInterval, this.#nextAt - this.#now()))
      return Effect.raceFirst(this.#wake.await, Effect.sleep(delay))
    })
    const step = Effect.flatMap(this.#availability.retry(claim), (count) =>
      count === 0 ? wait : Effect.yieldNow(),
    )
    return Effect.zipRight(
      Effect.repeat(step, { until: () => Deferred.isDone(draining) }),
      Effect.never,
    )
  }

  #measureTime(): Stored<void> {
    return Effect.map(this.#store.now, (now) => {
      this.#offset = now - this.#monotonic()
    })
  }

  #fork(claimed: ClaimedQueue, claimedAt: number): Effect.Effect<unknown> {
    const { fibers, requirements, rest } = this.#parts
    return FiberSet.run(
      fibers,
      this.#runClaimed(claimed, claimedAt).pipe(
        Effect.provideService(RestConfig.RestConfig, { ...rest, ...oneAttempt }),
        Effect.provide(requirements),
      ),
    )
  }

  /** Runs a queue and gives it back. */
  #runClaimed(claimed: ClaimedQueue, claimedAt: number): Effect.Effect<void, never, Requirements> {
    const { draining, engine, settings } = this.#parts
    const { credentials, epoch, isTakeover, memory, webhookId } = claimed
    return Effect.gen(this, function* () {
      const opened = yield* Effect.either(engine.tokens.open(credentials))
      if (Either.isLeft(opened)) {
        yield* Effect.logError(
          `Outbox (webhook ${webhookId}): ${opened.left.message}; its entries wait`,
        )
        return yield* this.#giveBack({ webhookId, epoch, memory, nextAt: this.#now() + tokenDelay })
      }
      const webhook = opened.right
      const queue: RunningQueue = {
        owned: { webhookId, epoch },
        deadline: claimedAt + settings.lease * usedLease,
        isLost: false,
      }
      this.#owned.set(webhookId, queue)
      const blocked = isTakeover ? readBlockedUntil(memory) - this.#now() : 0
      if (blocked > 0) {
        const wait = Effect.sleep(Math.min(blocked, maxTakeoverWait))
        yield* Effect.raceFirst(wait, Deferred.await(draining))
      }
      const exit = yield* Effect.exit(runQueue(this.#context, queue, webhook, claimed.entries))
      if (this.#owned.get(webhookId) === queue) this.#owned.delete(webhookId)
      if (Exit.isFailure(exit)) {
        yield* Effect.logError(`Outbox (webhook ${webhookId}): its queue stopped`, exit.cause)
      }
      const nextAt = Exit.isSuccess(exit) ? exit.value : this.#now() + settings.backoff.base
      const left = yield* this.#describeMemory(webhook)
      yield* this.#giveBack({ webhookId, epoch, memory: left, nextAt })
    })
  }

  /** The end of a lease does the same, later. */
  #giveBack(release: Release): Effect.Effect<void> {
    if (release.nextAt !== undefined) this.#nextAt = Math.min(this.#nextAt, release.nextAt)
    return Effect.ignore(this.#releases.submit(release))
  }

  /** How long the webhook is blocked, for an owner whose limiter does not know it. */
  #describeMemory(webhook: Webhook): Effect.Effect<string | undefined> {
    const policy = Context.get(this.#parts.requirements, Strategy)
    const route = makeRoute(webhook, getEndpoint("send"))
    return Effect.map(this.#limiter.estimate(route, { policy }), (wait) => {
      const millis = Math.ceil(Duration.toMillis(wait))
      return Number.isFinite(millis)
        ? encodeMemory({ blockedUntil: this.#now() + millis })
        : undefined
    })
  }

  #renewLeases(): Effect.Effect<never> {
    const { lease } = this.#parts.settings
    const renewed = Effect.suspend(() => {
      const queues = [...this.#owned.values()]
      const before = this.#monotonic()
      if (queues.length === 0) return Effect.void
      return Effect.map(
        this.#store.renew(
          this.#parts.owner,
          queues.map(({ owned }) => ({ ...owned, memory: undefined })),
          lease,
        ),
        (kept) => {
          for (const queue of queues) {
            if (kept.has(queue.owned.webhookId)) queue.deadline = before + lease * usedLease
            else this.#loseLease(queue)
          }
        },
      )
    })
    return Effect.forever(
      Effect.zipRight(this.#availability.retry(renewed), Effect.sleep(lease / 3)),
    )
  }

  #loseLease(queue: RunningQueue): void {
    if (this.#owned.get(queue.owned.webhookId) !== queue || queue.isLost) return
    queue.isLost = true
    OutboxMetrics.leasesLost.unsafeUpdate(1, [])
  }

  /** Sweeps ended entries and updates the gauges. */
  #maintain(): Effect.Effect<never> {
    const { retention } = this.#parts.engine
    const sweeping = Effect.repeat(
      this.#availability.retry(sweep(this.#store, retention)),
      Schedule.spaced(sweepInterval),
    )
    const measuring = Effect.repeat(
      this.#availability.retry(
        Effect.flatMap(this.#store.stats, (stats) =>
          OutboxMetrics.recordStats(stats, this.#now(), this.#owned.size),
        ),
      ),
      Schedule.spaced(statsInterval),
    )
    return Effect.zipRight(Effect.zip(sweeping, measuring, { concurrent: true }), Effect.never)
  }

  /**
   * Ends without leaving an entry in doubt: requests in flight complete, others do not start. An engine in
   * memory first sends what it has, since nothing would remain of it.
   */
  #drain(): Effect.Effect<void> {
    const { draining, engine, fibers, settings } = this.#parts
    const { drainTimeout } = settings
    const emptied = engine.isDurable
      ? Effect.void
      : Effect.repeat(this.#store.stats, {
          until: ({ ready, sending }) => ready + sending === 0,
          schedule: Schedule.spaced(emptyInterval),
        })
    return Effect.gen(this, function* () {
      yield* Effect.timeout(emptied, drainTimeout)
      yield* Deferred.succeed(draining, undefined)
      this.#wake.unsafeOpen()
      const stopped = yield* Effect.timeoutOption(FiberSet.awaitEmpty(fibers), drainTimeout)
      yield* this.#commits.flush
      yield* this.#releases.flush
      if (Option.isNone(stopped)) {
        yield* Effect.logWarning("Outbox: requests in flight have not ended within drainTimeout")
      }
    }).pipe(Effect.interruptible, Effect.ignoreLogged)
  }
}

/** An entry is tried again by its queue, not by the request. */
const oneAttempt = {
  maxRetries: 0,
  maxRateLimitAttempts: 1,
  maxWait: undefined,
  retry: "safe",
  delivery: "ordered",
} as const satisfies Partial<RestConfig.RestOptions>

const closed = new DiscordOutboxUnavailable({ operation: "Outbox.worker", reason: "closed" })

/**
 * Applies steps together. If the engine rejects them for another reason than its absence, one of them is to
 * blame, and the others go on without it.
 */
function commitSteps(
  store: Store,
  owner: string,
  steps: ReadonlyArray<Step>,
): Stored<ReadonlyArray<StepResult>> {
  return Effect.catchAll(store.commit(owner, steps), (error) => {
    if (error.reason !== "constraint" && error.reason !== "damaged") return Effect.fail(error)
    if (steps.length > 1) {
      return Effect.map(
        Effect.forEach(steps, (step) => commitSteps(store, owner, [step])),
        (results) => results.flat(),
      )
    }
    const [step] = steps
    return Effect.as(
      Effect.logError(`Outbox: entry ${step?.entryId ?? ""} cannot be updated`, error),
      steps.map(() => "lost" as const),
    )
  })
}

/** Waits while the store is away; the log has one line for each absence. */
class Availability {
  #isAway = false

  retry<A>(effect: Stored<A>): Effect.Effect<A> {
    const attempt = Effect.tapBoth(effect, {
      onFailure: (error) => (this.#isAway ? Effect.void : this.#report(error)),
      onSuccess: () => (this.#isAway ? this.#reportReturn : Effect.void),
    })
    return Effect.orDie(Effect.retry(attempt, absence))
  }

  #report(error: DiscordOutboxUnavailable): Effect.Effect<void> {
    this.#isAway = true
    return Effect.logError("Outbox: the store is not available; its entries wait", error)
  }

  readonly #reportReturn: Effect.Effect<void> = Effect.suspend(() => {
    this.#isAway = false
    return Effect.logInfo("Outbox: the store is available again")
  })
}

/** Without an end. */
const absence = Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("2 seconds"))

const Memory = Schema.parseJson(Schema.Struct({ blockedUntil: Schema.Number }))
const encodeMemory = Schema.encodeSync(Memory)
const decodeMemory = Schema.decodeOption(Memory)

function readBlockedUntil(memory: string | undefined): number {
  if (memory === undefined) return 0
  return Option.match(decodeMemory(memory), {
    onNone: () => 0,
    onSome: ({ blockedUntil }) => blockedUntil,
  })
}

/**
 * A worker claims queues, sends their entries, and keeps their leases. Any number of workers, in any number
 * of processes, share an engine.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import type { Service as LimiterService } from "../ratelimit/RateLimiter.js"
import { Strategy } from "../ratelimit/Strategy.js"
import type { Requirements } from "../rest/pipeline.js"
import * as RestConfig from "../rest/RestConfig.js"
import type { Webhook } from "../webhook/credentials.js"
import { getEndpoint, makeRoute } from "../webhook/operations.js"
import { Availability, isCommon, maxPauseMillis } from "./availability.js"
import { Batcher } from "./batcher.js"
import { Engine } from "./engine.js"
import { makeLoads } from "./loads.js"
import * as metrics from "./metrics.js"
import * as OutboxMetrics from "./OutboxMetrics.js"
import { DiscordOutboxUnavailable } from "./OutboxError.js"
import { runQueue } from "./queueRunner.js"
import type { RunningQueue, WorkerContext } from "./queueRunner.js"
import { sweep } from "./service.js"
import type { ClaimedQueue, OwnedQueue, Step, StepResult, Store, Stored } from "./store.js"
import { resolveOptions } from "./workerOptions.js"
import type { Settings, WorkerOptions } from "./workerOptions.js"

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
/**
 * How long a worker claims nothing after an absence of the store, during which leases may have ended: the
 * other workers record their results and renew their leases first.
 */
const returnDelay = maxPauseMillis + 1000
const nanosPerMilli = 1_000_000

/** An entry is tried again by its queue, not by the request. */
const oneAttempt = {
  maxRetries: 0,
  maxRateLimitAttempts: 1,
  maxWait: undefined,
  retry: "safe",
  delivery: "ordered",
} as const satisfies Partial<RestConfig.RestOptions>

const closed = new DiscordOutboxUnavailable({ operation: "Outbox.worker", reason: "closed" })

const Memory = Schema.parseJson(Schema.Struct({ blockedUntil: Schema.Number }))
const encodeMemory = Schema.encodeSync(Memory)
const decodeMemory = Schema.decodeOption(Memory)

type Release = OwnedQueue & {
  readonly memory: string | undefined
  /** When a worker has to look at the queue again; `undefined` as soon as it has entries. */
  readonly nextAt: number | undefined
}

/** A queue of this worker. */
interface Held extends RunningQueue {
  /** Known as soon as the token is. */
  webhook: Webhook | undefined
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
  readonly #loads: ReturnType<typeof makeLoads>
  readonly #context: WorkerContext
  readonly #held = new Map<string, Held>()
  readonly #wake = Effect.unsafeMakeLatch(true)
  /** The number of queues that are being run, at most `concurrency`. */
  #active = 0
  /** The store's time minus the monotonic clock; each claim corrects it. */
  #offset = 0
  /** The earliest time, on the store's clock, at which a queue of this worker has to be claimed again. */
  #nextAt = Infinity
  /**
   * Before this time on the monotonic clock no queue is taken over: the store may have been unavailable until now, and
   * then the owners record their results and renew their leases first.
   */
  readonly #takesOverAt: number

  constructor(parts: Parts) {
    const { draining, engine, owner, requirements, settings } = parts
    const { settlements, store } = engine
    const { whileAway } = this.#availability
    this.#parts = parts
    this.#store = store
    this.#limiter = Context.get(requirements, RateLimiter)
    this.#takesOverAt = this.#monotonic() + returnDelay
    this.#commits = new Batcher({
      gather: store.gather,
      maxSize: maxCommitted,
      identify: ({ entryId }) => entryId,
      run: (steps) =>
        Effect.map(whileAway(store.commit(owner, steps)), (results) => {
          settlements.report(steps.map(({ entryId }) => entryId))
          return results
        }),
      isCommon,
      closed,
    })
    this.#releases = new Batcher({
      gather: store.gather,
      maxSize: maxReleased,
      identify: ({ webhookId }) => webhookId,
      run: (queues) =>
        Effect.as(
          whileAway(store.release(owner, queues)),
          queues.map(() => true as const),
        ),
      isCommon,
      closed,
    })
    this.#loads = makeLoads(store, this.#availability, prefetch, closed)
    this.#context = {
      load: (webhookId) => this.#loads.run(webhookId),
      prefetch,
      loadFiles: (entryId) => whileAway(store.files(entryId)),
      find: (entryId) => whileAway(store.find([entryId])),
      bury: (queue, error) =>
        Effect.map(whileAway(store.bury(owner, queue, error)), (count) => {
          settlements.report()
          return count
        }),
      commit: (step) => this.#commits.submit(step),
      limiter: this.#limiter,
      draining,
      inDoubt: settings.inDoubt,
      backoff: settings.backoff,
      lease: settings.lease,
      isCrowded: () => this.#active >= settings.concurrency,
      monotonic: () => this.#monotonic(),
      now: () => this.#now(),
    }
  }

  /** Starts the fibers of the scope. The queues are drained before the fibers end. */
  start(): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen(this, function* () {
      yield* this.#commits.start
      yield* this.#releases.start
      yield* this.#loads.start
      yield* this.#store.onEnqueued(() => {
        this.#wake.unsafeOpen()
      })
      yield* Effect.forkScoped(this.#keepLeases())
      yield* Effect.forkScoped(this.#maintain())
      const claiming = yield* Effect.forkScoped(this.#claimQueues())
      yield* Effect.addFinalizer(() => this.#drain(claiming))
    })
  }

  #monotonic(): number {
    return Number(this.#parts.clock.unsafeCurrentTimeNanos()) / nanosPerMilli
  }

  #now(): number {
    return this.#monotonic() + this.#offset
  }

  #setTime(now: number): void {
    this.#offset = now - this.#monotonic()
  }

  /** Claims queues whenever there is something to claim and a place to run it, until the shutdown. */
  #claimQueues(): Effect.Effect<void> {
    const { draining } = this.#parts
    const returned = Effect.zipRight(
      this.#availability.persist(this.#store.now),
      Effect.raceFirst(Effect.sleep(returnDelay), Deferred.await(draining)),
    )
    const step = Effect.matchEffect(this.#availability.observe(this.#claim), {
      onFailure: () => returned,
      onSuccess: () => this.#waitForWork,
    })
    return Effect.asVoid(Effect.repeat(step, { until: () => Deferred.isDone(draining) }))
  }

  /** Claims as many queues as can be run. */
  readonly #claim: Stored<void> = Effect.gen(this, function* () {
    const { owner, settings } = this.#parts
    this.#wake.unsafeClose()
    const limit = settings.concurrency - this.#active
    if (limit <= 0) return
    yield* this.#renewOverdue()
    if (this.#nextAt <= this.#now()) this.#nextAt = Infinity
    const claimedAt = this.#monotonic()
    const onlyReleased = claimedAt < this.#takesOverAt
    const options = { owner, leaseMillis: settings.lease, limit, prefetch, onlyReleased }
    const claimed = yield* this.#store.claim(options)
    for (const queue of claimed) {
      this.#setTime(queue.claimedAt)
      yield* this.#fork(queue, claimedAt)
    }
  })

  /** At least as often as leases are renewed, so that no absence of the store remains unnoticed. */
  readonly #waitForWork: Effect.Effect<void> = Effect.suspend(() => {
    const { lease, pollInterval } = this.#parts.settings
    const delay = Math.min(pollInterval, lease / 3, this.#nextAt - this.#now())
    return Effect.raceFirst(this.#wake.await, Effect.sleep(Math.max(1, Math.ceil(delay))))
  })

  #fork(claimed: ClaimedQueue, claimedAt: number): Effect.Effect<unknown> {
    const { fibers, requirements, rest, settings } = this.#parts
    const { epoch, webhookId } = claimed
    const held: Held = {
      owned: { webhookId, epoch },
      deadline: claimedAt + settings.lease * usedLease,
      webhook: undefined,
    }
    this.#held.set(webhookId, held)
    this.#active += 1
    return FiberSet.run(
      fibers,
      this.#runClaimed(claimed, held).pipe(
        Effect.ensuring(Effect.sync(() => this.#end(held))),
        Effect.provideService(RestConfig.RestConfig, { ...rest, ...oneAttempt }),
        Effect.provide(requirements),
      ),
    )
  }

  #end(held: Held): void {
    this.#forget(held)
    this.#active -= 1
    this.#wake.unsafeOpen()
  }

  #forget(held: Held): boolean {
    const { webhookId } = held.owned
    return this.#held.get(webhookId) === held && this.#held.delete(webhookId)
  }

  /** Runs a queue and gives it back. */
  #runClaimed(claimed: ClaimedQueue, held: Held): Effect.Effect<void, never, Requirements> {
    const { settings } = this.#parts
    const { webhookId } = held.owned
    return this.#serve(claimed, held).pipe(
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.interrupt
          : Effect.as(
              Effect.logError(`Outbox (webhook ${webhookId}): its queue stopped`, cause),
              this.#now() + settings.backoff.base,
            ),
      ),
      Effect.flatMap((nextAt) => this.#giveBack(held, nextAt)),
    )
  }

  /** Runs a queue. Returns when to look at it again. */
  #serve(
    { credentials, entries, isTakeover, memory }: ClaimedQueue,
    held: Held,
  ): Effect.Effect<number | undefined, DiscordOutboxUnavailable, Requirements> {
    const { draining, engine, settings } = this.#parts
    const token = Effect.timeoutFail(engine.tokens.open(credentials), {
      duration: settings.lease,
      onTimeout: () => ({ message: "its token has not arrived" }),
    })
    return Effect.matchEffect(token, {
      onFailure: ({ message }) =>
        Effect.as(
          Effect.logError(`Outbox (webhook ${held.owned.webhookId}): ${message}; its entries wait`),
          this.#now() + tokenDelay,
        ),
      onSuccess: (webhook) => {
        held.webhook = webhook
        // A claim reads no damaged entries. If there are no others, the next claim has to wait, or one follows another.
        if (entries.length === 0) return Effect.succeed(this.#now() + settings.backoff.base)
        const run = runQueue(this.#context, held, webhook, entries)
        const blocked = isTakeover ? readBlockedUntil(memory) - this.#now() : 0
        if (blocked <= 0) return run
        const wait = Effect.sleep(Math.ceil(Math.min(blocked, maxTakeoverWait)))
        return Effect.zipRight(Effect.raceFirst(wait, Deferred.await(draining)), run)
      },
    })
  }

  /** The end of the lease does the same, later. */
  #giveBack(held: Held, lookAt: number | undefined): Effect.Effect<void> {
    return Effect.flatMap(this.#describeMemory(held), (memory) => {
      // A store counts in whole milliseconds.
      const nextAt = lookAt === undefined ? undefined : Math.ceil(lookAt)
      const release = { ...held.owned, memory, nextAt }
      this.#forget(held)
      if (nextAt !== undefined) this.#nextAt = Math.min(this.#nextAt, nextAt)
      return Effect.catchAll(this.#releases.submit(release), (error) =>
        Effect.logWarning(`Outbox (webhook ${held.owned.webhookId}): not released`, error),
      )
    })
  }

  /** How long the webhook is blocked, for an owner whose limiter does not know it. */
  #describeMemory({ webhook }: Held): Effect.Effect<string | undefined> {
    if (webhook === undefined) return Effect.succeed(undefined)
    const policy = Context.get(this.#parts.requirements, Strategy)
    const route = makeRoute(webhook, getEndpoint("send"))
    return Effect.map(this.#limiter.estimate(route, { policy }), (wait) => {
      const millis = Math.ceil(Duration.toMillis(wait))
      return Number.isFinite(millis)
        ? encodeMemory({ blockedUntil: Math.ceil(this.#now()) + millis })
        : undefined
    })
  }

  #keepLeases(): Effect.Effect<never> {
    return Effect.forever(
      Effect.zipRight(
        this.#availability.persist(Effect.zipRight(this.#renew, this.#readTime)),
        Effect.sleep(this.#parts.settings.lease / 3),
      ),
    )
  }

  /**
   * After a pause of the process, leases may have ended that no other worker has taken. Without the renewal,
   * this worker would claim its own queues, and forget the requests in flight.
   */
  #renewOverdue(): Stored<void> {
    const now = this.#monotonic()
    for (const { deadline } of this.#held.values()) if (deadline <= now) return this.#renew
    return Effect.void
  }

  readonly #renew: Stored<void> = Effect.gen(this, function* () {
    const held = [...this.#held.values()]
    if (held.length === 0) return
    const { owner, settings } = this.#parts
    const queues = yield* Effect.forEach(held, (one) =>
      Effect.map(this.#describeMemory(one), (memory) => ({ ...one.owned, memory })),
    )
    const before = this.#monotonic()
    const kept = yield* this.#store.renew(owner, queues, settings.lease)
    for (const one of held) {
      if (kept.has(one.owned.webhookId)) one.deadline = before + settings.lease * usedLease
      else if (this.#forget(one)) OutboxMetrics.leasesLost.unsafeUpdate(1, [])
    }
  })

  readonly #readTime: Stored<void> = Effect.suspend(() =>
    Effect.map(this.#store.now, (now) => this.#setTime(now)),
  )

  /** Sweeps ended entries and updates the gauges. */
  #maintain(): Effect.Effect<void> {
    const { retention } = this.#parts.engine
    const { persist } = this.#availability
    const sweeping = Effect.repeat(
      persist(sweep(this.#store, retention)),
      Schedule.spaced(sweepInterval),
    )
    const measuring = Effect.repeat(
      persist(
        Effect.flatMap(this.#store.stats, (stats) =>
          metrics.recordStats(stats, this.#now(), this.#held.size),
        ),
      ),
      Schedule.spaced(statsInterval),
    )
    return Effect.zip(sweeping, measuring, { concurrent: true })
  }

  /**
   * Ends without leaving an entry in doubt: requests in flight complete, others do not start. An engine in
   * memory first sends what it has, since nothing would remain of it.
   */
  #drain(claiming: Fiber.Fiber<void>): Effect.Effect<void> {
    const { draining, engine, fibers, settings } = this.#parts
    // The fiber that closes the scope may be interrupted, as by SIGTERM; what it waits for is not.
    const within = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.timeoutOption(Effect.interruptible(effect), settings.drainTimeout)
    const emptied = Effect.repeat(this.#store.stats, {
      until: ({ ready, sending }) => ready + sending === 0,
      schedule: Schedule.spaced(emptyInterval),
    })
    const stopped = Effect.gen(this, function* () {
      yield* Fiber.await(claiming)
      yield* FiberSet.awaitEmpty(fibers)
      yield* this.#commits.flush
      yield* this.#releases.flush
    })
    return Effect.gen(this, function* () {
      if (!engine.isDurable) yield* within(emptied)
      yield* Deferred.succeed(draining, undefined)
      this.#wake.unsafeOpen()
      if (Option.isNone(yield* within(stopped))) {
        yield* Effect.logWarning("Outbox: requests in flight have not ended within drainTimeout")
      }
      if (!engine.isDurable) yield* this.#reportLost()
    }).pipe(Effect.ignore)
  }

  #reportLost(): Stored<void> {
    return Effect.flatMap(this.#store.stats, ({ ready, sending }) =>
      ready + sending === 0
        ? Effect.void
        : Effect.logWarning(
            `Outbox: ${ready + sending} entries were not sent within drainTimeout and are lost, because they were stored in memory`,
          ),
    )
  }
}

/** Runs a worker until the scope closes, which drains it. */
export function runWorker(
  options: WorkerOptions,
): Effect.Effect<void, DiscordInvalidOption, Engine | Requirements | Scope.Scope> {
  return Effect.gen(function* () {
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
}

function readBlockedUntil(memory: string | undefined): number {
  if (memory === undefined) return 0
  return Option.match(decodeMemory(memory), {
    onNone: () => 0,
    onSome: ({ blockedUntil }) => blockedUntil,
  })
}

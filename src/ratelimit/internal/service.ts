/** Runs the state machine on fibers, for any number of layers. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import { DiscordRateLimiterClosed, type WaitError } from "../../error/WebhookError.js"
import type { ResponseInfo } from "../ResponseInfo.js"
import type { RoundTrip } from "../Bucket.js"
import { type Outcome, type Permit, type WaitOptions, unknown } from "../Permit.js"
import type { Route } from "../Route.js"
import { errorFields } from "../../error/message.js"
import type { BucketState, PendingRequest, RequestOptions, RequestOwner } from "./bucketState.js"
import { type LimiterEvent, writeLog } from "./events.js"
import type { TimerTarget } from "./pendingRequests.js"
import { type LayerSettings, OpenLayers, combine } from "../settings.js"
import type { BucketSnapshot } from "./statistics.js"
import { StateMachine } from "./stateMachine.js"
import { Timers } from "../time.js"

/**
 * Default lease in milliseconds where finalisers may not run: an unsettled permit would block its
 * webhook forever. Elsewhere finalisers settle every permit.
 */
const leaseWithoutFinalisers = 60_000

/** Restores the interruptibility of the caller of the mask. */
type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** The layer that requests wait through; they fail together when it closes. */
interface Owner extends RequestOwner {
  readonly closed: boolean
  readonly polls: boolean
  readonly sleep: (milliseconds: number) => Effect.Effect<void>
  readonly machine: StateMachine
  readonly now: () => number
  /** Events that have not been logged yet. */
  readonly events: Array<LimiterEvent>
}

/** The permit of a granted request. */
class HeldPermit implements Permit {
  readonly route: Route
  readonly #owner: Owner
  readonly #request: PendingRequest

  constructor(owner: Owner, request: PendingRequest) {
    this.#owner = owner
    this.#request = request
    this.route = request.route
  }

  readonly waited = (): number => this.#request.waited

  readonly settle = (outcome: Outcome): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { machine, events, now } = this.#owner
      machine.settle(this.#request, outcome, now())
      return events.length === 0 ? Effect.void : writeLog(events)
    })

  readonly retry = (
    outcome: Outcome,
    after?: Duration.DurationInput,
  ): Effect.Effect<void, WaitError> =>
    uninterruptibleMask((restore) => {
      const request = this.#request
      const owner = this.#owner
      if (request.state !== "held" && request.state !== "expired") {
        return Effect.dieMessage("permit.retry: this permit is over")
      }
      const now = owner.now()
      owner.machine.retry(request, outcome, now + Duration.toMillis(after ?? 0), now)
      const granted = awaitGrant(owner, request, restore, () => Effect.void)
      return owner.events.length === 0 ? granted : Effect.zipRight(writeLog(owner.events), granted)
    })

  /** Settles the permit in any state. */
  abandon(): void {
    if (this.#request.state === "settled") return
    const now = this.#owner.now()
    this.#owner.machine.settle(this.#request, unknown, now)
    this.#owner.machine.cancel(this.#request, now)
  }
}

/** The limiter of one scope. */
class LimiterHandle implements Owner {
  closed = false
  readonly machine: StateMachine
  readonly events: Array<LimiterEvent>
  readonly polls: boolean
  readonly queueCapacity: number
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Effect.Effect<void>

  constructor({ timers, clock, machine, events }: SharedLimiter, settings: LayerSettings) {
    this.machine = machine
    this.events = events
    this.polls = settings.isolatedRequests
    this.queueCapacity = settings.queueCapacity
    this.now = () => timers.now()
    this.sleep = (milliseconds) => clock.sleep(Duration.millis(milliseconds))
  }

  readonly wait = (
    route: Route,
    options: WaitOptions,
  ): Effect.Effect<Permit, WaitError, Scope.Scope> =>
    this.#request(route, options, (request) => {
      const permit = new HeldPermit(this, request)
      return Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => permit.abandon())),
        permit,
      )
    })

  readonly withPermit = <A, E, R>(
    route: Route,
    options: WaitOptions,
    use: (permit: Permit) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | WaitError, R> =>
    this.#request(route, options, (request, restore) => usePermit(this, request, restore, use))

  readonly update = (route: Route, response: ResponseInfo): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.machine.update(route, response, this.now())
      return writeLog(this.events)
    })

  readonly getBucket = (route: Route): Effect.Effect<Option.Option<BucketSnapshot>> =>
    Effect.sync(() =>
      Option.map(Option.fromNullable(this.machine.find(route, this.now())), copyBucket),
    )

  readonly estimate = (route: Route, options: WaitOptions): Effect.Effect<Duration.Duration> =>
    Effect.sync(() => Duration.millis(this.machine.estimate(route, options.policy, this.now())))

  readonly clear = (route?: Route): Effect.Effect<void> =>
    Effect.sync(() => this.machine.clear(this.now(), route))

  get snapshot() {
    return Effect.sync(() => this.machine.snapshot(this.now()))
  }

  #request<A, E, R>(
    route: Route,
    options: WaitOptions,
    use: (request: PendingRequest, restore: Restore) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | WaitError, R> {
    return uninterruptibleMask((restore) => {
      if (this.closed) return Effect.fail(new DiscordRateLimiterClosed(errorFields(route)))
      const request = this.machine.submit(route, toRequestOptions(options, this), this.now())
      return awaitGrant(this, request, restore, () => use(request, restore))
    })
  }
}

/**
 * The state shared by all layers on one clock: what protects the process (global limit, invalid-request
 * limit) and what has been learned.
 */
export class SharedLimiter {
  readonly machine: StateMachine
  readonly timers: Timers<TimerTarget>
  /** Events since the last log lines; the fiber that caused them logs them. */
  readonly events: Array<LimiterEvent> = []
  readonly clock: Clock.Clock
  readonly #layers = new OpenLayers()
  /** Number of open layers whose requests are resumed by timers. */
  #layersWithTimers = 0

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.timers = new Timers(clock, (target, now) => this.machine.wake(target, now))
    // Without a layer that needs timers, one would only keep the process alive.
    this.machine = new StateMachine(
      combine([]),
      (target, at) => {
        if (this.#layersWithTimers > 0) this.timers.schedule(target, at)
      },
      (event) => this.events.push(event),
    )
  }

  /** Creates the limiter of a scope. When the scope closes, requests waiting through it fail. */
  open(settings: LayerSettings): Effect.Effect<LimiterHandle, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        if (!settings.isolatedRequests) this.#layersWithTimers += 1
        if (this.#layers.add(settings)) this.#configure()
        return new LimiterHandle(this, settings)
      }),
      (handle) =>
        Effect.sync(() => {
          handle.closed = true
          this.machine.close(handle, this.timers.now())
          if (!settings.isolatedRequests) this.#layersWithTimers -= 1
          if (this.#layersWithTimers === 0) this.timers.clear()
          if (this.#layers.remove(settings)) this.#configure()
        }),
    )
  }

  #configure(): void {
    this.machine.configure(this.#layers.combined, this.timers.now())
  }
}

function copyBucket(bucket: BucketState): BucketSnapshot {
  const { learnedBy } = bucket
  const memory = learnedBy === undefined ? undefined : bucket.withMemoryOf(learnedBy).memory
  return {
    id: bucket.id,
    limit: bucket.limit,
    remaining: bucket.remaining,
    inFlight: bucket.inFlight,
    channelInFlight: bucket.channelInFlight,
    waiting: bucket.waiting,
    resetAt: bucket.resetAt,
    resetEarliest: bucket.resetEarliest,
    blockedUntil: bucket.blockedUntil,
    model: bucket.model,
    period: bucket.period,
    slot: bucket.slot,
    roundTrip: bucket.roundTrip && copyRoundTrip(bucket.roundTrip),
    memory,
    strategy: learnedBy?.name,
    beliefs: learnedBy?.explain === undefined ? memory : learnedBy.explain(memory),
  }
}

function copyRoundTrip({ last, shortest, longest, count, uncertainty }: RoundTrip): RoundTrip {
  return { last, shortest, longest, count, uncertainty }
}

function toRequestOptions(options: WaitOptions, owner: Owner): RequestOptions {
  const defaultLease = owner.polls ? leaseWithoutFinalisers : Infinity
  return {
    policy: options.policy,
    ordered: options.delivery !== "concurrent",
    maxWait: options.maxWait === undefined ? Infinity : Duration.toMillis(options.maxWait),
    lease: options.lease === undefined ? defaultLease : Duration.toMillis(options.lease),
    owner,
  }
}

/** `Effect.uninterruptibleMask` with half the memory: 100 000 requests may wait inside. */
function uninterruptibleMask<A, E, R>(
  use: (restore: Restore) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  return Effect.withFiberRuntime((_, { runtimeFlags }) =>
    RuntimeFlags.interruption(runtimeFlags)
      ? Effect.uninterruptible(Effect.suspend(() => use(Effect.interruptible)))
      : use(Effect.uninterruptible),
  )
}

/**
 * Waits until the request is granted, then runs `use`; must run in a mask. Interruption removes the
 * request from the queue. A fiber that resumes too late waits again.
 */
function awaitGrant<A, E, R>(
  owner: Owner,
  request: PendingRequest,
  restore: Restore,
  use: () => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | WaitError, R> {
  if (request.state === "held") return use()
  if (request.result !== undefined) {
    // It may have been granted while another request was dispatched.
    return owner.machine.claim(request, owner.now()) ? use() : Effect.flatMap(request.result, use)
  }
  return Effect.matchCauseEffect(
    restore(owner.polls ? pollUntilGranted(owner, request) : awaitResult(request)),
    {
      onFailure: (cause) => {
        owner.machine.cancel(request, owner.now())
        return Effect.failCause(cause)
      },
      onSuccess: () =>
        owner.machine.claim(request, owner.now())
          ? use()
          : awaitGrant(owner, request, restore, use),
    },
  )
}

/**
 * Runs `use` with the granted permit. A permit left unsettled is settled as `Unknown`, or as
 * `NeverSent` if the interruption came before `use` was called.
 */
function usePermit<A, E, R>(
  owner: Owner,
  request: PendingRequest,
  restore: Restore,
  use: (permit: Permit) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> {
  const permit = new HeldPermit(owner, request)
  let isUsed = false
  const running = Effect.suspend(() => {
    isUsed = true
    return use(permit)
  })
  return Effect.matchCauseEffect(restore(running), {
    onFailure: (cause) => {
      if (isUsed) permit.abandon()
      else owner.machine.cancel(request, owner.now())
      return Effect.failCause(cause)
    },
    onSuccess: (value) => {
      permit.abandon()
      return Effect.succeed(value)
    },
  })
}

/** Completes when the wait has ended. */
function awaitResult(request: PendingRequest): Effect.Effect<void, WaitError> {
  return Effect.async<void, WaitError>((resume) => {
    if (request.result === undefined) request.resume = resume
    else resume(request.result)
  })
}

/** Waits by polling, so that only the fiber's own timer resumes it. */
function pollUntilGranted(owner: Owner, request: PendingRequest): Effect.Effect<void, WaitError> {
  return Effect.suspend(() => {
    const now = owner.now()
    const nextPollAt = owner.machine.poll(request, now)
    if (nextPollAt === undefined) return request.result ?? Effect.void
    return Effect.flatMap(owner.sleep(Math.ceil(nextPollAt - now)), () =>
      pollUntilGranted(owner, request),
    )
  })
}

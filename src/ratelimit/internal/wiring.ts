/** The machine on fibers, for any number of layers. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { DiscordRateLimiterClosed } from "../../error/WebhookError.js"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer } from "../Answer.js"
import type { RoundTrip } from "../Bucket.js"
import type { Permit, WaitOptions } from "../Permit.js"
import type { Route } from "../Route.js"
import { errorFields } from "../errorFields.js"
import { Alarms } from "./alarms.js"
import type { BucketState, Ticket, Wish } from "./bucketState.js"
import { write } from "./log.js"
import { Machine } from "./machine.js"
import type { Notice } from "./news.js"
import { combine, type LayerSettings, OpenLayers } from "./settings.js"
import type { BucketSnapshot } from "./snapshot.js"
import type { Target } from "./waiting.js"
import { Held, held, masked, type Owner, type Restore, whenGranted } from "./turn.js"

/**
 * Where finalisers run, a permit without a lease is always settled. Elsewhere one that is not would
 * stop its webhook for ever; milliseconds.
 */
const leaseWithoutFinalisers = Duration.toMillis("1 minute")

/** The limiter as one scope sees it. */
class Handle implements Owner {
  closed = false
  readonly machine: Machine
  readonly news: Array<Notice>
  readonly polls: boolean
  readonly queueCapacity: number
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Effect.Effect<void>

  constructor({ alarms, clock, machine, news }: Core, settings: LayerSettings) {
    this.machine = machine
    this.news = news
    this.polls = settings.isolatedRequests
    this.queueCapacity = settings.queueCapacity
    this.now = () => alarms.now()
    this.sleep = (milliseconds) => clock.sleep(Duration.millis(milliseconds))
  }

  readonly wait = (
    route: Route,
    options: WaitOptions,
  ): Effect.Effect<Permit, WaitError, Scope.Scope> =>
    this.#request(route, options, (ticket) => {
      const permit = new Held(this, ticket)
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
    this.#request(route, options, (ticket, restore) => held(this, ticket, restore, use))

  readonly update = (route: Route, answer: Answer): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.machine.update(route, answer, this.now())
      return write(this.news)
    })

  readonly getBucket = (route: Route): Effect.Effect<Option.Option<BucketSnapshot>> =>
    Effect.sync(() => Option.map(Option.fromNullable(this.machine.find(route, this.now())), copy))

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
    use: (ticket: Ticket, restore: Restore) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | WaitError, R> {
    return masked((restore) => {
      if (this.closed) return Effect.fail(new DiscordRateLimiterClosed(errorFields(route)))
      const ticket = this.machine.arrive(route, wishOf(options, this), this.now())
      return whenGranted(this, ticket, restore, () => use(ticket, restore))
    })
  }
}

/**
 * The state behind any number of layers, on one clock. What protects the process (global limit,
 * budget of invalid requests) and what it has learned is common to all of them.
 */
export class Core {
  readonly machine: Machine
  readonly alarms: Alarms<Target>
  /** What the machine has learned since the last log lines; written by the fiber that caused it. */
  readonly news: Array<Notice> = []
  readonly clock: Clock.Clock
  readonly #layers = new OpenLayers()
  /** Open layers whose requests are resumed by alarms. */
  #alarmed = 0

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.alarms = new Alarms(clock, (target, now) => this.machine.wake(target, now))
    // Without a layer that needs alarms, one would only keep the process alive.
    this.machine = new Machine(
      combine([]),
      (target, at) => {
        if (this.#alarmed > 0) this.alarms.set(target, at)
      },
      (notice) => this.news.push(notice),
    )
  }

  /** A limiter for one scope; when the scope closes, requests that wait through it fail. */
  open(settings: LayerSettings): Effect.Effect<Handle, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        if (!settings.isolatedRequests) this.#alarmed += 1
        if (this.#layers.add(settings)) this.#configure()
        return new Handle(this, settings)
      }),
      (handle) =>
        Effect.sync(() => {
          handle.closed = true
          this.machine.close(handle, this.alarms.now())
          if (!settings.isolatedRequests) this.#alarmed -= 1
          if (this.#alarmed === 0) this.alarms.clear()
          if (this.#layers.remove(settings)) this.#configure()
        }),
    )
  }

  #configure(): void {
    this.machine.configure(this.#layers.combined, this.alarms.now())
  }
}

function copy(bucket: BucketState): BucketSnapshot {
  return {
    id: bucket.id,
    limit: bucket.limit,
    remaining: bucket.remaining,
    inFlight: bucket.inFlight,
    waiting: bucket.waiting,
    resetAt: bucket.resetAt,
    resetEarliest: bucket.resetEarliest,
    blockedUntil: bucket.blockedUntil,
    model: bucket.model,
    period: bucket.period,
    slot: bucket.slot,
    roundTrip: bucket.roundTrip && plain(bucket.roundTrip),
    memory: bucket.learned,
    strategy: bucket.learnedBy?.name,
    beliefs: explained(bucket),
  }
}

function plain({ last, shortest, longest, count, uncertainty }: RoundTrip): RoundTrip {
  return { last, shortest, longest, count, uncertainty }
}

/** What the strategy has learned, in the form that it shows. */
function explained({ learned, learnedBy }: BucketState): unknown {
  return learnedBy?.explain === undefined ? learned : learnedBy.explain(learned)
}

function leaseOf({ lease }: WaitOptions, { polls }: Owner): number {
  if (lease !== undefined) return Duration.toMillis(lease)
  return polls ? leaseWithoutFinalisers : Number.POSITIVE_INFINITY
}

function wishOf(options: WaitOptions, owner: Owner): Wish {
  return {
    policy: options.policy,
    ordered: options.delivery !== "concurrent",
    maxWait:
      options.maxWait === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(options.maxWait),
    lease: leaseOf(options, owner),
    owner,
  }
}

/** The machine on fibers, for any number of layers. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { WaitError } from "../../error/WebhookError.js"
import type { Answer } from "../Answer.js"
import type { Permit, Restore, WaitOptions } from "../Permit.js"
import type { Route } from "../Route.js"
import { Alarms } from "./alarms.js"
import type { BucketState } from "./bucketState.js"
import { Machine, type Target } from "./machine.js"
import { RoundTrips } from "./roundTrips.js"
import type { Settings } from "./settings.js"
import type { BucketSnapshot } from "./snapshot.js"
import { type Owner, Turn } from "./turn.js"

/** The limiter as one scope sees it. */
class Handle implements Owner {
  closed = false
  readonly #machine: Machine
  readonly #alarms: Alarms<Target>

  constructor(machine: Machine, alarms: Alarms<Target>) {
    this.#machine = machine
    this.#alarms = alarms
  }

  readonly wait = (
    route: Route,
    options: WaitOptions,
  ): Effect.Effect<Permit, WaitError, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const permit = this.#request(route, options)
        return Effect.zipRight(
          permit.turn(restore),
          Effect.as(
            Effect.addFinalizer(() => permit.abandon),
            permit,
          ),
        )
      }),
    )

  readonly withPermit = <A, E, R>(
    route: Route,
    options: WaitOptions,
    use: (permit: Permit, restore: Restore) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | WaitError, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const permit = this.#request(route, options)
        return Effect.zipRight(
          permit.turn(restore),
          Effect.ensuring(
            Effect.suspend(() => use(permit, restore)),
            permit.abandon,
          ),
        )
      }),
    )

  readonly update = (route: Route, answer: Answer): Effect.Effect<void> =>
    Effect.sync(() => this.#machine.update(route, answer, this.#alarms.now()))

  readonly getBucket = (route: Route): Effect.Effect<Option.Option<BucketSnapshot>> =>
    Effect.sync(() =>
      Option.map(Option.fromNullable(this.#machine.find(route, this.#alarms.now())), copy),
    )

  readonly estimate = (route: Route, options: WaitOptions): Effect.Effect<Duration.Duration> =>
    Effect.sync(() =>
      Duration.millis(this.#machine.estimate(route, options.policy, this.#alarms.now())),
    )

  readonly clear = (route?: Route): Effect.Effect<void> =>
    Effect.sync(() => this.#machine.clear(this.#alarms.now(), route))

  get snapshot() {
    return Effect.sync(() => this.#machine.snapshot(this.#alarms.now()))
  }

  #request(route: Route, options: WaitOptions): Turn {
    return new Turn(this, this.#machine, this.#alarms, route, options)
  }
}

/** The state behind one or more layers, on one clock. */
export class Core {
  readonly machine: Machine
  readonly alarms: Alarms<Target>
  #handles = 0

  constructor(settings: Settings, clock: Clock.Clock) {
    this.alarms = new Alarms(clock, (target, now) => this.machine.wake(target, now))
    // With no handle open there is nobody to be woken, and an alarm would keep the process alive.
    this.machine = new Machine(settings, (target, at) => {
      if (this.#handles > 0) this.alarms.set(target, at)
    })
  }

  /** A limiter for one scope; when it closes, those who wait through it fail. */
  get handle(): Effect.Effect<Handle, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        this.#handles += 1
        return new Handle(this.machine, this.alarms)
      }),
      (handle) =>
        Effect.sync(() => {
          handle.closed = true
          this.machine.close(handle, this.alarms.now())
          this.#handles -= 1
          if (this.#handles === 0) this.alarms.clear()
        }),
    )
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
    roundTrip: bucket.roundTrip && new RoundTrips(bucket.roundTrip),
    memory: bucket.learned,
    strategy: bucket.learnedBy?.name,
    beliefs: explained(bucket),
  }
}

/** What the strategy has learned, in the form that it shows. */
function explained({ learned, learnedBy }: BucketState): unknown {
  return learnedBy?.explain === undefined ? learned : learnedBy.explain(learned)
}

/** Processes that send to the same webhooks through one simulated store, on one virtual clock. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { RateLimiter } from "../../../src/index.js"
import { make, type DistributedSettings } from "../../../src/ratelimit/distributed/limiter.js"
import type { StoreError, TurnStore } from "../../../src/ratelimit/distributed/store.js"
import { responded } from "../../../src/ratelimit/Permit.js"
import { unset } from "../../../src/ratelimit/settings.js"
import type { Policy } from "../../../src/ratelimit/Strategy.js"
import { Server, type ServerOptions } from "../model/server.js"
import { route } from "../responses.js"
import { type Faults, SimulatedStore } from "./SimulatedStore.js"

/** The clock of a process, which stops with it and starts at a time of its own. */
export class ProcessClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  /** The clock of what goes on while the process stands still. */
  readonly network: Clock.Clock
  readonly #ahead: number
  #thawed: Deferred.Deferred<void> | undefined

  constructor(clock: Clock.Clock, ahead: number) {
    this.network = clock
    this.#ahead = ahead
  }

  unsafeCurrentTimeMillis(): number {
    return this.network.unsafeCurrentTimeMillis() + this.#ahead
  }

  unsafeCurrentTimeNanos(): bigint {
    return this.network.unsafeCurrentTimeNanos() + BigInt(this.#ahead) * 1_000_000n
  }

  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  readonly thawed: Effect.Effect<void> = Effect.suspend(() =>
    this.#thawed === undefined ? Effect.void : Deferred.await(this.#thawed),
  )

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.zipRight(this.network.sleep(duration), this.thawed)
  }

  freeze(): void {
    this.#thawed ??= Deferred.unsafeMake(FiberId.none)
  }

  thaw(): void {
    if (this.#thawed !== undefined) Deferred.unsafeDone(this.#thawed, Effect.void)
    this.#thawed = undefined
  }
}

interface Sent {
  readonly webhook: string
  readonly label: string
  readonly method: string
  readonly process: number
  readonly arrivedAt: number
  readonly sentAt: number
  readonly status: number
}

export interface WorldOptions {
  readonly processes: number
  readonly faults?: Faults
  readonly server?: Partial<ServerOptions>
  /** Milliseconds of a request. */
  readonly roundTrip?: number
  readonly policy: Policy
  readonly delivery?: "ordered" | "concurrent"
  readonly settings?: Partial<DistributedSettings>
}

export interface LimiterProcess {
  readonly limiter: RateLimiter.Service
  readonly clock: ProcessClock
  /** Closes its limiter. */
  readonly close: Effect.Effect<void>
}

interface Process extends LimiterProcess {
  /** Sends, and repeats after a 429. */
  readonly send: (
    webhook: string,
    label: string,
    method?: "POST" | "PATCH",
  ) => Effect.Effect<Fiber.RuntimeFiber<void, unknown>>
}

export interface World {
  readonly store: SimulatedStore
  readonly server: Server
  readonly sent: Array<Sent>
  readonly processes: ReadonlyArray<Process>
}

/** Opens the limiter of a process, which closes with the scope. */
export const openProcess = (
  store: TurnStore,
  index: number,
  settings?: Partial<DistributedSettings>,
): Effect.Effect<LimiterProcess, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    // Processes do not look after the store at the same moments.
    yield* Effect.sleep(index * 270)
    const clock = new ProcessClock(yield* Effect.clock, index * 1_000_000)
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const limiter = yield* make(withFreezing(store, clock), {
      ...unset(false),
      address: undefined,
      lease: 15_000,
      fallbackAfter: Number.POSITIVE_INFINITY,
      failAfter: Number.POSITIVE_INFINITY,
      ...settings,
    }).pipe(Effect.withClock(clock), Scope.extend(scope))
    return { limiter, clock, close: Scope.close(scope, Exit.void) }
  })

export const makeWorld = ({
  delivery = "ordered",
  faults,
  policy,
  processes: count,
  roundTrip = 20,
  server: serverOptions,
  settings,
}: WorldOptions): Effect.Effect<World, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const store = new SimulatedStore(clock, faults)
    yield* Effect.forkScoped(store.deliver)
    const server = new Server({
      kind: "fixed",
      limit: 5,
      window: 2000,
      skew: 0,
      hash: "shared",
      headers: "all",
      global: undefined,
      ...serverOptions,
    })
    const sent: Array<Sent> = []
    const makeProcess = (index: number) =>
      Effect.gen(function* () {
        const process = yield* openProcess(store.store, index, settings)
        const { clock: own, limiter } = process
        const send: Process["send"] = (webhook, label, method = "POST") => {
          const arrivedAt = clock.unsafeCurrentTimeMillis()
          const at = route({ webhookId: webhook, method })
          return limiter
            .withPermit(at, { policy, delivery }, (permit) => {
              const attempt: Effect.Effect<void, unknown> = Effect.suspend(() => {
                const sentAt = clock.unsafeCurrentTimeMillis()
                return Effect.sleep(roundTrip / 2).pipe(
                  Effect.map(() => {
                    const now = clock.unsafeCurrentTimeMillis()
                    const response = server.handle(webhook, at.method, now)
                    const { status } = response
                    sent.push({ webhook, label, method, process: index, arrivedAt, sentAt, status })
                    return response
                  }),
                  // What has left arrives, also if nobody waits for the response.
                  Effect.forkDaemon,
                  Effect.flatMap(Fiber.join),
                  Effect.tap(() => Effect.sleep(roundTrip / 2)),
                  Effect.flatMap((response) =>
                    response.limited === undefined
                      ? permit.settle(responded(response))
                      : Effect.zipRight(permit.retry(responded(response)), attempt),
                  ),
                )
              })
              return attempt
            })
            .pipe(Effect.withClock(own), Effect.forkDaemon)
        }
        return { ...process, send }
      })
    const processes = yield* Effect.forEach(
      Array.from({ length: count }, (_, index) => index),
      makeProcess,
    )
    return { store, server, sent, processes }
  })

/** A stopped process neither makes calls nor gets messages. */
function withFreezing(store: TurnStore, { thawed }: ProcessClock): TurnStore {
  const frozen = <A, E>(call: Effect.Effect<A, E>) =>
    Effect.zipRight(
      thawed,
      Effect.tap(call, () => thawed),
    )
  return {
    join: (call) => frozen(store.join(call)),
    pass: (call) => frozen(store.pass(call)),
    takeOver: (call) => frozen(store.takeOver(call)),
    withdraw: (call) => frozen(store.withdraw(call)),
    refresh: (process, lease) => frozen(store.refresh(process, lease)),
    lostAt: (hasCalled) => frozen(store.lostAt(hasCalled)),
    ask: (process, key) => frozen(store.ask(process, key)),
    readReports: (address) => frozen(store.readReports(address)),
    writeReport: (address, report) => frozen(store.writeReport(address, report)),
    leave: (process) => frozen(store.leave(process)),
    messages: (process) =>
      Stream.mapEffect(store.messages(process), (one) => Effect.as(thawed, one)),
  }
}

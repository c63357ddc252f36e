/**
 * A process that can be killed or stopped at any of its steps. A step is a call to the store or a request
 * to Discord, before or after it takes effect.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import type { Store } from "./storeSteps.js"

export type Phase = "before" | "after"

/** A step of a process. */
export interface StepInfo {
  readonly process: Process
  readonly name: keyof Store | "request"
  readonly phase: Phase
}

/** How a call to the store fails or is delayed. */
export interface StoreFault {
  /** Before or after the call has taken effect. */
  readonly fails?: Phase | undefined
  /** Milliseconds before and after it takes effect. */
  readonly delay?: number | undefined
}

export class Process {
  readonly name: string
  isDead = false
  /** The clock of the process: its fibers do not wake while it is stopped. */
  readonly clock: Clock.Clock
  readonly #world: Clock.Clock
  readonly #latch = Effect.unsafeMakeLatch(true)

  constructor(name: string, world: Clock.Clock) {
    this.name = name
    this.#world = world
    this.clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => world.unsafeCurrentTimeMillis(),
      unsafeCurrentTimeNanos: () => world.unsafeCurrentTimeNanos(),
      currentTimeMillis: world.currentTimeMillis,
      currentTimeNanos: world.currentTimeNanos,
      sleep: (duration: Duration.Duration) => Effect.zipRight(world.sleep(duration), this.gate),
    }
  }

  /** It ends without finalisers: none of its fibers goes on. */
  readonly kill: Effect.Effect<void> = Effect.sync(() => {
    this.isDead = true
    this.#latch.unsafeClose()
  })

  /** Its fibers stop for a while; its clock does not. */
  stopFor(millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#latch.unsafeClose()
      return this.inWorld(
        Effect.delay(
          Effect.sync(() => {
            if (!this.isDead) this.#latch.unsafeOpen()
          }),
          millis,
        ),
      )
    })
  }

  /** Starts an effect outside of the process. */
  inWorld(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.asVoid(Effect.forkDaemon(Effect.withClock(effect, this.#world)))
  }

  /** Every fiber passes here after it has waited for something outside of the process. */
  readonly gate: Effect.Effect<void> = Effect.suspend(() => this.#latch.await)
}

export interface Hooks {
  /** May kill or stop a process. */
  readonly onStep: (step: StepInfo) => Effect.Effect<void>
  /** How this call to the store fails. */
  readonly getFault: (process: Process, name: keyof Store) => StoreFault
  /** Whether a wake-up arrives. */
  readonly wakes: (process: Process) => boolean
}

/** The store as a process sees it. */
export const wrapStore = (process: Process, store: Store, hooks: Hooks): Store => {
  const step = (name: StepInfo["name"], phase: Phase) =>
    Effect.zipRight(
      Effect.suspend(() => hooks.onStep({ process, name, phase })),
      process.gate,
    )
  const call = <A, E>(name: keyof Store, effect: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      yield* step(name, "before")
      const { delay = 0, fails } = hooks.getFault(process, name)
      if (delay > 0) yield* Effect.sleep(delay)
      const error = new DiscordOutboxUnavailable({ operation: name, reason: "connection" })
      if (fails === "before") return yield* error
      const result = yield* effect
      yield* step(name, "after")
      if (delay > 0) yield* Effect.sleep(delay)
      return fails === "after" ? yield* error : result
    })
  return {
    gather: store.gather,
    now: call("now", store.now),
    isInTransaction: store.isInTransaction,
    enqueue: (...args) => call("enqueue", store.enqueue(...args)),
    claim: (options) => call("claim", store.claim(options)),
    renew: (...args) => call("renew", store.renew(...args)),
    release: (...args) => call("release", store.release(...args)),
    commit: (...args) => call("commit", store.commit(...args)),
    bury: (...args) => call("bury", store.bury(...args)),
    load: (...args) => call("load", store.load(...args)),
    files: (id) => call("files", store.files(id)),
    find: (ids) => call("find", store.find(ids)),
    list: (filter) => call("list", store.list(filter)),
    stats: call("stats", store.stats),
    queues: (limit) => call("queues", store.queues(limit)),
    retry: (ids) => call("retry", store.retry(ids)),
    discard: (ids) => call("discard", store.discard(ids)),
    setPaused: (...args) => call("setPaused", store.setPaused(...args)),
    sweep: (before) => call("sweep", store.sweep(before)),
    onEnqueued: (wake) =>
      store.onEnqueued(() => {
        if (!process.isDead && hooks.wakes(process)) wake()
      }),
  }
}

/** The network as a process sees it. `onRequest` is called when a request starts. */
export const wrapClient = (
  process: Process,
  client: HttpClient.HttpClient,
  hooks: Hooks,
  onRequest: (url: string) => void,
): HttpClient.HttpClient =>
  HttpClient.make((request) =>
    Effect.suspend(() => {
      onRequest(request.url)
      return hooks.onStep({ process, name: "request", phase: "before" })
    }).pipe(
      Effect.zipRight(process.gate),
      Effect.zipRight(client.execute(request)),
      Effect.tap(() => hooks.onStep({ process, name: "request", phase: "after" })),
      Effect.tap(() => process.gate),
      Effect.tapErrorCause(() => process.gate),
    ),
  )

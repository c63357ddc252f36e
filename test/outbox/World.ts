/**
 * Discord, one store in memory, and processes that share it: producers and workers, each worker with its own
 * limiter. The store's steps are recorded, so that the laws can be checked at every moment.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import type { Webhook } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { makeMemoryStore } from "../../src/outbox/memoryStore.js"
import { makeOutbox } from "../../src/outbox/service.js"
import { parseRequest } from "../../src/outbox/storedRequest.js"
import { makeMemoryVault } from "../../src/outbox/tokens.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, newHook } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { Process, wrapClient, wrapStore } from "./Process.js"
import type { Hooks } from "./Process.js"
import type { OwnedQueue, Store, StoredEntry } from "./storeSteps.js"

interface Place {
  readonly hook: Webhook.Webhook
  readonly made: DiscordSimulator.SimulatedWebhook
}

export interface WorkerProcess {
  readonly process: Process
  /** Shuts it down; it drains. */
  readonly close: Effect.Effect<void>
}

export interface World {
  readonly simulator: DiscordSimulator.Service
  readonly outbox: Outbox.Service
  readonly store: Store
  readonly places: ReadonlyArray<Place>
  readonly startWorker: (
    name: string,
    options?: Outbox.WorkerOptions,
  ) => Effect.Effect<WorkerProcess>
  /** Violations that were seen while the program ran. */
  readonly violations: Array<string>
}

export interface Setting {
  readonly webhooks: number
  readonly seed: number
  readonly simulator?: DiscordSimulator.Options
  readonly outbox?: Outbox.Options
  readonly hooks?: Partial<Hooks>
  /** Of a request. Default: 5 seconds. */
  readonly timeout?: Duration.DurationInput
}

export const lease = Duration.toMillis("30 seconds")

const calm: Hooks = { onStep: () => Effect.void, getFault: () => ({}), wakes: () => true }

const silent = Logger.minimumLogLevel(LogLevel.None)

/** What the processes did to the store, and whether each of them was allowed to. */
class Ledger {
  readonly #violations: Array<string>
  readonly #capacity: Outbox.Options["capacity"]
  /** The epoch of the last claim, by webhook. */
  readonly #epochs = new Map<string, number>()
  /** The end of the lease, by webhook. */
  readonly #leases = new Map<string, number>()
  /** The epoch of the last `Sending`, by process and webhook. */
  readonly #sending = new Map<string, number>()

  constructor(violations: Array<string>, capacity: Outbox.Options["capacity"]) {
    this.#violations = violations
    this.#capacity = capacity
  }

  /** A request has started. */
  request({ name }: Process, url: string): void {
    const webhookId = /webhooks\/(\d+)\//.exec(url)?.[1] ?? ""
    const epoch = this.#sending.get(`${name} ${webhookId}`)
    if (epoch !== this.#epochs.get(webhookId)) {
      this.#violations.push(`${name} sends to ${webhookId}, which it does not own`)
    }
  }

  watch({ clock, name }: Process, store: Store): Store {
    const check = (did: string, { epoch, webhookId }: OwnedQueue) => {
      if (epoch === this.#epochs.get(webhookId)) return
      this.#violations.push(`${name} ${did} of ${webhookId}, which it does not own`)
    }
    return {
      ...store,
      claim: (options) =>
        Effect.map(store.claim(options), (claimed) => {
          const end = clock.unsafeCurrentTimeMillis() + options.leaseMillis
          for (const { epoch, webhookId } of claimed) {
            this.#epochs.set(webhookId, epoch)
            this.#leases.set(webhookId, end)
          }
          return claimed
        }),
      renew: (owner, queues, millis) =>
        Effect.map(store.renew(owner, queues, millis), (kept) => {
          const end = clock.unsafeCurrentTimeMillis() + millis
          for (const queue of queues) {
            if (!kept.has(queue.webhookId)) continue
            check("renewed the lease", queue)
            this.#leases.set(queue.webhookId, end)
          }
          return kept
        }),
      commit: (owner, steps) =>
        Effect.map(store.commit(owner, steps), (results) => {
          for (const [index, { change, queue }] of steps.entries()) {
            if (results[index] !== "done") continue
            check(`changed a row (${change._tag})`, queue)
            if (change._tag !== "Sending") continue
            const end = this.#leases.get(queue.webhookId) ?? 0
            if (clock.unsafeCurrentTimeMillis() >= end) {
              this.#violations.push(`${name} starts after its lease has ended`)
            }
            this.#sending.set(`${name} ${queue.webhookId}`, queue.epoch)
          }
          return results
        }),
      bury: (owner, queue, error) =>
        Effect.map(store.bury(owner, queue, error), (count) => {
          if (count > 0) check("buried the entries", queue)
          return count
        }),
      enqueue: (entries, capacity) =>
        Effect.zipLeft(store.enqueue(entries, capacity), this.#checkCapacity(store)),
    }
  }

  #checkCapacity(store: Store): Effect.Effect<void> {
    const { perWebhook = 10_000, total = Infinity } = this.#capacity ?? {}
    return Effect.orDie(
      Effect.map(Effect.all([store.stats, store.queues(1)]), ([{ ready, sending }, [longest]]) => {
        const pending = ready + sending
        if (pending > total) this.#violations.push(`${pending} entries of ${total} are pending`)
        if ((longest?.pending ?? 0) > perWebhook) {
          this.#violations.push(`${longest?.pending} entries of ${perWebhook} are pending`)
        }
      }),
    )
  }
}

const makeWorld = (setting: Setting) =>
  Effect.gen(function* () {
    const hooks = { ...calm, ...setting.hooks }
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const client = yield* HttpClient.HttpClient
    const clock = yield* Effect.clock
    const violations: Array<string> = []
    const ledger = new Ledger(violations, setting.outbox?.capacity)
    const memory = makeMemoryStore()
    const producers = new Process("producers", clock)
    const { engine, outbox } = yield* makeOutbox(
      wrapStore(producers, ledger.watch(producers, memory), hooks),
      makeMemoryVault(),
      true,
      setting.outbox ?? {},
    )
    const places = yield* Effect.replicateEffect(newHook(simulator), setting.webhooks)
    const startWorker = (name: string, options: Outbox.WorkerOptions = {}) =>
      Effect.suspend(() => {
        const process = new Process(name, clock)
        const store = wrapStore(process, ledger.watch(process, memory), hooks)
        const network = wrapClient(process, client, hooks, (url) => ledger.request(process, url))
        const layer = Outbox.worker({ lease, ...options }).pipe(
          Layer.provide(
            Layer.mergeAll(
              Layer.succeed(Outbox.Engine, { ...engine, store }),
              Layer.succeed(HttpClient.HttpClient, network),
              RateLimiter.layerMemory,
              Strategy.layerProactive,
              RestConfig.layerWith({ timeout: setting.timeout ?? "5 seconds" }),
            ),
          ),
        )
        return Effect.gen(function* () {
          const scope = yield* Scope.make()
          yield* Effect.orDie(Layer.buildWithScope(layer, scope))
          return { process, close: Scope.close(scope, Exit.void) }
        }).pipe(Effect.withClock(process.clock))
      })
    return { simulator, outbox, store: memory, places, startWorker, violations } satisfies World
  })

/** Runs a program in a world of its own, on a virtual clock. */
export const run = <A, E>(
  setting: Setting,
  program: (world: World) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> =>
  VirtualClock.runPromise(
    Effect.gen(function* () {
      const world = yield* makeWorld(setting)
      return yield* program(world)
    }).pipe(
      Effect.scoped,
      Effect.provide(DiscordSimulator.layerTestWith({ seed: setting.seed, ...setting.simulator })),
      Effect.withRandom(Random.make(setting.seed)),
      Effect.provide(silent),
    ),
  ).then(({ value }) => value)

/** Waits until every accepted entry is sent or dead; a violation if that takes more than three hours. */
export const settle = ({ store, violations }: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis("3 hours")
    for (;;) {
      const { ready, sending } = yield* store.stats
      if (ready + sending === 0) return
      if ((yield* Clock.currentTimeMillis) > deadline) {
        violations.push(`${ready} entries are ready and ${sending} are sending after three hours`)
        return
      }
      yield* Effect.sleep("1 second")
    }
  }).pipe(Effect.orDie)

/** A stored entry and its copies on Discord. */
interface Fate {
  readonly entry: StoredEntry
  readonly content: string
  readonly copies: number
}

export interface Report {
  /** In the order of acceptance. */
  readonly fates: ReadonlyArray<Fate>
  readonly violations: ReadonlyArray<string>
  /** Responses with status 429. */
  readonly limited: number
}

const readContent = ({ request }: StoredEntry): string => {
  const stored = Either.getOrThrow(parseRequest(request))
  const { content } = stored.body as { readonly content: string }
  return content
}

/** Its queue went on, so its request may arrive after those of later entries. */
const isHeld = ({ inDoubt, state }: StoredEntry): boolean => state === "dead" && inDoubt > 0

/** What became of every entry that sends a message, and the laws that hold in every world. */
export const report = (world: World): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const { places, simulator, store } = world
    const violations = [...world.violations]
    const entries = yield* store.list({
      state: undefined,
      webhookId: undefined,
      after: undefined,
      limit: Infinity,
    })
    const fates: Array<Fate> = []
    for (const { made } of places) {
      const posted = contents(yield* simulator.messages(made))
      const first = new Map<unknown, number>()
      for (const [index, content] of posted.entries()) {
        if (!first.has(content)) first.set(content, index)
      }
      let last = -1
      for (const entry of entries.filter(({ webhookId }) => webhookId === made.id)) {
        const content = readContent(entry)
        const copies = posted.filter((one) => one === content).length
        fates.push({ entry, content, copies })
        const at = first.get(content)
        if (at === undefined || isHeld(entry)) continue
        if (at < last) violations.push(`${content} has overtaken an earlier message`)
        last = Math.max(last, at)
      }
    }
    for (const { content, copies, entry } of fates) {
      const { inDoubt, state } = entry
      if (state !== "sent" && state !== "dead") violations.push(`${content} is ${state}`)
      if (state === "sent" && copies === 0) violations.push(`${content} is lost`)
      if (copies > 1 + inDoubt) {
        violations.push(`${content} has ${copies} copies and was ${inDoubt} times in doubt`)
      }
    }
    const traffic = yield* simulator.traffic
    const limited = traffic.filter(({ status }) => status === 429).length
    return { fates, violations, limited }
  }).pipe(Effect.orDie)

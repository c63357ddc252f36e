/**
 * The limiter of a process that shares limits with others through a store. The process that has the turn of a
 * webhook (see `store.ts`) may send requests to it. This class makes the calls that get turns and pass them on, and
 * the in-memory limiter of the process schedules the requests.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { limitedUntil } from "../internal/learning.js"
import { SharedLimiter } from "../internal/service.js"
import type { Service } from "../RateLimiter.js"
import { defaults, type LayerSettings } from "../settings.js"
import { Address } from "./address.js"
import { assumeUsed } from "./assumeUsed.js"
import { describeKey } from "./channel.js"
import { encodeChannel, restoreChannel } from "./channelData.js"
import { Presence } from "./presence.js"
import {
  isFirstTurn,
  type Message,
  type Reply,
  StoreError,
  type Turn,
  type TurnCall,
  type TurnStore,
} from "./store.js"
import { Takeover } from "./takeover.js"
import { Turns } from "./turns.js"
import type { Call, TurnTarget } from "./turnTarget.js"
import { encodeWebhook, restoreWebhook } from "./webhookData.js"

export interface DistributedSettings extends LayerSettings {
  /** The name of the IP address that the process shares with others; `undefined` if it has its own. */
  readonly address: string | undefined
  /** Milliseconds after its last heartbeat for which a process counts as alive. */
  readonly lease: number
  /** Milliseconds without the store after which requests are sent without a turn. */
  readonly fallbackAfter: number
  /** Milliseconds without the store after which waiting requests fail. */
  readonly failAfter: number
}

/** Milliseconds for which the store keeps a turn after `validFor`, so that no process relies on a removed one. */
const ttlMargin = Duration.toMillis("1 minute")
/** A turn that is not used for this long is given up, although the limiter may keep the webhook for longer. */
const maxValidFor = Duration.toMillis("2 hours")
const tickInterval = Duration.seconds(1)
const callTimeout = Duration.seconds(5)
/** The subject of failed reports; that of other calls is a webhook or channel. */
const addressSubject = "address"

const noResponse = {
  duration: callTimeout,
  onTimeout: () => new StoreError({ isLocal: false, detail: "no response" }),
}

/** Receives events for metrics. */
export interface Observer {
  /** Called when this process has got a turn. */
  readonly onTurn: (turn: Turn) => void
  /** Called when this process has passed a turn to another one, or has given it up. */
  readonly onPass: () => void
  readonly onAvailable: (isAvailable: boolean) => void
}

const ignored: Observer = { onTurn: () => {}, onPass: () => {}, onAvailable: () => {} }

interface LimiterOptions {
  readonly store: TurnStore
  readonly observer: Observer
  readonly settings: DistributedSettings
  readonly name: string
  readonly localLimiter: SharedLimiter
  readonly onDue: (target: TurnTarget) => void
}

class DistributedLimiter {
  /** The in-memory limiter of this process. */
  readonly localLimiter: SharedLimiter
  readonly presence: Presence
  readonly #turns: Turns
  readonly #address: Address | undefined
  readonly #takeover: Takeover
  readonly #store: TurnStore
  readonly #settings: DistributedSettings
  readonly #observer: Observer
  readonly #name: string
  /** Milliseconds for which a turn is valid after a successful call. */
  readonly #validFor: number
  /** The webhooks and channels, or the address, whose calls fail although the store is available. */
  readonly #failingSubjects = new Set<string>()

  constructor({ localLimiter, name, observer, onDue, settings, store }: LimiterOptions) {
    const now = () => localLimiter.timers.now()
    this.localLimiter = localLimiter
    this.#store = store
    this.#settings = settings
    this.#observer = observer
    this.#name = name
    const { idleAfter = defaults.idleAfter, lease } = settings
    this.#validFor = Math.min(maxValidFor, Math.max(Math.ceil(idleAfter), lease * 2))
    this.presence = new Presence({
      store,
      name,
      lease: settings.lease,
      now,
      onLeaseExpired: () => this.#turns.endAll(),
      onStoreDataLost: () => this.#turns.confirmAll(now()),
      onTurnsRequested: (keys) => this.#turns.onTurnsRequested(keys),
    })
    this.#turns = new Turns({
      machine: localLimiter.machine,
      lease,
      validFor: this.#validFor,
      fallbackAfter: settings.fallbackAfter,
      failAfter: settings.failAfter,
      presence: this.presence,
      onDue,
      restore: (target, turn) => {
        observer.onTurn(turn)
        this.#restore(target, turn)
      },
    })
    localLimiter.machine.pending.coordinator = this.#turns
    this.#takeover = new Takeover({
      store,
      name,
      lease,
      presence: this.presence,
      isOwnTurn: (target, reply) => this.#turns.isOwnTurn(target, reply),
      now,
    })
    const { globalLimit = { limit: defaults.globalLimit, window: defaults.globalWindow } } =
      settings
    if (settings.address !== undefined) {
      this.#address = new Address({
        store,
        name: settings.address,
        machine: localLimiter.machine,
        limit: globalLimit,
        invalidRequestLimit: settings.invalidRequestLimit ?? defaults.invalidRequestLimit,
        lease: settings.lease,
        now,
        isCoveredByTurn: this.#turns.isCoveredByTurn,
      })
    }
  }

  /** Makes the calls that are due for a turn, one after the other. */
  readonly run = (target: TurnTarget): Effect.Effect<void> =>
    Effect.suspend(() => {
      target.isScheduled = false
      if (target.isCalling || this.#turns.unavailableSince !== undefined) return Effect.void
      const now = this.#now
      if (now >= this.presence.aliveUntil) {
        target.isCalling = true
        return this.#finish(target, this.#refresh)
      }
      const call = this.#turns.nextCall(target, now)
      if (call === undefined) return Effect.void
      const subject = describeKey(target.key)
      target.isCalling = true
      this.#turns.beginCall(target, call, now)
      const completed = Effect.matchEffect(this.#makeCall(target, call), {
        onFailure: (error) =>
          Effect.suspend(() => {
            this.#turns.onFailure(target, call, this.#now)
            return this.#onError(error, subject)
          }),
        onSuccess: (reply) =>
          Effect.sync(() => {
            this.#failingSubjects.delete(subject)
            if (isPassed(call, reply)) this.#observer.onPass()
            this.#turns.onReply(target, call, reply, this.#now)
          }),
      })
      // An idle process has stopped reporting, so it reports before its first call.
      const isIdle = this.#address?.isIdle === true
      return this.#finish(
        target,
        isIdle ? Effect.zipRight(this.#report(true), completed) : completed,
      )
    })

  /** Handles the messages of the store, and subscribes again when the subscription ends. */
  readonly listen: Effect.Effect<void> = Effect.suspend(() =>
    Stream.runForEach(this.#store.messages(this.#name), (message) =>
      Effect.suspend(() => {
        this.#onMessage(message)
        // Refreshes at once, because the next tick may be later than those of other processes, which reconnect at
        // about the same time.
        const isAvailableAgain =
          message._tag === "Subscribed" && this.#turns.unavailableSince !== undefined
        return isAvailableAgain || message._tag === "Lost" ? this.#refresh : Effect.void
      }),
    ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(tickInterval)), Effect.asVoid),
  )

  /** Renews the lease, makes the calls that are due, and reports to the processes behind the same address. */
  readonly tick: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.#now
    const { unavailableSince, targets } = this.#turns
    const isRefreshDue =
      unavailableSince !== undefined || (targets.size > 0 && this.presence.isRefreshDue(now))
    const checkTurns = Effect.suspend(() => {
      this.#turns.onTick(this.#now)
      if (this.#address === undefined || this.#turns.unavailableSince !== undefined)
        return Effect.void
      this.#address.expire()
      const isInUse = targets.size > 0
      return isInUse || !this.#address.isIdle ? this.#report(isInUse) : Effect.void
    })
    return isRefreshDue ? Effect.zipRight(this.#refresh, checkTurns) : checkTurns
  })

  /** Takes a share of the global limit before the first request. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => {
    this.#address?.start()
    return this.#report(true)
  })

  /** Exchanges reports with the processes behind the same address. */
  #report(isInUse: boolean): Effect.Effect<void> {
    if (this.#address === undefined) return Effect.void
    const { connectedSince, clockOffset, maxClockError } = this.presence
    const context = { connectedSince, clockOffset, maxClockError, isInUse }
    // The name without its generation (`presence.ts`), so that the report after a lease has expired replaces the one
    // before.
    const report = this.#address.report(this.#name, context)
    return Effect.matchEffect(Effect.timeoutFail(report, noResponse), {
      onFailure: (error) => this.#onError(error, addressSubject),
      onSuccess: () => Effect.sync(() => this.#failingSubjects.delete(addressSubject)),
    })
  }

  /** Gives all turns away and leaves all queues, because the others would wait for requests of an ended process. */
  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    const targets = this.#turns.targets.values()
    return Effect.forEach(targets, (target) => Effect.ignore(this.#leave(target)), {
      concurrency: 64,
      discard: true,
    }).pipe(
      Effect.zipRight(this.#store.leave(this.presence.process)),
      Effect.timeout(callTimeout),
      Effect.ignore,
    )
  })

  /** Gives a turn away, if this process has it, and leaves the queue. */
  #leave(target: TurnTarget): Effect.Effect<unknown, StoreError> {
    const { hasTurn, isSuspended, turnNumber } = target
    // Nothing was sent in a suspended turn. Another process may have replaced it and stored its own state.
    const withdraw = this.#store.withdraw({
      ...this.#turnCall(target),
      usedTurnNumber: isSuspended ? 0 : turnNumber,
    })
    if (!hasTurn || isSuspended) return withdraw
    // The state does not include requests in flight, and `withdraw` marks it as outdated.
    if (this.#turns.hasInFlight(target))
      return Effect.zipRight(this.#save(target, turnNumber, "keep"), withdraw)
    // An earlier call without a reply may have given the turn away.
    return Effect.flatMap(this.#save(target, turnNumber, "leave"), (reply) =>
      reply._tag === "Waiting" && reply.hasLostTurn ? withdraw : Effect.void,
    )
  }

  get #now(): number {
    return this.localLimiter.timers.now()
  }

  /** Runs a call, and then the next one that is due. */
  #finish(target: TurnTarget, call: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.zipRight(
      call,
      Effect.suspend(() => {
        target.isCalling = false
        return this.run(target)
      }),
    )
  }

  #makeCall(target: TurnTarget, call: Call): Effect.Effect<Reply, StoreError> {
    const reply =
      call._tag === "Save"
        ? this.#save(target, call.turnNumber, call.how)
        : this.#join(target, call)
    return Effect.timeoutFail(reply, noResponse)
  }

  /**
   * Stores the state, then gives the turn to the next process, keeps it, or ends it and leaves the queue. The state is
   * prefixed with the maximum clock error in milliseconds. The store keeps it until the limits of the webhook have
   * ended.
   */
  #save(
    target: TurnTarget,
    turnNumber: number,
    how: "give" | "keep" | "leave",
  ): Effect.Effect<Reply, StoreError> {
    const { learning } = this.localLimiter.machine
    const { clockOffset, maxClockError } = this.presence
    const webhook = learning.webhooks.get(target.key)
    const limitedFor = webhook === undefined ? 0 : Math.max(0, limitedUntil(webhook) - this.#now)
    const ttl = Math.ceil(this.#validFor + limitedFor + ttlMargin)
    return this.#store.pass({
      ...this.#turnCall(target),
      ttl,
      turnNumber,
      state: `${maxClockError} ${this.#encode(target, clockOffset)}`,
      how,
    })
  }

  #encode({ channel, key }: TurnTarget, clockOffset: number): string {
    return channel === undefined
      ? (encodeWebhook(this.localLimiter.machine, key, clockOffset) ?? "")
      : encodeChannel(channel, clockOffset)
  }

  /** Joins the queue, or polls. Takes the turn over if its owner is dead. */
  #join(
    target: TurnTarget,
    { sequences }: Extract<Call, { readonly _tag: "Join" }>,
  ): Effect.Effect<Reply, StoreError> {
    const call = this.#turnCall(target)
    return Effect.flatMap(this.#store.join({ ...call, sequences }), (reply) =>
      reply._tag === "Turn" && isFirstTurn(reply.turn)
        ? // The store has no state: find out whether it has lost its data before the turn is used.
          Effect.as(this.presence.checkDataLoss, reply)
        : this.#takeover.checkOwner(target, call, reply),
    )
  }

  #turnCall({ key }: TurnTarget): TurnCall {
    return { key, process: this.presence.process, ttl: this.#validFor + ttlMargin }
  }

  /**
   * Continues with the state that the previous process has stored. If it may lack requests, or cannot be read, the
   * limits count as used up.
   */
  #restore(
    { channel, hasSentWithoutTurn, key }: TurnTarget,
    { isStateOutdated, state = "" }: Turn,
  ): void {
    const { machine } = this.localLimiter
    const now = this.#now
    const space = state.indexOf(" ")
    const text = state.slice(space + 1)
    const { clockOffset } = this.presence
    const maxClockError = this.presence.maxClockError + Number(state.slice(0, space))
    const isRestored =
      text === "" ||
      (maxClockError >= 0 &&
        Either.isRight(
          channel === undefined
            ? restoreWebhook(machine, key, text, { clockOffset, maxClockError, now })
            : restoreChannel(channel, text, { clockOffset, maxClockError, now }),
        ))
    if (!isStateOutdated && !hasSentWithoutTurn && isRestored) return
    const webhook = machine.learning.webhooks.get(key)
    for (const one of channel?.state.webhooks ?? (webhook === undefined ? [] : [webhook])) {
      assumeUsed(one, now)
    }
  }

  #onMessage(message: Message): void {
    if (message._tag === "Turn") {
      if (message.process === this.presence.process)
        this.#turns.onTurn(this.#turns.get(message.key), message.turn, this.#now)
    } else if (message._tag === "Wanted") {
      this.#turns.onWanted(message.key, message.sequence)
    } else if (message._tag === "Subscribed") {
      this.presence.onReconnect()
      this.#turns.confirmAll(this.#now)
    }
  }

  /** Renews the lease. A success shows that the store is available again. */
  get #refresh(): Effect.Effect<void> {
    return Effect.matchEffect(Effect.timeoutFail(this.presence.refresh, noResponse), {
      onFailure: (error) => this.#onError(error),
      onSuccess: () => {
        this.#address?.expire()
        return this.#onAvailableAgain
      },
    })
  }

  /**
   * Logs a failure once, until a call succeeds. The store counts as unavailable unless the failure concerns only the
   * calls for `subject`.
   */
  #onError({ detail, isLocal }: StoreError, subject?: string): Effect.Effect<void> {
    this.#turns.lastError = detail
    if (isLocal && subject !== undefined) {
      if (this.#failingSubjects.has(subject)) return Effect.void
      this.#failingSubjects.add(subject)
      return Effect.logWarning(`Shared limits: a call for the ${subject} failed`, detail)
    }
    if (this.#turns.unavailableSince !== undefined) return Effect.void
    this.#turns.unavailableSince = this.#now
    this.#observer.onAvailable(false)
    return Effect.logWarning(
      `Shared limits: the store is unavailable; ${this.#consequence}`,
      detail,
    )
  }

  get #consequence(): string {
    const { failAfter, fallbackAfter } = this.#settings
    const after = Math.min(failAfter, fallbackAfter)
    if (after === Number.POSITIVE_INFINITY) return "requests wait for it"
    const what = fallbackAfter <= failAfter ? "requests go on without it" : "requests fail"
    return `${what} after ${Duration.format(Duration.millis(after))}`
  }

  readonly #onAvailableAgain: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#turns.unavailableSince === undefined) return Effect.void
    this.#turns.unavailableSince = undefined
    this.#observer.onAvailable(true)
    this.presence.onReconnect()
    this.#turns.confirmAll(this.#now)
    return Effect.logInfo("Shared limits: the store is available again")
  })
}

/** Whether a call has given the turn away. */
function isPassed(call: Call, reply: Reply): boolean {
  return (
    call._tag === "Save" && call.how !== "keep" && reply._tag === "Waiting" && !reply.hasLostTurn
  )
}

/** Creates the limiter of a scope. */
export const make = (
  store: TurnStore,
  settings: DistributedSettings,
  observer: Observer = ignored,
): Effect.Effect<Service, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const random = yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)
    // Programs that seed their Random in the same way must have different names.
    const name = (BigInt(random) ^ clock.unsafeCurrentTimeNanos()).toString(36)
    const due = yield* Queue.unbounded<TurnTarget>()
    const limiter = new DistributedLimiter({
      store,
      settings,
      observer,
      name,
      localLimiter: new SharedLimiter(clock),
      onDue: (target) => due.unsafeOffer(target),
    })
    yield* Effect.timeoutFail(limiter.presence.refresh, noResponse)
    // It comes before the subscription, because a store that has subscribers but no record has lost its data.
    yield* Effect.timeoutFail(limiter.presence.checkDataLoss, noResponse)
    observer.onAvailable(true)
    yield* Effect.addFinalizer(() => limiter.leave)
    const fork = yield* FiberSet.makeRuntime()
    yield* Queue.take(due).pipe(
      Effect.map((target) => fork(limiter.run(target))),
      Effect.forever,
      Effect.forkScoped,
    )
    yield* Effect.forkScoped(limiter.listen)
    yield* Effect.forkScoped(Effect.repeat(limiter.tick, Schedule.spaced(tickInterval)))
    const handle = yield* limiter.localLimiter.open(settings)
    yield* limiter.start
    return handle
  })

/**
 * The limiter of a process that shares limits with others through a store. Requests of a webhook may be sent
 * by the process that has its turn (see `store.ts`); this class gets turns and passes them on, and the
 * in-memory limiter schedules the requests.
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
import { Presence } from "./presence.js"
import { isNew, type Message, type Reply, StoreError, type Turn, type TurnStore } from "./store.js"
import type { Call, SharedWebhook } from "./sharedWebhook.js"
import { Successor } from "./successor.js"
import { Turns } from "./turns.js"
import { encodeChannel, restoreChannel } from "./channelData.js"
import { encodeWebhook, restoreWebhook } from "./webhookData.js"

export interface DistributedSettings extends LayerSettings {
  /** The name of the address that the process shares with others; `undefined` if it has its own. */
  readonly address: string | undefined
  /** Milliseconds after which a process that shows no sign of life is dead. */
  readonly lease: number
  /** Milliseconds without the store after which requests are sent without a turn. */
  readonly fallbackAfter: number
  /** Milliseconds without the store after which waiting requests fail. */
  readonly failAfter: number
}

/** The store keeps a webhook for longer than a process relies on it. */
const ttlMargin = Duration.toMillis("1 minute")
/** A turn that is not used for so long is given up, although the limiter may remember the webhook for longer. */
const maxValidFor = Duration.toMillis("2 hours")
const tickInterval = Duration.seconds(1)
const callTimeout = Duration.seconds(5)
const addressSubject = "address"

const noResponse = {
  duration: callTimeout,
  onTimeout: () => new StoreError({ isLocal: false, detail: "no response" }),
}

/** Is called for metrics. */
export interface Observer {
  /** This process got a turn. */
  readonly onTurn: (turn: Turn) => void
  /** It gave one to another process, or gave it up. */
  readonly onPass: () => void
  readonly onAvailable: (isAvailable: boolean) => void
}

const ignored: Observer = { onTurn: () => {}, onPass: () => {}, onAvailable: () => {} }

interface LimiterOptions {
  readonly store: TurnStore
  readonly observer: Observer
  readonly settings: DistributedSettings
  readonly name: string
  readonly core: SharedLimiter
  readonly onDue: (webhook: SharedWebhook) => void
}

class DistributedLimiter {
  readonly core: SharedLimiter
  readonly presence: Presence
  readonly #turns: Turns
  readonly #address: Address | undefined
  readonly #successor: Successor
  readonly #store: TurnStore
  readonly #settings: DistributedSettings
  readonly #observer: Observer
  readonly #name: string
  readonly #validFor: number
  /** What calls fail for, while others succeed. */
  readonly #failing = new Set<string>()

  constructor({ core, name, observer, onDue, settings, store }: LimiterOptions) {
    const now = () => core.timers.now()
    this.core = core
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
      onLapse: () => this.#turns.loseAll(),
      onLoss: () => this.#turns.confirmAll(now()),
      onAsked: (keys) => this.#turns.onAsked(keys),
    })
    this.#turns = new Turns({
      machine: core.machine,
      lease,
      validFor: this.#validFor,
      fallbackAfter: settings.fallbackAfter,
      failAfter: settings.failAfter,
      presence: this.presence,
      onDue,
      restore: (webhook, turn) => {
        observer.onTurn(turn)
        this.#restore(webhook, turn)
      },
    })
    core.machine.pending.gate = this.#turns
    this.#successor = new Successor({
      store,
      name,
      lease,
      presence: this.presence,
      isOwn: (webhook, reply) => this.#turns.isOwn(webhook, reply),
      now,
    })
    const { globalLimit = { limit: defaults.globalLimit, window: defaults.globalWindow } } =
      settings
    if (settings.address !== undefined) {
      this.#address = new Address({
        store,
        name: settings.address,
        machine: core.machine,
        limit: globalLimit,
        invalidRequestLimit: settings.invalidRequestLimit ?? defaults.invalidRequestLimit,
        lease: settings.lease,
        now,
        isUsable: this.#turns.isUsable,
      })
    }
  }

  /** Makes the calls that are due for a webhook, one after the other. */
  readonly run = (webhook: SharedWebhook): Effect.Effect<void> =>
    Effect.suspend(() => {
      webhook.isQueued = false
      if (webhook.isCalling || this.#turns.awaySince !== undefined) return Effect.void
      const now = this.#now
      if (now >= this.presence.aliveUntil) {
        webhook.isCalling = true
        return this.#finish(webhook, this.#refresh)
      }
      const call = this.#turns.next(webhook, now)
      if (call === undefined) return Effect.void
      const subject = `webhook ${webhook.major}`
      webhook.isCalling = true
      this.#turns.begin(webhook, call, now)
      const made = Effect.matchEffect(this.#make(webhook, call), {
        onFailure: (error) =>
          Effect.suspend(() => {
            this.#turns.onFailure(webhook, call, this.#now)
            return this.#onError(error, subject)
          }),
        onSuccess: (reply) =>
          Effect.sync(() => {
            this.#failing.delete(subject)
            if (isPassed(call, reply)) this.#observer.onPass()
            this.#turns.onReply(webhook, call, reply, this.#now)
          }),
      })
      const isIdle = this.#address?.isIdle === true
      return this.#finish(webhook, isIdle ? Effect.zipRight(this.#report(true), made) : made)
    })

  readonly listen: Effect.Effect<void> = Effect.suspend(() =>
    Stream.runForEach(this.#store.messages(this.#name), (message) =>
      Effect.suspend(() => {
        this.#onMessage(message)
        // All processes reconnect at about the same time; the next tick of each may be later.
        const isBack = message._tag === "Subscribed" && this.#turns.awaySince !== undefined
        return isBack || message._tag === "Lost" ? this.#refresh : Effect.void
      }),
    ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(tickInterval)), Effect.asVoid),
  )

  readonly tick: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.#now
    const { awaySince, webhooks } = this.#turns
    const isDue = awaySince !== undefined || (webhooks.size > 0 && this.presence.isDue(now))
    const ticked = Effect.suspend(() => {
      this.#turns.onTick(this.#now)
      if (this.#address === undefined || this.#turns.awaySince !== undefined) return Effect.void
      this.#address.expire()
      const isInUse = webhooks.size > 0
      return isInUse || !this.#address.isIdle ? this.#report(isInUse) : Effect.void
    })
    return isDue ? Effect.zipRight(this.#refresh, ticked) : ticked
  })

  /** Takes a share of the global limit before the first request. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => {
    this.#address?.start()
    return this.#report(true)
  })

  /** Exchanges reports with the processes behind the same address. */
  #report(isInUse: boolean): Effect.Effect<void> {
    if (this.#address === undefined) return Effect.void
    const { connectedSince, shift, uncertainty } = this.presence
    const situation = { connectedSince, shift, uncertainty, isInUse }
    // A process whose lease has ended gets a new id, but its new report replaces the former one.
    const report = this.#address.report(this.#name, situation)
    return Effect.matchEffect(Effect.timeoutFail(report, noResponse), {
      onFailure: (error) => this.#onError(error, addressSubject),
      onSuccess: () => Effect.sync(() => this.#failing.delete(addressSubject)),
    })
  }

  /** Gives all turns away, and leaves all queues: others would wait for the entries of a process that is gone. */
  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    const all = this.#turns.webhooks.values()
    return Effect.forEach(all, (webhook) => Effect.ignore(this.#leave(webhook)), {
      concurrency: 64,
      discard: true,
    }).pipe(
      Effect.zipRight(this.#store.leave(this.presence.process)),
      Effect.timeout(callTimeout),
      Effect.ignore,
    )
  })

  #leave(webhook: SharedWebhook): Effect.Effect<unknown, StoreError> {
    const { epoch, isHeld, until } = webhook
    // An unconfirmed turn may belong to another process by now, which has stored its own state: nothing was sent in it.
    const withdraw = this.#store.withdraw({ ...this.#placeOf(webhook), used: isHeld ? 0 : epoch })
    if (until === undefined || isHeld) return withdraw
    // The state does not include requests in flight, so the next process must not rely on it.
    if (this.#turns.hasInFlight(webhook))
      return Effect.zipRight(this.#pass(webhook, epoch, "keep"), withdraw)
    // A call that gave it away may have been executed, although its reply is missing.
    return Effect.flatMap(this.#pass(webhook, epoch, "leave"), (reply) =>
      reply._tag === "Waiting" && reply.isLost ? withdraw : Effect.void,
    )
  }

  get #now(): number {
    return this.core.timers.now()
  }

  #finish(webhook: SharedWebhook, call: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.zipRight(
      call,
      Effect.suspend(() => {
        webhook.isCalling = false
        return this.run(webhook)
      }),
    )
  }

  #make(webhook: SharedWebhook, call: Call): Effect.Effect<Reply, StoreError> {
    const made =
      call._tag === "Pass" ? this.#pass(webhook, call.epoch, call.how) : this.#join(webhook, call)
    return Effect.timeoutFail(made, noResponse)
  }

  #pass(
    webhook: SharedWebhook,
    epoch: number,
    how: "give" | "keep" | "leave",
  ): Effect.Effect<Reply, StoreError> {
    const { learning } = this.core.machine
    const { shift, uncertainty } = this.presence
    const state = learning.webhooks.get(webhook.major)
    const limited = state === undefined ? 0 : Math.max(0, limitedUntil(state) - this.#now)
    const ttl = Math.ceil(this.#validFor + limited + ttlMargin)
    return this.#store.pass({
      ...this.#placeOf(webhook),
      ttl,
      epoch,
      state: `${uncertainty} ${this.#encode(webhook, shift)}`,
      how,
    })
  }

  #encode({ channel, major }: SharedWebhook, shift: number): string {
    return channel === undefined
      ? (encodeWebhook(this.core.machine, major, shift) ?? "")
      : encodeChannel(channel, shift)
  }

  /** Joins the queue, or polls. */
  #join(
    webhook: SharedWebhook,
    { sequences }: Extract<Call, { readonly _tag: "Join" }>,
  ): Effect.Effect<Reply, StoreError> {
    const place = this.#placeOf(webhook)
    return Effect.flatMap(this.#store.join({ ...place, sequences }), (reply) =>
      reply._tag === "Turn" && isNew(reply.turn)
        ? // The turn is new to the store: before it is used, this finds out whether the store has lost everything.
          Effect.as(this.presence.checkLoss, reply)
        : this.#successor.replaceDead(webhook, place, reply),
    )
  }

  #placeOf({ major }: SharedWebhook) {
    return { key: major, process: this.presence.process, ttl: this.#validFor + ttlMargin }
  }

  /** Continues with the state that the former process has stored. */
  #restore(
    { channel, hasSentAlone, major }: SharedWebhook,
    { isUncertain, state = "" }: Turn,
  ): void {
    const { machine } = this.core
    const now = this.#now
    const space = state.indexOf(" ")
    const text = state.slice(space + 1)
    const { shift } = this.presence
    const uncertainty = this.presence.uncertainty + Number(state.slice(0, space))
    const isKnown =
      text === "" ||
      (uncertainty >= 0 &&
        Either.isRight(
          channel === undefined
            ? restoreWebhook(machine, major, text, { shift, uncertainty, now })
            : restoreChannel(channel, text, { shift, uncertainty, now }),
        ))
    if (!isUncertain && !hasSentAlone && isKnown) return
    const webhook = machine.learning.webhooks.get(major)
    for (const one of channel?.state.webhooks ?? (webhook === undefined ? [] : [webhook])) {
      assumeUsed(one, now)
    }
  }

  #onMessage(message: Message): void {
    if (message._tag === "Turn") {
      if (message.process === this.presence.process)
        this.#turns.onTurn(this.#turns.get(message.key), message.turn, this.#now)
    } else if (message._tag === "Wanted") {
      this.#turns.onWanted(message.key, message.until)
    } else if (message._tag === "Subscribed") {
      this.presence.onReconnect()
      this.#turns.confirmAll(this.#now)
    }
  }

  /** Tells the store that this process is alive. A success shows that the store is available again. */
  get #refresh(): Effect.Effect<void> {
    return Effect.matchEffect(Effect.timeoutFail(this.presence.refresh, noResponse), {
      onFailure: (error) => this.#onError(error),
      onSuccess: () => {
        this.#address?.expire()
        return this.#onReturn
      },
    })
  }

  /** Without a `subject`, a failed call means that the store is away. A failure is logged once until a call succeeds. */
  #onError({ detail, isLocal }: StoreError, subject?: string): Effect.Effect<void> {
    this.#turns.lastError = detail
    if (isLocal && subject !== undefined) {
      if (this.#failing.has(subject)) return Effect.void
      this.#failing.add(subject)
      return Effect.logWarning(`Shared limits: a call for the ${subject} failed`, detail)
    }
    if (this.#turns.awaySince !== undefined) return Effect.void
    this.#turns.awaySince = this.#now
    this.#observer.onAvailable(false)
    return Effect.logWarning(`Shared limits: the store is away; ${this.#consequence}`, detail)
  }

  get #consequence(): string {
    const { failAfter, fallbackAfter } = this.#settings
    const after = Math.min(failAfter, fallbackAfter)
    if (after === Number.POSITIVE_INFINITY) return "requests wait for it"
    const what = fallbackAfter <= failAfter ? "requests go on without it" : "requests fail"
    return `${what} after ${Duration.format(Duration.millis(after))}`
  }

  readonly #onReturn: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#turns.awaySince === undefined) return Effect.void
    this.#turns.awaySince = undefined
    this.#observer.onAvailable(true)
    this.presence.onReconnect()
    this.#turns.confirmAll(this.#now)
    return Effect.logInfo("Shared limits: the store is available again")
  })
}

/** Whether a call gave the turn away. */
function isPassed(call: Call, reply: Reply): boolean {
  return call._tag === "Pass" && call.how !== "keep" && reply._tag === "Waiting" && !reply.isLost
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
    // Programs that seed their Random in the same way must not have the same name.
    const name = (BigInt(random) ^ clock.unsafeCurrentTimeNanos()).toString(36)
    const due = yield* Queue.unbounded<SharedWebhook>()
    const limiter = new DistributedLimiter({
      store,
      settings,
      observer,
      name,
      core: new SharedLimiter(clock),
      onDue: (webhook) => due.unsafeOffer(webhook),
    })
    yield* Effect.timeoutFail(limiter.presence.refresh, noResponse)
    // Before the first message can arrive: a subscribed process without a record shows that the store lost its data.
    yield* Effect.timeoutFail(limiter.presence.checkLoss, noResponse)
    observer.onAvailable(true)
    yield* Effect.addFinalizer(() => limiter.leave)
    const fork = yield* FiberSet.makeRuntime()
    yield* Queue.take(due).pipe(
      Effect.map((webhook) => fork(limiter.run(webhook))),
      Effect.forever,
      Effect.forkScoped,
    )
    yield* Effect.forkScoped(limiter.listen)
    yield* Effect.forkScoped(Effect.repeat(limiter.tick, Schedule.spaced(tickInterval)))
    const handle = yield* limiter.core.open(settings)
    yield* limiter.start
    return handle
  })

/**
 * Takes over turns whose owner has died. A poll that shows the same turn as the one before makes its owner suspect;
 * the store then reports whether the owner is alive.
 */
import * as Effect from "effect/Effect"
import type { Presence } from "./presence.js"
import { processOf, type Reply, type StoreError, type TurnCall, type TurnStore } from "./store.js"
import type { TurnTarget } from "./turnTarget.js"

export interface TakeoverOptions {
  readonly store: TurnStore
  /** The name of this process in all of its generations. */
  readonly name: string
  /** Milliseconds after its last heartbeat for which a process counts as alive. */
  readonly lease: number
  readonly presence: Presence
  /** Whether the turn in a reply is one that this process used until its lease expired. */
  readonly isOwnTurn: (target: TurnTarget, reply: Reply) => boolean
  readonly now: () => number
}

export class Takeover {
  readonly #options: TakeoverOptions

  constructor(options: TakeoverOptions) {
    this.#options = options
  }

  /** Takes the turn over if its owner is dead. `reply` is that to the `join` of `call`. */
  takeOverFromDead(
    target: TurnTarget,
    call: TurnCall,
    reply: Reply,
  ): Effect.Effect<Reply, StoreError> {
    return this.#takeOverIfDead(target, call, reply, this.#findSuspect(target, reply))
  }

  #takeOverIfDead(
    target: TurnTarget,
    call: TurnCall,
    reply: Reply,
    owner: string | undefined,
  ): Effect.Effect<Reply, StoreError> {
    if (owner === undefined) return Effect.succeed(reply)
    const { lease, now, store } = this.#options
    const isOwn = this.#options.isOwnTurn(target, reply)
    return Effect.flatMap(this.#isDead(owner, call.key), (isDead) => {
      if (!isDead) return Effect.succeed(reply)
      if (!this.#isThisProcess(owner)) target.frequentPollsUntil = now() + lease
      const { turnNumber } = reply._tag === "Turn" ? reply.turn : reply
      return Effect.flatMap(store.takeOver({ ...call, turnNumber, owner }), (next) =>
        next._tag === "Waiting"
          ? // The store has granted the turn to the first in the queue, which may be dead as well.
            this.#takeOverIfDead(
              target,
              call,
              next,
              this.#mayBeDead(next.owner) ? next.owner : undefined,
            )
          : Effect.succeed(isOwn ? withoutState(next) : next),
      )
    })
  }

  /** Returns the owner of a turn that has not changed since the last poll, or an earlier generation of this process. */
  #findSuspect(target: TurnTarget, reply: Reply): string | undefined {
    const { lease, presence } = this.#options
    const { observedTurn } = target
    const now = this.#options.now()
    if (reply._tag === "Waiting" && reply.owner !== undefined && this.#isThisProcess(reply.owner)) {
      return reply.owner
    }
    const isPoll = observedTurn !== undefined && now >= target.nextPollAt
    if (!isPoll || !this.#isStoreStable) return undefined
    if (reply._tag === "Waiting")
      return reply.turnNumber === observedTurn.turnNumber ? reply.owner : undefined
    // The store has lost the call that gave this turn away. The process that got it has not restored it for a lease.
    const isObsolete =
      reply.turn.turnNumber === observedTurn.turnNumber &&
      reply.turn.turnNumber <= target.turnNumber
    return isObsolete && now >= observedTurn.since + lease ? presence.process : undefined
  }

  /** Whether the store has been available for a lease, in which every living process has sent a heartbeat. */
  get #isStoreStable(): boolean {
    const { lease, now, presence } = this.#options
    return now() >= presence.connectedSince + lease
  }

  #mayBeDead(owner: string | undefined): boolean {
    return owner !== undefined && (this.#isThisProcess(owner) || this.#isStoreStable)
  }

  #isThisProcess(owner: string): boolean {
    return processOf(owner) === this.#options.name
  }

  #isDead(owner: string, key: string): Effect.Effect<boolean, StoreError> {
    const { now, presence, store } = this.#options
    // It is an earlier generation, or this one has given the turn away.
    if (this.#isThisProcess(owner)) return Effect.succeed(true)
    return Effect.flatMap(store.ask(owner, key), (isAlive) =>
      isAlive
        ? Effect.succeed(false)
        : // A store that has lost its data has no record of living processes either.
          Effect.map(presence.checkDataLoss, () => now() >= presence.lostTurnsValidUntil),
    )
  }
}

/** Removes the state: no other process has sent requests since this one had the turn, so its own is newer. */
function withoutState(reply: Reply): Reply {
  return reply._tag === "Turn"
    ? { ...reply, turn: { ...reply.turn, state: undefined, isStateOutdated: false } }
    : reply
}

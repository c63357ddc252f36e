/**
 * Takes over turns whose owner has died. If two polls in a row show the same turn, its owner may be dead: the store
 * is then asked whether the owner is alive. A process whose lease has expired continues under a new name, its next
 * generation.
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
  /** The heartbeat and the lease of this process. */
  readonly presence: Presence
  /** Whether the turn in a reply is the last one of this process, which it never passed on: it knows a newer state. */
  readonly isOwnTurn: (target: TurnTarget, reply: Reply) => boolean
  readonly now: () => number
}

export class Takeover {
  readonly #options: TakeoverOptions

  constructor(options: TakeoverOptions) {
    this.#options = options
  }

  /** Takes the turn over if its owner is dead. `reply` is what the store replied to `join` with this `call`. */
  checkOwner(target: TurnTarget, call: TurnCall, reply: Reply): Effect.Effect<Reply, StoreError> {
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
      // Whatever ended that process may have ended others, too.
      if (!this.#isThisProcess(owner)) target.frequentPollsUntil = now() + lease
      const { turnNumber } = reply._tag === "Turn" ? reply.turn : reply
      return Effect.flatMap(store.takeOver({ ...call, turnNumber, owner }), (next) =>
        next._tag === "Waiting"
          ? // The store has granted the turn to the first in the queue, which may be dead as well.
            this.#takeOverIfDead(
              target,
              call,
              next,
              this.#canCheck(next.owner) ? next.owner : undefined,
            )
          : Effect.succeed(isOwn ? withoutState(next) : next),
      )
    })
  }

  /**
   * Returns an owner that may be dead: an earlier generation of this process, or who has had the same turn since the
   * last poll. If the store has gone back to a turn that this process has passed on, it is this process itself.
   */
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
    // The store has lost the call that passed this turn on, and reports it as ours again. If the process that got the
    // turn has not restored it for the length of a lease, it is dead, and the turn is taken over from our own name.
    const isObsolete =
      reply.turn.turnNumber === observedTurn.turnNumber &&
      reply.turn.turnNumber <= target.turnNumber
    return isObsolete && now >= observedTurn.since + lease ? presence.process : undefined
  }

  /** Whether the store has been available for the length of a lease: every living process has sent a heartbeat. */
  get #isStoreStable(): boolean {
    const { lease, now, presence } = this.#options
    return now() >= presence.connectedSince + lease
  }

  #canCheck(owner: string | undefined): boolean {
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

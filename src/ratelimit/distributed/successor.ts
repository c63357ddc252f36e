/** Takes the turns of processes that have died. */
import * as Effect from "effect/Effect"
import type { Presence } from "./presence.js"
import type { SharedWebhook } from "./sharedWebhook.js"
import { type Address, processOf, type Reply, type StoreError, type TurnStore } from "./store.js"

export interface SuccessorOptions {
  readonly store: TurnStore
  /** Of this process in all of its generations. */
  readonly name: string
  /** Milliseconds after which a process that shows no sign of life is dead. */
  readonly lease: number
  readonly presence: Presence
  /** Whether this process had the turn of an epoch until it was taken for dead. */
  readonly isOwn: (webhook: SharedWebhook, reply: Reply) => boolean
  readonly now: () => number
}

export class Successor {
  readonly #options: SuccessorOptions

  constructor(options: SuccessorOptions) {
    this.#options = options
  }

  /** Takes the turn, if its owner is dead. */
  replaceDead(
    webhook: SharedWebhook,
    place: Address,
    reply: Reply,
  ): Effect.Effect<Reply, StoreError> {
    return this.#replace(webhook, place, reply, this.#suspect(webhook, reply))
  }

  #replace(
    webhook: SharedWebhook,
    place: Address,
    reply: Reply,
    owner: string | undefined,
  ): Effect.Effect<Reply, StoreError> {
    if (owner === undefined) return Effect.succeed(reply)
    const { lease, now, store } = this.#options
    const isOwn = this.#options.isOwn(webhook, reply)
    return Effect.flatMap(this.#isDead(owner, place.key), (isDead) => {
      if (!isDead) return Effect.succeed(reply)
      if (!this.#isOurs(owner)) webhook.suspiciousUntil = now() + lease
      const { epoch } = reply._tag === "Turn" ? reply.turn : reply
      return Effect.flatMap(store.takeOver({ ...place, epoch, owner }), (next) =>
        next._tag === "Waiting"
          ? // The first in the queue may be dead as well.
            this.#replace(
              webhook,
              place,
              next,
              this.#mayBeDead(next.owner) ? next.owner : undefined,
            )
          : Effect.succeed(isOwn ? withoutState(next) : next),
      )
    })
  }

  /** The owner of a turn that has not moved since the last poll. */
  #suspect(webhook: SharedWebhook, reply: Reply): string | undefined {
    const { lease, presence } = this.#options
    const { seen } = webhook
    const now = this.#options.now()
    if (reply._tag === "Waiting" && reply.owner !== undefined && this.#isOurs(reply.owner)) {
      return reply.owner
    }
    const isPoll = seen !== undefined && now >= webhook.pollAt
    if (!isPoll || !this.#isSettled) return undefined
    if (reply._tag === "Waiting") return reply.epoch === seen.epoch ? reply.owner : undefined
    // A turn that this process has given away, to one that has ended before it could confirm it.
    const isLost = reply.turn.epoch === seen.epoch && reply.turn.epoch <= webhook.epoch
    return isLost && now >= seen.since + lease ? presence.process : undefined
  }

  /** Whether others had the time to show that they are alive since the store is back. */
  get #isSettled(): boolean {
    const { lease, now, presence } = this.#options
    return now() >= presence.connectedSince + lease
  }

  #mayBeDead(owner: string | undefined): boolean {
    return owner !== undefined && (this.#isOurs(owner) || this.#isSettled)
  }

  #isOurs(owner: string): boolean {
    return processOf(owner) === this.#options.name
  }

  #isDead(owner: string, key: string): Effect.Effect<boolean, StoreError> {
    const { now, presence, store } = this.#options
    if (this.#isOurs(owner)) return Effect.succeed(true)
    return Effect.flatMap(store.ask(owner, key), (isAlive) =>
      isAlive
        ? Effect.succeed(false)
        : // A store that has lost everything does not know the living either.
          Effect.map(presence.checkLoss, () => now() >= presence.doubtfulUntil),
    )
  }
}

/** Nobody has sent requests since this process had the turn, so that it knows the state. */
function withoutState(reply: Reply): Reply {
  return reply._tag === "Turn"
    ? { ...reply, turn: { ...reply.turn, state: undefined, isUncertain: false } }
    : reply
}

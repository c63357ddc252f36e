/** Short forms of the steps of an engine, and the types of what they take and return. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { DiscordOutboxUnavailable } from "../../src/outbox/OutboxError.js"
import type { Outbox } from "../../src/outbox/index.js"

export type Store = Context.Tag.Service<typeof Outbox.Engine>["store"]
export type StoredEntry = Effect.Effect.Success<ReturnType<Store["find"]>>[number]
export type EntryFilter = Parameters<Store["list"]>[0]
export type ClaimedQueue = Effect.Effect.Success<ReturnType<Store["claim"]>>[number]
export type Step = Parameters<Store["commit"]>[1][number]
export type OwnedQueue = Step["queue"]
export type Change = Step["change"]
export type NewEntry = Parameters<Store["enqueue"]>[0][number]
type Capacity = Parameters<Store["enqueue"]>[1]

export const unlimited: Capacity = { perWebhook: Infinity, total: Infinity }

export interface EntryChoice extends Partial<Omit<NewEntry, "credentials">> {
  readonly webhook?: string
  readonly token?: string
}

export const entry = (id: string, choice: EntryChoice = {}): NewEntry => {
  const { token = "1", webhook = "100", ...rest } = choice
  return {
    id,
    credentials: { webhookId: webhook, tokenDigest: `digest-${token}`, sealed: `sealed-${token}` },
    operation: "send",
    request: JSON.stringify({ content: id }),
    files: [],
    key: undefined,
    fingerprint: `print-${id}`,
    notBefore: undefined,
    expiresAt: undefined,
    trace: undefined,
    ...rest,
  }
}

/** Stores entries of these ids with one webhook. */
export const put = (store: Store, ids: ReadonlyArray<string>, choice: EntryChoice = {}) =>
  store.enqueue(
    ids.map((id) => entry(id, choice)),
    unlimited,
  )

export const leaseMillis = 15_000

export const claim = (store: Store, owner: string, limit = 10, prefetch = 10) =>
  store.claim({ owner, leaseMillis, limit, prefetch })

/** Claims the only queue that can be claimed. */
export const claimOne = (
  store: Store,
  owner: string,
): Effect.Effect<ClaimedQueue, DiscordOutboxUnavailable> =>
  Effect.flatMap(claim(store, owner), ([queue, ...others]) =>
    queue === undefined || others.length > 0
      ? Effect.dieMessage(`there is not one queue, but ${others.length}`)
      : Effect.succeed(queue),
  )

export const idsOf = (entries: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> =>
  entries.map(({ id }) => id)

export const webhooksOf = (
  queues: ReadonlyArray<{ readonly webhookId: string }>,
): ReadonlyArray<string> => queues.map(({ webhookId }) => webhookId)

export const step = (
  queue: OwnedQueue,
  entryId: string,
  attempt: number,
  change: Change,
): Step => ({
  queue: { webhookId: queue.webhookId, epoch: queue.epoch },
  entryId,
  attempt,
  change,
})

export const sending = { _tag: "Sending" } as const satisfies Change
export const sent = { _tag: "Sent", messageId: "m1", channelId: "c1" } as const satisfies Change
export const dead = {
  _tag: "Dead",
  error: '{"reason":"rejected"}',
  inDoubt: false,
} as const satisfies Change
export const retry = {
  _tag: "Retry",
  error: '{"reason":"retry"}',
  inDoubt: false,
  notBefore: undefined,
} as const satisfies Change

/** Sends an entry: both steps. */
export const send = (
  store: Store,
  owner: string,
  queue: OwnedQueue,
  id: string,
  end: Change = sent,
) =>
  Effect.zipRight(
    store.commit(owner, [step(queue, id, 1, sending)]),
    store.commit(owner, [step(queue, id, 1, end)]),
  )

export const release = (
  store: Store,
  owner: string,
  queue: OwnedQueue,
  choice: { readonly memory?: string; readonly nextAt?: number } = {},
) =>
  store.release(owner, [
    {
      webhookId: queue.webhookId,
      epoch: queue.epoch,
      memory: choice.memory,
      nextAt: choice.nextAt,
    },
  ])

export const findOne = (store: Store, id: string) =>
  Effect.flatMap(store.find([id]), ([found]) =>
    found === undefined ? Effect.dieMessage(`there is no entry ${id}`) : Effect.succeed(found),
  )

/** The error of an effect that has to fail. */
export const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.orDie(Effect.flip(effect))

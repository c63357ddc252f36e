/** The operations of the outbox over any engine, which is what stores the entries: memory, SQLite or PostgreSQL. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import type { ThreadCreate } from "../model/ThreadCreate.js"
import type { Webhook } from "../webhook/credentials.js"
import type { EditInput, MessageInput } from "../webhook/files.js"
import type { ThreadPlace } from "../webhook/operations.js"
import * as requests from "../webhook/requests.js"
import { createThread } from "../webhook/threads.js"
import type { Engine } from "./engine.js"
import { entryPrefix, makeEnqueue } from "./enqueue.js"
import type { Enqueue, EntryOptions } from "./enqueue.js"
import { toDeadError, toEntry } from "./entry.js"
import type { Entry } from "./entry.js"
import { resolveOptions } from "./options.js"
import type { Options, Settings } from "./options.js"
import { DiscordOutboxNotFound } from "./OutboxError.js"
import type { DiscordOutboxDead, DiscordOutboxUnavailable, EnqueueError } from "./OutboxError.js"
import { Settlements } from "./settlements.js"
import type { State, Store } from "./store.js"
import { targetPlaceholder } from "./storedRequest.js"
import type { TokenVault } from "./tokens.js"

/**
 * Which entries to list.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions {
  readonly state?: State | undefined
  readonly webhookId?: string | undefined
  /** The id of the last entry of the previous page. */
  readonly after?: string | undefined
  /** Default: 100. */
  readonly limit?: number | undefined
}

/**
 * The state of the outbox.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  /** The number of entries by state. Those that are ready or sending are pending. */
  readonly ready: number
  readonly sending: number
  readonly sent: number
  readonly dead: number
  /** The age of the oldest pending entry. */
  readonly oldest: Duration.Duration | undefined
  /** The number of webhooks with pending entries, and of those that a worker is sending to. */
  readonly webhooks: number
  readonly active: number
  /** The webhooks with the most pending entries, at most 100. */
  readonly longest: ReadonlyArray<{
    readonly webhookId: string
    readonly pending: number
    readonly paused: boolean
    readonly oldest: Duration.Duration | undefined
  }>
}

/**
 * What an entry has done: the message that was posted, edited or deleted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered {
  /** `undefined` for a deletion, and if the response could not be read. */
  readonly messageId: string | undefined
  /** The channel of the message; the new thread for `createThread`. */
  readonly channelId: string | undefined
}

/**
 * The operations of an outbox.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Stores a message, and returns the id of the entry. */
  readonly send: (
    webhook: Webhook,
    message: MessageInput,
    options?: EntryOptions,
  ) => Effect.Effect<string, EnqueueError>
  /** Stores an edit of a message, which is given by its id or by the id of the entry that sends it. */
  readonly edit: (
    webhook: Webhook,
    message: string,
    edit: EditInput,
    options?: EntryOptions,
  ) => Effect.Effect<string, EnqueueError>
  /** Stores the deletion of a message, which is given as for `edit`. */
  readonly delete: (
    webhook: Webhook,
    message: string,
    options?: EntryOptions,
  ) => Effect.Effect<string, EnqueueError>
  /** Stores a new thread with its first message. */
  readonly createThread: (
    webhook: Webhook,
    thread: ThreadCreate,
    message: Omit<MessageInput, "threadName" | "appliedTags">,
    options?: Omit<EntryOptions, "threadId">,
  ) => Effect.Effect<string, EnqueueError>
  /** Waits until the entry is sent; fails if it is dead. */
  readonly await: (
    id: string,
  ) => Effect.Effect<
    Delivered,
    DiscordOutboxDead | DiscordOutboxNotFound | DiscordOutboxUnavailable
  >
  readonly get: (
    id: string,
  ) => Effect.Effect<Entry, DiscordOutboxNotFound | DiscordOutboxUnavailable>
  /** Entries in the order of acceptance. */
  readonly list: (
    options?: ListOptions,
  ) => Effect.Effect<ReadonlyArray<Entry>, DiscordOutboxUnavailable>
  readonly stats: Effect.Effect<Stats, DiscordOutboxUnavailable>
  /** Makes dead entries ready again, at their former place in the order. Returns how many were dead. */
  readonly retry: (ids: ReadonlyArray<string>) => Effect.Effect<number, DiscordOutboxUnavailable>
  /** Deletes entries that are ready or dead. Returns the number of deleted entries. */
  readonly discard: (ids: ReadonlyArray<string>) => Effect.Effect<number, DiscordOutboxUnavailable>
  /**
   * Pauses one webhook, or all of them. A request in flight ends first; entries can still be
   * stored.
   */
  readonly pause: (webhookId?: string) => Effect.Effect<void, DiscordOutboxUnavailable>
  /** Resumes one webhook; without an id it ends every pause. */
  readonly resume: (webhookId?: string) => Effect.Effect<void, DiscordOutboxUnavailable>
  /** Deletes the entries whose retention has ended. The worker does so every 10 minutes. */
  readonly sweep: Effect.Effect<number, DiscordOutboxUnavailable>
}

const maxLongest = 100
const defaultListed = 100

interface Made {
  readonly outbox: Service
  readonly engine: Engine["Type"]
}

/** Creates the outbox of an engine. Its fibers end with the scope. */
export function makeOutbox(
  store: Store,
  tokens: TokenVault,
  isDurable: boolean,
  options: Options,
): Effect.Effect<Made, DiscordInvalidOption, Scope.Scope> {
  return Effect.gen(function* () {
    const settings = yield* resolveOptions(options)
    const settlements = new Settlements(store)
    yield* Effect.forkScoped(settlements.poll(settings.pollInterval))
    const enqueue = yield* makeEnqueue(store, tokens, settings)
    const outbox: Service = {
      ...makeProducer(enqueue),
      ...makeAdministration(store, settings, settlements),
    }
    return {
      outbox,
      engine: { store, tokens, settlements, isDurable, retention: settings.retention },
    }
  })
}

type Producer = Pick<Service, "send" | "edit" | "delete" | "createThread">

function makeProducer(enqueue: Enqueue): Producer {
  return {
    send: (webhook, message, options) =>
      enqueue({
        operation: "send",
        webhook,
        request: requests.sendMessage("Outbox.send", webhook, message, pickThread(options)),
        target: undefined,
        options,
      }),
    edit: (webhook, message, edit, options) => {
      const { messageId, target } = parseTarget(message)
      const place = pickThread(options)
      const request = requests.editMessage("Outbox.edit", webhook, messageId, edit, place)
      return enqueue({ operation: "edit", webhook, request, target, options })
    },
    delete: (webhook, message, options) => {
      const { messageId, target } = parseTarget(message)
      const place = pickThread(options)
      const request = requests.deleteMessage("Outbox.delete", webhook, messageId, place)
      return enqueue({ operation: "delete", webhook, request, target, options })
    },
    createThread: (webhook, thread, message, options) =>
      enqueue({
        operation: "createThread",
        webhook,
        request: createThread("Outbox.createThread", webhook, thread, message),
        target: undefined,
        options,
      }),
  }
}

function makeAdministration(
  store: Store,
  settings: Settings,
  settlements: Settlements,
): Omit<Service, keyof Producer> {
  return {
    await: (id) =>
      Effect.flatMap(settlements.wait(id), (entry): ReturnType<Service["await"]> => {
        if (entry === "missing") {
          return Effect.fail(new DiscordOutboxNotFound({ operation: "Outbox.await", id }))
        }
        return entry.state === "sent"
          ? Effect.succeed({ messageId: entry.messageId, channelId: entry.channelId })
          : Effect.fail(toDeadError(entry))
      }),
    get: (id) =>
      Effect.flatMap(store.find([id]), ([entry]) =>
        entry === undefined
          ? Effect.fail(new DiscordOutboxNotFound({ operation: "Outbox.get", id }))
          : Effect.succeed(toEntry(entry)),
      ),
    list: ({ after, limit = defaultListed, state, webhookId } = {}) =>
      Effect.map(store.list({ after, limit, state, webhookId }), (all) => all.map(toEntry)),
    stats: readStats(store),
    retry: (ids) => store.retry(ids),
    discard: (ids) =>
      Effect.tap(store.discard(ids), () => Effect.sync(() => settlements.report(ids))),
    pause: (webhookId) => store.setPaused(webhookId, true),
    resume: (webhookId) => store.setPaused(webhookId, false),
    sweep: sweep(store, settings.retention),
  }
}

function readStats(store: Store): Service["stats"] {
  const all = Effect.all([store.now, store.stats, store.queues(maxLongest)])
  return Effect.map(all, ([now, counts, queues]) => {
    const age = (at: number | undefined) =>
      at === undefined ? undefined : Duration.millis(Math.max(0, now - at))
    return {
      ready: counts.ready,
      sending: counts.sending,
      sent: counts.sent,
      dead: counts.dead,
      oldest: age(counts.oldestAt),
      webhooks: counts.queues,
      active: counts.owned,
      longest: queues.map(({ oldestAt, paused, pending, webhookId }) => ({
        webhookId,
        pending,
        paused,
        oldest: age(oldestAt),
      })),
    }
  })
}

/** Deletes the entries whose retention has ended. */
export function sweep(
  store: Store,
  { dead, sent }: Settings["retention"],
): Effect.Effect<number, DiscordOutboxUnavailable> {
  return Effect.flatMap(store.now, (now) => store.sweep({ sent: now - sent, dead: now - dead }))
}

function pickThread(options: EntryOptions | undefined): ThreadPlace {
  const threadId = options?.threadId
  return threadId === undefined ? {} : { threadId }
}

/** The id of a message, or of an entry whose message is not known yet. */
function parseTarget(message: string): {
  readonly messageId: string
  readonly target: string | undefined
} {
  return typeof message === "string" && message.startsWith(entryPrefix)
    ? { messageId: targetPlaceholder, target: message }
    : { messageId: message, target: undefined }
}

/** The operations of the outbox over any engine. */
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import {
  DiscordInvalidOption,
  WebhookFileError,
  WebhookValidationError,
} from "../error/WebhookError.js"
import type { Issue } from "../error/WebhookError.js"
import type { ThreadCreate } from "../model/ThreadCreate.js"
import { errorFields } from "../ratelimit/errorFields.js"
import type { Route } from "../ratelimit/Route.js"
import type { RestRequest } from "../rest/request.js"
import type { Webhook } from "../webhook/credentials.js"
import type { EditInput, MessageInput } from "../webhook/files.js"
import type { ThreadPlace } from "../webhook/operations.js"
import * as requests from "../webhook/requests.js"
import { createThread } from "../webhook/threads.js"
import { Batcher } from "./batcher.js"
import type { Engine } from "./engine.js"
import { toDeadError, toEntry } from "./entry.js"
import type { Entry } from "./entry.js"
import {
  DiscordOutboxFull,
  DiscordOutboxKeyConflict,
  DiscordOutboxNotFound,
  DiscordOutboxUnavailable,
} from "./OutboxError.js"
import type { DiscordOutboxDead, EnqueueError } from "./OutboxError.js"
import { Settlements } from "./settlements.js"
import type { Capacity, Enqueued, NewEntry, Operation, State, Store } from "./store.js"
import { storeRequest, targetPlaceholder } from "./storedRequest.js"
import type { TokenVault } from "./tokens.js"

/**
 * Options of an outbox, the same for every engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Maximum numbers of pending entries: of one webhook (default: 10 000) and of all (default: no
   * limit).
   */
  readonly capacity?: { readonly perWebhook?: number; readonly total?: number } | undefined
  /**
   * With a full outbox, `fail` (default) fails with `DiscordOutboxFull`, `wait` waits for space.
   * In a transaction of the caller it always fails, because waiting would keep the transaction open.
   */
  readonly whenFull?: "fail" | "wait" | undefined
  /**
   * How long ended entries are kept, for `get`, `await` and keys. Default: 7 days for sent ones,
   * 30 days for dead ones.
   */
  readonly retention?:
    | {
        readonly sent?: Duration.DurationInput
        readonly dead?: Duration.DurationInput
      }
    | undefined
  /** Maximum bytes of all files of one entry. Default: 25 MiB. */
  readonly maxStoredBytes?: number | undefined
  /** How often entries that other processes settle are looked for. Default: 1 second. */
  readonly pollInterval?: Duration.DurationInput | undefined
}

/**
 * Options of one entry.
 *
 * @since 0.1.0
 * @category models
 */
export interface EntryOptions {
  /**
   * Identifies the event that the entry reports, at most 200 characters. Storing the same entry with the
   * same key again stores nothing and returns the id of the first, until its retention ends.
   */
  readonly key?: string | undefined
  /** The time after which it is not sent any more, but dead. Default: never. */
  readonly expires?: Duration.DurationInput | undefined
  /**
   * The time before which it is not sent. Later entries of the webhook wait for it, because entries are
   * sent in the order of acceptance.
   */
  readonly notBefore?: Duration.DurationInput | undefined
  /** As in `Webhook.send`: the thread or forum post; `null` is the channel itself. */
  readonly threadId?: string | null | undefined
}

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
  /** Entries by state. */
  readonly ready: number
  readonly sending: number
  readonly sent: number
  readonly dead: number
  /** The age of the oldest pending entry. */
  readonly oldest: Duration.Duration | undefined
  /** Webhooks with pending entries, and those of them that a worker is sending. */
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
 * A message that was posted or edited.
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
  /** Deletes entries that are ready or dead. Returns how many were. */
  readonly discard: (ids: ReadonlyArray<string>) => Effect.Effect<number, DiscordOutboxUnavailable>
  /**
   * Stops sending, of one webhook or of all. A request in flight ends first; entries can still be
   * stored.
   */
  readonly pause: (webhookId?: string) => Effect.Effect<void, DiscordOutboxUnavailable>
  /** Continues. Without a webhook, it ends every pause. */
  readonly resume: (webhookId?: string) => Effect.Effect<void, DiscordOutboxUnavailable>
  /** Deletes the entries whose retention has ended. The worker does so every 10 minutes. */
  readonly sweep: Effect.Effect<number, DiscordOutboxUnavailable>
}

const maxKeyLength = 200
const maxLongest = 100
const maxEnqueued = 200
const defaultListed = 100
const fullDelay = Duration.millis(250)
const entryPrefix = "outbox-"

interface Settings {
  readonly capacity: Capacity
  readonly whenFull: "fail" | "wait"
  readonly retention: { readonly sent: number; readonly dead: number }
  readonly maxStoredBytes: number
  readonly pollInterval: number
}

const resolveOptions = (options: Options): Effect.Effect<Settings, DiscordInvalidOption> => {
  const settings: Settings = {
    capacity: {
      perWebhook: options.capacity?.perWebhook ?? 10_000,
      total: options.capacity?.total ?? Infinity,
    },
    whenFull: options.whenFull ?? "fail",
    retention: {
      sent: Duration.toMillis(options.retention?.sent ?? "7 days"),
      dead: Duration.toMillis(options.retention?.dead ?? "30 days"),
    },
    maxStoredBytes: options.maxStoredBytes ?? 25 * 1024 * 1024,
    pollInterval: Duration.toMillis(options.pollInterval ?? "1 second"),
  }
  const isCount = (value: number) => value >= 1 && (value === Infinity || Number.isInteger(value))
  const wrong = Object.entries({
    "capacity.perWebhook": settings.capacity.perWebhook,
    "capacity.total": settings.capacity.total,
    pollInterval: settings.pollInterval,
  }).find(([, value]) => !isCount(value))
  return wrong === undefined
    ? Effect.succeed(settings)
    : Effect.fail(
        new DiscordInvalidOption({
          option: `Outbox.${wrong[0]}`,
          expected: "a whole number of at least 1",
          actual: String(wrong[1]),
        }),
      )
}

export interface Made {
  readonly outbox: Service
  readonly engine: Engine["Type"]
}

/** Creates the outbox of an engine. Its fibers end with the scope. */
export const makeOutbox = Effect.fnUntraced(function* (
  store: Store,
  tokens: TokenVault,
  isDurable: boolean,
  options: Options,
): Effect.fn.Return<Made, DiscordInvalidOption, Scope.Scope> {
  const settings = yield* resolveOptions(options)
  const settlements = new Settlements(store)
  yield* Effect.forkScoped(settlements.poll(settings.pollInterval))
  const batcher = new Batcher({
    maxSize: maxEnqueued,
    identify: ({ id, key }: NewEntry) => key ?? id,
    run: (entries) => store.enqueue(entries, settings.capacity),
    closed: new DiscordOutboxUnavailable({ operation: "Outbox.send", reason: "closed" }),
  })
  yield* batcher.start

  const put = (entry: NewEntry): Effect.Effect<Enqueued, DiscordOutboxUnavailable> =>
    Effect.flatMap(store.isInTransaction, (isInTransaction) => {
      if (isInTransaction) {
        return Effect.map(store.enqueue([entry], settings.capacity), ([one]) => one as Enqueued)
      }
      const once = batcher.run(entry)
      return settings.whenFull === "fail"
        ? once
        : Effect.repeat(once, {
            while: ({ _tag }) =>
              Effect.delay(Effect.succeed(_tag === "Full"), _tag === "Full" ? fullDelay : 0),
          })
    })

  const enqueue = Effect.fnUntraced(function* (
    operation: Operation,
    webhook: Webhook,
    described: Effect.Effect<RestRequest<unknown>, WebhookValidationError | WebhookFileError>,
    target: string | undefined,
    entryOptions: EntryOptions | undefined,
  ): Effect.fn.Return<string, EnqueueError> {
    const checked = yield* described
    const { route } = checked
    yield* checkOptions(route, entryOptions ?? {})
    yield* checkSize(checked, settings.maxStoredBytes)
    const { files, request } = yield* storeRequest(checked, target)
    const { expires, key, notBefore } = entryOptions ?? {}
    const isTimed = expires !== undefined || notBefore !== undefined
    const now = isTimed ? yield* store.now : 0
    const entry: NewEntry = {
      id: yield* makeId,
      credentials: yield* tokens.seal(webhook),
      operation,
      request,
      files,
      key,
      fingerprint: key === undefined ? "" : yield* digest(webhook, operation, request, files),
      notBefore: notBefore === undefined ? undefined : now + Duration.toMillis(notBefore),
      expiresAt: expires === undefined ? undefined : now + Duration.toMillis(expires),
      trace: yield* currentTrace,
    }
    return yield* Effect.flatMap(put(entry), (result): Effect.Effect<string, EnqueueError> => {
      switch (result._tag) {
        case "Accepted":
          return Effect.succeed(entry.id)
        case "Duplicate":
          return Effect.succeed(result.id)
        case "KeyConflict":
          return new DiscordOutboxKeyConflict({
            ...pickPlace(route),
            key: key ?? "",
            id: result.id,
          })
        case "Full":
        default:
          return new DiscordOutboxFull({
            ...pickPlace(route),
            limit: result.limit,
            capacity: settings.capacity[result.limit],
            pending: result.pending,
          })
      }
    })
  })

  const find = (operation: string, id: string) =>
    Effect.flatMap(store.find([id]), ([entry]) =>
      entry === undefined ? new DiscordOutboxNotFound({ operation, id }) : Effect.succeed(entry),
    )

  const outbox: Service = {
    send: (webhook, message, entryOptions) =>
      enqueue(
        "send",
        webhook,
        requests.executeWebhook(
          "Outbox.send",
          webhook,
          message,
          pickThread(entryOptions),
          requests.waitQuery,
          requests.messageBody,
        ),
        undefined,
        entryOptions,
      ),
    edit: (webhook, message, edit, entryOptions) => {
      const { messageId, target } = parseTarget(message)
      return enqueue(
        "edit",
        webhook,
        requests.editMessage("Outbox.edit", webhook, messageId, edit, pickThread(entryOptions)),
        target,
        entryOptions,
      )
    },
    delete: (webhook, message, entryOptions) => {
      const { messageId, target } = parseTarget(message)
      return enqueue(
        "delete",
        webhook,
        requests.deleteMessage("Outbox.delete", webhook, messageId, pickThread(entryOptions)),
        target,
        entryOptions,
      )
    },
    createThread: (webhook, thread, message, entryOptions) =>
      enqueue(
        "createThread",
        webhook,
        createThread("Outbox.createThread", webhook, thread, message),
        undefined,
        entryOptions,
      ),
    await: (id) =>
      Effect.flatMap(settlements.wait(id), (entry): ReturnType<Service["await"]> => {
        if (entry === "missing") {
          return Effect.fail(new DiscordOutboxNotFound({ operation: "Outbox.await", id }))
        }
        return entry.state === "sent"
          ? Effect.succeed({ messageId: entry.messageId, channelId: entry.channelId })
          : Effect.fail(toDeadError(entry))
      }),
    get: (id) => Effect.map(find("Outbox.get", id), toEntry),
    list: ({ after, limit = defaultListed, state, webhookId } = {}) =>
      Effect.map(store.list({ after, limit, state, webhookId }), (all) => all.map(toEntry)),
    stats: Effect.map(
      Effect.all([store.now, store.stats, store.queues(maxLongest)]),
      ([now, stats, queues]) => {
        const age = (at: number | undefined) =>
          at === undefined ? undefined : Duration.millis(Math.max(0, now - at))
        return {
          ready: stats.ready,
          sending: stats.sending,
          sent: stats.sent,
          dead: stats.dead,
          oldest: age(stats.oldestAt),
          webhooks: stats.queues,
          active: stats.owned,
          longest: queues.map(({ oldestAt, paused, pending, webhookId }) => ({
            webhookId,
            pending,
            paused,
            oldest: age(oldestAt),
          })),
        }
      },
    ),
    retry: (ids) => store.retry(ids),
    discard: (ids) => Effect.tap(store.discard(ids), () => Effect.sync(() => settlements.report())),
    pause: (webhookId) => store.setPaused(webhookId, true),
    resume: (webhookId) => store.setPaused(webhookId, false),
    sweep: sweep(store, settings.retention),
  }
  return {
    outbox,
    engine: { store, tokens, settlements, isDurable, retention: settings.retention },
  }
})

/** Deletes the entries whose retention has ended. */
export const sweep = (
  store: Store,
  { dead, sent }: Settings["retention"],
): Effect.Effect<number, DiscordOutboxUnavailable> =>
  Effect.flatMap(store.now, (now) => store.sweep({ sent: now - sent, dead: now - dead }))

function pickThread(options: EntryOptions | undefined): ThreadPlace {
  const threadId = options?.threadId
  return threadId === undefined ? {} : { threadId }
}

function pickPlace(route: Route): { readonly operation: string; readonly webhookId: string } {
  const { operation, webhookId } = errorFields(route)
  return { operation, webhookId }
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

/** From `Random`, so that tests can repeat it; 128 bits, so that ids of several processes differ. */
const makeId: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 4),
  (words) => entryPrefix + words.map((word) => word.toString(16).padStart(8, "0")).join(""),
)

function checkOptions(
  route: Route,
  { expires, key, notBefore }: EntryOptions,
): Effect.Effect<void, WebhookValidationError> {
  const issues: Array<Issue> = []
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > maxKeyLength)) {
    const actual = typeof key === "string" ? `${key.length} characters` : typeof key
    issues.push({
      path: "key",
      message: `must be a string of 1 to ${maxKeyLength} characters, got ${actual}; hash a longer one`,
    })
  }
  for (const [path, value] of Object.entries({ expires, notBefore })) {
    if (value === undefined) continue
    const millis = Option.map(Duration.decodeUnknown(value), Duration.toMillis)
    if (Option.exists(millis, (finite) => Number.isSafeInteger(Math.ceil(finite)))) continue
    issues.push({ path, message: 'must be a duration from now, such as "10 minutes"' })
  }
  return issues.length === 0
    ? Effect.void
    : Effect.fail(new WebhookValidationError({ ...errorFields(route), issues }))
}

function checkSize(
  { body, route }: RestRequest<unknown>,
  limit: number,
): Effect.Effect<void, WebhookFileError> {
  if (body._tag !== "Upload") return Effect.void
  const size = body.files.reduce((sum, file) => sum + file.size, 0)
  return size <= limit
    ? Effect.void
    : Effect.fail(
        new WebhookFileError({
          ...errorFields(route),
          reason: "totalTooLarge",
          file: body.files.at(-1)?.name ?? "",
          size,
          limit,
          detail: "the outbox stores at most maxStoredBytes",
          delivered: "no",
        }),
      )
}

/** SHA-256 over everything that distinguishes two entries. */
function digest(
  { id }: Webhook,
  operation: Operation,
  request: string,
  files: NewEntry["files"],
): Effect.Effect<string> {
  return Effect.promise(async () => {
    const texts = [
      id,
      operation,
      request,
      ...files.flatMap(({ contentType, name }) => [name, contentType]),
    ]
    const head = new TextEncoder().encode(JSON.stringify(texts))
    const parts = [head, ...files.map(({ bytes }) => bytes)]
    const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return Encoding.encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", whole)))
  })
}

const currentTrace: Effect.Effect<string | undefined> = Effect.match(Effect.currentSpan, {
  onFailure: () => undefined,
  onSuccess: (span) => HttpTraceContext.toHeaders(span)["traceparent"],
})

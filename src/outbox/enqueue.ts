/** Stores entries: validates, reads files, seals the token, and waits for the engine. */
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { WebhookFileError, WebhookValidationError } from "../error/WebhookError.js"
import type { Issue } from "../error/WebhookError.js"
import { errorFields } from "../error/message.js"
import type { Route } from "../ratelimit/Route.js"
import type { RestRequest } from "../rest/request.js"
import { concatBytes } from "../rest/transports/direct.js"
import type { Webhook } from "../webhook/credentials.js"
import { isCommon } from "./availability.js"
import { Batcher } from "./batcher.js"
import type { Settings } from "./options.js"
import {
  DiscordOutboxFull,
  DiscordOutboxKeyConflict,
  DiscordOutboxUnavailable,
} from "./OutboxError.js"
import type { EnqueueError } from "./OutboxError.js"
import type { Enqueued, NewEntry, Operation, Store } from "./store.js"
import { storeRequest } from "./storedRequest.js"
import type { TokenVault } from "./tokens.js"

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

const maxKeyLength = 200
/** Maximum number of entries in one transaction. */
const maxEnqueued = 200
/** How often a full outbox is tried again. */
const fullDelay = Duration.millis(250)

/** The beginning of an entry's id, which no message id has. */
export const entryPrefix = "outbox-"

/** From `Random`, so that tests can repeat it; 128 bits, so that ids of several processes differ. */
const makeId: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 4),
  (words) => entryPrefix + words.map((word) => word.toString(16).padStart(8, "0")).join(""),
)

const currentTrace: Effect.Effect<string | undefined> = Effect.match(Effect.currentSpan, {
  onFailure: () => undefined,
  onSuccess: (span) => HttpTraceContext.toHeaders(span)["traceparent"],
})

/** What is to be stored. */
interface Call {
  readonly operation: Operation
  readonly webhook: Webhook
  readonly request: Effect.Effect<RestRequest<unknown>, WebhookValidationError | WebhookFileError>
  /** The entry whose message the request concerns. */
  readonly target: string | undefined
  readonly options: EntryOptions | undefined
}

const makeEntry = Effect.fnUntraced(function* (
  store: Store,
  tokens: TokenVault,
  settings: Settings,
  { operation, options = {}, request, target, webhook }: Call,
) {
  const checked = yield* request
  const { route } = checked
  yield* checkOptions(route, options)
  yield* checkSize(checked, settings.maxStoredBytes)
  const stored = yield* storeRequest(checked, target)
  const { expires, key, notBefore } = options
  const isTimed = expires !== undefined || notBefore !== undefined
  const now = isTimed ? yield* store.now : 0
  const after = (delay: Duration.DurationInput | undefined) =>
    delay === undefined ? undefined : Math.ceil(now + Duration.toMillis(delay))
  const entry: NewEntry = {
    id: yield* makeId,
    credentials: yield* tokens.seal(webhook),
    operation,
    ...stored,
    key,
    fingerprint: key === undefined ? "" : yield* digest(webhook, operation, stored),
    notBefore: after(notBefore),
    expiresAt: after(expires),
    trace: yield* currentTrace,
  }
  return { entry, route }
})

/** Stores one call, and returns the id of the entry. */
export type Enqueue = (call: Call) => Effect.Effect<string, EnqueueError>

/** Calls that are made at the same time are stored in one transaction. */
export const makeEnqueue = (
  store: Store,
  tokens: TokenVault,
  settings: Settings,
): Effect.Effect<Enqueue, never, Scope.Scope> => {
  const batcher = new Batcher({
    gather: store.gather,
    maxSize: maxEnqueued,
    identify: ({ id, key }: NewEntry) => key ?? id,
    run: (entries) => store.enqueue(entries, settings.capacity),
    isCommon,
    closed: new DiscordOutboxUnavailable({ operation: "Outbox.send", reason: "closed" }),
  })
  const put = (entry: NewEntry): Effect.Effect<Enqueued, DiscordOutboxUnavailable> =>
    Effect.flatMap(store.isInTransaction, (isInTransaction) => {
      if (isInTransaction) return enqueueOne(store, entry, settings)
      const once = batcher.run(entry)
      return settings.whenFull === "fail" ? once : waitForSpace(once)
    })
  const enqueue: Enqueue = Effect.fnUntraced(function* (call) {
    const { entry, route } = yield* makeEntry(store, tokens, settings, call)
    const result = yield* put(entry)
    return yield* explain(entry, route, settings, result)
  })
  return Effect.as(batcher.start, enqueue)
}

function enqueueOne(
  store: Store,
  entry: NewEntry,
  { capacity }: Settings,
): Effect.Effect<Enqueued, DiscordOutboxUnavailable> {
  return Effect.flatMap(store.enqueue([entry], capacity), ([result]) =>
    result === undefined
      ? Effect.dieMessage("an engine returns one result for each entry")
      : Effect.succeed(result),
  )
}

function waitForSpace<E>(once: Effect.Effect<Enqueued, E>): Effect.Effect<Enqueued, E> {
  return Effect.flatMap(once, (result) =>
    result._tag === "Full"
      ? Effect.zipRight(
          Effect.sleep(fullDelay),
          Effect.suspend(() => waitForSpace(once)),
        )
      : Effect.succeed(result),
  )
}

function explain(
  { id, key = "" }: NewEntry,
  route: Route,
  { capacity }: Settings,
  result: Enqueued,
): Effect.Effect<string, DiscordOutboxFull | DiscordOutboxKeyConflict> {
  const { operation, webhookId } = errorFields(route)
  switch (result._tag) {
    case "Accepted":
      return Effect.succeed(id)
    case "Duplicate":
      return Effect.succeed(result.id)
    case "KeyConflict":
      return Effect.fail(new DiscordOutboxKeyConflict({ operation, webhookId, key, id: result.id }))
    case "Full":
    default:
      return Effect.fail(
        new DiscordOutboxFull({
          operation,
          webhookId,
          limit: result.limit,
          capacity: capacity[result.limit],
          pending: result.pending,
        }),
      )
  }
}

function checkOptions(
  route: Route,
  { expires, key, notBefore }: EntryOptions,
): Effect.Effect<void, WebhookValidationError> {
  const issues: Array<Issue> = []
  const wrongKey = key === undefined ? undefined : describeWrongKey(key)
  if (wrongKey !== undefined) issues.push({ path: "key", message: wrongKey })
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

/** Databases store no NUL and no half of a character. */
function describeWrongKey(key: unknown): string | undefined {
  const expected = `must be a string of 1 to ${maxKeyLength} characters`
  if (typeof key !== "string") return `${expected}, got ${typeof key}`
  if (key === "" || key.length > maxKeyLength) {
    return `${expected}, got ${key.length} characters; hash a longer one`
  }
  return /[\0\p{Surrogate}]/u.test(key) ? `${expected} without NUL and half characters` : undefined
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
  { files, request }: Pick<NewEntry, "files" | "request">,
): Effect.Effect<string> {
  return Effect.promise(async () => {
    const texts = [
      id,
      operation,
      request,
      ...files.flatMap(({ contentType, name }) => [name, contentType]),
    ]
    const head = new TextEncoder().encode(JSON.stringify(texts))
    const whole = concatBytes([head, ...files.map(({ bytes }) => bytes)])
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `head` and copies are not shared memory
    const digested = await crypto.subtle.digest("SHA-256", whole as Uint8Array<ArrayBuffer>)
    return Encoding.encodeHex(new Uint8Array(digested))
  })
}

/** Entries as the outbox shows them to programs. */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DeadReason, DiscordOutboxDead } from "./OutboxError.js"
import { operationNames, parseRequest } from "./storedRequest.js"
import type { Operation, State, StoredEntry } from "./store.js"

/** The last error of an entry, as it is stored. */
const StoredError = Schema.Struct({
  /** Why the entry is dead; `retry` or `inDoubt` if it is not. */
  reason: Schema.Union(DeadReason, Schema.Literal("retry")),
  /** The tag of the error, such as `WebhookBadRequest`. */
  tag: Schema.optionalWith(Schema.String, { exact: true }),
  message: Schema.String,
})

/**
 * The last error of an entry.
 *
 * @since 0.1.0
 * @category models
 */
export type EntryError = typeof StoredError.Type

/**
 * An entry of the outbox: a stored operation and what became of it.
 *
 * - `ready`: it waits for its turn, or for a retry
 * - `sending`: a request was started, and its result is not recorded yet
 * - `sent`: Discord acted on it
 * - `dead`: it will not be sent; see `error`
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly id: string
  readonly webhookId: string
  readonly operation: Operation
  readonly state: State
  readonly key: string | undefined
  /** The JSON that Discord gets; `undefined` for a deletion and for a damaged row. */
  readonly body: unknown
  /** The number of files. */
  readonly files: number
  /** The number of requests that were started. */
  readonly attempts: number
  /** The number of requests whose effect is not known. */
  readonly inDoubt: number
  readonly acceptedAt: DateTime.Utc
  readonly notBefore: DateTime.Utc | undefined
  readonly expiresAt: DateTime.Utc | undefined
  /** When it became `sent` or `dead`. */
  readonly settledAt: DateTime.Utc | undefined
  /** The message that was posted or edited; `undefined` if the response could not be read. */
  readonly messageId: string | undefined
  /** The channel of the message; the new thread for `createThread`. */
  readonly channelId: string | undefined
  readonly error: EntryError | undefined
}

export const toEntry = (stored: StoredEntry): Entry => ({
  id: stored.id,
  webhookId: stored.webhookId,
  operation: stored.operation,
  state: stored.state,
  key: stored.key,
  body: Either.getOrUndefined(Either.map(parseRequest(stored.request), ({ body }) => body)),
  files: stored.files,
  attempts: stored.attempts,
  inDoubt: stored.inDoubt,
  acceptedAt: DateTime.unsafeMake(stored.acceptedAt),
  notBefore: toDateTime(stored.notBefore),
  expiresAt: toDateTime(stored.expiresAt),
  settledAt: toDateTime(stored.settledAt),
  messageId: stored.messageId,
  channelId: stored.channelId,
  error: stored.error === undefined ? undefined : parseError(stored.error),
})

/** Converts milliseconds since 1970; `undefined` for a damaged row, too. */
function toDateTime(millis: number | undefined): DateTime.Utc | undefined {
  return millis === undefined ? undefined : Option.getOrUndefined(DateTime.make(millis))
}

const errorJson = Schema.parseJson(StoredError)
const encodeStored = Schema.encodeSync(errorJson)
const decodeStored = Schema.decodeEither(errorJson)

export function encodeError(error: EntryError): string {
  return encodeStored(error)
}

function parseError(text: string): EntryError {
  return Either.getOrElse(decodeStored(text), () => ({
    reason: "damaged" as const,
    message: "the stored error cannot be read",
  }))
}

/** The error of whoever waits for a dead entry. */
export const toDeadError = (stored: StoredEntry): DiscordOutboxDead => {
  const { error, id, operation, webhookId } = toEntry(stored)
  return new DiscordOutboxDead({
    operation: operationNames[operation],
    webhookId,
    id,
    reason: error === undefined || error.reason === "retry" ? "damaged" : error.reason,
    ...(error?.tag === undefined ? {} : { errorTag: error.tag }),
    detail: error?.message ?? "the stored error is missing",
  })
}

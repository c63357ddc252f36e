/**
 * The errors of the outbox.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"
import { WebhookFileError, WebhookValidationError } from "../error/WebhookError.js"
import { formatPlace } from "../error/message.js"

/** The called function and the webhook that it was called with. */
const call = {
  /** Such as `Outbox.send`. */
  operation: Schema.String,
  webhookId: Schema.String,
}

const fullReasons = {
  perWebhook: "this webhook",
  total: "all webhooks",
}

/**
 * The outbox contains as many pending entries as `capacity` allows; nothing was stored. Slow the
 * producer down, raise the capacity, or let `send` wait (`whenFull: "wait"`).
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const send = (hook: Webhook.Webhook, content: string) =>
 *   Outbox.send(hook, { content }).pipe(
 *     Effect.catchTag("DiscordOutboxFull", ({ pending }) =>
 *       Effect.logWarning(`dropped: ${pending} messages wait already`),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordOutboxFull extends Schema.TaggedError<DiscordOutboxFull>()(
  "DiscordOutboxFull",
  {
    ...call,
    /** The exceeded capacity: that of one webhook, or of the whole outbox. */
    limit: Schema.Literal("perWebhook", "total"),
    capacity: Schema.Number,
    pending: Schema.Number,
  },
) {
  override get message(): string {
    return `${formatPlace(this)}: nothing was stored, because ${this.pending} entries of ${fullReasons[this.limit]} are pending and the capacity is ${this.capacity}; raise it, slow the producer down, or set whenFull: "wait"`
  }
}

/**
 * The key belongs to an entry with another webhook, operation or content; nothing was stored. A key
 * names one event, such as `order-7-created`.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const send = (hook: Webhook.Webhook, order: number, content: string) =>
 *   Outbox.send(hook, { content }, { key: `order-${order}` }).pipe(
 *     Effect.catchTag("DiscordOutboxKeyConflict", ({ id }) => Effect.succeed(id)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordOutboxKeyConflict extends Schema.TaggedError<DiscordOutboxKeyConflict>()(
  "DiscordOutboxKeyConflict",
  {
    ...call,
    key: Schema.String,
    /** The id of the entry that has the key. */
    id: Schema.String,
  },
) {
  override get message(): string {
    return `${formatPlace(this)}: the key ${JSON.stringify(this.key)} belongs to a different entry (${this.id}); nothing was stored. A key names one event: use another key, or repeat the same webhook, operation and content`
  }
}

const unavailableReasons = {
  connection: "the database cannot be reached",
  busy: "the database is busy with other transactions; try again",
  constraint: "the database rejected the statement",
  full: "the disk or the database is full",
  schemaTooNew:
    "the tables were created by a newer version of effect-discord; update this process, or use another table prefix",
  migration: "the tables could not be created or migrated",
  key: "the key that seals the tokens cannot be used",
  damaged: "the database or a stored row is damaged",
  closed: "the outbox's scope is closed; keep its layer around the whole program",
}

/**
 * The engine of the outbox failed. An entry that was being stored is stored or not, never half;
 * with a `key` it is safe to store it again.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect, Schedule } from "effect"
 *
 * const send = (hook: Webhook.Webhook, key: string, content: string) =>
 *   Outbox.send(hook, { content }, { key }).pipe(
 *     Effect.retry({
 *       while: (error) => error._tag === "DiscordOutboxUnavailable",
 *       schedule: Schedule.exponential("100 millis"),
 *       times: 5,
 *     }),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordOutboxUnavailable extends Schema.TaggedError<DiscordOutboxUnavailable>()(
  "DiscordOutboxUnavailable",
  {
    operation: Schema.String,
    reason: Schema.Literal(
      "connection",
      "busy",
      "constraint",
      "full",
      "schemaTooNew",
      "migration",
      "key",
      "damaged",
      "closed",
    ),
    /** The database's own message, without values. */
    detail: Schema.optionalWith(Schema.String, { exact: true }),
  },
) {
  override get message(): string {
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return `${this.operation}: ${unavailableReasons[this.reason]}${detail}`
  }
}

/**
 * The outbox has no entry of this id: it was discarded, its retention has ended, or the transaction
 * that stored it was rolled back.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const isStored = (id: string) =>
 *   Outbox.get(id).pipe(
 *     Effect.as(true),
 *     Effect.catchTag("DiscordOutboxNotFound", () => Effect.succeed(false)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordOutboxNotFound extends Schema.TaggedError<DiscordOutboxNotFound>()(
  "DiscordOutboxNotFound",
  { operation: Schema.String, id: Schema.String },
) {
  override get message(): string {
    return `${this.operation}: the outbox has no entry ${this.id}; it was discarded, its retention has ended, or the transaction that stored it was rolled back`
  }
}

const deadReasons = {
  rejected: "Discord or the SDK rejected it for good",
  webhook: "the webhook does not exist any more, or its token is not valid",
  inDoubt: "it may or may not have been posted, and inDoubt is hold",
  expired: "it expired before it could be sent",
  target: "the entry that it refers to was not sent",
  damaged: "its stored row cannot be read",
  token: "the token of its webhook is not available",
}

/**
 * Why an entry is dead.
 *
 * @example
 * ```ts
 * import type { OutboxError } from "effect-discord/outbox"
 *
 * const isForAPerson = (reason: OutboxError.DeadReason) => reason === "inDoubt" || reason === "rejected"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const DeadReason = Schema.Literal(
  "rejected",
  "webhook",
  "inDoubt",
  "expired",
  "target",
  "damaged",
  "token",
)
/**
 * @since 0.1.0
 * @category models
 */
export type DeadReason = typeof DeadReason.Type

/**
 * The entry will not be sent: it is dead. `Outbox.retry` makes it ready again, `Outbox.discard`
 * deletes it.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const confirm = (id: string) =>
 *   Outbox.await(id).pipe(
 *     Effect.catchTag("DiscordOutboxDead", ({ detail, reason }) =>
 *       Effect.logError(`not sent: ${reason}, ${detail}`),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordOutboxDead extends Schema.TaggedError<DiscordOutboxDead>()(
  "DiscordOutboxDead",
  {
    ...call,
    id: Schema.String,
    reason: DeadReason,
    /** The tag of the last error, such as `WebhookBadRequest`. */
    errorTag: Schema.optionalWith(Schema.String, { exact: true }),
    /** The message of the last error. */
    detail: Schema.String,
  },
) {
  override get message(): string {
    const place = formatPlace(this)
    // The last error often belongs to the same call.
    const detail = this.detail.replace(`${place}: `, "")
    return `${place}: entry ${this.id} is dead, because ${deadReasons[this.reason]}: ${detail}; Outbox.retry makes it ready again, Outbox.discard deletes it`
  }
}

/**
 * The errors of storing an entry.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox, OutboxError } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const store = (
 *   hook: Webhook.Webhook,
 *   content: string,
 * ): Effect.Effect<string, OutboxError.EnqueueError, Outbox.Outbox> => Outbox.send(hook, { content })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const EnqueueError = Schema.Union(
  WebhookValidationError,
  WebhookFileError,
  DiscordOutboxFull,
  DiscordOutboxKeyConflict,
  DiscordOutboxUnavailable,
)
/**
 * @since 0.1.0
 * @category errors
 */
export type EnqueueError = typeof EnqueueError.Type

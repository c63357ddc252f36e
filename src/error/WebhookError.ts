/**
 * The errors of webhook operations, as tagged values.
 *
 * Each class is named after its tag. `Webhook…` errors concern one webhook and what is sent through
 * it; `Discord…` errors concern what all webhooks share: Discord's service, the connection, the
 * rate limiter and the settings. The prefix separates the tags from those of other libraries, such
 * as `Unauthorized` of `HttpApi`.
 *
 * No error contains a URL, a token or a platform error: only the route template, Discord's message
 * without the token, and numbers. Each class is a Schema, so errors can be logged, stored and sent
 * as JSON.
 *
 * @since 0.1.0
 * @module
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import {
  fileFigures,
  formatInvalidCredentials,
  formatIssues,
  formatPlace,
  formatRemembered,
  formatResponse,
  urlReasons,
} from "./message.js"

/**
 * Whether the request took effect at Discord.
 *
 * - `"no"`: it did not; sending it again is safe.
 * - `"unknown"`: it may have. A webhook message has no nonce, so sending it again may post it
 *   twice.
 * - `"yes"`: it did, but the response could not be read.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { WebhookError } from "effect-discord"
 *
 * Schema.is(WebhookError.Delivered)("unknown") // true
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Delivered = Schema.Literal("no", "unknown", "yes")
/**
 * @since 0.1.0
 * @category models
 */
export type Delivered = typeof Delivered.Type

/**
 * One invalid part of a message: its path (`embeds[0].fields[2].name`) and a description.
 *
 * @example
 * ```ts
 * import type { WebhookError } from "effect-discord"
 *
 * const line = ({ path, message }: WebhookError.Issue) => `${path}: ${message}`
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Issue = Schema.Struct({
  path: Schema.String,
  message: Schema.String,
  /** Discord's error code such as `BASE_TYPE_MAX_LENGTH`, if Discord reported the issue. */
  code: exactOptional(Schema.String),
})
/**
 * @since 0.1.0
 * @category models
 */
export type Issue = typeof Issue.Type

const delivery: Record<Delivered, string> = {
  no: "Discord did not act on it",
  unknown: "it may or may not have taken effect",
  yes: "it took effect",
}

/**
 * As `Schema.DurationFromMillis`, whose check that the number is not negative would add 0.2 kB to
 * every bundle. `Duration.millis` turns a negative number into zero.
 */
const Millis = Schema.transform(Schema.Number, Schema.DurationFromSelf, {
  strict: true,
  decode: Duration.millis,
  encode: Duration.toMillis,
})

/**
 * The field of `Schema.optionalWith(schema, { exact: true })`. The code of that function for its
 * other options would add half a kilobyte to every bundle.
 */
function exactOptional<A, I>(
  schema: Schema.Schema<A, I>,
): Schema.PropertySignature<"?:", A, never, "?:", I> {
  return Schema.makePropertySignature(
    new Schema.PropertySignatureDeclaration(schema.ast, true, true, {}, undefined),
  )
}

/** The route template, such as `POST /webhooks/{webhook.id}/{webhook.token}`; never a URL. */
const route = Schema.String

/** A function, because a spread argument in its fields makes bundlers keep an unused class (`...Struct.keys(texts)`). */
const keysOf = <K extends string>(texts: Readonly<Record<K, string>>) =>
  Schema.Literal(...Struct.keys(texts))

/** The called function, and the webhook that it was called with. */
const request = {
  /** Such as `Webhook.send`. */
  operation: Schema.String,
  /** For an interaction, the id of its application. */
  webhookId: Schema.String,
  route,
}

/**
 * The fields of an error that most programs do not use: bundlers keep an unused class whose fields contain a spread,
 * but not one whose fields come from a function. Nearly every program uses the other errors, so those spread `request`.
 */
const withRequest = <Fields extends Schema.Struct.Fields>(fields: Fields) => ({
  ...request,
  ...fields,
})

/** The fields of every error that is made from a response. */
const response = {
  ...request,
  /** The HTTP status. */
  status: Schema.Number,
  /** Discord's JSON error code; 0 if the response has none. */
  code: Schema.Number,
  /** Discord's error message, without the token. */
  reply: Schema.String,
}

/**
 * The text is not the URL of a Discord webhook, or the parts are not the credentials of a webhook or
 * an interaction. The error does not repeat them, because they may contain a token.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const hook = Webhook.fromUrl("https://example.com/api/webhooks/1234/abc-DEF_5").pipe(
 *   Effect.catchTag("WebhookInvalidUrl", ({ reason }) => Effect.dieMessage(reason)), // "host"
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookInvalidUrl extends Schema.TaggedError<WebhookInvalidUrl>()(
  "WebhookInvalidUrl",
  {
    reason: keysOf(urlReasons),
    /** Present if the credentials are those of an interaction. */
    kind: exactOptional(Schema.Literal("interaction")),
  },
) {
  override get message(): string {
    return formatInvalidCredentials(this.reason, this.kind)
  }
}

/**
 * The input exceeds a documented limit; nothing was sent.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, content: string) =>
 *   Webhook.send(hook, { content }).pipe(
 *     Effect.catchTag("WebhookValidationError", ({ issues }) => Effect.logError(issues)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookValidationError extends Schema.TaggedError<WebhookValidationError>()(
  "WebhookValidationError",
  {
    operation: request.operation,
    /** Absent if the argument is not a webhook. */
    webhookId: exactOptional(request.webhookId),
    route,
    issues: Schema.Array(Issue),
    /** Number of further issues, if `issues` contains only the first 100. */
    omitted: exactOptional(Schema.Number),
  },
) {
  override get message(): string {
    return `${formatPlace(this)}: ${formatIssues(this.issues, this.omitted)}`
  }
}

/**
 * Discord rejected the body (400). The nested errors of code 50035 are flattened to paths.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, username: string) =>
 *   Webhook.send(hook, { content: "hi", username }).pipe(
 *     // Discord documents only some of its rules for names.
 *     Effect.catchTag("WebhookBadRequest", () => Webhook.send(hook, { content: "hi" })),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookBadRequest extends Schema.TaggedError<WebhookBadRequest>()(
  "WebhookBadRequest",
  {
    ...response,
    issues: Schema.Array(Issue),
    /** Number of further issues, if `issues` contains only the first 100. */
    omitted: exactOptional(Schema.Number),
  },
) {
  override get message(): string {
    const found = this.issues.length === 0 ? this.reply : formatIssues(this.issues, this.omitted)
    return `${formatResponse(this)}: ${found}`
  }
}

/**
 * The webhook was deleted (code 10015). Later calls fail with `remembered: true` and send nothing,
 * because Discord restricts clients that continue to use a deleted webhook.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, forget: (id: string) => Effect.Effect<void>) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     Effect.catchTag("WebhookNotFound", ({ webhookId }) => forget(webhookId)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookNotFound extends Schema.TaggedError<WebhookNotFound>()("WebhookNotFound", {
  ...response,
  remembered: Schema.Boolean,
}) {
  override get message(): string {
    return `${formatResponse(this)}: the webhook does not exist any more${formatRemembered(this)}; stop using its URL`
  }
}

/**
 * The webhook has no message of this id (code 10008). A message in a thread is found only with
 * `threadId`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const update = (hook: Webhook.Webhook, id: string, content: string) =>
 *   Webhook.editMessage(hook, id, { content }).pipe(
 *     Effect.catchTag("WebhookMessageNotFound", () => Webhook.send(hook, { content })),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookMessageNotFound extends Schema.TaggedError<WebhookMessageNotFound>()(
  "WebhookMessageNotFound",
  {
    ...response,
  },
) {
  override get message(): string {
    return `${formatResponse(this)}: no such message on this webhook; if it is in a thread, pass its threadId`
  }
}

/**
 * Discord rejects the token (401). Code 50027 means that the token was never valid or no longer is;
 * later calls then fail with `remembered: true` and send nothing.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const check = (hook: Webhook.Webhook) =>
 *   Webhook.get(hook).pipe(
 *     Effect.as(true),
 *     Effect.catchTag("WebhookUnauthorized", "WebhookNotFound", () => Effect.succeed(false)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookUnauthorized extends Schema.TaggedError<WebhookUnauthorized>()(
  "WebhookUnauthorized",
  {
    ...response,
    remembered: Schema.Boolean,
  },
) {
  override get message(): string {
    return `${formatResponse(this)}: the token of the webhook is not valid${formatRemembered(this)}: ${this.reply}`
  }
}

/**
 * Discord denies the operation (403).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     Effect.catchTag("WebhookForbidden", ({ reply }) => Effect.logError(reply)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookForbidden extends Schema.TaggedError<WebhookForbidden>()("WebhookForbidden", {
  ...response,
}) {
  override get message(): string {
    return `${formatResponse(this)}: ${this.reply}`
  }
}

const interactionReasons = {
  expired:
    "the token of the interaction is invalid or has expired: it is valid for 15 minutes, or for 3 seconds without an initial response",
  notResponded:
    "Discord has no response to the interaction yet; send the initial response first; right after a deferred one, try again a second later",
  tooManyFollowUps:
    "an app that is installed for a user but not in the server sends at most 5 follow-ups per interaction",
}

/**
 * Discord rejects the request to an interaction, and did not act on it.
 *
 * - `expired` (code 50027): the token has expired or was never valid. Later calls fail with
 *   `remembered: true` and send nothing.
 * - `notResponded` (code 10015): there is no initial response, or Discord has not processed it yet.
 *   After a deferred response this can take some seconds.
 * - `tooManyFollowUps` (code 40094)
 *
 * @example
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { InteractionWebhook } from "effect-discord"
 *
 * const finish = (interaction: InteractionWebhook.InteractionWebhook, content: string) =>
 *   InteractionWebhook.editMessage(interaction, "@original", { content }).pipe(
 *     Effect.retry({
 *       while: (error) =>
 *         error._tag === "WebhookInteractionError" && error.reason === "notResponded",
 *       schedule: Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(5)),
 *     }),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookInteractionError extends Schema.TaggedError<WebhookInteractionError>()(
  "WebhookInteractionError",
  {
    ...response,
    reason: keysOf(interactionReasons),
    remembered: Schema.Boolean,
  },
) {
  override get message(): string {
    return `${formatResponse(this)}${formatRemembered(this)}: ${interactionReasons[this.reason]}`
  }
}

const threadReasons = {
  unknownThread:
    "the webhook's channel has no such thread; check threadId, and whether the thread was deleted",
  archived: "the thread is archived; send a message to it, which unarchives it, and try again",
  locked: "the thread is locked; unlocking it requires the permission to manage threads",
  nameRequired:
    "a forum or media channel contains only threads; start one with createThread, or pass a threadId",
  nameAndId:
    "a message goes to a new thread or to an existing one; leave out threadName or threadId",
  notAForum: "a webhook starts threads only in forum and media channels; send without one",
  serviceInForum:
    "Slack- and GitHub-compatible requests do not work in forum and media channels; use createThread and sendToThread",
  tagRequired: "a thread in this channel needs a tag; pass appliedTags",
  unknownTag: "this channel has no such tag; appliedTags takes the ids of its own tags",
  tagsReserved: "only moderators may set the tags of this channel",
  titleBlocked: "AutoMod, set up by the server, blocked the name of the thread; choose another",
  tooManyActive: "the server has too many active threads; archive one, or wait until one archives",
  slowmode: "slowmode",
  missingPermission:
    "a permission is missing there; see the permissions of the channel, which its threads inherit",
  cannotPost:
    "this channel does not accept such messages; messages of a forum or media channel are in threads",
}

/**
 * Discord rejects the request because of the thread, or because a thread is missing. It did not act
 * on the request.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const note = (hook: Webhook.Webhook, threadId: string, content: string) =>
 *   Webhook.sendToThread(hook, threadId, { content }).pipe(
 *     Effect.catchIf(
 *       (error) => error._tag === "WebhookThreadError" && error.reason === "unknownThread",
 *       () => Webhook.send(hook, { content }, { threadId: null }),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookThreadError extends Schema.TaggedError<WebhookThreadError>()(
  "WebhookThreadError",
  {
    ...response,
    reason: keysOf(threadReasons),
    /** With `slowmode`: the time until Discord accepts the next message, if known. */
    retryAfter: exactOptional(Millis),
  },
) {
  override get message(): string {
    const { reason, retryAfter } = this
    return `${formatResponse(this)}: ${threadReasons[reason]}${formatRetry(retryAfter)}`
  }
}

const fileReasons = {
  missing: "there is no such file; check the path",
  notAFile: "is not a regular file, but for example a directory; give the path of a file",
  unreadable: "cannot be read",
  changed: "changed while it was read; send a copy of it, or create the FileUpload again",
  readOnce: "can be read only once",
  invalidSize: "needs a size in whole bytes; pass the length of the stream",
  duplicateName: "is the name of two files; rename one, so that attachment:// is unambiguous",
  tooLarge: "is larger than a file may be",
  totalTooLarge: "makes the files of the message larger than they may be together",
  tooMany: "is one file more than a message may have",
}

/**
 * A file cannot be sent: it is missing or unreadable, its size changed, or it exceeds a limit of
 * `RestConfig.uploads`. Discord received no complete request and posted nothing, unless `delivered`
 * reports otherwise for an earlier attempt.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { FileUpload, Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, file: FileUpload.FileUpload) =>
 *   Webhook.send(hook, { files: [file] }).pipe(
 *     Effect.catchTag("WebhookFileError", ({ file: name, reason }) =>
 *       Webhook.send(hook, { content: `${name} is not here: ${reason}` }),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookFileError extends Schema.TaggedError<WebhookFileError>()("WebhookFileError", {
  /** Absent if the file was not part of a request yet. */
  operation: exactOptional(Schema.String),
  webhookId: exactOptional(Schema.String),
  route: exactOptional(route),
  reason: keysOf(fileReasons),
  /** The file's path, or its name if it has no path. */
  file: Schema.String,
  /** Bytes of the file, or of all files for `totalTooLarge`; the number of files for `tooMany`. */
  size: exactOptional(Schema.Number),
  /** The maximum of `size`, in the same unit; for `changed` the declared size. */
  limit: exactOptional(Schema.Number),
  /** The name of the first preset in `UploadLimits.presets` that allows the whole message. */
  preset: exactOptional(Schema.String),
  /** The cause in a few words, such as `PermissionDenied`. */
  detail: exactOptional(Schema.String),
  delivered: Delivered,
}) {
  override get message(): string {
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    const fault = `${this.file}: ${fileReasons[this.reason]}${detail}${fileFigures(this)}`
    const { operation, webhookId } = this
    return operation === undefined
      ? fault
      : `${formatPlace({ operation, webhookId })}: ${fault}; ${delivery[this.delivered]}`
  }
}

/**
 * A file or the request is too large (413, codes 40005, 50045).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { FileUpload, Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, video: FileUpload.FileUpload, link: string) =>
 *   Webhook.send(hook, { files: [video] }).pipe(
 *     Effect.catchTag("WebhookPayloadTooLarge", () => Webhook.send(hook, { content: link })),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookPayloadTooLarge extends Schema.TaggedError<WebhookPayloadTooLarge>()(
  "WebhookPayloadTooLarge",
  {
    ...response,
  },
) {
  override get message(): string {
    return `${formatResponse(this)}: the request is larger than Discord accepts here`
  }
}

/**
 * A rate limit exceeds what the caller accepts: `reason` is `"maxWait"` if the known wait exceeds
 * `maxWait` (before it waits, or as soon as it is known), `"attempts"` after too many consecutive 429 responses.
 * Discord did not act on the request; sending it after `retryAfter` is safe.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { RestConfig, Webhook } from "effect-discord"
 *
 * const now = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "a price that is old in a second" }).pipe(
 *     RestConfig.withOptions({ maxWait: "1 second" }),
 *     Effect.catchTag("WebhookRateLimited", () => Effect.void),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookRateLimited extends Schema.TaggedError<WebhookRateLimited>()(
  "WebhookRateLimited",
  {
    ...request,
    reason: Schema.Literal("maxWait", "attempts"),
    /**
     * 0 if the time is unknown, because the request waited for another request's response or for
     * another process.
     */
    retryAfter: Millis,
    /**
     * `bucket`: a limit known without a 429. `edge`: a block in front of the API (Cloudflare).
     * `proxy`: a limit of the other host that `baseUrl` names.
     */
    scope: Schema.Literal("bucket", "user", "shared", "global", "edge", "proxy"),
    bucket: exactOptional(Schema.String),
    attempts: Schema.Number,
  },
) {
  override get message(): string {
    const why =
      this.reason === "maxWait"
        ? "the wait is longer than maxWait"
        : `still limited after ${this.attempts} ${this.attempts === 1 ? "attempt" : "attempts"}`
    return `${formatPlace(this)}: rate limited (${this.scope}), ${why}${formatRetry(this.retryAfter)}`
  }
}

/**
 * The queue of this bucket is full; nothing was sent. Slow the producer down.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, content: string) =>
 *   Webhook.send(hook, { content }).pipe(
 *     Effect.catchTag("WebhookQueueFull", ({ capacity }) =>
 *       Effect.logWarning(`dropped: ${capacity} messages wait already`),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookQueueFull extends Schema.TaggedError<WebhookQueueFull>()("WebhookQueueFull", {
  ...request,
  capacity: Schema.Number,
}) {
  override get message(): string {
    return `${formatPlace(this)}: ${this.capacity} requests already wait for this bucket; nothing was sent`
  }
}

/**
 * The scope of the rate limiter is closed. Discord received no request, except for an
 * attempt that it had rejected before and that was to be repeated.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const lastWords = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "bye" }).pipe(
 *     Effect.catchTag("DiscordRateLimiterClosed", () => Effect.logWarning("too late")),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordRateLimiterClosed extends Schema.TaggedError<DiscordRateLimiterClosed>()(
  "DiscordRateLimiterClosed",
  request,
) {
  override get message(): string {
    return `${formatPlace(this)}: the rate limiter's scope is closed; keep its layer around the whole program`
  }
}

/**
 * The store that processes share their limits in, such as Redis, has been unavailable for longer than
 * `failAfter`. Discord received no request, except for an attempt that it had rejected before and that was
 * to be repeated.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hello" }).pipe(
 *     Effect.catchTag("DiscordRateLimiterUnavailable", ({ detail }) => Effect.logError(detail)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordRateLimiterUnavailable extends Schema.TaggedError<DiscordRateLimiterUnavailable>()(
  "DiscordRateLimiterUnavailable",
  withRequest({
    /** What the store reports. */
    detail: Schema.String,
  }),
) {
  override get message(): string {
    return `${formatPlace(this)}: the store of the shared limits is unavailable: ${this.detail}`
  }
}

/**
 * Discord rejected too many requests (401, 403, 429). It blocks an IP address after 10 000 of them
 * in 10 minutes, so no more are sent.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     Effect.catchTag("DiscordInvalidRequestLimit", ({ retryAfter }) =>
 *       Effect.logFatal("close to a ban of this IP address").pipe(Effect.delay(retryAfter)),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordInvalidRequestLimit extends Schema.TaggedError<DiscordInvalidRequestLimit>()(
  "DiscordInvalidRequestLimit",
  { ...request, used: Schema.Number, limit: Schema.Number, retryAfter: Millis },
) {
  override get message(): string {
    return `${formatPlace(this)}: ${this.used} of ${this.limit} invalid requests used; nothing was sent, to avoid a ban of this IP address. Fix the cause of the 401, 403 or 429 responses, then try again in ${formatDelay(this.retryAfter)}`
  }
}

/**
 * Discord failed (5xx), and retries were not allowed or did not succeed.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     Effect.catchTag("DiscordServerError", ({ status, delivered }) =>
 *       Effect.logError(`Discord failed with ${status}; posted: ${delivered}`),
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordServerError extends Schema.TaggedError<DiscordServerError>()(
  "DiscordServerError",
  {
    ...response,
    delivered: Delivered,
    attempts: Schema.Number,
  },
) {
  override get message(): string {
    return `${formatResponse(this)}: ${this.reply || "no reason given"}; ${outcome(this)}`
  }
}

const transportReasons = {
  refused: "the connection was refused",
  dns: "the host name could not be resolved",
  tls: "no secure connection could be made",
  timeout: "no response in time",
  proxy:
    "the proxy opened no tunnel to Discord; check its address, user and password (HTTPS_PROXY), or leave Discord out of it (NO_PROXY)",
  broken: "the connection broke",
  tooLarge: "the response is larger than 8 MiB",
  invalidUrl: "the base URL is not a URL",
  encode: "the body could not be encoded",
}

/**
 * No complete response arrived: the connection failed, broke or timed out.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, later: Effect.Effect<void>) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     Effect.catchIf(
 *       (error) => error._tag === "DiscordTransportError" && error.delivered === "no",
 *       () => later,
 *     ),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordTransportError extends Schema.TaggedError<DiscordTransportError>()(
  "DiscordTransportError",
  {
    ...request,
    reason: keysOf(transportReasons),
    delivered: Delivered,
    attempts: Schema.Number,
  },
) {
  override get message(): string {
    return `${formatPlace(this)}: ${transportReasons[this.reason]}; ${outcome(this)}`
  }
}

/**
 * A 2xx response does not have the documented form: it is HTML, incomplete JSON, or lacks a field.
 * `delivered` is `"yes"` if the headers or the `id` show that Discord sent it, and `"unknown"`
 * otherwise: a login page may have responded, or another server that `baseUrl` names by mistake.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hi" }).pipe(
 *     // The message is posted, but its id is unknown.
 *     Effect.catchTag("DiscordDecodeError", (error) => Effect.logWarning(error.message)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordDecodeError extends Schema.TaggedError<DiscordDecodeError>()(
  "DiscordDecodeError",
  {
    ...request,
    status: Schema.Number,
    delivered: Delivered,
    /** The Content-Type of the response, if it has one. */
    contentType: exactOptional(Schema.String),
    issues: Schema.Array(Issue),
  },
) {
  override get message(): string {
    const type = this.contentType === undefined ? "" : ` (${this.contentType})`
    const advice =
      this.delivered === "unknown"
        ? "it does not come from Discord; check baseUrl, and for a proxy or a login page in between; "
        : ""
    return `${formatPlace(this)}: response ${this.status}${type}, but the body is not what Discord documents: ${formatIssues(this.issues)}; ${advice}${delivery[this.delivered]}`
  }
}

/**
 * Discord rejected the request with a code that has no error class of its own.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Webhook } from "effect-discord"
 *
 * const send = (hook: Webhook.Webhook, content: string) =>
 *   Webhook.send(hook, { content }).pipe(
 *     Effect.catchIf(
 *       // Blocked by AutoMod.
 *       (error) => error._tag === "DiscordApiError" && error.code === 200_000,
 *       () => Effect.logWarning("AutoMod did not like it"),
 *     ),
 *   )
 * ```
 *
 * @see https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
 * @since 0.1.0
 * @category errors
 */
export class DiscordApiError extends Schema.TaggedError<DiscordApiError>()("DiscordApiError", {
  ...response,
}) {
  override get message(): string {
    return `${formatResponse(this)}: ${this.reply || "no reason given"}`
  }
}

/**
 * An option is invalid. The error is raised when the layer is built.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Strategy } from "effect-discord"
 *
 * const strategy = Strategy.layerProactiveWith({ threshold: 2 }).pipe(
 *   Layer.tapError(({ option }) => Effect.logError(option)), // "Strategy.threshold"
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordInvalidOption extends Schema.TaggedError<DiscordInvalidOption>()(
  "DiscordInvalidOption",
  {
    /** Such as `Strategy.threshold`. */
    option: Schema.String,
    expected: Schema.String,
    actual: Schema.String,
  },
) {
  override get message(): string {
    return `${this.option}: expected ${this.expected}, got ${this.actual}`
  }
}

/**
 * The errors of waiting for the rate limiter. Those of a deleted webhook are remembered from an earlier response.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { WebhookError } from "effect-discord"
 *
 * const isAboutWaiting = Schema.is(WebhookError.WaitError)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const WaitError = Schema.Union(
  WebhookRateLimited,
  WebhookQueueFull,
  DiscordRateLimiterClosed,
  DiscordRateLimiterUnavailable,
  DiscordInvalidRequestLimit,
  WebhookNotFound,
  WebhookUnauthorized,
  WebhookInteractionError,
)
/**
 * @since 0.1.0
 * @category errors
 */
export type WaitError = typeof WaitError.Type

/**
 * The errors of webhook operations.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const announce = (hook: Webhook.Webhook) =>
 *   Webhook.send(hook, { content: "hello" }).pipe(
 *     Effect.catchTag("WebhookNotFound", (gone) => Effect.logWarning(gone.message)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const WebhookError = Schema.Union(
  WebhookValidationError,
  WebhookBadRequest,
  WebhookNotFound,
  WebhookMessageNotFound,
  WebhookUnauthorized,
  WebhookForbidden,
  WebhookInteractionError,
  WebhookThreadError,
  WebhookFileError,
  WebhookPayloadTooLarge,
  WebhookRateLimited,
  WebhookQueueFull,
  DiscordRateLimiterClosed,
  DiscordRateLimiterUnavailable,
  DiscordInvalidRequestLimit,
  DiscordServerError,
  DiscordTransportError,
  DiscordDecodeError,
  DiscordApiError,
)
/**
 * @since 0.1.0
 * @category errors
 */
export type WebhookError = typeof WebhookError.Type

function outcome(error: { readonly delivered: Delivered; readonly attempts: number }): string {
  const attempts = error.attempts === 1 ? "1 attempt" : `${error.attempts} attempts`
  return `${delivery[error.delivered]} (${attempts})`
}

function formatRetry(delay: Duration.Duration | undefined): string {
  const text = delay === undefined ? "0" : formatDelay(delay)
  return text === "0" ? "" : `; try again in ${text}`
}

/** In whole milliseconds, rounded up: the limiter counts in fractions of them. */
function formatDelay(delay: Duration.Duration): string {
  return Duration.format(Duration.millis(Math.ceil(Duration.toMillis(delay))))
}

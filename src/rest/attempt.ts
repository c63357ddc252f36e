/**
 * An attempt: its state while it runs, the classification of its response, and its result. Pure, except
 * for the state. Discord's JSON code decides first, the status second, the error message never.
 *
 * Discord: "Opcodes and Status Codes", JSON error codes.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { DiscordDecodeError } from "../error/WebhookError.js"
import type { Delivered, Issue, WebhookError } from "../error/WebhookError.js"
import * as DiscordApiBody from "../model/DiscordApiBody.js"
import { DeadWebhooks } from "../ratelimit/deadWebhooks.js"
import { errorFields } from "../error/message.js"
import * as Permit from "../ratelimit/Permit.js"
import * as RateLimitHeaders from "../ratelimit/RateLimitHeaders.js"
import type { RateLimited } from "../ratelimit/ResponseInfo.js"
import { secondsToMillis } from "../ratelimit/time.js"
import { toClientError, toSlowmodeError } from "./clientErrors.js"
import { containsToken, redactToken } from "./redactToken.js"
import type { FailConsumed, ResolvedConfig, ResponseBody, RestRequest } from "./request.js"
import { sanitize } from "./sanitize.js"
import { broken, notStarted } from "./transportErrors.js"
import type { TransportFailure } from "./transportErrors.js"

/** Restores the interruptibility of the caller of `execute`. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * `started` once the request may arrive, `response` once the head of the response has arrived,
 * `failure` once the connection has failed. The state outlives an interruption, so that the limiter
 * can still be updated.
 */
export interface AttemptState {
  started: boolean
  response: RawResponse | undefined
  failure: TransportFailure | undefined
  /** Set by a transport without a fiber: aborts the request when the caller is interrupted. */
  abort: (() => void) | undefined
}

/** A response as it was received. */
export interface RawResponse {
  readonly status: number
  readonly headers: RateLimitHeaders.RateLimitHeaders
  /** Whether Discord's own load balancer forwarded it; see {@link parseHead}. */
  readonly isViaGoogle: boolean
  /** Not sanitized; it may contain the token. */
  readonly contentType: string | undefined
  /** Created by a dry run. */
  readonly isDryRun: boolean
  /** `undefined`: the connection broke or timed out before the end of the body. */
  readonly body: string | undefined
}

/** Marks the fake responses of a dry run. */
export const dryRunHeader = "x-effect-discord-dry-run"

/**
 * Discord's servers are behind Google's load balancer, which adds `Via: 1.1 google`; what Cloudflare
 * sends by itself lacks it (discord-api-docs#1463). Other proxies add a `Via` with their own name.
 */
const viaGoogle = /\bgoogle\b/i

/** Parses the head of a response. A 429 without its body still counts as a 429. */
export function parseHead(
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  token: Redacted.Redacted,
): RawResponse {
  const parsed = RateLimitHeaders.parse(headers)
  const contentType = headers["content-type"]
  const isDryRun = headers[dryRunHeader] !== undefined
  return {
    status,
    headers: removeTokenBucket(parsed, token),
    isViaGoogle: viaGoogle.test(headers["via"] ?? ""),
    contentType,
    isDryRun,
    body: undefined,
  }
}

/**
 * Removes a bucket name that contains the token: a proxy may derive the name from the URL. Without
 * a name the bucket is identified by its route.
 */
function removeTokenBucket(
  headers: RateLimitHeaders.RateLimitHeaders,
  token: Redacted.Redacted,
): RateLimitHeaders.RateLimitHeaders {
  const { bucket } = headers
  return bucket === undefined || isSafeBucketName(bucket, token)
    ? headers
    : { ...headers, bucket: undefined }
}

/** Discord's names are 32 hexadecimal digits; those of other servers are checked for the token. */
function isSafeBucketName(name: string, token: Redacted.Redacted): boolean {
  return (
    /^[0-9a-f]{32}$/.test(name) || (/^[\w:.-]{1,64}$/.test(name) && !containsToken(name, token))
  )
}

/**
 * `TruncatedBody`: a success whose body is needed and incomplete. `NotDiscord`: a success that
 * Discord did not send. `ServerError`: a 5xx, or a 1xx in place of a response; the retry policy
 * decides about it.
 */
type Classification<A> =
  | { readonly _tag: "Success"; readonly value: A }
  | { readonly _tag: "TruncatedBody"; readonly delivered: Delivered }
  | { readonly _tag: "NotDiscord"; readonly error: WebhookError }
  | { readonly _tag: "RateLimited"; readonly limited: RateLimited }
  | { readonly _tag: "ServerError" }
  | { readonly _tag: "ClientError"; readonly error: WebhookError }

/** A classification with Discord's code and message, for errors, logs and the limiter. */
interface Interpretation<A> {
  readonly classification: Classification<A>
  /** Discord's JSON error code; 0 if there is none. */
  readonly code: number
  /** Discord's message, or the text of another server; sanitized. Empty for a success. */
  readonly reply: string
}

type Parsed<A> = Either.Either<A, ReadonlyArray<Issue>>

export function interpret<A>(
  request: RestRequest<A>,
  response: RawResponse,
  host: Destination,
): Interpretation<A> {
  if (response.status >= 200 && response.status < 300) {
    return { classification: interpretSuccess(request, response, host), code: 0, reply: "" }
  }
  // Before parsing, which changes the spelling and could hide the token from the redaction.
  const body = redactToken(response.body ?? "", request.token)
  const json = Either.getOrUndefined(parseJson(body))
  const errorBody = Option.getOrUndefined(DiscordApiBody.fromUnknown(json))
  const code = errorBody?.code ?? 0
  const reply = sanitize(getReply(body, errorBody), request.token)
  return {
    classification: interpretError(request, response, host, json, errorBody, reply),
    code,
    reply,
  }
}

/** Discord's message, or the whole body if nothing else describes the error. */
function getReply(body: string, errorBody: DiscordApiBody.Refusal | undefined): string {
  if (errorBody === undefined) return body
  return errorBody.message === "" && errorBody.fields.length === 0 ? body : errorBody.message
}

function interpretError(
  request: RestRequest<unknown>,
  response: RawResponse,
  host: Destination,
  json: unknown,
  errorBody: DiscordApiBody.Refusal | undefined,
  reply: string,
): Classification<never> {
  if (response.status >= 500 || isInformational(response.status)) return { _tag: "ServerError" }
  const code = errorBody?.code ?? 0
  const details = { ...errorFields(request.route), status: response.status, code, reply }
  if (response.status === 429) {
    const limit = parseRateLimit(response, host, json, code)
    const error = toSlowmodeError(request, details, limit.retryAfter)
    return error === undefined
      ? { _tag: "RateLimited", limited: limit }
      : { _tag: "ClientError", error }
  }
  const issues = sanitizeIssues(errorBody?.fields ?? [], request)
  const omitted = errorBody?.omitted ?? 0
  const bodyIssues = omitted === 0 ? { issues } : { issues, omitted }
  return { _tag: "ClientError", error: toClientError(request, details, bodyIssues) }
}

/** `node:http` returns a 101 as the response. It does not reject the request. */
function isInformational(status: number): boolean {
  return status >= 100 && status < 200
}

function interpretSuccess<A>(
  request: RestRequest<A>,
  response: RawResponse,
  host: Destination,
): Classification<A> {
  const json = parseJson(response.body ?? "")
  const isAcknowledged =
    isExpectedText(response.body, request.success) ||
    isFromDiscord(request.success, response, json, host)
  const value = readValue(request.success, json, isAcknowledged)
  if (Either.isRight(value)) return { _tag: "Success", value: value.right }
  const delivered = isAcknowledged ? "yes" : "unknown"
  if (response.body === undefined) return { _tag: "TruncatedBody", delivered }
  const error = makeDecodeError(request, response, delivered, value.left)
  return isAcknowledged ? { _tag: "ClientError", error } : { _tag: "NotDiscord", error }
}

function isExpectedText(body: string | undefined, wanted: ResponseBody<unknown>): boolean {
  if (wanted._tag !== "Ignored" || wanted.text === undefined) return false
  return body?.trim() === wanted.text
}

const notAnObject: Issue = { path: "", message: "the JSON is not an object of Discord" }

function readValue<A>(
  wanted: ResponseBody<A>,
  json: Parsed<unknown>,
  isAcknowledged: boolean,
): Parsed<A> {
  if (wanted._tag === "Decoded") return Either.flatMap(json, wanted.decode)
  if (isAcknowledged) return Either.right(wanted.value)
  return Either.flatMap(json, () => Either.left([notAnObject]))
}

/** If Discord sent the response, it acted on the request. */
function makeDecodeError(
  request: RestRequest<unknown>,
  { contentType, status }: RawResponse,
  delivered: Delivered,
  issues: ReadonlyArray<Issue>,
): DiscordDecodeError {
  return new DiscordDecodeError({
    ...errorFields(request.route),
    status,
    delivered,
    ...(contentType === undefined ? {} : { contentType: sanitize(contentType, request.token) }),
    issues: sanitizeIssues(issues, request),
  })
}

function parseJson(text: string): Parsed<unknown> {
  if (text.trim() === "") return Either.left([{ path: "", message: "the body is empty" }])
  try {
    return Either.right(JSON.parse(text) as unknown)
  } catch {
    return Either.left([{ path: "", message: "the body is not JSON" }])
  }
}

function sanitizeIssues(
  issues: ReadonlyArray<Issue>,
  request: RestRequest<unknown>,
): ReadonlyArray<Issue> {
  return issues.map((issue) => ({
    path: sanitize(issue.path, request.token),
    message: sanitize(issue.message, request.token),
    ...(issue.code === undefined ? {} : { code: sanitize(issue.code, request.token) }),
  }))
}

/** The host of the requests. */
type Destination = Pick<ResolvedConfig, "isDiscordHost">

/** Discord's JSON codes have at least five digits; other servers repeat the status in `code`. */
const minDiscordCode = 10_000

/**
 * Returns scope and delay of a 429.
 *
 * The delay is the larger of those in body and header, which have differed by a factor of a
 * thousand (discord-api-docs#6109). Only a header that is the body rounded up to a whole second, as
 * Discord sends it, yields to the exact value.
 *
 * Discord's own 429 limits its route. It has rate limit headers, a code of Discord (30046, too many
 * edits of old messages, comes without a delay), a delay or `global` in its JSON, or the `Via` of
 * Discord's servers. A message alone is no sign: Cloudflare's block of an address is JSON with a
 * message and the code 0 (discord-api-docs#5810). Cloudflare's problem details have a `retry_after`
 * and name their origin in `cloudflare_error`.
 */
function parseRateLimit(
  response: RawResponse,
  { isDiscordHost }: Destination,
  json: unknown,
  code: number,
): RateLimited {
  const { headers } = response
  const body = Option.getOrUndefined(DiscordApiBody.rateLimitFromUnknown(json))
  const exact = body && secondsToMillis(body.retryAfter)
  const isRounded = body !== undefined && headers.retryAfter === Math.ceil(body.retryAfter) * 1000
  const delays = [exact, isRounded ? undefined : headers.retryAfter].filter(isDelay)
  const retryAfter = delays.length === 0 ? undefined : delays.reduce((a, b) => Math.max(a, b))
  const fields = Predicate.isRecord(json) ? json : {}
  if (headers.global || fields["global"] === true) return { scope: "global", retryAfter }
  if (headers.scope !== undefined) return { scope: headers.scope, retryAfter }
  const hasCode = code >= minDiscordCode || body !== undefined || fields["global"] === false
  const isForwarded = isDiscordHost && response.isViaGoogle
  const fromDiscord =
    isForwarded || hasRateLimit(headers) || (hasCode && fields["cloudflare_error"] !== true)
  if (fromDiscord) return { scope: "user", retryAfter }
  return { scope: isDiscordHost ? "edge" : "proxy", retryAfter }
}

function hasRateLimit(headers: RateLimitHeaders.RateLimitHeaders): boolean {
  const { bucket, limit, remaining, reset, resetAfter } = headers
  return [bucket, limit, remaining, reset, resetAfter].some((value) => value !== undefined)
}

function isDelay(milliseconds: number | undefined): milliseconds is number {
  return (
    milliseconds !== undefined && milliseconds <= Duration.toMillis(RateLimitHeaders.longestDelay)
  )
}

/**
 * Whether Discord sent a 2xx response, and not a login page, a proxy or a server behind a wrong
 * `baseUrl`. Proxies drop headers, so one sign is enough: rate limit headers that only Discord
 * sends, or an object with a snowflake. `json` is a Left if the body is empty, invalid or truncated.
 *
 * Two signs are weaker, because any server may send them. A 204 counts where Discord responds with
 * one, on every host: it has no body to check, Discord's headers may be missing behind a proxy, and
 * HTTP defines it as success (RFC 9110, 15.3.5). In place of a message, and for the content type of
 * a truncated body, only Discord's host is trusted.
 */
function isFromDiscord(
  wanted: ResponseBody<unknown>,
  response: RawResponse,
  json: Parsed<unknown>,
  { isDiscordHost }: Destination,
): boolean {
  const { body, contentType, headers, status } = response
  if (headers.bucket !== undefined || headers.resetAfter !== undefined) return true
  if (status === 204) return wanted._tag === "Ignored" || isDiscordHost
  if (Either.isRight(json)) return isDiscordObject(json.right)
  return isDiscordHost && body === undefined && /^application\/json\b/i.test(contentType ?? "")
}

/** Every object that Discord returns to a webhook request has a snowflake as its `id`. */
function isDiscordObject(json: unknown): boolean {
  if (!Predicate.isRecord(json)) return false
  const { id } = json
  return typeof id === "string" && /^\d+$/.test(id)
}

export type AttemptResult<A> =
  | {
      readonly _tag: "Response"
      readonly outcome: Permit.Outcome
      readonly response: RawResponse
      readonly interpretation: Interpretation<A>
      /** Why the body is missing, if it is. */
      readonly failure: TransportFailure
      readonly failConsumed: FailConsumed | undefined
    }
  | {
      readonly _tag: "NoResponse"
      readonly outcome: Permit.Outcome
      readonly failure: TransportFailure
      /** Present if the request cannot be repeated, because a file cannot be read again. */
      readonly failConsumed: FailConsumed | undefined
    }

/**
 * Returns the result of an attempt. An interrupted attempt may have received the head of a
 * response.
 */
export function classifyAttempt<A>(
  request: RestRequest<A>,
  state: AttemptState,
  settings: ResolvedConfig,
): AttemptResult<A> {
  const { response, started, failure = started ? broken : notStarted } = state
  const failConsumed = request.body._tag === "Upload" ? request.body.failConsumed() : undefined
  if (response === undefined) {
    const outcome = failure.delivered === "no" ? Permit.neverSent : Permit.unknown
    return { _tag: "NoResponse", outcome, failure, failConsumed }
  }
  const interpretation = interpret(request, response, settings)
  const { classification } = interpretation
  return {
    _tag: "Response",
    outcome:
      // The limiter must not learn from a response that is not Discord's.
      classification._tag === "NotDiscord"
        ? Permit.unknown
        : Permit.responded({
            status: response.status,
            headers: response.headers,
            code: interpretation.code,
            message: interpretation.reply,
            limited: classification._tag === "RateLimited" ? classification.limited : undefined,
            ...(classification._tag === "Success" &&
              !response.isDryRun && {
                deleted: deletesWebhook(request),
                channelId: getChannelId(request, classification.value),
              }),
          }),
    response,
    interpretation,
    failure,
    failConsumed,
  }
}

/** The channel of the webhook; the object of a message in a thread has the id of the thread instead. */
function getChannelId(
  { inThread, route, startsThread }: RestRequest<unknown>,
  value: unknown,
): string | undefined {
  if (inThread || startsThread || route.kind === "interaction") return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a snowflake wherever it exists
  return (value as { readonly channelId?: string } | undefined)?.channelId
}

/**
 * A success means the same as the code by which Discord reports that the webhook does not exist.
 */
function deletesWebhook({ notFound, route }: RestRequest<unknown>): boolean {
  return notFound !== undefined && DeadWebhooks.isGone(notFound, route.kind)
}

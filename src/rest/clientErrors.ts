/** Maps responses to tagged errors, except for successes, rate limits and server errors. */
import * as Duration from "effect/Duration"
import {
  DiscordApiError,
  WebhookBadRequest,
  WebhookForbidden,
  WebhookInteractionError,
  WebhookMessageNotFound,
  WebhookNotFound,
  WebhookPayloadTooLarge,
  WebhookThreadError,
  WebhookUnauthorized,
} from "../error/WebhookError.js"
import type { Issue, WebhookError } from "../error/WebhookError.js"
import type { ErrorFields } from "../error/message.js"
import type { RestRequest } from "./request.js"

/** The fields of every error that is made from a response. */
export interface ErrorResponse extends ErrorFields {
  readonly status: number
  readonly code: number
  readonly reply: string
}

/** The first issues of the body, and the number of the others. */
interface BodyIssues {
  readonly issues: ReadonlyArray<Issue>
  readonly omitted?: number
}

/** Statuses that redirect. Browsers report a redirect that was not followed as status 0. */
const redirects: ReadonlySet<number> = new Set([0, 300, 301, 302, 303, 307, 308])

/** Explanations of statuses that Discord does not send. */
const statusReplies: ReadonlyMap<number, string> = new Map([
  [304, "a cache responded, though the request names no version to compare; check baseUrl"],
  [421, "the server does not serve this host; check baseUrl"],
])

const redirectReply =
  "a redirect to another address, which is not followed because the URL holds the token; check baseUrl"

/** Codes that always concern a thread. */
const threadReasons: ReadonlyMap<number, WebhookThreadError["reason"]> = new Map([
  [10087, "unknownTag"],
  [40058, "cannotPost"],
  [40066, "tagsReserved"],
  [40067, "tagRequired"],
  [50008, "cannotPost"],
  [50083, "archived"],
  [160005, "locked"],
  [160006, "tooManyActive"],
  [160007, "tooManyActive"],
  [200001, "titleBlocked"],
  [220001, "nameRequired"],
  [220002, "nameAndId"],
  [220003, "notAForum"],
  [220004, "serviceInForum"],
])

/** Codes that concern the thread if the request names one or starts one. */
const inThreadReasons: ReadonlyMap<number, WebhookThreadError["reason"]> = new Map([
  [20016, "slowmode"],
  [50001, "missingPermission"],
  [50013, "missingPermission"],
])

/** Codes that concern the token of an interaction. */
const interactionReasons: ReadonlyMap<number, WebhookInteractionError["reason"]> = new Map([
  [10015, "notResponded"],
  [40094, "tooManyFollowUps"],
  [50027, "expired"],
])

/** Codes that concern the body: its form, its JSON, or its files. */
const bodyCodes: ReadonlySet<number> = new Set([
  30015, 50006, 50035, 50046, 50109, 50110, 50123, 50138, 50146,
])

export function toClientError(
  request: RestRequest<unknown>,
  response: ErrorResponse,
  bodyIssues: BodyIssues,
): WebhookError {
  return errorByCode(request, response, bodyIssues) ?? errorByStatus(response, bodyIssues)
}

/**
 * Returns the error for a thread's own slowmode. It is not a limit of the webhook, so the limiter
 * must not delay messages to other threads.
 */
export function toSlowmodeError(
  request: RestRequest<unknown>,
  response: ErrorResponse,
  retryAfter: number | undefined,
): WebhookThreadError | undefined {
  const reason = response.code === 20016 ? getInThreadReason(request, response.code) : undefined
  if (reason === undefined) return undefined
  const wait = retryAfter === undefined ? {} : { retryAfter: Duration.millis(retryAfter) }
  return new WebhookThreadError({ ...response, reason, ...wait })
}

function errorByCode(
  request: RestRequest<unknown>,
  response: ErrorResponse,
  bodyIssues: BodyIssues,
): WebhookError | undefined {
  const { code, status } = response
  const { kind } = request.route
  const ended = kind === "interaction" ? interactionReasons.get(code) : undefined
  if (ended !== undefined) {
    return new WebhookInteractionError({ ...response, reason: ended, remembered: false })
  }
  const reason = threadReasons.get(code) ?? getInThreadReason(request, code)
  if (reason !== undefined) return new WebhookThreadError({ ...response, reason })
  if (bodyCodes.has(code)) return new WebhookBadRequest({ ...response, ...bodyIssues })
  switch (code) {
    case 10015:
      return new WebhookNotFound({ ...response, remembered: false })
    case 50027:
      return new WebhookUnauthorized({ ...response, remembered: false })
    // With a 403, the code means Discord's block against abuse, not a missing message.
    case 10008:
      return status === 403 ? undefined : new WebhookMessageNotFound(response)
    case 40005:
    case 50045:
      return new WebhookPayloadTooLarge(response)
    default:
      return undefined
  }
}

function getInThreadReason(
  request: RestRequest<unknown>,
  code: number,
): WebhookThreadError["reason"] | undefined {
  if (request.inThread && code === 10003) return "unknownThread"
  return request.inThread || request.startsThread ? inThreadReasons.get(code) : undefined
}

function errorByStatus(response: ErrorResponse, bodyIssues: BodyIssues): WebhookError {
  switch (response.status) {
    case 401:
      return new WebhookUnauthorized({ ...response, remembered: false })
    case 403:
      return new WebhookForbidden(response)
    case 413:
      return new WebhookPayloadTooLarge(response)
    case 400:
      return response.code === 0
        ? new WebhookBadRequest({ ...response, ...bodyIssues })
        : new DiscordApiError(response)
    default:
      return redirects.has(response.status)
        ? new DiscordApiError({ ...response, reply: redirectReply })
        : new DiscordApiError({
            ...response,
            reply: response.reply || (statusReplies.get(response.status) ?? response.reply),
          })
  }
}

/** What becomes of an entry after its request. Pure, so that it can be tested as a table. */
import * as Duration from "effect/Duration"
import type { WebhookError } from "../error/WebhookError.js"
import { isDead } from "../webhook/batchSender.js"
import type { Operation } from "./store.js"

export type Decision =
  /** Discord acted on it, although the response cannot be read. */
  | { readonly _tag: "Sent" }
  /** No request of this content will succeed. */
  | { readonly _tag: "Dead"; readonly reason: "rejected" }
  /** No request to this webhook will succeed. */
  | { readonly _tag: "WebhookDead" }
  /** It may or may not have taken effect. */
  | { readonly _tag: "InDoubt" }
  /** Nothing happened; `after` is Discord's own delay, if there is one. */
  | { readonly _tag: "Retry"; readonly after: Duration.Duration | undefined }

const rejected: Decision = { _tag: "Dead", reason: "rejected" }
const retry: Decision = { _tag: "Retry", after: undefined }

/** An edit or a deletion can be repeated without a further effect, so it is never in doubt. */
export function decide(operation: Operation, error: WebhookError): Decision {
  const isRepeatable = operation === "edit" || operation === "delete"
  if (isDead(error)) return { _tag: "WebhookDead" }
  switch (error._tag) {
    case "WebhookRateLimited":
    case "DiscordInvalidRequestLimit":
      return { _tag: "Retry", after: error.retryAfter }
    case "WebhookQueueFull":
    case "DiscordRateLimiterClosed":
    case "DiscordRateLimiterUnavailable":
      return retry
    case "WebhookThreadError":
      return decideThread(error.reason, error.retryAfter)
    case "DiscordServerError":
    case "DiscordTransportError":
      if (error._tag === "DiscordTransportError" && error.reason === "encode") return rejected
      return error.delivered === "no" || isRepeatable ? retry : { _tag: "InDoubt" }
    case "DiscordDecodeError":
      if (error.delivered === "yes") return { _tag: "Sent" }
      return isRepeatable ? retry : { _tag: "InDoubt" }
    case "WebhookFileError":
      // The bytes come from the store, so the file itself cannot be the cause of an unknown effect.
      return error.delivered === "no" || isRepeatable ? rejected : { _tag: "InDoubt" }
    case "WebhookValidationError":
    case "WebhookBadRequest":
    case "WebhookNotFound":
    case "WebhookMessageNotFound":
    case "WebhookUnauthorized":
    case "WebhookForbidden":
    case "WebhookInteractionError":
    case "WebhookPayloadTooLarge":
    case "DiscordApiError":
    default:
      return rejected
  }
}

/** Slowmode and a server's limit of active threads pass with time. */
function decideThread(
  reason: Extract<WebhookError, { readonly _tag: "WebhookThreadError" }>["reason"],
  after: Duration.Duration | undefined,
): Decision {
  return reason === "slowmode" || reason === "tooManyActive" ? { _tag: "Retry", after } : rejected
}

/**
 * The delay before the next attempt: `base`, doubled for each failure up to `max`, and shortened by up
 * to a half at random. Discord's own delay is a minimum.
 */
export function getBackoff(
  failures: number,
  after: Duration.Duration | undefined,
  { base, max }: { readonly base: number; readonly max: number },
  random: number,
): number {
  const doubled = Math.min(max, base * 2 ** Math.min(30, Math.max(0, failures - 1)))
  const delay = doubled * (1 - random / 2)
  return Math.ceil(Math.max(delay, after === undefined ? 0 : Duration.toMillis(after)))
}

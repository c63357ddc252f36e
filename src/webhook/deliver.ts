/** One message to one webhook, stored before it is done: what broadcasts, sinks and loggers do. */
import * as Effect from "effect/Effect"
import type { WebhookError } from "../error/WebhookError.js"
import type { Message } from "../model/Message.js"
import { Graveyard } from "../ratelimit/internal/graveyard.js"
import { execute } from "../rest/rest.js"
import type { Requirements } from "../rest/rest.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import * as requests from "./requests.js"

export const deliver = (
  operation: string,
  webhook: Webhook,
  message: MessageInput,
  place: requests.Place,
): Effect.Effect<Message, WebhookError, Requirements> =>
  Effect.flatMap(
    requests.sent(operation, webhook, message, place, requests.waiting, requests.asMessage),
    execute,
  )

/**
 * Whether the error says that the webhook is gone for good: deleted, or its token not valid any
 * more. Forget its URL; Discord restricts callers who go on.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const notify = (hook: Webhook.Webhook, forget: Effect.Effect<void>) =>
 *   Webhook.send(hook, { content: "hello" }).pipe(
 *     Effect.tapError((error) => (Webhook.isDead(error) ? forget : Effect.void)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category predicates
 */
export const isDead = (error: WebhookError): boolean => {
  const kind = error._tag === "WebhookInteractionError" ? "interaction" : "webhook"
  return "code" in error && Graveyard.isDeath(error, kind)
}

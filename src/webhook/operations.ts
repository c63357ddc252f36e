/** The operations of a webhook: method and path template of each, as documented by Discord. */
import type * as Redacted from "effect/Redacted"
import * as Route from "../ratelimit/Route.js"

/** The credentials of a request: of a webhook or of an interaction. */
export interface Sender {
  readonly id: string
  readonly token: Redacted.Redacted
  readonly tokenDigest: string
  readonly threadId: string | undefined
  readonly kind?: Route.Kind | undefined
}

/**
 * The operations with their own route. The other ways to send a message (`sendToThread`,
 * `createThread`, `broadcast`, `sink`) have the route of `send`.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationName =
  | "send"
  | "sendSlack"
  | "sendGitHub"
  | "getMessage"
  | "editMessage"
  | "deleteMessage"
  | "get"
  | "modify"
  | "delete"

interface Endpoint {
  readonly method: Route.Method
  readonly template: string
}

/** The initial response to an interaction, in place of a message id. */
const original = "@original"

const webhook = "/webhooks/{webhook.id}/{webhook.token}"
const message = `${webhook}/messages/{message.id}`

const endpoints: Readonly<Record<OperationName, Endpoint>> = {
  send: { method: "POST", template: webhook },
  sendSlack: { method: "POST", template: `${webhook}/slack` },
  sendGitHub: { method: "POST", template: `${webhook}/github` },
  getMessage: { method: "GET", template: message },
  editMessage: { method: "PATCH", template: message },
  deleteMessage: { method: "DELETE", template: message },
  get: { method: "GET", template: webhook },
  modify: { method: "PATCH", template: webhook },
  delete: { method: "DELETE", template: webhook },
}

/**
 * Returns the endpoint of an operation. That of an interaction's initial response has its own
 * template.
 */
export function getEndpoint(operation: OperationName, ofOriginal = false): Endpoint {
  const endpoint = endpoints[operation]
  return ofOriginal
    ? { ...endpoint, template: endpoint.template.replace("{message.id}", original) }
    : endpoint
}

export function isOriginal({ kind }: Sender, messageId: string | undefined): boolean {
  return kind === "interaction" && messageId === original
}

/** Creates the route. `operation` is the called function, for errors. */
export function makeRoute(
  sender: Sender,
  { method, template }: Endpoint,
  operation?: string,
): Route.Route {
  const { id: webhookId, kind, tokenDigest } = sender
  return Route.make({ method, template, webhookId, tokenDigest, kind, operation })
}

/**
 * Some clients allow the dot. There is no maximum length, because interaction tokens are much
 * longer.
 */
const tokenPattern = /^[A-Za-z0-9_.-]+$/

/** Path segments that are not a token, or that leave the path. */
const reservedSegment = /^(?:slack|github|\.+)$/

/** Whether a text can be a webhook's token. It becomes part of the URL. */
export function isToken(text: string): boolean {
  // The regular expression alone would accept `undefined` from untyped callers.
  return typeof text === "string" && tokenPattern.test(text) && !reservedSegment.test(text)
}

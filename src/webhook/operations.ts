/** The operations of a webhook: method and path template of each, as Discord documents them. */
import type * as Redacted from "effect/Redacted"
import * as Route from "../ratelimit/Route.js"

/** Whose token authorises a request: a webhook's, or an interaction's. */
export interface Sender {
  readonly id: string
  readonly token: Redacted.Redacted
  readonly tokenDigest: string
  readonly threadId: string | undefined
  readonly kind?: Route.Kind | undefined
}

/**
 * The operations that have a route of their own. Every other way to send a message (`sendToThread`,
 * `createThread`, `broadcast`, `sink`) has the route of `send`.
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

/** The initial response to an interaction, instead of a message's id. */
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

/** The endpoint of an operation. That of an interaction's initial response has its own template. */
export function getEndpoint(operation: OperationName, ofOriginal = false): Endpoint {
  const endpoint = endpoints[operation]
  return ofOriginal
    ? { ...endpoint, template: endpoint.template.replace("{message.id}", original) }
    : endpoint
}

export function isOriginal({ kind }: Sender, messageId: string | undefined): boolean {
  return kind === "interaction" && messageId === original
}

/** `operation` is the function that makes the request, where it is known, for errors. */
export function makeRoute(
  sender: Sender,
  { method, template }: Endpoint,
  operation?: string,
): Route.Route {
  const { id: webhookId, kind, tokenDigest } = sender
  return Route.make({ method, template, webhookId, tokenDigest, kind, operation })
}

/** Some clients allow the dot; interaction tokens are much longer, so there is no upper bound. */
const tokenPattern = /^[A-Za-z0-9_.-]+$/

/** What stands at the token's place in a path that lacks it, or walks out of it. */
const reservedSegment = /^(?:slack|github|\.+)$/

/** Whether a text may be a webhook's token; it becomes a part of the URL. */
export function isToken(text: string): boolean {
  // The regular expression alone takes `undefined` from untyped code for a token of that name.
  return typeof text === "string" && tokenPattern.test(text) && !reservedSegment.test(text)
}

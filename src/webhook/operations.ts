/**
 * The operations of a webhook: their names and routes, and the checks of their arguments. Errors about common
 * mistakes of untyped callers contain advice, but not the value, which may be the URL of a webhook.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Issue } from "../model/Issue.js"
import { nearest } from "../model/nearest.js"
import * as Snowflake from "../model/Snowflake.js"
import * as Route from "../ratelimit/Route.js"
import { isDeferred } from "../rest/upload/file.js"
import * as endpoints from "./endpoints.js"
import type { Endpoint } from "./endpoints.js"

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

/** The initial response to an interaction, in place of a message id. */
const original = "@original"

const byName: Readonly<Record<OperationName, Endpoint>> = endpoints

/** Returns the endpoint of an operation; with `ofOriginal`, that for the initial response. */
export function getEndpoint(operation: OperationName, ofOriginal = false): Endpoint {
  return ofOriginal ? toOriginal(byName[operation]) : byName[operation]
}

/** Returns the endpoint for an interaction's initial response, which has its own template. */
export function toOriginal(endpoint: Endpoint): Endpoint {
  return { ...endpoint, template: endpoint.template.replace("{message.id}", original) }
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
 * The dot is allowed because some clients allow it. There is no maximum length, because interaction tokens are much
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

const noInteraction: Issue = {
  path: "interaction",
  message:
    "expected an InteractionWebhook: make one with InteractionWebhook.make({ applicationId, token })",
}

/** Checks the fields instead of the class: another copy of this package has another class. */
export function findWebhookIssue(given: unknown): Issue | undefined {
  const isWebhook =
    Predicate.hasProperty(given, "id") &&
    typeof given.id === "string" &&
    Predicate.hasProperty(given, "tokenDigest") &&
    Predicate.hasProperty(given, "token") &&
    Redacted.isRedacted(given.token)
  if (isWebhook) return undefined
  const isInteraction = Predicate.hasProperty(given, "kind") && given.kind === "interaction"
  if (isInteraction) return noInteraction
  return { path: "webhook", message: `expected a Webhook, got ${describeWrongWebhook(given)}` }
}

function describeWrongWebhook(given: unknown): string {
  if (given === undefined || given === null) {
    return `${given}: make one with Webhook.config or Webhook.fromUrl`
  }
  if (Array.isArray(given)) return "an array: Webhook.broadcast sends to many webhooks"
  if (isDeferred(given)) {
    return "an Effect or a Promise: run it first, such as with yield* or Effect.flatMap"
  }
  if (typeof given === "string" || given instanceof URL || Redacted.isRedacted(given)) {
    return "a URL or another text: make a Webhook of the URL with Webhook.fromUrl"
  }
  return Predicate.hasProperty(given, "id") && Predicate.hasProperty(given, "token")
    ? "an object: make one with Webhook.make({ id, token })"
    : "something else: make one with Webhook.config or Webhook.fromUrl"
}

const noThread =
  "no thread can be chosen for an interaction, messages go where the command was used: send to a thread with Webhook.send"

const explainOption = (example: string): string =>
  `is an option and not a field of the message: pass ${example} after the message`

const didYouMeanContent = "is not a known field: did you mean content?"

/** Advice for unknown fields of a message, by the name of the field. */
export type Mistakes = ReadonlyMap<string, string>

export const webhookMistakes: Mistakes = new Map([
  ["threadId", explainOption("{ threadId }")],
  ["thread_id", explainOption("{ threadId }")],
  ["wait", explainOption("{ wait: false }")],
  ["text", didYouMeanContent],
  ["message", didYouMeanContent],
])

/** The operations of an interaction have no options. */
export const interactionMistakes: Mistakes = new Map([
  ["threadId", noThread],
  ["thread_id", noThread],
  ["wait", "is not an option of an interaction: Discord always returns the message"],
  ["text", didYouMeanContent],
  ["message", didYouMeanContent],
])

/** Adds advice to the Schema's issues, if there is any. */
export function explainIssue(issue: Issue, mistakes: Mistakes): Issue {
  if (issue.path === "" && issue.message.startsWith("expected an object")) {
    return {
      ...issue,
      message: `${issue.message}: a message is an object such as { content: "hello" }`,
    }
  }
  return { ...issue, message: mistakes.get(issue.path) ?? issue.message }
}

/** A thread; `null` for the channel itself; absent for the thread of the webhook's URL. */
export interface ThreadPlace {
  readonly threadId?: string | null | undefined
}

/** The place, if given. Untyped callers may pass `null`, and an interaction has no place. */
export type Place = ThreadPlace | null | undefined

export function getThreadId(sender: Sender, place: Place): string | undefined {
  const threadId = place?.threadId
  return threadId === undefined ? sender.threadId : (threadId ?? undefined)
}

export function findPlaceIssues(place: Place, threadId: string | undefined): ReadonlyArray<Issue> {
  const issues = findOptionIssues(place)
  return threadId === undefined ? issues : [...issues, ...findIdIssues("threadId", threadId)]
}

/** An ignored option would send the message to the wrong place. */
export function findInteractionOptionIssues(given: unknown): ReadonlyArray<Issue> {
  if (given === undefined || given === null) return []
  if (!Predicate.isRecord(given)) return [{ path: "options", message: "an interaction has none" }]
  return Object.keys(given).flatMap((name) => {
    if (given[name] === undefined) return []
    const message = interactionMistakes.get(name) ?? "is not a known option"
    return [{ path: `options.${name}`, message }]
  })
}

const options: ReadonlyArray<string> = ["threadId", "wait"]

/** An ignored option would send the message to the wrong place. */
function findOptionIssues(given: unknown): ReadonlyArray<Issue> {
  if (given === undefined || given === null) return []
  if (!Predicate.isRecord(given)) {
    return [{ path: "options", message: 'expected an object such as { threadId: "1234" }' }]
  }
  const issues: Array<Issue> = []
  // Iterates without allocating, because it runs for every message.
  for (const name in given) {
    if (!options.includes(name) && given[name] !== undefined) {
      const near = nearest(name, options)
      const hint = near === undefined ? "" : `: did you mean ${near}?`
      issues.push({ path: `options.${name}`, message: `is not a known option${hint}` })
    }
  }
  return issues
}

/** Required for safety: the id becomes part of the URL. */
export function findIdIssues(path: string, id: string): ReadonlyArray<Issue> {
  return Snowflake.isSnowflake(id) ? [] : [makeIdIssue(path, id)]
}

/** An argument that is not the id of a message or a thread. */
function makeIdIssue(path: string, given: unknown): Issue {
  return {
    path,
    message: `must be a snowflake: the digits of a Discord id${describeWrongId(given)}`,
  }
}

function describeWrongId(given: unknown): string {
  if (typeof given === "string") return ""
  if (typeof given === "number") return ", as a string: a number cannot hold all of its digits"
  return Predicate.hasProperty(given, "id") ? "; pass the id alone" : ", as a string"
}

/** Each operation as a request: checked, and nothing sent yet. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import type * as ParseResult from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import { ValidationError } from "../error/WebhookError.js"
import type { FileError } from "../error/WebhookError.js"
import * as compiled from "../model/compiled.js"
import * as Issue from "../model/Issue.js"
import * as Message from "../model/Message.js"
import * as FollowUpCreate from "../model/FollowUpCreate.js"
import * as MessageCreate from "../model/MessageCreate.js"
import * as MessageEdit from "../model/MessageEdit.js"
import * as Snowflake from "../model/Snowflake.js"
import * as WebhookInfo from "../model/WebhookInfo.js"
import * as WebhookModify from "../model/WebhookModify.js"
import * as Route from "../ratelimit/Route.js"
import { decoded, empty, ignored, json, restRequest } from "../rest/restRequest.js"
import type { RestRequest, Success } from "../rest/restRequest.js"
import type { FileUpload } from "../rest/upload/file.js"
import * as upload from "../rest/upload/upload.js"
import type { Webhook } from "./credentials.js"
import * as files from "./files.js"
import type { EditInput, FollowUpInput, MessageInput } from "./files.js"

/** Where in the channel: a thread; `null`: the channel itself; left out: what the URL said. */
export interface Place {
  readonly threadId?: string | null | undefined
}

/** Whose token authorises the request: a webhook's, or an interaction's. */
export interface Sender extends Pick<Webhook, "id" | "token" | "tokenDigest" | "threadId"> {
  readonly kind?: Route.Kind | undefined
}

/** The initial response to an interaction, instead of a message's id. */
export const original = "@original"

/** A request, once everything in it is right. */
export type Checked<A, E = never> = Effect.Effect<RestRequest<A>, ValidationError | E>

export const own = "/webhooks/{webhook.id}/{webhook.token}"
const withComponents = "with_components=true"

const decoder = <A, I>(schema: Schema.Schema<A, I>): Success<A> => {
  const decode = compiled.decoder(schema)
  return decoded((answer) => Either.mapLeft(decode(answer), Issue.fromParseError))
}

/** Built once: making a decoder costs more than using it. */
export const asMessage: Success<Message.Message> = decoder(Message.Message)
const asInfo: Success<WebhookInfo.WebhookInfo> = decoder(WebhookInfo.WebhookInfo)

/** What makes Discord answer with the message, once it is stored. */
export const waiting: ReadonlyArray<string> = ["wait=true"]

const nothing: Effect.Effect<undefined> = Effect.succeed(undefined)

const nothingToSend: Issue.Issue = {
  path: "",
  message: "there is nothing to send: give content, embeds, components, files or a poll",
}

/** Discord: 220002. */
const threadTwice: Issue.Issue = {
  path: "threadName",
  message:
    "excludes threadId, and the thread in the webhook's URL (threadId: null leaves that one): a message goes to a new thread or to an existing one",
}

export const sent = <A>(
  webhook: Webhook,
  message: MessageInput,
  place: Place,
  query: ReadonlyArray<string>,
  success: Success<A>,
): Checked<A, FileError> => {
  const route = routeOf(webhook, "POST", own)
  const threadId = threadOf(webhook, place)
  const parted = files.ofMessage(message)
  const given = orNothing(parted.message)
  const issues = [
    ...idIssues("threadId", threadId),
    ...parted.issues,
    ...(parted.files.length === 0 && MessageCreate.isEmpty(given) ? [nothingToSend] : []),
    ...(threadId !== undefined && given.threadName !== undefined ? [threadTwice] : []),
  ]
  const all = MessageCreate.hasComponents(given) ? [...query, withComponents] : query
  const encoded = checked(route, issues, MessageCreate.encode(parted.message), parted.pathOf)
  return Effect.map(bodied(route, encoded, parted), (body) =>
    restRequest({
      route,
      token: webhook.token,
      suffix: suffixOf("", all, threadId),
      inThread: threadId !== undefined,
      startsThread: given.threadName !== undefined,
      body,
      idempotent: false,
      success,
    }),
  )
}

/** Discord neither knows threads here nor needs to be asked to honour components. */
export const followedUp = (
  sender: Sender,
  message: FollowUpInput,
): Checked<Message.Message, FileError> => {
  const route = routeOf(sender, "POST", own)
  const parted = files.ofMessage(message)
  const isEmpty = parted.files.length === 0 && MessageCreate.isEmpty(orNothing(parted.message))
  const issues = [...parted.issues, ...(isEmpty ? [nothingToSend] : [])]
  const encoded = checked(route, issues, FollowUpCreate.encode(parted.message), parted.pathOf)
  return Effect.map(bodied(route, encoded, parted), (body) =>
    restRequest({
      route,
      token: sender.token,
      suffix: suffixOf("", waiting, undefined),
      inThread: false,
      body,
      idempotent: false,
      success: asMessage,
    }),
  )
}

export const read = (
  webhook: Sender,
  messageId: string,
  place: Place,
): Checked<Message.Message> => {
  const { issues, parts } = ofMessage(webhook, "GET", messageId, place)
  return Effect.map(checked(parts.route, issues, nothing), () =>
    restRequest({ ...parts, body: empty, success: asMessage }),
  )
}

/**
 * Sending an edit twice is the same as once, with files as well: it lists all that the message is
 * to have, so the second takes away what the first has added.
 */
export const edited = (
  webhook: Sender,
  messageId: string,
  edit: EditInput,
  place: Place,
): Checked<Message.Message, FileError> => {
  const parted = files.ofEdit(edit)
  const needsQuery =
    webhook.kind !== "interaction" && MessageEdit.hasComponents(orNothing(parted.message))
  const query = needsQuery ? [withComponents] : []
  const { issues, parts } = ofMessage(webhook, "PATCH", messageId, place, query)
  const all = [...issues, ...parted.issues]
  const encoded = checked(parts.route, all, MessageEdit.encode(parted.message), parted.pathOf)
  return Effect.map(bodied(parts.route, encoded, parted), (body) =>
    restRequest({ ...parts, body, success: asMessage }),
  )
}

export const deleted = (webhook: Sender, messageId: string, place: Place): Checked<void> => {
  const { issues, parts } = ofMessage(webhook, "DELETE", messageId, place)
  return Effect.map(checked(parts.route, issues, nothing), () =>
    restRequest({
      ...parts,
      body: empty,
      success: ignored,
      absent: { code: 10008, value: undefined },
    }),
  )
}

export const webhookRead = (webhook: Webhook): RestRequest<WebhookInfo.WebhookInfo> =>
  restRequest({
    ...ofWebhook(webhook, "GET"),
    body: empty,
    success: asInfo,
  })

export const webhookModified = (
  webhook: Webhook,
  changes: WebhookModify.WebhookModify,
): Checked<WebhookInfo.WebhookInfo> => {
  const parts = ofWebhook(webhook, "PATCH")
  return Effect.map(checked(parts.route, [], WebhookModify.encode(changes)), (encoded) =>
    restRequest({ ...parts, body: json(encoded), success: asInfo }),
  )
}

export const webhookDeleted = (webhook: Webhook): RestRequest<void> =>
  restRequest({
    ...ofWebhook(webhook, "DELETE"),
    body: empty,
    success: ignored,
    absent: { code: 10015, value: undefined },
  })

/** The webhook itself, and not a message of it. */
function ofWebhook(webhook: Webhook, method: Route.Method) {
  const route = routeOf(webhook, method, own)
  return { route, token: webhook.token, suffix: "", inThread: false, idempotent: true }
}

/** Untyped code may pass `null`: the Schema refuses it, and nothing before the Schema may trip over it. */
export function orNothing<A extends object>(input: A): Partial<A> {
  const given: A | null | undefined = input
  return given ?? {}
}

/** A message's JSON, in a form with its files if it has any. */
function bodied<E>(
  route: Route.Route,
  encoded: Effect.Effect<unknown, E>,
  parted: { readonly files: ReadonlyArray<FileUpload>; readonly kept: number },
): Effect.Effect<RestRequest<unknown>["body"], E | FileError> {
  if (parted.files.length === 0) return Effect.map(encoded, json)
  return Effect.flatMap(
    // First, because it says more of too many files than the Schema.
    Effect.zipRight(upload.checked(route.name, parted.files, parted.kept), encoded),
    (wire) => upload.upload(route.name, wire, parted.files),
  )
}

export function checked<A>(
  route: Route.Route,
  found: ReadonlyArray<Issue.Issue>,
  encoded: Effect.Effect<A, ParseResult.ParseError>,
  pathOf: (path: string) => string = Function.identity,
): Effect.Effect<A, ValidationError> {
  const refuse = (issues: ReadonlyArray<Issue.Issue>): ValidationError =>
    new ValidationError({
      route: route.name,
      issues: [...found, ...issues.map((issue) => ({ ...issue, path: pathOf(issue.path) }))],
    })
  const valid = Effect.mapError(encoded, (error) => refuse(Issue.fromParseError(error)))
  return found.length === 0 ? valid : Effect.zipRight(valid, Effect.fail(refuse([])))
}

export function routeOf(webhook: Sender, method: Route.Method, template: string): Route.Route {
  const { id, kind, tokenDigest } = webhook
  return Route.make({ method, template, webhookId: id, tokenDigest, kind })
}

/** A message of the webhook; whatever is done with it can be done twice. */
function ofMessage(
  webhook: Sender,
  method: Route.Method,
  messageId: string,
  place: Place,
  query: ReadonlyArray<string> = [],
) {
  const threadId = threadOf(webhook, place)
  const isOriginal = webhook.kind === "interaction" && messageId === original
  const template = isOriginal ? original : "{message.id}"
  return {
    parts: {
      route: routeOf(webhook, method, `${own}/messages/${template}`),
      token: webhook.token,
      suffix: suffixOf(`/messages/${messageId}`, query, threadId),
      inThread: threadId !== undefined,
      idempotent: true,
    },
    issues: [
      ...(isOriginal ? [] : idIssues("messageId", messageId)),
      ...idIssues("threadId", threadId),
    ],
  }
}

export function threadOf(webhook: Sender, place: Place): string | undefined {
  return place.threadId === undefined ? webhook.threadId : (place.threadId ?? undefined)
}

/** Not only courtesy: an id becomes a part of the URL. */
export function idIssues(path: string, id: string | undefined): ReadonlyArray<Issue.Issue> {
  return id === undefined || Snowflake.isSnowflake(id)
    ? []
    : [{ path, message: "must be a snowflake: the digits of a Discord id" }]
}

/** What follows the token in the URL. */
export function suffixOf(
  path: string,
  query: ReadonlyArray<string>,
  threadId: string | undefined,
): string {
  const all = threadId === undefined ? query : [...query, `thread_id=${threadId}`]
  return all.length === 0 ? path : `${path}?${all.join("&")}`
}

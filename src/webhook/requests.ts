/** Each operation as a request: checked, and nothing sent yet. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import { abridged } from "../error/message.js"
import { WebhookValidationError } from "../error/WebhookError.js"
import type { WebhookFileError } from "../error/WebhookError.js"
import * as compiled from "../model/codec.js"
import * as FollowUpCreate from "../model/FollowUpCreate.js"
import * as Issue from "../model/Issue.js"
import * as Message from "../model/Message.js"
import * as MessageCreate from "../model/MessageCreate.js"
import * as MessageEdit from "../model/MessageEdit.js"
import * as Snowflake from "../model/Snowflake.js"
import * as WebhookInfo from "../model/WebhookInfo.js"
import * as WebhookModify from "../model/WebhookModify.js"
import { errorFields } from "../ratelimit/errorFields.js"
import type * as Route from "../ratelimit/Route.js"
import { decoded, empty, ignored, json, restRequest } from "../rest/request.js"
import type { RestRequest, Success } from "../rest/request.js"
import * as upload from "../rest/upload/upload.js"
import type { Webhook } from "./credentials.js"
import * as files from "./files.js"
import { missingFileIssues, voiceIssues } from "./files.js"
import type { EditInput, FollowUpInput, MessageInput } from "./files.js"
import { explained, idIssue, optionIssues, webhookIssue } from "./misuse.js"
import { endpointOf, isOriginal, routeOf } from "./operations.js"
import type { OperationName, Sender } from "./operations.js"

type Outgoing =
  | MessageCreate.MessageCreate
  | FollowUpCreate.FollowUpCreate
  | MessageEdit.MessageEdit

/** Where in the channel: a thread; `null`: the channel itself; left out: what the URL said. */
export interface Place {
  readonly threadId?: string | null | undefined
}

/** A request, once everything in it is right. */
export type Checked<A, E = never> = Effect.Effect<RestRequest<A>, WebhookValidationError | E>

const withComponents = "with_components=true"

const decoder = <A, I>(schema: Schema.Schema<A, I>): Success<A> => {
  const decode = compiled.makeDecoder(schema)
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
  operation: string,
  webhook: Webhook,
  message: MessageInput,
  place: Place | null,
  query: ReadonlyArray<string>,
  success: Success<A>,
): Checked<A, WebhookFileError> =>
  described(operation, webhook, "send", (route) => {
    const threadId = threadOf(webhook, place)
    const parted = files.ofMessage(message)
    const given = orNothing(parted.message)
    const issues = [
      ...placeIssues(place, threadId),
      ...parted.issues,
      ...emptyIssues(message, parted),
      ...(threadId !== undefined && given.threadName !== undefined ? [threadTwice] : []),
    ]
    const all = MessageCreate.hasComponents(given) ? [...query, withComponents] : query
    const encoded = checked(route, issues, MessageCreate.encode(parted.message), ofSchema(parted))
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
  })

/** Discord neither knows threads here nor needs to be asked to honour components. */
export const followedUp = (
  operation: string,
  sender: Sender,
  message: FollowUpInput,
): Checked<Message.Message, WebhookFileError> =>
  described(operation, sender, "send", (route) => {
    const parted = files.ofMessage(message)
    const issues = [...parted.issues, ...emptyIssues(message, parted)]
    const encoded = checked(route, issues, FollowUpCreate.encode(parted.message), ofSchema(parted))
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
  })

export const read = (
  operation: string,
  webhook: Sender,
  messageId: string,
  place: Place,
): Checked<Message.Message> =>
  described(
    operation,
    webhook,
    "getMessage",
    (route) => {
      const { issues, parts } = ofMessage(webhook, route, messageId, place)
      return Effect.map(checked(route, issues, nothing), () =>
        restRequest({ ...parts, body: empty, success: asMessage }),
      )
    },
    messageId,
  )

/**
 * Sending an edit twice is the same as once, with files as well: it lists all that the message is
 * to have, so the second takes away what the first has added.
 */
export const edited = (
  operation: string,
  webhook: Sender,
  messageId: string,
  edit: EditInput,
  place: Place,
): Checked<Message.Message, WebhookFileError> =>
  described(
    operation,
    webhook,
    "editMessage",
    (route) => {
      const parted = files.ofEdit(edit)
      const needsQuery =
        webhook.kind !== "interaction" && MessageEdit.hasComponents(orNothing(parted.message))
      const query = needsQuery ? [withComponents] : []
      const { issues, parts } = ofMessage(webhook, route, messageId, place, query)
      const all = [...issues, ...parted.issues]
      const encoded = checked(route, all, MessageEdit.encode(parted.message), ofSchema(parted))
      return Effect.map(bodied(route, encoded, parted), (body) =>
        restRequest({ ...parts, body, success: asMessage }),
      )
    },
    messageId,
  )

export const deleted = (
  operation: string,
  webhook: Sender,
  messageId: string,
  place: Place,
): Checked<void> =>
  described(
    operation,
    webhook,
    "deleteMessage",
    (route) => {
      const { issues, parts } = ofMessage(webhook, route, messageId, place)
      return Effect.map(checked(route, issues, nothing), () =>
        restRequest({
          ...parts,
          body: empty,
          success: ignored,
          absent: { code: 10008, value: undefined },
        }),
      )
    },
    messageId,
  )

export const webhookRead = (
  operation: string,
  webhook: Webhook,
): Checked<WebhookInfo.WebhookInfo> =>
  described(operation, webhook, "get", (route) =>
    Effect.succeed(restRequest({ ...toWebhook(webhook, route), body: empty, success: asInfo })),
  )

export const webhookModified = (
  operation: string,
  webhook: Webhook,
  changes: WebhookModify.WebhookModify,
): Checked<WebhookInfo.WebhookInfo> =>
  described(operation, webhook, "modify", (route) =>
    Effect.map(checked(route, [], WebhookModify.encode(changes)), (encoded) =>
      restRequest({ ...toWebhook(webhook, route), body: json(encoded), success: asInfo }),
    ),
  )

export const webhookDeleted = (operation: string, webhook: Webhook): Checked<void> =>
  described(operation, webhook, "delete", (route) =>
    Effect.succeed(
      restRequest({
        ...toWebhook(webhook, route),
        body: empty,
        success: ignored,
        absent: { code: 10015, value: undefined },
      }),
    ),
  )

/**
 * How every request begins: `operation` is the function that was called, for errors; `describe` runs when the operation does, with a webhook that is one. So
 * whatever is thrown while the input is read ends the operation, and not its caller.
 */
export function described<A, E>(
  operation: string,
  webhook: Sender,
  endpoint: OperationName,
  describe: (route: Route.Route) => Checked<A, E>,
  messageId?: string,
): Checked<A, E> {
  return Effect.suspend(() => {
    const issue = webhookIssue(webhook)
    if (issue !== undefined) {
      const { method, template } = endpointOf(endpoint)
      return Effect.fail(
        new WebhookValidationError({ operation, route: `${method} ${template}`, issues: [issue] }),
      )
    }
    const found = endpointOf(endpoint, isOriginal(webhook, messageId))
    return describe(routeOf(webhook, found, operation))
  })
}

/** The webhook itself, and not a message of it. */
function toWebhook({ token }: Webhook, route: Route.Route) {
  return { route, token, suffix: "", inThread: false, idempotent: true }
}

/** What is no message, or has files that are none, has other issues. */
function emptyIssues(
  input: unknown,
  {
    files: { length },
    issues,
    message,
  }: files.Parted<MessageCreate.MessageCreate | FollowUpCreate.FollowUpCreate>,
): ReadonlyArray<Issue.Issue> {
  const isEmpty = Predicate.isRecord(input) && length === 0 && issues.length === 0
  return isEmpty && MessageCreate.isEmpty(message) ? [nothingToSend] : []
}

/** Untyped code may pass `null`: the Schema refuses it, and nothing before the Schema may trip over it. */
function orNothing<A extends object>(input: A): Partial<A> {
  const given: A | null | undefined = input
  return given ?? {}
}

/** A message's JSON, in a form with its files if it has any. */
function bodied(
  route: Route.Route,
  encoded: Effect.Effect<unknown, WebhookValidationError>,
  parted: files.Parted<Outgoing>,
): Effect.Effect<RestRequest<unknown>["body"], WebhookValidationError | WebhookFileError> {
  const complete = coherent(route, encoded, parted)
  if (parted.files.length === 0) return Effect.map(complete, json)
  return Effect.flatMap(
    // First, because it says more of too many files than the Schema.
    Effect.zipRight(upload.checked(route, parted.files, parted.kept), complete),
    (wire) => upload.upload(route, wire, parted.files),
  )
}

/** The JSON of a message that is valid, and goes together with its files. */
function coherent<A>(
  route: Route.Route,
  encoded: Effect.Effect<A, WebhookValidationError>,
  parted: files.Parted<Outgoing>,
): Effect.Effect<A, WebhookValidationError> {
  return Effect.flatMap(encoded, (wire) => {
    const { files: uploads, message, names } = parted
    const issues = [...missingFileIssues(message, names), ...voiceIssues(message, uploads)]
    if (issues.length === 0) return Effect.succeed(wire)
    return Effect.fail(new WebhookValidationError({ ...errorFields(route), issues }))
  })
}

export function checked<A>(
  route: Route.Route,
  found: ReadonlyArray<Issue.Issue>,
  encoded: Effect.Effect<A, ParseResult.ParseError>,
  told: (issue: Issue.Issue) => Issue.Issue = Function.identity,
): Effect.Effect<A, WebhookValidationError> {
  const refuse = (issues: ReadonlyArray<Issue.Issue>): WebhookValidationError => {
    const { kept, rest } = abridged([...found, ...issues.map(told)])
    return new WebhookValidationError({ ...errorFields(route), issues: kept, ...rest })
  }
  const valid = Effect.mapError(encoded, (error) => refuse(Issue.fromParseError(error)))
  return found.length === 0 ? valid : Effect.zipRight(valid, Effect.fail(refuse([])))
}

/** What the Schema says of a message, in the place and in the words of its writer. */
function ofSchema({ pathOf }: { readonly pathOf: (path: string) => string }) {
  return (issue: Issue.Issue): Issue.Issue => explained({ ...issue, path: pathOf(issue.path) })
}

/** A message of the webhook; whatever is done with it can be done twice. */
function ofMessage(
  webhook: Sender,
  route: Route.Route,
  messageId: string,
  place: Place,
  query: ReadonlyArray<string> = [],
) {
  const threadId = threadOf(webhook, place)
  return {
    parts: {
      route,
      token: webhook.token,
      suffix: suffixOf(`/messages/${messageId}`, query, threadId),
      inThread: threadId !== undefined,
      idempotent: true,
    },
    issues: [
      ...(isOriginal(webhook, messageId) ? [] : idIssues("messageId", messageId)),
      ...placeIssues(place, threadId),
    ],
  }
}

/** Untyped code may pass `null` for the options. */
export function threadOf(webhook: Sender, place: Place | null): string | undefined {
  const threadId = place?.threadId
  return threadId === undefined ? webhook.threadId : (threadId ?? undefined)
}

export function placeIssues(
  place: Place | null,
  threadId: string | undefined,
): ReadonlyArray<Issue.Issue> {
  const issues = optionIssues(place)
  return threadId === undefined ? issues : [...issues, ...idIssues("threadId", threadId)]
}

/** Not only courtesy: an id becomes a part of the URL. */
function idIssues(path: string, id: string): ReadonlyArray<Issue.Issue> {
  return Snowflake.isSnowflake(id) ? [] : [idIssue(path, id)]
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

/** Builds and validates the request of each operation, without sending it. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import { errorFields, truncateIssues } from "../error/message.js"
import { WebhookValidationError } from "../error/WebhookError.js"
import type { WebhookFileError } from "../error/WebhookError.js"
import * as compiled from "../model/codec.js"
import * as FollowUpCreate from "../model/FollowUpCreate.js"
import * as Issue from "../model/Issue.js"
import * as Message from "../model/Message.js"
import * as MessageCreate from "../model/MessageCreate.js"
import * as MessageEdit from "../model/MessageEdit.js"
import * as WebhookInfo from "../model/WebhookInfo.js"
import * as WebhookModify from "../model/WebhookModify.js"
import type * as Route from "../ratelimit/Route.js"
import { decodedBody, emptyBody, ignoredBody, jsonBody, makeRequest } from "../rest/request.js"
import type { ResponseBody, RestRequest } from "../rest/request.js"
import type { Webhook } from "./credentials.js"
import * as endpoints from "./endpoints.js"
import * as files from "./files.js"
import { findMissingFiles, findVoiceIssues } from "./files.js"
import type { EditInput, FollowUpInput, MessageInput } from "./files.js"
import {
  explainIssue,
  findIdIssues,
  findInteractionOptionIssues,
  findPlaceIssues,
  findWebhookIssue,
  getThreadId,
  interactionMistakes,
  isOriginal,
  makeRoute,
  toOriginal,
  webhookMistakes,
} from "./operations.js"
import type { Mistakes, Place, Sender } from "./operations.js"

type OutgoingMessage =
  | MessageCreate.MessageCreate
  | FollowUpCreate.FollowUpCreate
  | MessageEdit.MessageEdit

/** A valid request. */
export type CheckedRequest<A, E = never> = Effect.Effect<RestRequest<A>, WebhookValidationError | E>

const withComponents = "with_components=true"

const makeDecoder = <A, I>(schema: Schema.Schema<A, I>): ResponseBody<A> => {
  const decode = compiled.makeDecoder(schema)
  return decodedBody((body) => Either.mapLeft(decode(body), Issue.fromParseError))
}

/** Created once: creating a decoder costs more than using it. */
export const messageBody: ResponseBody<Message.Message> = makeDecoder(Message.Message)
const infoBody: ResponseBody<WebhookInfo.WebhookInfo> = makeDecoder(WebhookInfo.WebhookInfo)

/** With it, Discord responds after storing the message, and returns it. */
export const waitQuery: ReadonlyArray<string> = ["wait=true"]

const nothing: Effect.Effect<undefined> = Effect.succeed(undefined)

const nothingToSend: Issue.Issue = {
  path: "",
  message: "there is nothing to send: give content, embeds, components, files or a poll",
}

const nothingButReceivedFiles: Issue.Issue = {
  path: "files",
  message:
    "there is nothing to send: the files of a received message do not go with its copy; download them from the url of each attachment, and pass them in files",
}

/** Discord: 220002. */
const twoThreads: Issue.Issue = {
  path: "threadName",
  message:
    "excludes threadId, and the thread in the webhook's URL (threadId: null ignores that one): a message goes to a new thread or to an existing one",
}

/** Builds the request at once; what it throws must fail the operation that runs. */
export const executeWebhook = <A>(
  operation: string,
  webhook: Webhook,
  message: MessageInput,
  place: Place,
  query: ReadonlyArray<string>,
  success: ResponseBody<A>,
): CheckedRequest<A, WebhookFileError> =>
  buildRequest(operation, webhook, endpoints.send, (route) => {
    const threadId = getThreadId(webhook, place)
    const split = files.splitMessage(message)
    const given = orEmpty(split.message)
    const issues = [
      ...findPlaceIssues(place, threadId),
      ...split.issues,
      ...findEmptyIssues(message, split),
      ...(threadId !== undefined && given.threadName !== undefined ? [twoThreads] : []),
    ]
    const all = MessageCreate.hasComponents(given) ? [...query, withComponents] : query
    const encoded = MessageCreate.encode(split.message)
    return map(encodeBody(route, issues, encoded, split, webhookMistakes), (body) =>
      makeRequest({
        route,
        token: webhook.token,
        suffix: buildSuffix("", all, threadId),
        inThread: threadId !== undefined,
        startsThread: given.threadName !== undefined,
        body,
        idempotent: false,
        success,
      }),
    )
  })

/** Sends a message that Discord returns once it is stored. */
export const sendMessage = (
  operation: string,
  webhook: Webhook,
  message: MessageInput,
  place: Place,
): CheckedRequest<Message.Message, WebhookFileError> =>
  Effect.suspend(() => executeWebhook(operation, webhook, message, place, waitQuery, messageBody))

/** Follow-ups have neither threads nor a parameter for components. */
export const createFollowUp = (
  operation: string,
  sender: Sender,
  message: FollowUpInput,
  place: Place,
): CheckedRequest<Message.Message, WebhookFileError> =>
  describeRequest(operation, sender, endpoints.send, (route) => {
    const split = files.splitMessage(message)
    const issues = [
      ...findInteractionOptionIssues(place),
      ...split.issues,
      ...findEmptyIssues(message, split),
    ]
    const encoded = FollowUpCreate.encode(split.message)
    return Effect.map(encodeBody(route, issues, encoded, split, interactionMistakes), (body) =>
      makeRequest({
        route,
        token: sender.token,
        suffix: buildSuffix("", waitQuery, undefined),
        inThread: false,
        body,
        idempotent: false,
        success: messageBody,
      }),
    )
  })

export const getMessage = (
  operation: string,
  webhook: Sender,
  messageId: string,
  place: Place,
): CheckedRequest<Message.Message> =>
  describeRequest(
    operation,
    webhook,
    endpoints.getMessage,
    (route) => {
      const { issues, parts } = getMessageParts(webhook, route, messageId, place)
      return Effect.map(validate(route, issues, nothing), () =>
        makeRequest({ ...parts, body: emptyBody, success: messageBody }),
      )
    },
    messageId,
  )

/**
 * An edit is idempotent, even with files: it lists all files of the message, so repeating it
 * removes those that the first one added.
 */
export const editMessage = (
  operation: string,
  webhook: Sender,
  messageId: string,
  edit: EditInput,
  place: Place,
): CheckedRequest<Message.Message, WebhookFileError> =>
  describeRequest(
    operation,
    webhook,
    endpoints.editMessage,
    (route) => {
      const split = files.splitEdit(edit)
      const isInteraction = webhook.kind === "interaction"
      const needsQuery = !isInteraction && MessageEdit.hasComponents(orEmpty(split.message))
      const query = needsQuery ? [withComponents] : []
      const { issues, parts } = getMessageParts(webhook, route, messageId, place, query)
      const all = [...issues, ...split.issues]
      const encoded = MessageEdit.encode(split.message)
      const mistakes = isInteraction ? interactionMistakes : webhookMistakes
      return Effect.map(encodeBody(route, all, encoded, split, mistakes, "edit"), (body) =>
        makeRequest({ ...parts, body, success: messageBody }),
      )
    },
    messageId,
  )

export const deleteMessage = (
  operation: string,
  webhook: Sender,
  messageId: string,
  place: Place,
): CheckedRequest<void> =>
  describeRequest(
    operation,
    webhook,
    endpoints.deleteMessage,
    (route) => {
      const { issues, parts } = getMessageParts(webhook, route, messageId, place)
      return Effect.map(validate(route, issues, nothing), () =>
        makeRequest({
          ...parts,
          body: emptyBody,
          success: ignoredBody,
          notFound: { code: 10008, value: undefined },
        }),
      )
    },
    messageId,
  )

export const getWebhook = (
  operation: string,
  webhook: Webhook,
): CheckedRequest<WebhookInfo.WebhookInfo> =>
  describeRequest(operation, webhook, endpoints.get, (route) =>
    Effect.succeed(
      makeRequest({ ...getWebhookParts(webhook, route), body: emptyBody, success: infoBody }),
    ),
  )

export const modifyWebhook = (
  operation: string,
  webhook: Webhook,
  changes: WebhookModify.WebhookModify,
): CheckedRequest<WebhookInfo.WebhookInfo> =>
  describeRequest(operation, webhook, endpoints.modify, (route) =>
    Effect.map(validate(route, [], WebhookModify.encode(changes)), (encoded) =>
      makeRequest({
        ...getWebhookParts(webhook, route),
        body: jsonBody(encoded),
        success: infoBody,
      }),
    ),
  )

export const deleteWebhook = (operation: string, webhook: Webhook): CheckedRequest<void> =>
  describeRequest(operation, webhook, endpoints.delete, (route) =>
    Effect.succeed(
      makeRequest({
        ...getWebhookParts(webhook, route),
        body: emptyBody,
        success: ignoredBody,
        notFound: { code: 10015, value: undefined },
      }),
    ),
  )

/**
 * Builds a request. `operation` is the called function, for errors. `describe` runs with the
 * operation, after the webhook has been checked, so what it throws fails the operation and not its
 * caller.
 */
export function describeRequest<A, E>(
  operation: string,
  webhook: Sender,
  endpoint: endpoints.Endpoint,
  describe: (route: Route.Route) => CheckedRequest<A, E>,
  messageId?: string,
): CheckedRequest<A, E> {
  return Effect.suspend(() => buildRequest(operation, webhook, endpoint, describe, messageId))
}

function buildRequest<A, E>(
  operation: string,
  webhook: Sender,
  endpoint: endpoints.Endpoint,
  describe: (route: Route.Route) => CheckedRequest<A, E>,
  messageId?: string,
): CheckedRequest<A, E> {
  const issue = findWebhookIssue(webhook)
  if (issue !== undefined) {
    const { method, template } = endpoint
    return Effect.fail(
      new WebhookValidationError({ operation, route: `${method} ${template}`, issues: [issue] }),
    )
  }
  const found = isOriginal(webhook, messageId) ? toOriginal(endpoint) : endpoint
  return describe(makeRoute(webhook, found, operation))
}

/** The parts of a request to the webhook itself. */
function getWebhookParts({ token }: Webhook, route: Route.Route) {
  return { route, token, suffix: "", inThread: false, idempotent: true }
}

/** An input that is not an object, or has invalid files, has other issues. */
function findEmptyIssues(
  input: unknown,
  {
    files: { length },
    issues,
    message,
  }: files.SplitFiles<MessageCreate.MessageCreate | FollowUpCreate.FollowUpCreate>,
): ReadonlyArray<Issue.Issue> {
  const isEmpty = Predicate.isRecord(input) && length === 0 && issues.length === 0
  if (!isEmpty || !MessageCreate.isEmpty(message)) return []
  return [hasReceivedFiles(input) ? nothingButReceivedFiles : nothingToSend]
}

function hasReceivedFiles(input: Readonly<Record<PropertyKey, unknown>>): boolean {
  const { attachments } = input
  return "channelId" in input && Array.isArray(attachments) && attachments.length > 0
}

/** Untyped callers may pass `null`, which the Schema rejects later. */
function orEmpty<A extends object>(input: A): Partial<A> {
  const given: A | null | undefined = input
  return given ?? {}
}

/**
 * Encodes a message as JSON, or as a form if it has files. Issues of the Schema get the paths of the
 * input, and advice.
 */
function encodeBody(
  route: Route.Route,
  issues: ReadonlyArray<Issue.Issue>,
  encoded: Effect.Effect<unknown, ParseResult.ParseError>,
  split: files.SplitFiles<OutgoingMessage>,
  mistakes: Mistakes,
  kind: "message" | "edit" = "message",
): Effect.Effect<RestRequest<unknown>["body"], WebhookValidationError | WebhookFileError> {
  const valid = validate(route, issues, encoded, (issue) =>
    explainIssue({ ...issue, path: split.pathOf(issue.path) }, mistakes),
  )
  const [first] = split.files
  if (first === undefined) {
    return flatMap(valid, (wire) => {
      const body = jsonBody(wire)
      return checkFiles(route, body, split, kind, body.text)
    })
  }
  const { uploader } = first
  const complete = flatMap(valid, (wire) => checkFiles(route, wire, split, kind))
  return Effect.flatMap(
    // First, because its error for too many files is more specific than the Schema's.
    Effect.zipRight(uploader.checkFiles(route, split.files, split.kept), complete),
    (wire) => uploader.makeUpload(route, wire, split.files),
  )
}

/** Whether the value is known: most messages are valid and have no files, and so need no fiber yet. */
function isRight<A, E>(
  effect: Effect.Effect<A, E>,
): effect is Effect.Effect<A, E> & Either.Right<never, A> {
  return Either.isEither(effect) && Either.isRight(effect)
}

export function flatMap<A, E, B, E2, R = never>(
  effect: Effect.Effect<A, E>,
  next: (value: A) => Effect.Effect<B, E2, R>,
): Effect.Effect<B, E | E2, R> {
  return isRight(effect) ? next(effect.right) : Effect.flatMap(effect, next)
}

function map<A, E, B>(effect: Effect.Effect<A, E>, next: (value: A) => B): Effect.Effect<B, E> {
  return flatMap(effect, (value) => Either.right(next(value)))
}

/**
 * Returns the encoded message if it is consistent with its files. `json` shows at once that most
 * messages refer to none. An edit of a voice message has its flag and keeps its file; Discord decides
 * about it.
 */
function checkFiles<A>(
  route: Route.Route,
  encoded: A,
  { files: uploads, message, names }: files.SplitFiles<OutgoingMessage>,
  kind: "message" | "edit",
  json?: string,
): Either.Either<A, WebhookValidationError> {
  const mayRefer = json === undefined || /attachment:/i.test(json)
  const missing = mayRefer ? findMissingFiles(message, names) : []
  const issues = kind === "edit" ? missing : [...missing, ...findVoiceIssues(message, uploads)]
  return issues.length === 0
    ? Either.right(encoded)
    : Either.left(new WebhookValidationError({ ...errorFields(route), issues }))
}

export function validate<A>(
  route: Route.Route,
  found: ReadonlyArray<Issue.Issue>,
  encoded: Effect.Effect<A, ParseResult.ParseError>,
  explain: (issue: Issue.Issue) => Issue.Issue = Function.identity,
): Effect.Effect<A, WebhookValidationError> {
  if (found.length === 0 && isRight(encoded)) return Either.right(encoded.right)
  const makeError = (issues: ReadonlyArray<Issue.Issue>): WebhookValidationError => {
    const { kept, rest } = truncateIssues([...found, ...issues.map(explain)])
    return new WebhookValidationError({ ...errorFields(route), issues: kept, ...rest })
  }
  const valid = Effect.mapError(encoded, (error) => makeError(Issue.fromParseError(error)))
  return found.length === 0 ? valid : Effect.zipRight(valid, Effect.fail(makeError([])))
}

/** The parts of a request to a message of the webhook; they are idempotent. */
function getMessageParts(
  webhook: Sender,
  route: Route.Route,
  messageId: string,
  place: Place,
  query: ReadonlyArray<string> = [],
) {
  const threadId = getThreadId(webhook, place)
  return {
    parts: {
      route,
      token: webhook.token,
      suffix: buildSuffix(`/messages/${messageId}`, query, threadId),
      inThread: threadId !== undefined,
      idempotent: true,
    },
    issues: [
      ...(isOriginal(webhook, messageId) ? [] : findIdIssues("messageId", messageId)),
      ...(webhook.kind === "interaction"
        ? findInteractionOptionIssues(place)
        : findPlaceIssues(place, threadId)),
    ],
  }
}

/** Returns the part of the URL after the token. */
export function buildSuffix(
  path: string,
  query: ReadonlyArray<string>,
  threadId: string | undefined,
): string {
  const all = threadId === undefined ? query : [...query, `thread_id=${threadId}`]
  return all.length === 0 ? path : `${path}?${all.join("&")}`
}

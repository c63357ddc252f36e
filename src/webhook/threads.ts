/** Builds the request that starts a thread: its first message, with name and tags of the thread. */
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import { WebhookValidationError } from "../error/WebhookError.js"
import type { WebhookFileError } from "../error/WebhookError.js"
import * as Issue from "../model/Issue.js"
import type { Message } from "../model/Message.js"
import * as ThreadCreate from "../model/ThreadCreate.js"
import { errorFields } from "../error/message.js"
import type { RestRequest } from "../rest/request.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import * as requests from "./requests.js"

type InputError = WebhookValidationError | WebhookFileError

type FirstMessage = Omit<MessageInput, "threadName" | "appliedTags">

/** Threads cannot be nested, so the thread of the webhook's URL is ignored. */
export const createThread = (
  operation: string,
  webhook: Webhook,
  thread: ThreadCreate.ThreadCreate,
  message: FirstMessage,
): Effect.Effect<RestRequest<Message>, InputError> => {
  const request = (first: MessageInput) =>
    requests.sendMessage(operation, webhook, first, { threadId: null })
  return Effect.suspend(() =>
    Effect.flatMap(findIssues(thread, message), (issues) =>
      issues.length === 0
        ? request({ ...message, threadName: thread.name, appliedTags: thread.appliedTags })
        : failWithIssues(request(message), issues),
    ),
  )
}

/**
 * Fails with the given issues and those of the message. If the message is valid, `flatMap` fails without
 * issues, so that `catchTag` has an error to add to.
 */
function failWithIssues<A>(
  request: Effect.Effect<RestRequest<A>, InputError>,
  issues: ReadonlyArray<Issue.Issue>,
): Effect.Effect<never, InputError> {
  return request.pipe(
    Effect.flatMap(
      ({ route }) => new WebhookValidationError({ ...errorFields(route), issues: [] }),
    ),
    Effect.catchTag(
      "WebhookValidationError",
      (error) =>
        new WebhookValidationError({
          ...Struct.pick(error, "operation", "webhookId", "route", "omitted"),
          issues: [...issues, ...error.issues],
        }),
    ),
  )
}

function findIssues(
  thread: ThreadCreate.ThreadCreate,
  message: FirstMessage,
): Effect.Effect<ReadonlyArray<Issue.Issue>> {
  return Effect.match(ThreadCreate.encode(thread), {
    onFailure: (error) => [...Issue.fromParseError(error), ...findMisplacedFields(message)],
    onSuccess: () => findMisplacedFields(message),
  })
}

/** The types exclude these fields; untyped callers may pass them. */
function findMisplacedFields(message: FirstMessage): ReadonlyArray<Issue.Issue> {
  const { threadName, appliedTags }: MessageInput = message ?? {}
  return Object.entries({ threadName, appliedTags }).flatMap(([path, given]) =>
    given === undefined
      ? []
      : [{ path, message: "belongs in the thread, not in its first message" }],
  )
}

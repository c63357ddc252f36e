/** A new thread as a request: its first message, with the name and tags of the thread in it. */
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import { WebhookValidationError } from "../error/WebhookError.js"
import type { WebhookFileError } from "../error/WebhookError.js"
import * as Issue from "../model/Issue.js"
import type { Message } from "../model/Message.js"
import * as ThreadCreate from "../model/ThreadCreate.js"
import { errorFields } from "../ratelimit/errorFields.js"
import type { RestRequest } from "../rest/request.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import * as requests from "./requests.js"

type InputError = WebhookValidationError | WebhookFileError

type FirstMessage = Omit<MessageInput, "threadName" | "appliedTags">

/** No thread is started inside another, so the one that the webhook's URL may name is left. */
export const createThread = (
  operation: string,
  webhook: Webhook,
  thread: ThreadCreate.ThreadCreate,
  message: FirstMessage,
): Effect.Effect<RestRequest<Message>, InputError> => {
  const request = (first: MessageInput) =>
    requests.executeWebhook(
      operation,
      webhook,
      first,
      { threadId: null },
      requests.waitQuery,
      requests.messageBody,
    )
  return Effect.suspend(() =>
    Effect.flatMap(findIssues(thread, message), (issues) =>
      issues.length === 0
        ? request({ ...message, threadName: thread.name, appliedTags: thread.appliedTags })
        : failWithIssues(request(message), issues),
    ),
  )
}

/** With what is wrong with the message, so that all of it comes at once. */
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

/** The types refuse it; code without types may say it all the same. */
function findMisplacedFields(message: FirstMessage): ReadonlyArray<Issue.Issue> {
  const { threadName, appliedTags }: MessageInput = message ?? {}
  return Object.entries({ threadName, appliedTags }).flatMap(([path, given]) =>
    given === undefined
      ? []
      : [{ path, message: "belongs to the thread, not to its first message" }],
  )
}

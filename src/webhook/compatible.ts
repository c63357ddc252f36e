/** Requests to the Slack- and GitHub-compatible endpoints. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { WebhookValidationError } from "../error/WebhookError.js"
import * as GitHubEvent from "../model/GitHubEvent.js"
import * as Issue from "../model/Issue.js"
import { lazy } from "../model/lazy.js"
import * as SlackMessage from "../model/SlackMessage.js"
import { errorFields } from "../error/message.js"
import type * as Route from "../ratelimit/Route.js"
import { jsonBody, makeRequest, okBody, type JsonBody, type RestRequest } from "../rest/request.js"
import type { Webhook } from "./credentials.js"
import * as endpoints from "./endpoints.js"
import { findPlaceIssues, getThreadId } from "./operations.js"
import type { ThreadPlace } from "./operations.js"
import { buildSuffix, describeRequest, validate } from "./requests.js"
import type { CheckedRequest } from "./requests.js"

/** The thread, and whether Discord waits until the message is stored, which is its default here. */
interface CompatibleOptions extends ThreadPlace {
  readonly wait?: boolean | undefined
}

const nothingToSend: Issue.Issue = {
  path: "",
  message: "there is nothing to send: give text or attachments",
}

const notJson: Issue.Issue = {
  path: "",
  message: "cannot be written as JSON: it contains a bigint or itself",
}

/** Discord returns the text `ok`, and no message. */
export const executeSlackWebhook = (
  operation: string,
  webhook: Webhook,
  message: SlackMessage.SlackMessage,
  options: CompatibleOptions,
): CheckedRequest<void> =>
  describeRequest(operation, webhook, endpoints.sendSlack, (route) => {
    const { issues, request } = describeService(webhook, route, "slack", options)
    const isEmpty = Predicate.isRecord(message) && SlackMessage.isEmpty(message)
    const found = isEmpty ? [...issues, nothingToSend] : issues
    return Effect.map(validate(route, found, SlackMessage.encode(message)), (encoded) =>
      request(jsonBody(encoded), undefined),
    )
  })

export const executeGitHubWebhook = (
  operation: string,
  webhook: Webhook,
  name: GitHubEvent.EventName,
  event: GitHubEvent.GitHubEvent,
  options: CompatibleOptions,
): CheckedRequest<void> =>
  describeRequest(operation, webhook, endpoints.sendGitHub, (route) => {
    const { issues, request } = describeService(webhook, route, "github", options)
    const found = [...findNameIssues(name), ...issues]
    return validate(route, found, GitHubEvent.encode(event)).pipe(
      Effect.flatMap((encoded) =>
        Effect.try({
          try: () => jsonBody(encoded),
          catch: () => new WebhookValidationError({ ...errorFields(route), issues: [notJson] }),
        }),
      ),
      Effect.map((body) => request(body, { "x-github-event": name })),
    )
  })

/** Checks the options. Returns their issues, and a function that makes the request of its body. */
function describeService(
  webhook: Webhook,
  route: Route.Route,
  service: "slack" | "github",
  options: CompatibleOptions | null,
): {
  readonly request: (body: JsonBody, headers: RestRequest<void>["headers"]) => RestRequest<void>
  readonly issues: ReadonlyArray<Issue.Issue>
} {
  const threadId = getThreadId(webhook, options)
  const query = options?.wait === false ? ["wait=false"] : []
  return {
    request: (body, headers) =>
      makeRequest({
        route,
        token: webhook.token,
        suffix: buildSuffix(`/${service}`, query, threadId),
        inThread: threadId !== undefined,
        headers,
        body,
        idempotent: false,
        success: okBody,
      }),
    issues: findPlaceIssues(options, threadId),
  }
}

const validateEventName = lazy(() => Schema.validateEither(GitHubEvent.EventName))

/** Checks the event's name, which becomes a header. */
function findNameIssues(name: string): ReadonlyArray<Issue.Issue> {
  return Either.match(validateEventName()(name), {
    onLeft: (error) => Issue.fromParseError(error).map((issue) => ({ ...issue, path: "name" })),
    onRight: () => [],
  })
}

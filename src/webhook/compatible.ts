/** What programs made for Slack and GitHub send, as requests to the endpoints that take it. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { WebhookValidationError } from "../error/WebhookError.js"
import * as GitHubEvent from "../model/GitHubEvent.js"
import * as Issue from "../model/Issue.js"
import { lazy } from "../model/lazy.js"
import * as SlackMessage from "../model/SlackMessage.js"
import { errorFields } from "../ratelimit/errorFields.js"
import type * as Route from "../ratelimit/Route.js"
import { json, ok, restRequest } from "../rest/request.js"
import type { Json, RestRequest } from "../rest/request.js"
import type { Webhook } from "./credentials.js"
import { checked, described, placeIssues, suffixOf, threadOf } from "./requests.js"
import type { Checked, Place } from "./requests.js"

/** Where to send, and whether to wait; here waiting is Discord's default. */
interface Options extends Place {
  readonly wait?: boolean | undefined
}

const nothingToSend: Issue.Issue = {
  path: "",
  message: "there is nothing to send: give text or attachments",
}

const notJson: Issue.Issue = {
  path: "",
  message: "cannot be written as JSON: it holds a bigint or itself",
}

/** Discord answers with the text `ok`: nothing that one could edit by. */
export const slack = (
  operation: string,
  webhook: Webhook,
  message: SlackMessage.SlackMessage,
  options: Options,
): Checked<void> =>
  described(operation, webhook, "sendSlack", (route) => {
    const { issues, request } = toService(webhook, route, "slack", options)
    const isEmpty = Predicate.isRecord(message) && SlackMessage.isEmpty(message)
    const found = isEmpty ? [...issues, nothingToSend] : issues
    return Effect.map(checked(route, found, SlackMessage.encode(message)), (encoded) =>
      request(json(encoded), undefined),
    )
  })

export const gitHub = (
  operation: string,
  webhook: Webhook,
  name: GitHubEvent.EventName,
  event: GitHubEvent.GitHubEvent,
  options: Options,
): Checked<void> =>
  described(operation, webhook, "sendGitHub", (route) => {
    const { issues, request } = toService(webhook, route, "github", options)
    const found = [...nameIssues(name), ...issues]
    return checked(route, found, GitHubEvent.encode(event)).pipe(
      Effect.flatMap((encoded) =>
        Effect.try({
          try: () => json(encoded),
          catch: () => new WebhookValidationError({ ...errorFields(route), issues: [notJson] }),
        }),
      ),
      Effect.map((body) => request(body, { "x-github-event": name })),
    )
  })

function toService(
  webhook: Webhook,
  route: Route.Route,
  service: "slack" | "github",
  options: Options | null,
): {
  readonly request: (body: Json, headers: RestRequest<void>["headers"]) => RestRequest<void>
  readonly issues: ReadonlyArray<Issue.Issue>
} {
  const threadId = threadOf(webhook, options)
  const query = options?.wait === false ? ["wait=false"] : []
  return {
    request: (body, headers) =>
      restRequest({
        route,
        token: webhook.token,
        suffix: suffixOf(`/${service}`, query, threadId),
        inThread: threadId !== undefined,
        headers,
        body,
        idempotent: false,
        success: ok,
      }),
    issues: placeIssues(options, threadId),
  }
}

const nameOf = lazy(() => Schema.validateEither(GitHubEvent.EventName))

/** The name becomes a header. */
function nameIssues(name: string): ReadonlyArray<Issue.Issue> {
  return Either.match(nameOf()(name), {
    onLeft: (error) => Issue.fromParseError(error).map((issue) => ({ ...issue, path: "name" })),
    onRight: () => [],
  })
}
